/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: the timer, set by SBI, wakes a hart that sleeps, and not before its time.
 * Boot: flat, 0x80200000; one hart, no irqchip.
 * Source: RISC-V Supervisor Binary Interface Specification, chapter 6.
 */
#include "macros.inc"

#define SBI_EXT_TIME	0x54494d45

	.macro	TIMER_SET at
	mv	a0, \at
	SBI	SBI_EXT_TIME, 0
	GUEST_ASSERT_EQ a0, SBI_SUCCESS
	.endm

	/* In the interrupt: a0 and a1 are the others'. */
	.macro	TIMER_END
	mv	s5, a0
	mv	s6, a1
	li	a0, -1
	SBI	SBI_EXT_TIME, 0
	mv	a0, s5
	mv	a1, s6
	.endm

	.globl	_start
_start:
	GUEST_SETUP
#include "timer-main.inc"

	GUEST_TABLES
