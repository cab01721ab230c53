/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: a device's interrupt through the PLIC: the UART's is pending while it is up, held off by
 * its enable bit, its priority and the threshold, claimed once, and pending again when it is
 * completed without having been cleared.
 * Boot: flat, 0x80200000; one hart, no irqchip but the machine's PLIC.
 * Source: RISC-V Platform-Level Interrupt Controller Specification 1.0.0.
 */
#include "macros.inc"

#define PLIC_BASE	0x0c000000
#define PLIC_PRIORITY	0x000000	/* a word a source */
#define PLIC_PENDING	0x001000	/* a bit a source */
#define PLIC_ENABLE	0x002080	/* of context 1, hart 0 in supervisor mode; a bit a source */
#define PLIC_CONTEXT	0x201000	/* of context 1: threshold, claim and complete */
#define PLIC_CLAIM	4
#define UART_SOURCE	10
#define UART_IER_THRE	2

/* a0 = not 0 if the hart's external interrupt is pending; likewise the source. */
.macro TEST_LINE
	csrr	a0, sip
	andi	a0, a0, 1 << GUEST_IRQ_EXTERNAL
.endm

.macro TEST_PENDING
	lw	a0, (s2)
	andi	a0, a0, 1 << UART_SOURCE
.endm

	.globl	_start
_start:
	GUEST_SETUP
	GUEST_UART_FIND
	li	s1, PLIC_BASE			/* priorities */
	li	s2, PLIC_BASE + PLIC_PENDING
	li	s3, PLIC_BASE + PLIC_ENABLE
	li	s4, PLIC_BASE + PLIC_CONTEXT
	li	s5, 1
	li	s6, 1 << UART_SOURCE
	sw	s5, 4 * UART_SOURCE(s1)
	sw	s6, (s3)
	sw	zero, (s4)
	TEST_LINE
	GUEST_ASSERT_EQ a0, 0
	lw	a0, PLIC_CLAIM(s4)
	GUEST_ASSERT_EQ a0, 0			/* nothing to claim */

	/* The transmitter is empty: its interrupt is up as soon as it is enabled. */
	li	a0, 8				/* OUT2, by which PCs let it through */
	sb	a0, GUEST_UART_MCR(s9)
	li	a0, UART_IER_THRE
	sb	a0, GUEST_UART_IER(s9)
	TEST_PENDING
	GUEST_ASSERT_EQ a0, 1 << UART_SOURCE
	TEST_LINE
	GUEST_ASSERT_EQ a0, 1 << GUEST_IRQ_EXTERNAL
	GUEST_SYNC 1

	/* Held off. */
	sw	zero, (s3)
	TEST_LINE
	GUEST_ASSERT_EQ a0, 0
	sw	s6, (s3)
	sw	s5, (s4)			/* the threshold itself is too low */
	TEST_LINE
	GUEST_ASSERT_EQ a0, 0
	sw	zero, (s4)
	sw	zero, 4 * UART_SOURCE(s1)
	TEST_LINE
	GUEST_ASSERT_EQ a0, 0
	sw	s5, 4 * UART_SOURCE(s1)
	TEST_LINE
	GUEST_ASSERT_EQ a0, 1 << GUEST_IRQ_EXTERNAL
	GUEST_SYNC 2

	/* Claimed, it is not pending until it is completed; being still up it comes again. */
	lw	a0, PLIC_CLAIM(s4)
	GUEST_ASSERT_EQ a0, UART_SOURCE
	TEST_LINE
	GUEST_ASSERT_EQ a0, 0
	lw	a0, PLIC_CLAIM(s4)
	GUEST_ASSERT_EQ a0, 0
	li	a0, UART_SOURCE
	sw	a0, PLIC_CLAIM(s4)
	TEST_LINE
	GUEST_ASSERT_EQ a0, 1 << GUEST_IRQ_EXTERNAL
	GUEST_SYNC 3

	/* By an interrupt handler, which clears it: it comes once. */
	GUEST_EXPECT_IRQ interrupt
	li	s0, 0
	li	a0, GUEST_SIE_EXTERNAL
	csrw	sie, a0
	csrsi	sstatus, GUEST_SSTATUS_SIE
1:	beqz	s0, 1b
	li	a0, 2000
2:	addi	a0, a0, -1
	bnez	a0, 2b
	csrci	sstatus, GUEST_SSTATUS_SIE
	GUEST_ASSERT_EQ s0, 1

	/* Sleeping until the next character is gone. */
	li	a0, '.'
	sb	a0, GUEST_UART_DATA(s9)
3:	wfi
	TEST_LINE
	beqz	a0, 3b
	csrsi	sstatus, GUEST_SSTATUS_SIE
	csrci	sstatus, GUEST_SSTATUS_SIE
	GUEST_ASSERT_EQ s0, 2
	GUEST_DONE 0

interrupt:
	lw	t5, PLIC_CLAIM(s4)
	addi	t6, t5, -UART_SOURCE
	bnez	t6, 4f
	lbu	t6, GUEST_UART_IIR(s9)		/* reading it clears the cause */
	andi	t6, t6, 0x0f
	addi	t6, t6, -2
	bnez	t6, 5f
	addi	s0, s0, 1
	sw	t5, PLIC_CLAIM(s4)
	GUEST_IRQ_RETURN
4:	GUEST_FAIL
5:	GUEST_FAIL

	GUEST_TABLES
