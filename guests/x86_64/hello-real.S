/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: a flat image starts in real mode, prints a line over COM1 and ends with code 0. Nothing
 * else, so that its start can be compared with the bare program's (tests/bench/bare.c).
 * Boot: flat, real mode, 0x8000; one CPU, no irqchip.
 */
#include "macros.inc"

	GUEST_CODE16
	.globl	_start
_start:
	GUEST_REAL_SETUP
	GUEST_UART_INIT
	GUEST_PUTS message
	GUEST_DONE $0

message:
	.asciz	"hello from real mode\n"

	GUEST_TABLES
