/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: the only CPU halts with interrupts off and no irqchip: nothing can wake it.
 * Boot: flat, real mode, 0x8000; one CPU, no irqchip.
 */
#include "macros.inc"

	GUEST_CODE16
	.globl	_start
_start:
	GUEST_SYNC $1
	cli
	hlt
	GUEST_FAIL
