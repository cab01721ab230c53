/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: the hart's external interrupt line has a level: raised, it stays up until it is lowered,
 * and the interrupt is taken again and again; off in sie or sstatus, it waits; WFI wakes for it,
 * taken or not, and does not sleep while it is up.
 * Boot: flat, 0x80200000; one hart, no irqchip.
 */
#include "macros.inc"

#define VECTOR		0x40
#define MASKED		2000		/* turns in which a KVM that ignored that would show it */

/* a0 = not 0 if the line is up. */
.macro TEST_LINE
	csrr	a0, sip
	andi	a0, a0, 1 << GUEST_IRQ_EXTERNAL
.endm

	.globl	_start
_start:
	GUEST_SETUP
	GUEST_EXPECT_IRQ interrupt
	li	s1, 0				/* taken */
	li	s2, 0				/* to be taken before the line is lowered */
	li	s3, VECTOR
	li	a0, GUEST_SIE_EXTERNAL
	csrw	sie, a0

	/* Off: it waits. */
	TEST_LINE
	GUEST_ASSERT_EQ a0, 0
	sw	s3, AX_TEST_RAISE(s11)
	TEST_LINE
	GUEST_ASSERT_EQ a0, GUEST_SIE_EXTERNAL
	li	a1, MASKED
1:	addi	a1, a1, -1
	bnez	a1, 1b
	GUEST_ASSERT_EQ s1, 0
	wfi					/* does not sleep */
	GUEST_ASSERT_EQ s1, 0
	sw	zero, AX_TEST_RAISE(s11)
	TEST_LINE
	GUEST_ASSERT_EQ a0, 0
	csrsi	sstatus, GUEST_SSTATUS_SIE
	csrci	sstatus, GUEST_SSTATUS_SIE
	GUEST_ASSERT_EQ s1, 0
	GUEST_SYNC 1

	/* Up: taken until it is lowered. */
	li	s2, 3
	sw	s3, AX_TEST_RAISE(s11)
	csrsi	sstatus, GUEST_SSTATUS_SIE
2:	bne	s1, s2, 2b
	csrci	sstatus, GUEST_SSTATUS_SIE
	GUEST_ASSERT_EQ s1, 3
	GUEST_SYNC 2

	/* Asleep: it comes while the hart waits, on and off. */
	li	s4, 3
	li	s1, 0
	li	s2, 1
3:	sw	s3, AX_TEST_RAISE_LATER(s11)
4:	wfi
	TEST_LINE
	beqz	a0, 4b				/* WFI may wake for nothing */
	csrsi	sstatus, GUEST_SSTATUS_SIE
	csrci	sstatus, GUEST_SSTATUS_SIE
	GUEST_ASSERT_EQ s1, 1
	li	s1, 0
	addi	s4, s4, -1
	bnez	s4, 3b
	sw	s3, AX_TEST_RAISE_LATER(s11)
	csrsi	sstatus, GUEST_SSTATUS_SIE
5:	wfi
	beqz	s1, 5b
	csrci	sstatus, GUEST_SSTATUS_SIE
	GUEST_ASSERT_EQ s1, 1
	TEST_LINE
	GUEST_ASSERT_EQ a0, 0
	GUEST_DONE 0

interrupt:
	csrr	t6, scause
	slli	t6, t6, 1			/* without the bit that says interrupt */
	addi	t6, t6, -2 * GUEST_IRQ_EXTERNAL
	beqz	t6, 6f
	GUEST_FAIL
6:	addi	s1, s1, 1
	bltu	s1, s2, 7f
	sw	zero, AX_TEST_RAISE(s11)
7:	GUEST_IRQ_RETURN

	GUEST_TABLES
