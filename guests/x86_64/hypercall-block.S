/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: a hypercall by a block in memory, through the test device and through its port window:
 * the number and six arguments reach the host, the result comes back in the block. This route
 * needs nothing of KVM but MMIO or port exits.
 * Boot: flat, long mode, 0x100000; one CPU, no irqchip.
 */
#include "macros.inc"

#define BLOCK(member)	(block + AX_TEST_HYPERCALL_##member)

/* Six arguments and what the host answers to them, see abi.h. */
#define ARGUMENTS	0x1111111111111111, 0x20, 0x300, 0x4000, 0x50000, 0x600000
#define ANSWER		(0x1111111111111111 + 2 * 0x20 + 3 * 0x300 + 4 * 0x4000 + 5 * 0x50000 \
			 + 6 * 0x600000)

	GUEST_CODE64
	.globl	_start
_start:
	GUEST_LONG_SETUP

	/* The result is there at the instruction after the store. */
	mov	$block, %eax
	mov	%rax, AX_TEST_HYPERCALL(%rbx)
	mov	BLOCK(RET), %rcx
	GUEST_ASSERT_EQ %rcx, $ANSWER
	GUEST_ASSERT_EQ BLOCK(NR), $AX_TEST_HYPERCALL_SUM
	GUEST_ASSERT_EQ (BLOCK(ARGS) + 40), $0x600000
	GUEST_SYNC $1

	movq	$0, BLOCK(RET)
	mov	$block, %eax
	mov	$(AX_TEST_PORT_BASE + AX_TEST_PORT_HYPERCALL), %edx
	out	%eax, %dx
	mov	BLOCK(RET), %rcx
	GUEST_ASSERT_EQ %rcx, $ANSWER
	GUEST_SYNC $2

	/* A number that nobody knows is answered, too. All 64 bits of it count. */
	movl	$1, (BLOCK(NR) + 4)
	mov	$block, %eax
	mov	%eax, AX_TEST_HYPERCALL(%rbx)
	GUEST_ASSERT_EQ BLOCK(RET), $AX_TEST_HYPERCALL_UNKNOWN
	GUEST_DONE $0

	.data
	.balign	8
block:
	.quad	AX_TEST_HYPERCALL_SUM
	.quad	ARGUMENTS
	.quad	0
	.text

	GUEST_TABLES
