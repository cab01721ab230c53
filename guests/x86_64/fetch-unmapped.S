/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: executing where there is no memory ends the guest; KVM cannot emulate it and says so
 * (KVM_EXIT_INTERNAL_ERROR, suberror 1).
 * Boot: flat, protected mode, 0x100000; one CPU, no irqchip.
 */
#include "macros.inc"

	GUEST_CODE32
	.globl	_start
_start:
	mov	$guest_stack_top, %esp
	GUEST_SYNC $1
	mov	$(AX_TEST_BASE_X86_64 + AX_TEST_UNMAPPED_DISTANCE), %eax
	jmp	*%eax

	GUEST_TABLES
