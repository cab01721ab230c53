/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: a hypercall by a block in memory, through the test device: the number and six arguments
 * reach the host, the result comes back in the block. This route needs nothing of KVM but MMIO
 * exits.
 * Boot: flat, 0x80200000; one hart, no irqchip.
 */
#include "macros.inc"

/* Six arguments and what the host answers to them, see abi.h. */
#define ARGUMENTS	0x1111111111111111, 0x20, 0x300, 0x4000, 0x50000, 0x600000
#define ANSWER		(0x1111111111111111 + 2 * 0x20 + 3 * 0x300 + 4 * 0x4000 + 5 * 0x50000 \
			 + 6 * 0x600000)

	.globl	_start
_start:
	GUEST_SETUP
	lla	s1, block

	/* The result is there at the instruction after the store. */
	sd	s1, AX_TEST_HYPERCALL(s11)
	ld	a0, AX_TEST_HYPERCALL_RET(s1)
	GUEST_ASSERT_EQ a0, ANSWER
	ld	a0, AX_TEST_HYPERCALL_NR(s1)
	GUEST_ASSERT_EQ a0, AX_TEST_HYPERCALL_SUM
	ld	a0, AX_TEST_HYPERCALL_ARGS + 40(s1)
	GUEST_ASSERT_EQ a0, 0x600000
	GUEST_SYNC 1

	/* By a store of 4 bytes. */
	sd	zero, AX_TEST_HYPERCALL_RET(s1)
	sw	s1, AX_TEST_HYPERCALL(s11)
	ld	a0, AX_TEST_HYPERCALL_RET(s1)
	GUEST_ASSERT_EQ a0, ANSWER
	GUEST_SYNC 2

	/* A number that nobody knows is answered, too. All 64 bits of it count. */
	li	a0, 1
	sw	a0, AX_TEST_HYPERCALL_NR + 4(s1)
	sd	s1, AX_TEST_HYPERCALL(s11)
	ld	a0, AX_TEST_HYPERCALL_RET(s1)
	GUEST_ASSERT_EQ a0, AX_TEST_HYPERCALL_UNKNOWN

	/* A block that is not in RAM, or not aligned, is no call: nothing changes. */
	li	a0, 0x55
	sd	a0, AX_TEST_HYPERCALL_RET(s1)
	addi	a1, s1, 4
	sd	a1, AX_TEST_HYPERCALL(s11)
	sd	s11, AX_TEST_HYPERCALL(s11)
	li	a1, -8
	sd	a1, AX_TEST_HYPERCALL(s11)
	ld	a0, AX_TEST_HYPERCALL_RET(s1)
	GUEST_ASSERT_EQ a0, 0x55
	GUEST_DONE 0

	.data
	.balign	8
block:
	.dword	AX_TEST_HYPERCALL_SUM
	.dword	ARGUMENTS
	.dword	0

	GUEST_TABLES
