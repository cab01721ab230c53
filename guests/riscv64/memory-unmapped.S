/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: where nothing is, a read gives ones in every width, and a write is lost without harm:
 * just behind RAM and in a hole of the memory map.
 * Boot: flat, 0x80200000; one hart, no irqchip; 16 MiB of RAM; unclaimed addresses read as ones.
 */
#include "macros.inc"

#define RAM_END		0x81000000
#define HOLE		(AX_TEST_BASE_RISCV64 + AX_TEST_UNMAPPED_DISTANCE)

	.globl	_start
_start:
	GUEST_SETUP
	li	s2, 0x1122334455667788
	li	s1, HOLE
	li	s3, 2
1:	lbu	a0, (s1)
	GUEST_ASSERT_EQ a0, 0xff
	lhu	a0, (s1)
	GUEST_ASSERT_EQ a0, 0xffff
	lwu	a0, (s1)
	GUEST_ASSERT_EQ a0, 0xffffffff
	ld	a0, (s1)
	GUEST_ASSERT_EQ a0, -1
	lb	a0, (s1)
	GUEST_ASSERT_EQ a0, -1
	lw	a0, (s1)
	GUEST_ASSERT_EQ a0, -1
	sb	s2, (s1)
	sh	s2, (s1)
	sw	s2, (s1)
	sd	s2, (s1)
	ld	a0, (s1)
	GUEST_ASSERT_EQ a0, -1
	li	s1, RAM_END
	addi	s3, s3, -1
	bnez	s3, 1b

	/* RAM ends exactly there. */
	sd	s2, -8(s1)
	ld	a0, -8(s1)
	GUEST_ASSERT_SAME a0, s2
	GUEST_DONE 0

	GUEST_TABLES
