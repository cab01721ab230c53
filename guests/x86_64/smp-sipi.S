/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: the first CPU starts every other one by INIT and SIPI through its local APIC. Each starts
 * once, in real mode at the vector's page, is the vCPU that was named, sees the same memory, and
 * runs beside the others.
 * Boot: flat, real mode, 0x8000; several CPUs; local APICs in userspace.
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
