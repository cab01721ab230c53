/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: nothing by itself: it spins without exits until the host ends it (time limit, kick, stop).
 * Boot: flat, 0x80200000; one hart, no irqchip.
 */
#include "macros.inc"

	.globl	_start
_start:
	GUEST_SETUP
	GUEST_SYNC 1
1:	nop
	j	1b

	GUEST_TABLES
