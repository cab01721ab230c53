/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: both debug consoles: found by reading 0xe9, written byte by byte and by a string
 * instruction.
 * Boot: flat, real mode, 0x8000; one CPU, no irqchip.
 */
#include "macros.inc"

	GUEST_CODE16
	.globl	_start
_start:
	GUEST_REAL_SETUP
	in	$AX_PORT_DEBUGCON_BOCHS, %al
	GUEST_ASSERT_EQ %al, $0xe9

	mov	$first, %si
	mov	$(first_end - first), %cx
1:	lodsb
	out	%al, $AX_PORT_DEBUGCON_BOCHS
	loop	1b

	mov	$second, %si
	mov	$(second_end - second), %cx
	mov	$AX_PORT_DEBUGCON, %dx
	rep outsb
	GUEST_ASSERT_EQ %si, $second_end
	GUEST_DONE $0

first:
	.ascii	"hello over port 0xe9\n"
first_end:
second:
	.ascii	"hello over port 0x402\n"
second_end:

	GUEST_TABLES
