/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: nothing but speed: a loop of MMIO reads of one byte that are sign-extended. The bytes are
 * negative every other time: a host that extends them itself pays for those.
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
	addi	s2, s11, AX_TEST_PATTERN
	lla	s1, count
	ld	s1, (s1)
1:	lb	a0, (s2)
	xori	s2, s2, 0x80
	addi	s1, s1, -1
	bnez	s1, 1b
	GUEST_DONE 0

	GUEST_TABLES
