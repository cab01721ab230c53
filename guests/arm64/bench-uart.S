/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: nothing but speed: a loop of characters over the UART, each with a look at its flags
 * before it: two exits.
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
	GUEST_UART_FIND
	adr	x20, count
	ldr	x20, [x20]
	mov	w1, #'.'
1:	ldr	w0, [x27, #GUEST_UART_FR]
	tbz	w0, #GUEST_FR_TX_EMPTY, 1b
	str	w1, [x27, #GUEST_UART_DR]
	subs	x20, x20, #1
	b.ne	1b
	GUEST_DONE 0

	GUEST_TABLES
