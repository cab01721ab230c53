/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: a read-only memory slot reads as memory and does not change: a write there becomes an
 * MMIO write at its address, which the host sees.
 * Boot: flat, long mode, 0x100000; one CPU, no irqchip; the host has the READONLY slot of abi.h.
 */
#include "macros.inc"

#define SLOT		(AX_TEST_BASE_X86_64 + AX_TEST_READONLY_DISTANCE)

	GUEST_CODE64
	.globl	_start
_start:
	GUEST_LONG_SETUP
	mov	$SLOT, %edi
	mov	(%rdi), %rax
	GUEST_ASSERT_EQ %rax, $0x8786858483828180
	mov	(AX_TEST_READONLY_SIZE - 8)(%rdi), %rax
	GUEST_ASSERT_EQ %rax, $0x7f7e7d7c7b7a7978

	mov	AX_TEST_READONLY_WRITES(%rbx), %r12
	movb	$0, (%rdi)
	movw	$0, 2(%rdi)
	movl	$0, 4(%rdi)
	movq	$0, 8(%rdi)
	movq	$0, (AX_TEST_READONLY_SIZE - 8)(%rdi)
	mov	(%rdi), %rax
	GUEST_ASSERT_EQ %rax, $0x8786858483828180
	mov	8(%rdi), %rax
	GUEST_ASSERT_EQ %rax, $0x8f8e8d8c8b8a8988
	mov	(AX_TEST_READONLY_SIZE - 8)(%rdi), %rax
	GUEST_ASSERT_EQ %rax, $0x7f7e7d7c7b7a7978

	cmp	$-1, %r12			/* the host does not count */
	je	1f
	add	$5, %r12
	GUEST_ASSERT_EQ AX_TEST_READONLY_WRITES(%rbx), %r12
1:	GUEST_DONE $0

	GUEST_TABLES
