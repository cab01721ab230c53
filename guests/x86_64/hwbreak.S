/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: a hardware breakpoint of the host's stops the guest before the instruction at
 * load + AX_GUEST_HWBREAK; without one, or resumed, it ends with code 0.
 * Boot: flat, long mode, 0x100000; one CPU, no irqchip; the host debugs the guest.
 */
#include "macros.inc"

	GUEST_CODE64
	.globl	_start
_start:
	GUEST_SYNC $1
	mov	$0x1234, %ecx
	jmp	1f
	.org	AX_GUEST_HWBREAK, 0xcc
1:	nop
	inc	%ecx
	GUEST_ASSERT_EQ %rcx, $0x1235
	GUEST_DONE $0
