/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: a reset by the keyboard controller's command 0xfe, which pulses the reset line.
 * Boot: flat, real mode, 0x8000; one CPU, no irqchip.
 */
#include "macros.inc"

	GUEST_CODE16
	.globl	_start
_start:
	GUEST_SYNC $1
	mov	$0xfe, %al
	out	%al, $AX_PORT_I8042
	GUEST_FAIL
