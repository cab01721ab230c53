/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: console input: prints a line when it is ready, then every byte that COM1 receives, up to
 * the first "q", which ends it with code 0.
 * Boot: flat, real mode, 0x8000; one CPU, no irqchip.
 */
#include "macros.inc"

	GUEST_CODE16
	.globl	_start
_start:
	GUEST_REAL_SETUP
	GUEST_UART_INIT
	GUEST_PUTS prompt

1:	mov	$GUEST_COM1_LSR, %dx
2:	in	%dx, %al
	test	$GUEST_LSR_DATA_READY, %al
	jz	2b
	mov	$AX_PORT_COM1, %dx
	in	%dx, %al
	cmp	$'q', %al
	je	4f
	mov	%al, %bl
	mov	$GUEST_COM1_LSR, %dx
3:	in	%dx, %al
	test	$GUEST_LSR_THR_EMPTY, %al
	jz	3b
	mov	%bl, %al
	mov	$AX_PORT_COM1, %dx
	out	%al, %dx
	jmp	1b
4:	GUEST_DONE $0

prompt:
	.asciz	"echo until q\n"

	GUEST_TABLES
