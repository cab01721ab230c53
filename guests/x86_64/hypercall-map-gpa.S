/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: KVM's own hypercall 12, MAP_GPA_RANGE, reaches the host with its three arguments, and the
 * host's answer reaches the guest.
 * Boot: flat, long mode, 0x100000; one CPU, no irqchip; KVM_CAP_EXIT_HYPERCALL on for number 12.
 * On a KVM that cannot, the instruction may never return.
 * Source: Documentation/virt/kvm/x86/hypercalls.rst.
 */
#include "macros.inc"
#include "hypercall.inc"

	GUEST_CODE64
	.globl	_start
_start:
	GUEST_LONG_SETUP
	FIND_HYPERCALL

	mov	$AX_TEST_HYPERCALL_MAP_GPA_RANGE, %eax
	mov	$0x200000, %ebx			/* address, 4 KiB aligned */
	mov	$3, %ecx			/* number of pages */
	mov	$0x10, %edx			/* encrypted, in pages of 4 KiB */
	HYPERCALL
	mov	$AX_TEST_BASE_X86_64, %ebx
	GUEST_ASSERT_EQ %rax, $(0x200000 + 2 * 3 + 3 * 0x10)
	GUEST_DONE $0

	GUEST_TABLES
