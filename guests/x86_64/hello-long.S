/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: a flat image starts in 64-bit mode, prints a line over COM1, and reaches the test device
 * through the page tables that the host made: the first 4 GiB map to themselves.
 * Boot: flat, long mode, 0x100000; one CPU, no irqchip.
 */
#include "macros.inc"

	GUEST_CODE64
	.globl	_start
_start:
	cld
	mov	$guest_stack_top, %esp
	mov	$-1, %rax			/* 64-bit mode: does not fit 32 bits */
	shr	$32, %rax
	GUEST_ASSERT_EQ %rax, $0xffffffff
	mov	$AX_TEST_BASE_X86_64, %ebx
	GUEST_ASSERT_EQ AX_TEST_IDENTITY(%rbx), $AX_TEST_IDENTITY_VALUE
	call	hello
	GUEST_DONE $0

hello:
	GUEST_UART_INIT
	GUEST_PUTS message
	ret

message:
	.asciz	"hello from long mode\n"

	GUEST_TABLES
