/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: a full reset by the reset control register: system reset selected first, then asked for.
 * Boot: flat, real mode, 0x8000; one CPU, no irqchip.
 */
#include "macros.inc"

	GUEST_CODE16
	.globl	_start
_start:
	GUEST_SYNC $1
	mov	$AX_PORT_RESET_CONTROL, %dx
	mov	$0x02, %al
	out	%al, %dx
	GUEST_SYNC $2				/* selecting alone does nothing */
	mov	$AX_PORT_RESET_CONTROL, %dx
	mov	$0x06, %al
	out	%al, %dx
	GUEST_FAIL
