/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: cold reboot, by SBI's system reset extension.
 * Boot: flat, 0x80200000; one hart, no irqchip.
 * Source: RISC-V Supervisor Binary Interface Specification, chapter 10.
 */
#include "macros.inc"

	.globl	_start
_start:
	GUEST_SETUP
	li	a0, 3				/* reserved */
	li	a1, 0
	SBI	SBI_EXT_SRST, SBI_SRST_RESET
	GUEST_ASSERT lt, a0, zero
	GUEST_SYNC 1
	li	a0, 1
	li	a1, 0
	GUEST_LINE
	SBI	SBI_EXT_SRST, SBI_SRST_RESET
	GUEST_FAIL				/* it does not return */

	GUEST_TABLES
