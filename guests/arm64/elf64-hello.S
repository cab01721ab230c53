/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: an ELF64 image: both segments are loaded where they belong, the part of the second that
 * is not in the file is zero, and execution starts at the entry, not at the first byte.
 * Boot: ELF64; one CPU, no irqchip.
 */
#include "macros.inc"

	GUEST_FAIL				/* the first byte */

	.globl	_start
_start:
	GUEST_SETUP
	adr	x0, _start
	ldr	x1, =_start			/* where it was linked to be */
	GUEST_ASSERT_SAME x0, x1
	adr	x20, initialized
	ldr	x0, [x20]
	GUEST_ASSERT_EQ x0, 0x1122334455667788
	adr	x1, zeros
	adr	x2, zeros_end
1:	ldr	x0, [x1], #8
	GUEST_ASSERT_EQ x0, 0
	cmp	x1, x2
	b.lo	1b
	ldr	x0, [x20]
	add	x0, x0, #1
	str	x0, [x20]			/* writable */
	ldr	x0, [x20]
	GUEST_ASSERT_EQ x0, 0x1122334455667789
	GUEST_UART_FIND
	GUEST_PUTS message
	GUEST_DONE 0

message:
	.asciz	"hello from ELF64\n"

	.data
	.balign	8
initialized:
	.quad	0x1122334455667788

	.bss
	.balign	8
zeros:
	.skip	6000
zeros_end:
	.text
	.balign	4

	GUEST_TABLES
