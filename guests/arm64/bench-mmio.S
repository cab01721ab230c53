/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: nothing but speed: a loop of MMIO writes of four bytes, to the test device's storage.
 * How often: the 64-bit number at load + AX_GUEST_BENCH_COUNT, at least 1.
 * Boot: flat, 0x40200000; one CPU, no irqchip.
 */
#include "macros.inc"

	.globl	_start
_start:
	b	start
	.org	AX_GUEST_BENCH_COUNT
count:
	.quad	2000
start:
	GUEST_SETUP
	adr	x20, count
	ldr	x20, [x20]
1:	str	w20, [x29, #AX_TEST_SCRATCH]
	subs	x20, x20, #1
	b.ne	1b
	GUEST_DONE 0

	GUEST_TABLES
