/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: a hardware breakpoint of the host's stops the guest before the instruction at
 * load + AX_GUEST_HWBREAK; without one, or resumed, it ends with code 0.
 * Boot: flat, 0x40200000; one CPU, no irqchip; the host debugs the guest.
 */
#include "macros.inc"

	.globl	_start
_start:
	GUEST_SETUP
	GUEST_SYNC 1
	mov	x20, #0x1234
	b	1f
	.org	AX_GUEST_HWBREAK
1:	nop
	add	x20, x20, #1
	GUEST_ASSERT_EQ x20, 0x1235
	GUEST_DONE 0

	GUEST_TABLES
