/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: a hypercall by the CPU's own instruction, any number with six arguments, by Xen's 64-bit
 * convention: number in rax, arguments in rdi, rsi, rdx, r10, r8, r9, result in rax.
 * Boot: flat, long mode, 0x100000; one CPU, no irqchip; the host intercepts Xen hypercalls. On a
 * KVM that cannot, the instruction may never return.
 */
#include "macros.inc"
#include "hypercall.inc"

/* What the host answers to the arguments below, see abi.h. */
#define ANSWER		(0x1111111111111111 + 2 * 0x20 + 3 * 0x300 + 4 * 0x4000 + 5 * 0x50000 \
			 + 6 * 0x600000)

	GUEST_CODE64
	.globl	_start
_start:
	GUEST_LONG_SETUP
	FIND_HYPERCALL

	mov	$AX_TEST_HYPERCALL_SUM, %eax
	mov	$0x1111111111111111, %rdi
	mov	$0x20, %esi
	mov	$0x300, %edx
	mov	$0x4000, %r10d
	mov	$0x50000, %r8d
	mov	$0x600000, %r9d
	HYPERCALL
	GUEST_ASSERT_EQ %rax, $ANSWER
	GUEST_ASSERT_EQ %rdi, $0x1111111111111111
	GUEST_ASSERT_EQ %r9, $0x600000
	GUEST_SYNC $1

	mov	$(AX_TEST_HYPERCALL_SUM + 0x100), %eax
	HYPERCALL
	GUEST_ASSERT_EQ %rax, $AX_TEST_HYPERCALL_UNKNOWN
	GUEST_DONE $0

	GUEST_TABLES
