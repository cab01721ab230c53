/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: nothing but speed: a loop of characters over COM1, each with a look at the line status
 * before it: two exits.
 * How often: the 64-bit number at load + AX_GUEST_BENCH_COUNT, at least 1.
 * Boot: flat, real mode, 0x8000, so that the bare program (tests/bench/bare.c) runs it, too; one
 * CPU, no irqchip. The loop is in protected mode.
 */
#include "macros.inc"

	GUEST_CODE16
	.globl	_start
_start:
	jmp	start
	.org	AX_GUEST_BENCH_COUNT, 0xcc
count:
	.quad	20000
start:
	GUEST_REAL_SETUP
	GUEST_ENTER_PROTECTED
	mov	count, %ecx
	GUEST_UART_INIT
	mov	$AX_PORT_COM1, %edi
	mov	$GUEST_COM1_LSR, %esi
1:	mov	%esi, %edx
2:	in	%dx, %al
	test	$GUEST_LSR_THR_EMPTY, %al
	jz	2b
	mov	%edi, %edx
	mov	$'.', %al
	out	%al, %dx
	dec	%ecx
	jnz	1b
	GUEST_DONE $0

	GUEST_TABLES
