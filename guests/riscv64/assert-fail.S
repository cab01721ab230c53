/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: a guest's failed assertion reaches the host with its line, and with what was found and
 * wanted: 0x2a is not 0x2b. The row in guests.list names the line.
 * Boot: flat, 0x80200000; one hart, no irqchip.
 */
#include "macros.inc"

	.globl	_start
_start:
	GUEST_SETUP
	li	a0, 0x2a
	GUEST_ASSERT_EQ a0, 0x2a
	GUEST_ASSERT_EQ a0, 0x2b		/* fails: this is the line */
	GUEST_DONE 0

	GUEST_TABLES
