/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: with the option to stop at unclaimed addresses, the first such access ends the run, and
 * the host can name its address: here the hole that abi.h calls UNMAPPED.
 * Boot: flat, 0x80200000; one hart, no irqchip; the option set.
 */
#include "macros.inc"

	.globl	_start
_start:
	GUEST_SETUP
	GUEST_SYNC 1
	li	s1, AX_TEST_BASE_RISCV64 + AX_TEST_UNMAPPED_DISTANCE
	li	a0, 0x2a
	sw	a0, (s1)
	GUEST_FAIL

	GUEST_TABLES
