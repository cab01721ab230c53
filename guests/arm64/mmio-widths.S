/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: MMIO reads and writes of 1, 2, 4 and 8 bytes. A read clears what is above its width; a
 * write arrives once, with its width and value. Unaligned accesses, which Normal memory allows,
 * arrive whole, too.
 * Boot: flat, 0x40200000; one CPU, no irqchip.
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

/* The instruction loads `value` into x0, all of whose bits were ones. */
#define ASSERT_READ assert_read __LINE__,
.macro assert_read line, value, instruction:vararg
	mov	w28, #\line
	mov	x0, #-1
	\instruction
	guest_assert_eq \line, x0, \value
.endm

	.globl	_start
_start:
	GUEST_SETUP
	add	x20, x29, #AX_TEST_PATTERN
	ldr	x21, =0x1122334455667788

	/* Reads. */
	ASSERT_READ 0x80, ldrb w0, [x20]
	ASSERT_READ 0x8180, ldrh w0, [x20]
	ASSERT_READ 0x83828180, ldr w0, [x20]
	ASSERT_READ 0x8786858483828180, ldr x0, [x20]
	ASSERT_READ 0x81, ldrb w0, [x20, #1]
	ASSERT_READ 0x8382, ldrh w0, [x20, #2]
	ASSERT_READ 0x87868584, ldr w0, [x20, #4]
	ASSERT_READ 0x8f8e8d8c8b8a8988, ldr x0, [x20, #8]
	GUEST_ASSERT_DEVICE AX_TEST_IDENTITY, AX_TEST_IDENTITY_VALUE
	ASSERT_READ AX_TEST_IDENTITY_VALUE >> 32, ldr w0, [x29, #(AX_TEST_IDENTITY + 4)]
	GUEST_SYNC 1

	/* Writes, the zero register among them. */
	strb	w21, [x20]
	ASSERT_WRITTEN AX_TEST_PATTERN, 1, 0x88, 1
	strh	w21, [x20, #2]
	ASSERT_WRITTEN AX_TEST_PATTERN + 2, 2, 0x7788, 2
	str	w21, [x20, #4]
	ASSERT_WRITTEN AX_TEST_PATTERN + 4, 4, 0x55667788, 3
	str	x21, [x20, #8]
	ASSERT_WRITTEN AX_TEST_PATTERN + 8, 8, 0x1122334455667788, 4
	strb	wzr, [x20, #3]
	ASSERT_WRITTEN AX_TEST_PATTERN + 3, 1, 0, 5
	str	xzr, [x20]
	ASSERT_WRITTEN AX_TEST_PATTERN, 8, 0, 6
	mov	x22, #AX_TEST_PATTERN_HIGH
	mov	x0, #-2
	str	x0, [x29, x22]
	ASSERT_WRITTEN AX_TEST_PATTERN_HIGH, 8, 0xfffffffffffffffe, 7
	stur	w0, [x20, #12]
	ASSERT_WRITTEN AX_TEST_PATTERN + 12, 4, 0xfffffffe, 8
	stlr	w21, [x20]
	ASSERT_WRITTEN AX_TEST_PATTERN, 4, 0x55667788, 9
	GUEST_SYNC 2

	/* Storage: plain memory, byte for byte. */
	str	x21, [x29, #AX_TEST_SCRATCH]
	GUEST_ASSERT_DEVICE AX_TEST_SCRATCH, 0x1122334455667788
	strb	wzr, [x29, #(AX_TEST_SCRATCH + 7)]
	mov	w0, #0xeeff
	strh	w0, [x29, #(AX_TEST_SCRATCH + 2)]
	GUEST_ASSERT_DEVICE AX_TEST_SCRATCH, 0x00223344eeff7788
	str	x21, [x29, #AX_TEST_STORE]
	GUEST_ASSERT_DEVICE AX_TEST_STORE, 0x1122334455667788
	GUEST_SYNC 3

	/* Unaligned, with the MMU on, through the alias that is Normal memory. */
	GUEST_MMU_ON
	ldr	x23, =GUEST_NORMAL_ALIAS
	add	x20, x20, x23
	ASSERT_READ 0x8281, ldrh w0, [x20, #1]
	ASSERT_READ 0x8483, ldurh w0, [x20, #3]
	ASSERT_READ 0x88878685, ldur w0, [x20, #5]
	ASSERT_READ 0x8e8d8c8b8a898887, ldur x0, [x20, #7]
	ldr	x22, [x29, #AX_TEST_WRITE_COUNT]
	GUEST_ASSERT_EQ x22, 10
	sturh	w21, [x20, #1]
	ASSERT_WRITTEN AX_TEST_PATTERN + 1, 2, 0x7788, 11
	stur	w21, [x20, #2]
	ASSERT_WRITTEN AX_TEST_PATTERN + 2, 4, 0x55667788, 12
	stur	x21, [x20, #3]
	ASSERT_WRITTEN AX_TEST_PATTERN + 3, 8, 0x1122334455667788, 13
	GUEST_DONE 0

	GUEST_TABLES
