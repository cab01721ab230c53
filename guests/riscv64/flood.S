/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: console output in bulk: lines of 64 bytes, each with its number in hexadecimal, so that a
 * lost or doubled byte can be told. How many KiB: the 64-bit number at load + AX_GUEST_FLOOD_KIB.
 * Boot: flat, 0x80200000; one hart, no irqchip.
 */
#include "macros.inc"

	.globl	_start
_start:
	j	1f
	.org	AX_GUEST_FLOOD_KIB
kib:
	.dword	16
1:	GUEST_SETUP
	GUEST_UART_FIND
	lla	s1, kib
	ld	s1, (s1)
	slli	s1, s1, 4			/* lines */
	beqz	s1, 3f
	li	s2, 0
2:	GUEST_PUT_HEX s2, 8
	GUEST_PUTS line
	addi	s2, s2, 1
	bltu	s2, s1, 2b
3:	GUEST_DONE 0

	.section .rodata
line:
	.asciz	" the quick brown fox jumps over the lazy dog 0123456789\n"
.if . - line != 64 - 8 + 1
	.error	"a line is 64 bytes"
.endif

	GUEST_TABLES
