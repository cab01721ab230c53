/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: an MMIO access across a page border is complete and in order, although KVM splits it into
 * two exits of any length from 1 to 7 bytes. Across the device's ends, each part goes where it
 * belongs: reads of what nobody claims give ones, writes there are lost.
 * Boot: flat, long mode, 0x100000; one CPU, no irqchip; unclaimed addresses read as ones.
 */
#include "macros.inc"

#define BORDER		AX_TEST_PAGE_BORDER
#define BEFORE		(AX_TEST_PAGE_BORDER - 8)

	GUEST_CODE64
	.globl	_start
_start:
	GUEST_LONG_SETUP

	/* Reads. Eight bytes on either side of the border hold 10 11 .. 17 | 18 19 .. 1f. */
	mov	$0x1716151413121110, %rax
	mov	%rax, BEFORE(%rbx)
	mov	$0x1f1e1d1c1b1a1918, %rax
	mov	%rax, BORDER(%rbx)

	lea	BEFORE(%rbx), %rdi
	mov	$0x1716151413121110, %rsi
	mov	$0x0101010101010101, %rdx
	mov	$7, %ecx
1:	inc	%rdi				/* 8 bytes: 7 + 1, 6 + 2, .. 1 + 7 */
	add	%rdx, %rsi
	mov	(%rdi), %rax
	GUEST_ASSERT_EQ %rax, %rsi
	dec	%ecx
	jnz	1b

	mov	BORDER - 3(%rbx), %eax
	GUEST_ASSERT_EQ %rax, $0x18171615
	mov	BORDER - 2(%rbx), %eax
	GUEST_ASSERT_EQ %rax, $0x19181716
	mov	BORDER - 1(%rbx), %eax
	GUEST_ASSERT_EQ %rax, $0x1a191817
	xor	%eax, %eax
	mov	BORDER - 1(%rbx), %ax
	GUEST_ASSERT_EQ %rax, $0x1817
	movswq	BORDER - 1(%rbx), %rax
	GUEST_ASSERT_EQ %rax, $0x1817
	GUEST_SYNC $1

	/* Writes: all eight bytes arrive, and none beside them. */
	mov	$0x8877665544332211, %rdx
	lea	BEFORE(%rbx), %rdi
	mov	$7, %ecx
2:	movq	$-1, BORDER - 16(%rbx)
	movq	$-1, BEFORE(%rbx)
	movq	$-1, BORDER(%rbx)
	movq	$-1, BORDER + 8(%rbx)
	inc	%rdi
	mov	%rdx, (%rdi)
	xor	%esi, %esi
3:	movzbl	(%rdi, %rsi), %eax		/* byte i is 0x11 * (i + 1) */
	lea	1(%rsi), %r8d
	imul	$0x11, %r8d, %r8d
	GUEST_ASSERT_EQ %rax, %r8
	inc	%esi
	cmp	$8, %esi
	jb	3b
	movzbl	-1(%rdi), %eax
	GUEST_ASSERT_EQ %rax, $0xff
	movzbl	8(%rdi), %eax
	GUEST_ASSERT_EQ %rax, $0xff
	dec	%ecx
	jnz	2b

	movq	$0, BEFORE(%rbx)
	movq	$0, BORDER(%rbx)
	movl	$0x44332211, BORDER - 1(%rbx)
	GUEST_ASSERT_EQ BEFORE(%rbx), $0x1100000000000000
	GUEST_ASSERT_EQ BORDER(%rbx), $0x443322
	movw	$0x6655, BORDER - 1(%rbx)
	GUEST_ASSERT_EQ BEFORE(%rbx), $0x5500000000000000
	GUEST_ASSERT_EQ BORDER(%rbx), $0x443366
	GUEST_SYNC $2

	/* Over the device's end and start: offsets 0x1ffc..0x1fff hold 7c 7d 7e 7f. */
	mov	AX_TEST_SIZE - 4(%rbx), %rax
	GUEST_ASSERT_EQ %rax, $0xffffffff7f7e7d7c
	mov	AX_TEST_SIZE - 3(%rbx), %rax
	GUEST_ASSERT_EQ %rax, $0xffffffffff7f7e7d
	mov	AX_TEST_SIZE - 1(%rbx), %eax
	GUEST_ASSERT_EQ %rax, $0xffffff7f
	mov	-4(%rbx), %rax			/* SYNC reads as zero */
	GUEST_ASSERT_EQ %rax, $0xffffffff
	mov	AX_TEST_WRITE_COUNT(%rbx), %rcx
	mov	$0x8877665544332211, %rdx
	mov	%rdx, AX_TEST_SIZE - 4(%rbx)
	inc	%rcx
	GUEST_ASSERT_EQ AX_TEST_WRITE_COUNT(%rbx), %rcx
	GUEST_ASSERT_EQ AX_TEST_WRITE_OFFSET(%rbx), $(AX_TEST_SIZE - 4)
	GUEST_ASSERT_EQ AX_TEST_WRITE_LENGTH(%rbx), $4
	GUEST_ASSERT_EQ AX_TEST_WRITE_VALUE(%rbx), $0x44332211
	GUEST_DONE $0

	GUEST_TABLES
