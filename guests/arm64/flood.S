/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: console output in bulk: lines of 64 bytes, each with its number in hexadecimal, so that a
 * lost or doubled byte can be told. How many KiB: the 64-bit number at load + AX_GUEST_FLOOD_KIB.
 * Boot: flat, 0x40200000; one CPU, no irqchip.
 */
#include "macros.inc"

	.globl	_start
_start:
	b	1f
	.org	AX_GUEST_FLOOD_KIB
kib:
	.quad	16
1:	GUEST_SETUP
	GUEST_UART_FIND
	adr	x20, kib
	ldr	x20, [x20]
	lsl	x20, x20, #4			/* lines */
	cbz	x20, 3f
	mov	x21, #0
2:	GUEST_PUT_HEX x21, 8
	GUEST_PUTS line
	add	x21, x21, #1
	cmp	x21, x20
	b.lo	2b
3:	GUEST_DONE 0

line:
	.asciz	" the quick brown fox jumps over the lazy dog 0123456789\n"
.if . - line != 64 - 8 + 1
	.error	"a line is 64 bytes"
.endif
	.balign	4

	GUEST_TABLES
