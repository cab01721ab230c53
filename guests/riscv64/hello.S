/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: one line over the UART that the device tree names, from the guest's first instructions.
 * Boot: flat, 0x80200000; one hart, no irqchip.
 */
#include "macros.inc"

	.globl	_start
_start:
	GUEST_SETUP
	GUEST_UART_FIND
	GUEST_PUTS message
	GUEST_DONE 0

	.section .rodata
message:
	.asciz	"hello from S-mode\n"

	GUEST_TABLES
