/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: a page fault without a handler, and nothing to handle that: a triple fault, as a crash
 * makes it. Its address is in CR2 only as long as KVM keeps the registers.
 * Boot: flat, long mode, 0x100000; one CPU, no irqchip.
 */
#include "macros.inc"

	GUEST_CODE64
	.globl	_start
_start:
	GUEST_LONG_SETUP
	GUEST_IDT_LOAD				/* no gate is present */
	GUEST_SYNC $1
	mov	$0x123456789000, %rax		/* not mapped */
	mov	(%rax), %rax
	GUEST_FAIL

	GUEST_TABLES
