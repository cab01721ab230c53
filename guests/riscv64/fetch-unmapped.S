/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: executing where there is no memory: KVM gives up with EOPNOTSUPP.
 * Boot: flat, 0x80200000; one hart, no irqchip.
 */
#include "macros.inc"

	.globl	_start
_start:
	GUEST_SETUP
	GUEST_SYNC 1
	li	a0, AX_TEST_BASE_RISCV64 + AX_TEST_UNMAPPED_DISTANCE
	GUEST_LINE
	jalr	a0
	GUEST_FAIL

	GUEST_TABLES
