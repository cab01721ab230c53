/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: nothing but speed: a loop of MMIO reads of one byte that are sign-extended. The bytes are
 * negative every other time: a host that extends them itself pays for those.
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
	add	x21, x29, #AX_TEST_PATTERN
	mov	x22, #0
1:	ldrsb	x0, [x21, x22]
	eor	x22, x22, #0x80
	subs	x20, x20, #1
	b.ne	1b
	GUEST_DONE 0

	GUEST_TABLES
