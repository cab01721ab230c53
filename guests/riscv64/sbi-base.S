/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: SBI's base extension: version, implementation (KVM is 3), probing; the machine's IDs can be
 * read.
 * Boot: flat, 0x80200000; one hart, no irqchip.
 * Source: RISC-V Supervisor Binary Interface Specification, chapter 4.
 */
#include "macros.inc"

#define IMPL_KVM	3

	.globl	_start
_start:
	GUEST_SETUP
	SBI	SBI_EXT_BASE, SBI_BASE_SPEC_VERSION
	GUEST_ASSERT_EQ a0, SBI_SUCCESS
	li	a0, 1 << 24			/* 1.0 */
	GUEST_ASSERT geu, a1, a0
	SBI	SBI_EXT_BASE, SBI_BASE_IMPL_ID
	GUEST_ASSERT_EQ a0, SBI_SUCCESS
	GUEST_ASSERT_EQ a1, IMPL_KVM
	li	s1, 4				/* mvendorid, marchid, mimpid */
1:	li	a7, SBI_EXT_BASE
	mv	a6, s1
	ecall
	GUEST_ASSERT_EQ a0, SBI_SUCCESS
	addi	s1, s1, 1
	li	a0, 7
	bltu	s1, a0, 1b

	li	a0, SBI_EXT_BASE
	SBI	SBI_EXT_BASE, SBI_BASE_PROBE
	GUEST_ASSERT_EQ a0, SBI_SUCCESS
	GUEST_ASSERT_EQ a1, 1
	li	a0, SBI_EXT_SRST
	SBI	SBI_EXT_BASE, SBI_BASE_PROBE
	GUEST_ASSERT_EQ a0, SBI_SUCCESS
	GUEST_ASSERT_EQ a1, 1
	li	a0, 0x12345678
	SBI	SBI_EXT_BASE, SBI_BASE_PROBE
	GUEST_ASSERT_EQ a0, SBI_SUCCESS
	GUEST_ASSERT_EQ a1, 0
	li	a7, SBI_EXT_BASE
	li	a6, 7
	ecall
	GUEST_ASSERT_EQ a0, SBI_ERR_NOT_SUPPORTED
	GUEST_DONE 0

	GUEST_TABLES
