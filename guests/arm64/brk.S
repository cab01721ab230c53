/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: a software breakpoint belongs to the guest while the host does not debug it: BRK is the
 * guest's own exception, with its immediate in ESR, at the instruction itself.
 * Boot: flat, 0x40200000; one CPU, no irqchip.
 */
#include "macros.inc"

	.globl	_start
_start:
	GUEST_SETUP
	GUEST_EXPECT broken
	GUEST_LINE
1:	brk	#0x4158
	GUEST_DONE 0

broken:
	mrs	x0, esr_el1
	ubfx	x1, x0, #GUEST_ESR_EC, #6
	GUEST_ASSERT_EQ x1, GUEST_EC_BRK
	ubfx	x1, x0, #0, #16
	GUEST_ASSERT_EQ x1, 0x4158
	mrs	x0, elr_el1
	adr	x1, 1b
	GUEST_ASSERT_SAME x0, x1
	GUEST_SKIP_INSTRUCTION

	GUEST_TABLES
