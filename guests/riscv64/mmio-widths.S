/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: MMIO reads and writes of 1, 2, 4 and 8 bytes, by instructions of four bytes and of two. A
 * write arrives once, with its width and value.
 * Boot: flat, 0x80200000; one hart, no irqchip.
 */
#include "macros.inc"

/* The device has recorded this as the `count`th write. */
#define ASSERT_WRITTEN assert_written __LINE__,
.macro assert_written line, offset, length, value, count
	guest_assert_device \line, AX_TEST_WRITE_OFFSET, \offset
	guest_assert_device \line, AX_TEST_WRITE_LENGTH, \length
	guest_assert_device \line, AX_TEST_WRITE_VALUE, \value
	guest_assert_device \line, AX_TEST_WRITE_COUNT, \count
.endm

/* The instruction loads `value` into a0, all of whose bits were ones. */
#define ASSERT_READ assert_read __LINE__,
.macro assert_read line, value, instruction:vararg
	li	s10, \line
	li	a0, -1
	\instruction
	guest_assert_eq \line, a0, \value
.endm

	.globl	_start
_start:
	GUEST_SETUP
	addi	s1, s11, AX_TEST_PATTERN
	li	a1, 0x1122334455667788

	/* Reads. */
	ASSERT_READ 0x80, lbu a0, 0(s1)
	ASSERT_READ 0x8180, lhu a0, 0(s1)
	ASSERT_READ 0x83828180, lwu a0, 0(s1)
	ASSERT_READ 0x8786858483828180, ld a0, 0(s1)
	ASSERT_READ 0x81, lbu a0, 1(s1)
	ASSERT_READ 0x8382, lhu a0, 2(s1)
	ASSERT_READ 0x87868584, lwu a0, 4(s1)
	ASSERT_READ 0x8f8e8d8c8b8a8988, ld a0, 8(s1)
	GUEST_ASSERT_DEVICE AX_TEST_IDENTITY, AX_TEST_IDENTITY_VALUE
	ASSERT_READ AX_TEST_IDENTITY_VALUE >> 32, lwu a0, (AX_TEST_IDENTITY + 4)(s11)
	.option	push
	.option	arch, +c
	ASSERT_READ 0x8786858483828180, c.ld a0, 0(s1)
	ASSERT_READ 0x0f0e0d0c0b0a0908, c.ld a0, 0x88(s1)
	.option	pop
	GUEST_SYNC 1

	/* Writes, the zero register among them. */
	sb	a1, 0(s1)
	ASSERT_WRITTEN AX_TEST_PATTERN, 1, 0x88, 1
	sh	a1, 2(s1)
	ASSERT_WRITTEN AX_TEST_PATTERN + 2, 2, 0x7788, 2
	sw	a1, 4(s1)
	ASSERT_WRITTEN AX_TEST_PATTERN + 4, 4, 0x55667788, 3
	sd	a1, 8(s1)
	ASSERT_WRITTEN AX_TEST_PATTERN + 8, 8, 0x1122334455667788, 4
	sb	zero, 3(s1)
	ASSERT_WRITTEN AX_TEST_PATTERN + 3, 1, 0, 5
	sd	zero, 0(s1)
	ASSERT_WRITTEN AX_TEST_PATTERN, 8, 0, 6
	li	a2, AX_TEST_PATTERN_HIGH
	add	a2, a2, s11
	li	a0, -2
	sd	a0, 0(a2)
	ASSERT_WRITTEN AX_TEST_PATTERN_HIGH, 8, 0xfffffffffffffffe, 7
	sw	a0, -4(a2)
	GUEST_ASSERT_DEVICE AX_TEST_WRITE_LENGTH, 4
	.option	push
	.option	arch, +c
	c.sw	a1, 4(s1)
	.option	pop
	ASSERT_WRITTEN AX_TEST_PATTERN + 4, 4, 0x55667788, 9
	.option	push
	.option	arch, +c
	c.sd	a1, 8(s1)
	.option	pop
	ASSERT_WRITTEN AX_TEST_PATTERN + 8, 8, 0x1122334455667788, 10
	mv	s2, sp				/* sp as the base */
	mv	sp, s1
	.option	push
	.option	arch, +c
	c.sdsp	a1, 16(sp)
	c.swsp	a1, 28(sp)
	.option	pop
	mv	sp, s2
	ASSERT_WRITTEN AX_TEST_PATTERN + 28, 4, 0x55667788, 12
	GUEST_SYNC 2

	/* Storage: plain memory, byte for byte. */
	sd	a1, AX_TEST_SCRATCH(s11)
	GUEST_ASSERT_DEVICE AX_TEST_SCRATCH, 0x1122334455667788
	sb	zero, AX_TEST_SCRATCH + 7(s11)
	li	a0, 0xeeff
	sh	a0, AX_TEST_SCRATCH + 2(s11)
	GUEST_ASSERT_DEVICE AX_TEST_SCRATCH, 0x00223344eeff7788
	li	a2, AX_TEST_STORE
	add	a2, a2, s11
	sd	a1, (a2)
	ld	a0, (a2)
	GUEST_ASSERT_SAME a0, a1
	GUEST_DONE 0

	GUEST_TABLES
