/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: an ELF64 image: both segments are loaded where they belong, the part of the second that
 * is not in the file is zero, and execution starts at the entry, not at the first byte.
 * Boot: ELF64; one hart, no irqchip.
 */
#include "macros.inc"

	GUEST_FAIL				/* the first byte */

	.globl	_start
_start:
	GUEST_SETUP
	lla	a0, _start
	lla	a1, linked
	ld	a1, (a1)
	GUEST_ASSERT_SAME a0, a1
	lla	s1, initialized
	ld	a0, (s1)
	GUEST_ASSERT_EQ a0, 0x1122334455667788
	lla	s2, zeros
	lla	s3, zeros_end
1:	ld	a0, (s2)
	GUEST_ASSERT_EQ a0, 0
	addi	s2, s2, 8
	bltu	s2, s3, 1b
	ld	a0, (s1)
	addi	a0, a0, 1
	sd	a0, (s1)			/* writable */
	ld	a0, (s1)
	GUEST_ASSERT_EQ a0, 0x1122334455667789
	GUEST_UART_FIND
	GUEST_PUTS message
	GUEST_DONE 0

	.section .rodata
message:
	.asciz	"hello from ELF64\n"

	.data
	.balign	8
initialized:
	.dword	0x1122334455667788
linked:					/* where _start was linked to be */
	.dword	_start

	.bss
	.balign	8
zeros:
	.skip	6000
zeros_end:

	GUEST_TABLES
