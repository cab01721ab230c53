/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: the timer, set by its own register (Sstc), wakes a hart that sleeps, and not before its time.
 * Boot: flat, 0x80200000; one hart, no irqchip.
 * Source: RISC-V "stimecmp / vstimecmp" Extension, version 1.0.0, chapter 2.
 */
#include "macros.inc"

#define CSR_STIMECMP	0x14d
#define IRQ_TIMER	5
#define DELAY		100000		/* ticks: 10 ms at 10 MHz */

	.globl	_start
_start:
	GUEST_SETUP
	GUEST_EXPECT absent
	csrr	a0, CSR_STIMECMP
	GUEST_EXPECT_IRQ interrupt
	li	s1, 0				/* taken */
	li	s2, 3
	li	a0, 1 << IRQ_TIMER
	csrw	sie, a0
1:	rdtime	s3
	li	a0, DELAY
	add	s3, s3, a0
	csrw	CSR_STIMECMP, s3
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
	li	t5, -1				/* never */
	csrw	CSR_STIMECMP, t5
	li	t5, 1 << IRQ_TIMER
	csrs	sie, t5
	GUEST_IRQ_RETURN
4:	GUEST_FAIL

	/* No such register here. */
absent:
	csrr	t4, scause
	GUEST_ASSERT_EQ t4, GUEST_CAUSE_ILLEGAL
	GUEST_DONE AX_GUEST_CODE_LACKING

	GUEST_TABLES
