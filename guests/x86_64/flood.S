/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: console output in bulk: lines of 64 bytes, each with its number in hexadecimal, so that a
 * lost or doubled byte can be told. How many KiB: the 64-bit number at load + AX_GUEST_FLOOD_KIB.
 * Boot: flat, protected mode, 0x100000; one CPU, no irqchip.
 */
#include "macros.inc"

	GUEST_CODE32
	.globl	_start
_start:
	jmp	1f
	.org	AX_GUEST_FLOOD_KIB, 0xcc
	.quad	16
1:	cld
	mov	$guest_stack_top, %esp
	GUEST_UART_INIT
	mov	_start + AX_GUEST_FLOOD_KIB, %ebx
	shl	$4, %ebx			/* lines */
	jz	3f
	xor	%ebp, %ebp
2:	mov	%ebp, %eax
	GUEST_HEX8 (line + 6)
	mov	%ebp, %eax
	shr	$8, %eax
	GUEST_HEX8 (line + 4)
	mov	%ebp, %eax
	shr	$16, %eax
	GUEST_HEX8 (line + 2)
	mov	%ebp, %eax
	shr	$24, %eax
	GUEST_HEX8 line
	GUEST_PUTS line
	inc	%ebp
	cmp	%ebx, %ebp
	jb	2b
3:	GUEST_DONE $0

line:
	.asciz	"00000000 the quick brown fox jumps over the lazy dog 0123456789\n"
.if . - line != 64 + 1
	.error	"a line is 64 bytes"
.endif

	GUEST_TABLES
