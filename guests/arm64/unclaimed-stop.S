/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: with the option to stop at unclaimed addresses, the first such access ends the run, and
 * the host can name its address: here the hole that abi.h calls UNMAPPED.
 * Boot: flat, 0x40200000; one CPU, no irqchip; the option set.
 */
#include "macros.inc"

	.globl	_start
_start:
	GUEST_SETUP
	GUEST_SYNC 1
	ldr	x20, =(AX_TEST_BASE_ARM64 + AX_TEST_UNMAPPED_DISTANCE)
	mov	w0, #0x2a
	str	w0, [x20]
	GUEST_FAIL

	GUEST_TABLES
