/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: as smp-sipi, with the local APICs in the kernel: the host sees nothing of the start.
 * Boot: flat, real mode, 0x8000; several CPUs; the in-kernel irqchip.
 */
#include "macros.inc"
#include "smp.inc"

	GUEST_CODE16
	.globl	_start
_start:
	GUEST_REAL_SETUP
	GUEST_ENTER_PROTECTED
	GUEST_BUILD_PAGE_TABLES
	GUEST_ENTER_LONG
	SMP_SETUP
#include "smp-main.inc"
