/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: every form of load of one register, zero- and sign-extending, of every pair of widths, ends
 * in the register as the Architecture Reference Manual says. KVM leaves sign extension undone on
 * many kernels; the host must not.
 * Boot: flat, 0x40200000; one CPU, no irqchip.
 */
#include "macros.inc"

#define NEGATIVE	AX_TEST_PATTERN			/* bytes 80 81 82 83 ... */
#define POSITIVE	(AX_TEST_PATTERN + 0x88)	/* bytes 08 09 0a 0b ... */
#define OLD		0x1122334455667788

/* x20 is NEGATIVE's address, x21 POSITIVE's. The instruction loads into x\number, which was OLD
 * before and is `value` then. */
#define ASSERT_LOAD assert_load __LINE__,
.macro assert_load line, value, number, instruction:vararg
	mov	w28, #\line
	ldr	x\number, =OLD
	\instruction
	guest_assert_eq \line, x\number, \value
.endm

/* All forms with a mnemonic for each pair of widths, from one of the two places. */
#define ASSERT_FAMILY assert_family __LINE__,
.macro assert_family line, place, b, h, w, x, sbw, sbx, shw, shx, swx, infix
	assert_load \line, \b, 0, ld\infix\()rb w0, [\place]
	assert_load \line, \h, 1, ld\infix\()rh w1, [\place]
	assert_load \line, \w, 2, ld\infix\()r w2, [\place]
	assert_load \line, \x, 3, ld\infix\()r x3, [\place]
	assert_load \line, \sbw, 4, ld\infix\()rsb w4, [\place]
	assert_load \line, \sbx, 5, ld\infix\()rsb x5, [\place]
	assert_load \line, \shw, 6, ld\infix\()rsh w6, [\place]
	assert_load \line, \shx, 7, ld\infix\()rsh x7, [\place]
	assert_load \line, \swx, 8, ld\infix\()rsw x8, [\place]
.endm

#define OF_NEGATIVE x20, 0x80, 0x8180, 0x83828180, 0x8786858483828180, \
	0xffffff80, 0xffffffffffffff80, 0xffff8180, 0xffffffffffff8180, 0xffffffff83828180
#define OF_POSITIVE x21, 0x08, 0x0908, 0x0b0a0908, 0x0f0e0d0c0b0a0908, \
	0x08, 0x08, 0x0908, 0x0908, 0x0b0a0908

	.globl	_start
_start:
	GUEST_SETUP
	add	x20, x29, #NEGATIVE
	add	x21, x29, #POSITIVE

	/* ldrb .. ldrsw, ldurb .. ldursw, ldtrb .. ldtrsw. */
	ASSERT_FAMILY OF_NEGATIVE
	ASSERT_FAMILY OF_NEGATIVE, u
	ASSERT_FAMILY OF_NEGATIVE, t
	ASSERT_FAMILY OF_POSITIVE
	ASSERT_FAMILY OF_POSITIVE, u
	ASSERT_FAMILY OF_POSITIVE, t
	GUEST_SYNC 1

	/* Offsets: immediate, scaled; negative; a register, extended or shifted. */
	ASSERT_LOAD 0xffffffffffffff81, 0, ldrsb x0, [x20, #1]
	ASSERT_LOAD 0xffff8382, 1, ldrsh w1, [x20, #2]
	ASSERT_LOAD 0xffffffff87868584, 2, ldrsw x2, [x20, #4]
	ASSERT_LOAD 0xffffffffffffff80, 3, ldursb x3, [x21, #(NEGATIVE - POSITIVE)]
	mov	x9, #2
	mov	w10, #-0x88
	ASSERT_LOAD 0xffffff82, 4, ldrsb w4, [x20, x9]
	ASSERT_LOAD 0xffffffffffff8584, 5, ldrsh x5, [x20, x9, lsl #1]
	ASSERT_LOAD 0xffffffff8b8a8988, 6, ldrsw x6, [x20, w9, uxtw #2]
	ASSERT_LOAD 0xffffffff83828180, 7, ldrsw x7, [x21, w10, sxtw]
	ASSERT_LOAD 0x8584, 8, ldrh w8, [x20, w9, uxtw #1]
	GUEST_SYNC 2

	/* Acquire. */
	ASSERT_LOAD 0x80, 0, ldarb w0, [x20]
	ASSERT_LOAD 0x8180, 1, ldarh w1, [x20]
	ASSERT_LOAD 0x83828180, 2, ldar w2, [x20]
	ASSERT_LOAD 0x8786858483828180, 3, ldar x3, [x20]
	GUEST_SYNC 3

	/* Every register is a target; the base itself, too. */
	.irp	number, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 18, 19, 22, 23, 24, \
		25, 30
	ASSERT_LOAD 0xffffffffffff8180, \number, ldrsh x\number, [x20]
	ASSERT_LOAD 0xffffff80, \number, ldrsb w\number, [x20]
	.endr
	mov	x22, x20
	ldrsh	w22, [x22]
	GUEST_ASSERT_EQ x22, 0xffff8180
	mov	x23, x20
	ldrsw	x23, [x23]
	GUEST_ASSERT_EQ x23, 0xffffffff83828180

	/* Register 31 is the zero register, not sp. */
	mov	x22, sp
	ldrsb	xzr, [x20]
	ldrsh	wzr, [x20]
	ldr	xzr, [x20]
	mov	x23, sp
	GUEST_ASSERT_SAME x22, x23

	/* Neither flags nor the next instruction are lost. */
	mov	x9, #5
	cmp	x9, #5
	ldrsb	x0, [x20]
	GUEST_ASSERT eq
	ldrsb	x1, [x20]
	ldrsh	x2, [x20]
	add	x3, x1, x2
	GUEST_ASSERT_EQ x3, 0xffffffffffff8100
	GUEST_DONE 0

	GUEST_TABLES
