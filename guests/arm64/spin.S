/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: nothing by itself: it spins without exits until the host ends it (time limit, kick, stop).
 * Boot: flat, 0x40200000; one CPU, no irqchip.
 */
#include "macros.inc"

	.globl	_start
_start:
	GUEST_SETUP
	GUEST_SYNC 1
1:	yield
	b	1b

	GUEST_TABLES
