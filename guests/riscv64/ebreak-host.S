/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: a breakpoint belongs to a host that debugs the guest: EBREAK ends the run.
 * Boot: flat, 0x80200000; one hart, no irqchip; the host debugs the guest.
 */
#include "macros.inc"

	.globl	_start
_start:
	GUEST_SETUP
	GUEST_SYNC 1
	GUEST_LINE
	ebreak
	GUEST_FAIL

	GUEST_TABLES
