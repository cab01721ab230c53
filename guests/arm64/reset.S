/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: reset by PSCI's SYSTEM_RESET, answered by the host.
 * Boot: flat, 0x40200000; one CPU, no irqchip.
 */
#define GUEST_CONDUIT	smc
#include "macros.inc"

	.globl	_start
_start:
	GUEST_SETUP
	GUEST_SYNC 1
	mov	x1, #0
	mov	x2, #0
	GUEST_LINE
	PSCI	PSCI_SYSTEM_RESET
	GUEST_FAIL				/* it does not return */

	GUEST_TABLES
