/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: a load of a floating-point register from a device: KVM gives up with EOPNOTSUPP.
 * Boot: flat, 0x80200000; one hart, no irqchip.
 */
#include "macros.inc"

	.globl	_start
_start:
	GUEST_SETUP
	GUEST_SYNC 1
	GUEST_FP_ON
	addi	s1, s11, AX_TEST_PATTERN
	GUEST_LINE
	fld	fa0, (s1)
	GUEST_FAIL

	GUEST_TABLES
