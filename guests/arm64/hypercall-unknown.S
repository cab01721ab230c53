/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: calls that nobody takes are answered with NOT_SUPPORTED, by HVC and by SMC, whatever the
 * number; the guest goes on behind them.
 * Boot: flat, 0x40200000; one CPU, no irqchip; the host takes no hypercalls.
 */
#include "macros.inc"

	.globl	_start
_start:
	GUEST_SETUP
	adr	x20, numbers
	adr	x21, numbers_end
1:	ldr	x22, [x20], #8
	mov	x0, x22
	mov	x1, #0x11
	hvc	#0
	mov	w0, w0				/* some are 32-bit calls */
	GUEST_ASSERT_EQ x0, 0xffffffff
	mov	x0, x22
	smc	#0
	mov	w0, w0
	GUEST_ASSERT_EQ x0, 0xffffffff
	cmp	x20, x21
	b.lo	1b
	GUEST_DONE 0

	.balign	8
numbers:
	.quad	0x41580001			/* no owner */
	.quad	AX_TEST_SMCCC_SUM
	.quad	0xc300ffff			/* OEM */
	.quad	0xbf000000			/* trusted OS */
	.quad	0x8400ffff			/* standard, behind PSCI */
	.quad	0x8000ff00
	.quad	0x12345678			/* a yielding call */
	.quad	0
numbers_end:

	GUEST_TABLES
