/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: nothing but speed: four-byte MMIO writes to places in turn, the test device's storage or
 * what the host has put into the image (abi.h, section 8).
 * Boot: flat, 0x40200000; any number of CPUs at once, no irqchip.
 */
#include "macros.inc"

	.globl	_start
_start:
	b	start
	.org	AX_GUEST_BENCH_COUNT
count:	.quad	2000
base:	.quad	AX_TEST_BASE_ARM64 + AX_TEST_SCRATCH
stride:	.quad	0
number:	.quad	1
arg:	.quad	0
start:
	GUEST_SETUP
	adr	x20, count
	ldp	x20, x21, [x20]
	adr	x1, stride
	ldp	x22, x23, [x1]
	adr	x1, arg
	ldr	x1, [x1]
	cbz	x1, 2f
	add	x21, x21, x26			/* the argument, as GUEST_SETUP keeps it */
2:	mov	x1, x21
	mov	x2, x23
3:	str	w0, [x1]
	subs	x20, x20, #1
	b.eq	4f
	add	x1, x1, x22
	subs	x2, x2, #1
	b.ne	3b
	b	2b
4:	GUEST_DONE 0

	GUEST_TABLES
