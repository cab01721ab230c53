/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: a hypercall by an SBI call of the experimental range, with six arguments: a0 and a1 are the
 * error and the result, all other registers stay. What the host does not know is not supported;
 * BASE says that there is such an extension.
 * Boot: flat, 0x80200000; one hart, no irqchip; the host takes the experimental range.
 */
#include "macros.inc"

/* What the host answers to the arguments below, see abi.h. */
#define ANSWER		(0x1111111111111111 + 2 * 0x20 + 3 * 0x300 + 4 * 0x4000 + 5 * 0x50000 \
			 + 6 * 0x600000)

	.globl	_start
_start:
	GUEST_SETUP
	li	a0, 0x1111111111111111
	li	a1, 0x20
	li	a2, 0x300
	li	a3, 0x4000
	li	a4, 0x50000
	li	a5, 0x600000
	SBI	AX_TEST_SBI_EXT, AX_TEST_HYPERCALL_SUM
	GUEST_ASSERT_EQ a0, SBI_SUCCESS
	GUEST_ASSERT_EQ a1, ANSWER
	GUEST_ASSERT_EQ a2, 0x300
	GUEST_ASSERT_EQ a5, 0x600000
	GUEST_ASSERT_EQ a6, AX_TEST_HYPERCALL_SUM
	GUEST_ASSERT_EQ a7, AX_TEST_SBI_EXT
	GUEST_SYNC 1

	/* Unknown function, unknown extension. */
	SBI	AX_TEST_SBI_EXT, 0x7fff
	GUEST_ASSERT_EQ a0, AX_TEST_SBI_NOT_SUPPORTED
	SBI	AX_TEST_SBI_EXT_UNKNOWN, AX_TEST_HYPERCALL_SUM
	GUEST_ASSERT_EQ a0, AX_TEST_SBI_NOT_SUPPORTED
	GUEST_SYNC 2

	li	a0, AX_TEST_SBI_EXT
	SBI	SBI_EXT_BASE, SBI_BASE_PROBE
	GUEST_ASSERT_EQ a0, SBI_SUCCESS
	GUEST_ASSERT_EQ a1, 1
	GUEST_DONE 0

	GUEST_TABLES
