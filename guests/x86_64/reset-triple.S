/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: a reset on purpose by triple fault, the last resort of operating systems: an exception
 * with an interrupt descriptor table of size zero.
 * Boot: flat, protected mode, 0x100000; one CPU, no irqchip.
 */
#include "macros.inc"

	GUEST_CODE32
	.globl	_start
_start:
	GUEST_SYNC $1
	lidt	no_table
	ud2
	GUEST_FAIL

	.balign	4
no_table:
	.word	0
	.long	0
