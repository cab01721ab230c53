/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: an atomic access to a device: KVM gives up with EOPNOTSUPP.
 * Boot: flat, 0x80200000; one hart, no irqchip.
 */
#include "macros.inc"

	.globl	_start
_start:
	GUEST_SETUP
	GUEST_SYNC 1
	addi	s1, s11, AX_TEST_PATTERN
	li	a0, 1
	GUEST_LINE
	amoadd.w a1, a0, (s1)
	GUEST_FAIL

	GUEST_TABLES
