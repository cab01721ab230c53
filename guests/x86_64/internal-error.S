/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: an instruction that KVM cannot emulate: an SSE addition with a device as its operand
 * (KVM_EXIT_INTERNAL_ERROR, suberror 1, with the instruction's bytes where KVM gives them). A KVM
 * that interprets ring 0 already stops at the first SSE instruction, with the same exit.
 * Boot: flat, long mode, 0x100000; one CPU, no irqchip.
 */
#include "macros.inc"

	GUEST_CODE64
	.globl	_start
_start:
	GUEST_LONG_SETUP
	mov	%cr4, %rax
	or	$0x600, %eax			/* OSFXSR, OSXMMEXCPT */
	mov	%rax, %cr4
	mov	%cr0, %rax
	and	$~0x4, %eax			/* EM off */
	or	$0x2, %eax			/* MP */
	mov	%rax, %cr0
	GUEST_SYNC $1
	paddd	AX_TEST_STORE(%rbx), %xmm0
	GUEST_FAIL

	GUEST_TABLES
