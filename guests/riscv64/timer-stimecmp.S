/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: the timer, set by its own register (Sstc), wakes a hart that sleeps, and not before its time.
 * Boot: flat, 0x80200000; one hart, no irqchip.
 * Source: RISC-V "stimecmp / vstimecmp" Extension, version 1.0.0, chapter 2.
 */
#include "macros.inc"

#define CSR_STIMECMP	0x14d

	.macro	TIMER_SET at
	csrw	CSR_STIMECMP, \at
	.endm

	.macro	TIMER_END
	li	t5, -1
	csrw	CSR_STIMECMP, t5
	.endm

	.globl	_start
_start:
	GUEST_SETUP
	GUEST_EXPECT absent
	csrr	a0, CSR_STIMECMP
#include "timer-main.inc"

	/* No such register here. */
absent:
	csrr	t4, scause
	GUEST_ASSERT_EQ t4, GUEST_CAUSE_ILLEGAL
	GUEST_DONE AX_GUEST_CODE_LACKING

	GUEST_TABLES
