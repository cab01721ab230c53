/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: MMIO reads and writes of 1, 2, 4 and 8 bytes, at aligned and odd addresses. Reads of 1
 * and 2 bytes keep the rest of the register, 4 bytes clear its upper half; a write arrives once,
 * with its width and value. Read-modify-write and string instructions work, too.
 * Boot: flat, long mode, 0x100000; one CPU, no irqchip.
 */
#include "macros.inc"

/* The device has recorded this as the `count`th write. */
#define ASSERT_WRITTEN assert_written __LINE__,
.macro assert_written line, offset, length, value, count
	guest_assert_eq \line, AX_TEST_WRITE_OFFSET(%rbx), $\offset
	guest_assert_eq \line, AX_TEST_WRITE_LENGTH(%rbx), $\length
	guest_assert_eq \line, AX_TEST_WRITE_VALUE(%rbx), $\value
	guest_assert_eq \line, AX_TEST_WRITE_COUNT(%rbx), $\count
.endm

	GUEST_CODE64
	.globl	_start
_start:
	GUEST_LONG_SETUP
	mov	$0x1122334455667788, %rcx

	/* Reads. */
	mov	%rcx, %rax
	mov	AX_TEST_PATTERN(%rbx), %al
	GUEST_ASSERT_EQ %rax, $0x1122334455667780
	mov	%rcx, %rax
	mov	AX_TEST_PATTERN(%rbx), %ah
	GUEST_ASSERT_EQ %rax, $0x1122334455668088
	mov	%rcx, %rax
	mov	AX_TEST_PATTERN(%rbx), %ax
	GUEST_ASSERT_EQ %rax, $0x1122334455668180
	mov	%rcx, %rax
	mov	AX_TEST_PATTERN(%rbx), %eax
	GUEST_ASSERT_EQ %rax, $0x83828180
	mov	AX_TEST_PATTERN(%rbx), %rax
	GUEST_ASSERT_EQ %rax, $0x8786858483828180
	mov	%rcx, %r9
	mov	AX_TEST_PATTERN + 1(%rbx), %r9b
	GUEST_ASSERT_EQ %r9, $0x1122334455667781
	mov	AX_TEST_PATTERN + 3(%rbx), %r9w
	GUEST_ASSERT_EQ %r9, $0x1122334455668483
	mov	AX_TEST_PATTERN + 5(%rbx), %r9d
	GUEST_ASSERT_EQ %r9, $0x88878685
	mov	AX_TEST_PATTERN + 7(%rbx), %r9
	GUEST_ASSERT_EQ %r9, $0x8e8d8c8b8a898887
	GUEST_ASSERT_EQ AX_TEST_IDENTITY(%rbx), $AX_TEST_IDENTITY_VALUE
	mov	AX_TEST_IDENTITY + 4(%rbx), %eax
	GUEST_ASSERT_EQ %rax, $(AX_TEST_IDENTITY_VALUE >> 32)
	GUEST_SYNC $1

	/* Writes, from registers and immediates. */
	mov	%cl, AX_TEST_PATTERN(%rbx)
	ASSERT_WRITTEN AX_TEST_PATTERN, 1, 0x88, 1
	mov	%cx, AX_TEST_PATTERN + 1(%rbx)
	ASSERT_WRITTEN AX_TEST_PATTERN + 1, 2, 0x7788, 2
	mov	%ecx, AX_TEST_PATTERN + 2(%rbx)
	ASSERT_WRITTEN AX_TEST_PATTERN + 2, 4, 0x55667788, 3
	mov	%rcx, AX_TEST_PATTERN + 3(%rbx)
	ASSERT_WRITTEN AX_TEST_PATTERN + 3, 8, 0x1122334455667788, 4
	movb	$0x9a, AX_TEST_PATTERN_HIGH(%rbx)
	ASSERT_WRITTEN AX_TEST_PATTERN_HIGH, 1, 0x9a, 5
	movw	$0x9abc, AX_TEST_PATTERN_HIGH(%rbx)
	ASSERT_WRITTEN AX_TEST_PATTERN_HIGH, 2, 0x9abc, 6
	movl	$0x9abcdef0, AX_TEST_PATTERN_HIGH(%rbx)
	ASSERT_WRITTEN AX_TEST_PATTERN_HIGH, 4, 0x9abcdef0, 7
	movq	$-2, AX_TEST_PATTERN_HIGH(%rbx)
	ASSERT_WRITTEN AX_TEST_PATTERN_HIGH, 8, 0xfffffffffffffffe, 8
	GUEST_SYNC $2

	/* Storage: plain memory, byte for byte. */
	mov	%rcx, AX_TEST_SCRATCH(%rbx)
	GUEST_ASSERT_EQ AX_TEST_SCRATCH(%rbx), %rcx
	movb	$0x00, AX_TEST_SCRATCH + 7(%rbx)
	movw	$0xeeff, AX_TEST_SCRATCH + 3(%rbx)
	GUEST_ASSERT_EQ AX_TEST_SCRATCH(%rbx), $0x002233eeff667788
	mov	%rcx, AX_TEST_STORE(%rbx)
	GUEST_ASSERT_EQ AX_TEST_STORE(%rbx), %rcx

	/* Read-modify-write: one read, one write. */
	incb	AX_TEST_STORE(%rbx)
	GUEST_ASSERT_EQ AX_TEST_STORE(%rbx), $0x1122334455667789
	orw	$0x8000, AX_TEST_STORE(%rbx)
	GUEST_ASSERT_EQ AX_TEST_STORE(%rbx), $0x112233445566f789
	addl	$0xaa998877, AX_TEST_STORE(%rbx)
	GUEST_ASSERT_EQ AX_TEST_STORE(%rbx), $0x1122334400008000
	lock addq $1, AX_TEST_STORE(%rbx)
	GUEST_ASSERT_EQ AX_TEST_STORE(%rbx), $0x1122334400008001
	mov	$0x55, %rax
	xchg	%rax, AX_TEST_STORE(%rbx)
	GUEST_ASSERT_EQ %rax, $0x1122334400008001
	GUEST_ASSERT_EQ AX_TEST_STORE(%rbx), $0x55
	GUEST_SYNC $3

	/* String instructions, to the device and from it. */
	mov	$0xa5, %al
	lea	AX_TEST_STORE + 1(%rbx), %rdi
	mov	$3, %ecx
	rep stosb
	GUEST_ASSERT_EQ %rdi, $(AX_TEST_BASE_X86_64 + AX_TEST_STORE + 4)
	GUEST_ASSERT_EQ AX_TEST_STORE(%rbx), $0xa5a5a555
	lea	AX_TEST_PATTERN(%rbx), %rsi
	mov	$buffer, %edi
	mov	$2, %ecx
	rep movsq
	GUEST_ASSERT_EQ buffer, $0x8786858483828180
	GUEST_ASSERT_EQ (buffer + 8), $0x8f8e8d8c8b8a8988
	GUEST_DONE $0

	.bss
	.balign	8
buffer:
	.skip	16
	.text

	GUEST_TABLES
