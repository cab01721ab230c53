/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: executing where there is no memory is a synchronous external abort in the guest; KVM
 * answers it without an exit.
 * Boot: flat, 0x40200000; one CPU, no irqchip.
 */
#include "macros.inc"

	.globl	_start
_start:
	GUEST_SETUP
	GUEST_SYNC 1
	GUEST_EXPECT aborted
	ldr	x20, =(AX_TEST_BASE_ARM64 + AX_TEST_UNMAPPED_DISTANCE)
	GUEST_LINE
	blr	x20
	GUEST_FAIL

aborted:
	mrs	x0, esr_el1
	ubfx	x1, x0, #GUEST_ESR_EC, #6
	GUEST_ASSERT_EQ x1, GUEST_EC_FETCH_ABORT
	ubfx	x1, x0, #0, #6
	GUEST_ASSERT_EQ x1, GUEST_FSC_EXTERNAL
	mrs	x0, elr_el1
	GUEST_ASSERT_SAME x0, x20
	mrs	x0, far_el1
	GUEST_ASSERT_SAME x0, x20
	GUEST_DONE 0

	GUEST_TABLES
