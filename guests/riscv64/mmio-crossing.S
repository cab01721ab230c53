/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: a store over the border of two pages of a device: KVM gives up with EIO.
 * Boot: flat, 0x80200000; one hart, no irqchip.
 */
#include "macros.inc"

	.globl	_start
_start:
	GUEST_SETUP
	GUEST_SYNC 1
	li	a0, AX_TEST_PAGE_BORDER
	add	s1, s11, a0
	GUEST_LINE
	sd	a0, -4(s1)
	GUEST_FAIL

	GUEST_TABLES
