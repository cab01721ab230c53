/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: where nothing is, a read gives ones in every width, and a write is lost without harm:
 * just behind RAM and in a hole of the memory map.
 * Boot: flat, long mode, 0x100000; one CPU, no irqchip; 16 MiB of RAM; unclaimed addresses read as
 * ones.
 */
#include "macros.inc"

#define RAM_END		0x1000000
#define HOLE		(AX_TEST_BASE_X86_64 + AX_TEST_UNMAPPED_DISTANCE)

	GUEST_CODE64
	.globl	_start
_start:
	GUEST_LONG_SETUP
	mov	$0x1122334455667788, %rcx

	mov	$HOLE, %edi
	xor	%r12d, %r12d
1:	xor	%eax, %eax
	mov	(%rdi), %al
	GUEST_ASSERT_EQ %rax, $0xff
	mov	(%rdi), %ax
	GUEST_ASSERT_EQ %rax, $0xffff
	mov	(%rdi), %eax
	GUEST_ASSERT_EQ %rax, $0xffffffff
	mov	(%rdi), %rax
	GUEST_ASSERT_EQ %rax, $-1
	mov	%cl, (%rdi)
	mov	%cx, (%rdi)
	mov	%ecx, (%rdi)
	mov	%rcx, (%rdi)
	GUEST_ASSERT_EQ (%rdi), $-1
	mov	$RAM_END, %edi
	inc	%r12d
	cmp	$2, %r12d
	jb	1b

	/* RAM ends exactly there. */
	mov	%rcx, -8(%rdi)
	mov	-8(%rdi), %rax
	GUEST_ASSERT_EQ %rax, %rcx
	mov	-4(%rdi), %rax
	GUEST_ASSERT_EQ %rax, $0xffffffff11223344
	GUEST_DONE $0

	GUEST_TABLES
