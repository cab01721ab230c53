/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: an ELF64 image: both segments are loaded where they belong, the part of the second that
 * is not in the file is zero, and execution starts at the entry, not at the first byte.
 * Boot: ELF64, 64-bit mode; one CPU, no irqchip.
 */
#include "macros.inc"

	GUEST_CODE64
	GUEST_FAIL				/* the first byte */

	.globl	_start
_start:
	cld
	mov	$guest_stack_top, %esp
	mov	$AX_TEST_BASE_X86_64, %ebx
	GUEST_ASSERT_EQ initialized, $0x1122334455667788
	mov	$zeros, %edi
1:	GUEST_ASSERT_EQ (%rdi), $0
	add	$8, %edi
	cmp	$zeros_end, %edi
	jb	1b
	incq	initialized			/* writable */
	GUEST_ASSERT_EQ initialized, $0x1122334455667789
	GUEST_UART_INIT
	GUEST_PUTS message
	GUEST_DONE $0

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

	GUEST_TABLES
