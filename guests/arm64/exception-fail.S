/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: an exception that the guest did not expect is an assertion that failed, with the line that
 * was marked before it; the console says ESR, FAR and ELR.
 * Boot: flat, 0x40200000; one CPU, no irqchip.
 */
#include "macros.inc"

	.globl	_start
_start:
	GUEST_SETUP
	GUEST_UART_FIND
	GUEST_LINE				/* this is the line */
	udf	#0x1234
	GUEST_FAIL

	GUEST_TABLES
