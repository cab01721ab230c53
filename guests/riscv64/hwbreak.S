/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: a breakpoint stops the guest for a host that debugs it: EBREAK at load + AX_GUEST_HWBREAK.
 * Boot: flat, 0x80200000; one hart, no irqchip; the host debugs the guest.
 */
#include "macros.inc"

	.globl	_start
_start:
	GUEST_SETUP
	GUEST_SYNC 1
	GUEST_LINE
	j	1f
	.org	AX_GUEST_HWBREAK
1:	ebreak
	GUEST_FAIL

	GUEST_TABLES
