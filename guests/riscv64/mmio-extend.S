/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: every form of load of an integer register, zero- and sign-extending, of four bytes and of
 * two, ends in the register as the instruction set says. KVM leaves sign extension undone on many
 * kernels; the host must not.
 * Boot: flat, 0x80200000; one hart, no irqchip.
 */
#include "macros.inc"

#define NEGATIVE	AX_TEST_PATTERN			/* bytes 80 81 82 83 ... */
#define POSITIVE	(AX_TEST_PATTERN + 0x88)	/* bytes 08 09 0a 0b ... */
#define OLD		0x1122334455667788

/* The instruction loads into `register`, which was OLD before and is `value` then. */
#define ASSERT_LOAD assert_load __LINE__,
.macro assert_load line, value, register, instruction:vararg
	li	s10, \line
	li	\register, OLD
	\instruction
	guest_assert_eq \line, \register, \value
.endm

	.globl	_start
_start:
	GUEST_SETUP
	addi	s1, s11, NEGATIVE
	addi	a1, s11, POSITIVE

	/* Negative. */
	ASSERT_LOAD 0xffffffffffffff80, a0, lb a0, 0(s1)
	ASSERT_LOAD 0x80, a0, lbu a0, 0(s1)
	ASSERT_LOAD 0xffffffffffff8180, a0, lh a0, 0(s1)
	ASSERT_LOAD 0x8180, a0, lhu a0, 0(s1)
	ASSERT_LOAD 0xffffffff83828180, a0, lw a0, 0(s1)
	ASSERT_LOAD 0x83828180, a0, lwu a0, 0(s1)
	ASSERT_LOAD 0x8786858483828180, a0, ld a0, 0(s1)

	/* Positive. */
	ASSERT_LOAD 0x08, a0, lb a0, 0(a1)
	ASSERT_LOAD 0x08, a0, lbu a0, 0(a1)
	ASSERT_LOAD 0x0908, a0, lh a0, 0(a1)
	ASSERT_LOAD 0x0908, a0, lhu a0, 0(a1)
	ASSERT_LOAD 0x0b0a0908, a0, lw a0, 0(a1)
	ASSERT_LOAD 0x0b0a0908, a0, lwu a0, 0(a1)
	ASSERT_LOAD 0x0f0e0d0c0b0a0908, a0, ld a0, 0(a1)
	GUEST_SYNC 1

	/* Offsets, negative ones among them. */
	ASSERT_LOAD 0xffffffffffffff81, a0, lb a0, 1(s1)
	ASSERT_LOAD 0xffffffffffff8382, a0, lh a0, 2(s1)
	ASSERT_LOAD 0xffffffff87868584, a0, lw a0, 4(s1)
	ASSERT_LOAD 0xffffffffffffff80, a0, lb a0, (NEGATIVE - POSITIVE)(a1)
	ASSERT_LOAD 0xffffffff83828180, a0, lw a0, (NEGATIVE - POSITIVE)(a1)

	/* Compressed: eight registers by three bits, all by sp. */
	mv	s2, sp
	mv	sp, s1
	.irp	register, a0, a2, a3, a4, a5, s0
	.option	push
	.option	arch, +c
	ASSERT_LOAD 0xffffffff83828180, \register, c.lw \register, 0(s1)
	ASSERT_LOAD 0xffffffff87868584, \register, c.lw \register, 4(s1)
	ASSERT_LOAD 0x0b0a0908, \register, c.lw \register, 0(a1)
	ASSERT_LOAD 0x8f8e8d8c8b8a8988, \register, c.ld \register, 8(s1)
	ASSERT_LOAD 0xffffffff83828180, \register, c.lwsp \register, 0(sp)
	ASSERT_LOAD 0x8786858483828180, \register, c.ldsp \register, 0(sp)
	.option	pop
	.endr
	.option	push
	.option	arch, +c
	ASSERT_LOAD 0xffffffff8f8e8d8c, t3, c.lwsp t3, 12(sp)
	ASSERT_LOAD 0xffffffff8f8e8d8c, ra, c.lwsp ra, 12(sp)
	.option	pop
	mv	sp, s2
	GUEST_SYNC 2

	/* Every register is a target; the base itself, too. */
	.irp	register, ra, gp, tp, t0, t1, t2, s0, a0, a2, a3, a4, a5, a6, a7, s3, s4, s5, s6, t3, t4
	ASSERT_LOAD 0xffffffffffff8180, \register, lh \register, 0(s1)
	ASSERT_LOAD 0xffffffffffffff80, \register, lb \register, 0(s1)
	ASSERT_LOAD 0xffffffff83828180, \register, lw \register, 0(s1)
	.endr
	mv	a0, s1
	lw	a0, (a0)
	GUEST_ASSERT_EQ a0, 0xffffffff83828180
	mv	a0, s1
	lb	a0, (a0)
	GUEST_ASSERT_EQ a0, 0xffffffffffffff80

	/* sp, which a handler would miss. */
	mv	s2, sp
	lh	sp, 0(s1)
	mv	a0, sp
	mv	sp, s2
	GUEST_ASSERT_EQ a0, 0xffffffffffff8180

	/* x0 stays what it is, and the next instruction is not lost. */
	lb	zero, 0(s1)
	lw	zero, 0(s1)
	mv	a0, zero
	GUEST_ASSERT_EQ a0, 0
	lb	a0, 0(s1)
	lh	a2, 0(s1)
	add	a3, a0, a2
	GUEST_ASSERT_EQ a3, 0xffffffffffff8100
	GUEST_DONE 0

	GUEST_TABLES
