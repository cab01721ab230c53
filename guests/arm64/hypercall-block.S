/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: a hypercall by a block in memory, through the test device: the number and six arguments
 * reach the host, the result comes back in the block. This route needs nothing of KVM but MMIO
 * exits.
 * Boot: flat, 0x40200000; one CPU, no irqchip.
 */
#include "macros.inc"

/* Six arguments and what the host answers to them, see abi.h. */
#define ARGUMENTS	0x1111111111111111, 0x20, 0x300, 0x4000, 0x50000, 0x600000
#define ANSWER		(0x1111111111111111 + 2 * 0x20 + 3 * 0x300 + 4 * 0x4000 + 5 * 0x50000 \
			 + 6 * 0x600000)

	.globl	_start
_start:
	GUEST_SETUP
	GUEST_MMU_ON				/* the host reads and writes the block through caches */
	adr	x20, block

	/* The result is there at the instruction after the store. */
	str	x20, [x29, #AX_TEST_HYPERCALL]
	ldr	x0, [x20, #AX_TEST_HYPERCALL_RET]
	GUEST_ASSERT_EQ x0, ANSWER
	ldr	x0, [x20, #AX_TEST_HYPERCALL_NR]
	GUEST_ASSERT_EQ x0, AX_TEST_HYPERCALL_SUM
	ldr	x0, [x20, #(AX_TEST_HYPERCALL_ARGS + 40)]
	GUEST_ASSERT_EQ x0, 0x600000
	GUEST_SYNC 1

	/* By a store of 4 bytes. */
	str	xzr, [x20, #AX_TEST_HYPERCALL_RET]
	str	w20, [x29, #AX_TEST_HYPERCALL]
	ldr	x0, [x20, #AX_TEST_HYPERCALL_RET]
	GUEST_ASSERT_EQ x0, ANSWER
	GUEST_SYNC 2

	/* A number that nobody knows is answered, too. All 64 bits of it count. */
	mov	w0, #1
	str	w0, [x20, #(AX_TEST_HYPERCALL_NR + 4)]
	str	x20, [x29, #AX_TEST_HYPERCALL]
	ldr	x0, [x20, #AX_TEST_HYPERCALL_RET]
	GUEST_ASSERT_EQ x0, AX_TEST_HYPERCALL_UNKNOWN

	/* A block that is not in RAM, or not aligned, is no call: nothing changes. */
	mov	x0, #0x55
	str	x0, [x20, #AX_TEST_HYPERCALL_RET]
	add	x1, x20, #4
	str	x1, [x29, #AX_TEST_HYPERCALL]
	str	x29, [x29, #AX_TEST_HYPERCALL]
	mov	x1, #-8
	str	x1, [x29, #AX_TEST_HYPERCALL]
	ldr	x0, [x20, #AX_TEST_HYPERCALL_RET]
	GUEST_ASSERT_EQ x0, 0x55
	GUEST_DONE 0

	.data
	.balign	8
block:
	.quad	AX_TEST_HYPERCALL_SUM
	.quad	ARGUMENTS
	.quad	0
	.text

	GUEST_TABLES
