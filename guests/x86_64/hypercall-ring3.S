/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: a hypercall from ring 3 is refused with -1 (-KVM_EPERM, include/uapi/linux/kvm_para.h)
 * before any handler sees it.
 * Boot: flat, long mode, 0x100000; one CPU, no irqchip; the host intercepts Xen hypercalls, and
 * has not allowed them from ring 3.
 */
#include "macros.inc"
#include "hypercall.inc"

	GUEST_CODE64
	.globl	_start
_start:
	GUEST_LONG_SETUP
	FIND_HYPERCALL

	/* All of memory becomes ring 3's, and ports, too (IOPL 3). */
	mov	$guest_page_tables, %edi
	orb	$4, (%rdi)
	orb	$4, 0x1000(%rdi)
	orb	$4, 0x1018(%rdi)
	orb	$4, 0x2000(%rdi)
	orb	$4, (0x3000 + 496 * 8)(%rdi)
	mov	%rdi, %cr3

	push	$GUEST_USER_DATA
	push	$guest_stack_top
	push	$0x3002				/* IOPL 3, interrupts off */
	push	$GUEST_USER_CODE64
	push	$user
	iretq
user:
	GUEST_SYNC $1
	mov	%cs, %eax
	GUEST_ASSERT_EQ %rax, $GUEST_USER_CODE64
	mov	$AX_TEST_HYPERCALL_SUM, %eax
	HYPERCALL
	GUEST_ASSERT_EQ %rax, $AX_TEST_HYPERCALL_REFUSED
	GUEST_DONE $0

	GUEST_TABLES
