/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: a flat image starts in 32-bit protected mode with flat segments, prints a line over COM1,
 * and reaches the test device's address.
 * Boot: flat, protected mode, 0x100000; one CPU, no irqchip.
 */
#include "macros.inc"

	GUEST_CODE32
	.globl	_start
_start:
	cld
	mov	$guest_stack_top, %esp
	mov	%cr0, %eax
	and	$0x80000001, %eax		/* PG off, PE on */
	GUEST_ASSERT_EQ %eax, $1
	mov	AX_TEST_BASE_X86_64 + AX_TEST_IDENTITY, %eax
	GUEST_ASSERT_EQ %eax, $(AX_TEST_IDENTITY_VALUE & 0xffffffff)
	call	hello				/* the stack segment works, too */
	GUEST_DONE $0

hello:
	GUEST_UART_INIT
	GUEST_PUTS message
	ret

message:
	.asciz	"hello from protected mode\n"

	GUEST_TABLES
