/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: a state that the CPU refuses to enter. The guest itself is innocent: the host sets both
 * CS.L and CS.D (64-bit and 32-bit code at once) before it runs this. Getting here is the failure.
 * Source: AMD APM volume 2, "Canonicalization and Consistency Checks"; Intel SDM volume 3, "Checks
 * on Guest Segment Registers".
 * Boot: flat, long mode, 0x100000; one CPU, no irqchip; bad CS.
 */
#include "macros.inc"

	GUEST_CODE64
	.globl	_start
_start:
	GUEST_FAIL
