/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: nothing but speed: a loop of MMIO writes of four bytes, to the test device's storage.
 * How often: the 64-bit number at load + AX_GUEST_BENCH_COUNT, at least 1.
 * Boot: flat, 0x80200000; one hart, no irqchip.
 */
#include "macros.inc"

	.globl	_start
_start:
	j	start
	.org	AX_GUEST_BENCH_COUNT
count:
	.dword	2000
start:
	GUEST_SETUP
	lla	s1, count
	ld	s1, (s1)
1:	sw	s1, AX_TEST_SCRATCH(s11)
	addi	s1, s1, -1
	bnez	s1, 1b
	GUEST_DONE 0

	GUEST_TABLES
