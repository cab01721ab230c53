/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: a breakpoint belongs to the guest while the host does not debug it: EBREAK is the guest's
 * own trap, at the instruction itself; compressed, too.
 * Boot: flat, 0x80200000; one hart, no irqchip.
 */
#include "macros.inc"

	.globl	_start
_start:
	GUEST_SETUP
	GUEST_EXPECT broken
	li	s2, 0
	lla	s1, 1f
	GUEST_LINE
1:	ebreak
	GUEST_ASSERT_EQ s2, 1
	lla	s1, 2f
	GUEST_LINE
	.option	push
	.option	arch, +c
2:	c.ebreak
	c.nop
	.option	pop
	GUEST_ASSERT_EQ s2, 2
	GUEST_DONE 0

broken:
	csrr	t4, scause
	GUEST_ASSERT_EQ t4, GUEST_CAUSE_BREAKPOINT
	csrr	t4, sepc
	GUEST_ASSERT_SAME t4, s1
	addi	s2, s2, 1
	GUEST_SKIP_INSTRUCTION			/* the two compressed ones at once */

	GUEST_TABLES
