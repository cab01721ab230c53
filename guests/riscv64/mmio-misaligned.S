/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: a misaligned access to a device: KVM gives up with EIO.
 * Boot: flat, 0x80200000; one hart, no irqchip.
 */
#include "macros.inc"

	.globl	_start
_start:
	GUEST_SETUP
	GUEST_SYNC 1
	addi	s1, s11, AX_TEST_PATTERN
	GUEST_LINE
	lw	a0, 1(s1)
	GUEST_FAIL

	GUEST_TABLES
