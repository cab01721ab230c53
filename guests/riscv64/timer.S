/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: the timer, set by SBI, wakes a hart that sleeps, and not before its time.
 * Boot: flat, 0x80200000; one hart, no irqchip.
 * Source: RISC-V Supervisor Binary Interface Specification, chapter 6.
 */
#include "macros.inc"

#define SBI_EXT_TIME	0x54494d45
#define IRQ_TIMER	5
#define DELAY		100000		/* ticks: 10 ms at 10 MHz */

	.globl	_start
_start:
	GUEST_SETUP
	GUEST_EXPECT_IRQ interrupt
	li	s1, 0				/* taken */
	li	s2, 3
	li	a0, 1 << IRQ_TIMER
	csrw	sie, a0
1:	rdtime	s3
	li	a0, DELAY
	add	s3, s3, a0
	mv	a0, s3
	SBI	SBI_EXT_TIME, 0
	GUEST_ASSERT_EQ a0, SBI_SUCCESS
	mv	s4, s1
2:	csrci	sstatus, GUEST_SSTATUS_SIE
	bne	s1, s4, 3f
	wfi
	csrsi	sstatus, GUEST_SSTATUS_SIE
	j	2b
3:	rdtime	a0
	GUEST_ASSERT geu, a0, s3
	addi	s2, s2, -1
	bnez	s2, 1b
	GUEST_ASSERT_EQ s1, 3
	GUEST_DONE 0

interrupt:
	csrr	t5, scause
	slli	t5, t5, 1
	addi	t5, t5, -2 * IRQ_TIMER
	bnez	t5, 4f
	addi	s1, s1, 1
	li	t5, 1 << IRQ_TIMER
	csrc	sie, t5				/* up until it is set again */
	mv	s5, a0
	mv	s6, a1
	li	a0, -1				/* never */
	SBI	SBI_EXT_TIME, 0
	mv	a0, s5
	mv	a1, s6
	li	t5, 1 << IRQ_TIMER
	csrs	sie, t5
	GUEST_IRQ_RETURN
4:	GUEST_FAIL

	GUEST_TABLES
