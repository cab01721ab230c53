/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: a read-only memory slot reads as memory and does not change: a write there becomes an
 * MMIO write at its address, which the host sees.
 * Boot: flat, 0x80200000; one hart, no irqchip; the host has the READONLY slot of abi.h.
 */
#include "macros.inc"

	.globl	_start
_start:
	GUEST_SETUP
	li	s1, AX_TEST_BASE_RISCV64 + AX_TEST_READONLY_DISTANCE
	li	s2, AX_TEST_BASE_RISCV64 + AX_TEST_READONLY_DISTANCE + AX_TEST_READONLY_SIZE - 8
	ld	a0, (s1)
	GUEST_ASSERT_EQ a0, 0x8786858483828180
	ld	a0, (s2)
	GUEST_ASSERT_EQ a0, 0x7f7e7d7c7b7a7978
	lb	a0, (s1)
	GUEST_ASSERT_EQ a0, 0xffffffffffffff80

	ld	s3, AX_TEST_READONLY_WRITES(s11)
	sb	zero, (s1)
	sh	zero, 2(s1)
	sw	zero, 4(s1)
	sd	zero, 8(s1)
	sd	zero, (s2)
	ld	a0, (s1)
	GUEST_ASSERT_EQ a0, 0x8786858483828180
	ld	a0, 8(s1)
	GUEST_ASSERT_EQ a0, 0x8f8e8d8c8b8a8988
	ld	a0, (s2)
	GUEST_ASSERT_EQ a0, 0x7f7e7d7c7b7a7978

	li	a0, -1				/* the host does not count */
	beq	s3, a0, 1f
	addi	s3, s3, 5
	ld	a0, AX_TEST_READONLY_WRITES(s11)
	GUEST_ASSERT_SAME a0, s3
1:	GUEST_DONE 0

	GUEST_TABLES
