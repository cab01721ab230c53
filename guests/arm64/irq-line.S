/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: without an irqchip the CPU's interrupt line has a level: raised, it stays up until it is
 * lowered, and the interrupt is taken again and again; masked, it waits; WFI wakes for it, masked or
 * not, and does not sleep while it is up.
 * Boot: flat, 0x40200000; one CPU, no irqchip.
 */
#include "macros.inc"

#define VECTOR		0x40
#define MASKED		2000		/* turns in which a KVM that ignored the mask would show it */

/* Nonzero flags if the line is up. Clobbers x0. */
.macro TEST_LINE
	mrs	x0, isr_el1
	tst	x0, #(1 << 7)
.endm

	.globl	_start
_start:
	GUEST_SETUP
	GUEST_EXPECT_IRQ interrupt
	mov	x20, #0				/* taken */
	mov	x21, #0				/* to be taken before the line is lowered */
	mov	w22, #VECTOR

	/* Masked: it waits. */
	TEST_LINE
	GUEST_ASSERT eq
	str	w22, [x29, #AX_TEST_RAISE]
	TEST_LINE
	GUEST_ASSERT ne
	mov	w1, #MASKED
1:	subs	w1, w1, #1
	b.ne	1b
	GUEST_ASSERT_EQ x20, 0
	wfi					/* does not sleep */
	GUEST_ASSERT_EQ x20, 0
	str	wzr, [x29, #AX_TEST_RAISE]
	TEST_LINE
	GUEST_ASSERT eq
	msr	daifclr, #2
	isb
	msr	daifset, #2
	GUEST_ASSERT_EQ x20, 0
	GUEST_SYNC 1

	/* Up: taken until it is lowered. */
	mov	x21, #3
	str	w22, [x29, #AX_TEST_RAISE]
	msr	daifclr, #2
2:	cmp	x20, #3
	b.lo	2b
	msr	daifset, #2
	GUEST_ASSERT_EQ x20, 3
	GUEST_SYNC 2

	/* Asleep: it comes while the CPU waits, masked and not. */
	mov	x23, #3
	mov	x20, #0
	mov	x21, #1
3:	str	w22, [x29, #AX_TEST_RAISE_LATER]
4:	wfi
	TEST_LINE
	b.eq	4b				/* WFI may wake for nothing */
	msr	daifclr, #2
	isb
	msr	daifset, #2
	GUEST_ASSERT_EQ x20, 1
	mov	x20, #0
	subs	x23, x23, #1
	b.ne	3b
	str	w22, [x29, #AX_TEST_RAISE_LATER]
	msr	daifclr, #2
5:	wfi
	cbz	x20, 5b
	msr	daifset, #2
	GUEST_ASSERT_EQ x20, 1
	TEST_LINE
	GUEST_ASSERT eq
	GUEST_DONE 0

interrupt:
	add	x20, x20, #1
	cmp	x20, x21
	b.lo	6f
	str	wzr, [x29, #AX_TEST_RAISE]
6:	GUEST_IRQ_RETURN

	GUEST_TABLES
