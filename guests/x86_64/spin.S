/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: nothing by itself: it spins without exits, with interrupts off, until the host ends it
 * (time limit, kick, stop).
 * Boot: flat, real mode, 0x8000; one CPU, no irqchip.
 */
#include "macros.inc"

	GUEST_CODE16
	.globl	_start
_start:
	cli
	GUEST_SYNC $1
1:	pause
	jmp	1b
