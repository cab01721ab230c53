/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: a trap that the guest did not expect is an assertion that failed, with the line that was
 * marked before it; the console says scause, stval and sepc.
 * Boot: flat, 0x80200000; one hart, no irqchip.
 */
#include "macros.inc"

	.globl	_start
_start:
	GUEST_SETUP
	GUEST_UART_FIND
	GUEST_LINE				/* this is the line */
	.word	0				/* no instruction */
	GUEST_FAIL

	GUEST_TABLES
