/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: with the option to stop at unclaimed addresses, the first such access ends the run, and
 * the host can name its address: here the hole that abi.h calls UNMAPPED.
 * Boot: flat, protected mode, 0x100000; one CPU, no irqchip; the option set.
 */
#include "macros.inc"

	GUEST_CODE32
	.globl	_start
_start:
	GUEST_SYNC $1
	movl	$0x2a, AX_TEST_BASE_X86_64 + AX_TEST_UNMAPPED_DISTANCE
	GUEST_FAIL
