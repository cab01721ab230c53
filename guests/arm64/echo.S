/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: console input: prints a line when it is ready, then every byte that the UART receives, up
 * to the first "q", which ends it with code 0.
 * Boot: flat, 0x40200000; one CPU, no irqchip.
 */
#include "macros.inc"

	.globl	_start
_start:
	GUEST_SETUP
	GUEST_UART_FIND
	GUEST_PUTS prompt

1:	ldr	w0, [x27, #GUEST_UART_FR]
	tbnz	w0, #GUEST_FR_RX_EMPTY, 1b
	ldr	w1, [x27, #GUEST_UART_DR]
	and	w1, w1, #0xff			/* errors are above it */
	cmp	w1, #'q'
	b.eq	3f
2:	ldr	w0, [x27, #GUEST_UART_FR]
	tbz	w0, #GUEST_FR_TX_EMPTY, 2b
	str	w1, [x27, #GUEST_UART_DR]
	b	1b
3:	GUEST_DONE 0

prompt:
	.asciz	"echo until q\n"
	.balign	4

	GUEST_TABLES
