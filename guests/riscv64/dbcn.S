/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: SBI's debug console, answered by the host: bytes from memory, one byte, nothing to read;
 * memory that is not the guest's is an invalid parameter.
 * Boot: flat, 0x80200000; one hart, no irqchip; the host has DBCN.
 * Source: RISC-V Supervisor Binary Interface Specification, chapter 12.
 */
#include "macros.inc"

#define NOWHERE		(AX_TEST_BASE_RISCV64 + AX_TEST_UNMAPPED_DISTANCE)

/* The error of a transfer that is refused: length, address, its upper half. */
#define ASSERT_REFUSED assert_refused __LINE__,
.macro assert_refused line, function, length, address, high=0
	li	a0, \length
	li	a1, \address
	li	a2, \high
	SBI	SBI_EXT_DBCN, \function
	guest_assert_eq \line, a0, SBI_ERR_INVALID_PARAM
.endm

	.globl	_start
_start:
	GUEST_SETUP
	li	a0, SBI_EXT_DBCN
	SBI	SBI_EXT_BASE, SBI_BASE_PROBE
	GUEST_ASSERT_EQ a0, SBI_SUCCESS
	GUEST_ASSERT_EQ a1, 1

	/* It may write less than all. */
	lla	s1, text
	lla	s2, text_end
1:	sub	a0, s2, s1
	mv	a1, s1
	li	a2, 0
	SBI	SBI_EXT_DBCN, SBI_DBCN_WRITE
	GUEST_ASSERT_EQ a0, SBI_SUCCESS
	sub	a0, s2, s1
	GUEST_ASSERT geu, a0, a1
	add	s1, s1, a1
	bltu	s1, s2, 1b
	li	a0, '!'
	SBI	SBI_EXT_DBCN, SBI_DBCN_WRITE_BYTE
	GUEST_ASSERT_EQ a0, SBI_SUCCESS
	GUEST_ASSERT_EQ a1, 0
	li	a0, '\n'
	SBI	SBI_EXT_DBCN, SBI_DBCN_WRITE_BYTE
	GUEST_ASSERT_EQ a0, SBI_SUCCESS
	GUEST_SYNC 1

	/* Nothing was typed. */
	li	a0, 8
	lla	a1, buffer
	li	a2, 0
	SBI	SBI_EXT_DBCN, SBI_DBCN_READ
	GUEST_ASSERT_EQ a0, SBI_SUCCESS
	GUEST_ASSERT_EQ a1, 0

	/* No bytes are fine. */
	li	a0, 0
	lla	a1, text
	li	a2, 0
	SBI	SBI_EXT_DBCN, SBI_DBCN_WRITE
	GUEST_ASSERT_EQ a0, SBI_SUCCESS
	GUEST_ASSERT_EQ a1, 0

	ASSERT_REFUSED SBI_DBCN_WRITE, 8, NOWHERE
	ASSERT_REFUSED SBI_DBCN_READ, 8, NOWHERE
	ASSERT_REFUSED SBI_DBCN_WRITE, 8, 0x80200000, 1
	ASSERT_REFUSED SBI_DBCN_WRITE, -1, 0x80200000
	ASSERT_REFUSED SBI_DBCN_WRITE, 16, 0x80fffff8	/* over the end of RAM */
	SBI	SBI_EXT_DBCN, 3
	GUEST_ASSERT_EQ a0, SBI_ERR_NOT_SUPPORTED
	GUEST_DONE 0

	.section .rodata
text:
	.ascii	"hello by the debug console"
text_end:

	.bss
	.balign	8
buffer:
	.skip	8

	GUEST_TABLES
