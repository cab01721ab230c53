/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: console input: prints a line when it is ready, then every byte that the UART receives, up
 * to the first "q", which ends it with code 0.
 * Boot: flat, 0x80200000; one hart, no irqchip.
 */
#include "macros.inc"

	.globl	_start
_start:
	GUEST_SETUP
	GUEST_UART_FIND
	GUEST_PUTS prompt

	li	s1, 'q'
1:	lbu	a0, GUEST_UART_LSR(s9)
	andi	a0, a0, GUEST_LSR_DATA_READY
	beqz	a0, 1b
	lbu	a1, GUEST_UART_DATA(s9)
	beq	a1, s1, 3f
2:	lbu	a0, GUEST_UART_LSR(s9)
	andi	a0, a0, GUEST_LSR_THR_EMPTY
	beqz	a0, 2b
	sb	a1, GUEST_UART_DATA(s9)
	j	1b
3:	GUEST_DONE 0

	.section .rodata
prompt:
	.asciz	"echo until q\n"

	GUEST_TABLES
