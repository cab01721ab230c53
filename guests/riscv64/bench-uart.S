/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: nothing but speed: a loop of characters over the UART, each with a look at the line status
 * before it: two exits.
 * How often: the 64-bit number at load + AX_GUEST_BENCH_COUNT, at least 1.
 * Boot: flat, 0x80200000; one hart, no irqchip.
 */
#include "macros.inc"

	.globl	_start
_start:
	j	start
	.org	AX_GUEST_BENCH_COUNT
count:
	.dword	2000
start:
	GUEST_SETUP
	GUEST_UART_FIND
	li	s2, '.'
	lla	s1, count
	ld	s1, (s1)
1:	lbu	a0, GUEST_UART_LSR(s9)
	andi	a0, a0, GUEST_LSR_THR_EMPTY
	beqz	a0, 1b
	sb	s2, GUEST_UART_DATA(s9)
	addi	s1, s1, -1
	bnez	s1, 1b
	GUEST_DONE 0

	GUEST_TABLES
