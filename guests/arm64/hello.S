/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: one line over the UART that the device tree names, from the guest's first instructions:
 * MMU off, no stack.
 * Boot: flat, 0x40200000; one CPU, no irqchip.
 */
#include "macros.inc"

	.globl	_start
_start:
	GUEST_SETUP
	GUEST_UART_FIND
	GUEST_PUTS message
	GUEST_DONE 0

message:
	.asciz	"hello from EL1\n"
	.balign	4

	GUEST_TABLES
