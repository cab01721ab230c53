/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: a read-only memory slot reads as memory and does not change: a write there becomes an
 * MMIO write at its address, which the host sees.
 * Boot: flat, 0x40200000; one CPU, no irqchip; the host has the READONLY slot of abi.h.
 */
#include "macros.inc"

	.globl	_start
_start:
	GUEST_SETUP
	ldr	x20, =(AX_TEST_BASE_ARM64 + AX_TEST_READONLY_DISTANCE)
	ldr	x21, =(AX_TEST_BASE_ARM64 + AX_TEST_READONLY_DISTANCE + AX_TEST_READONLY_SIZE - 8)
	ldr	x0, [x20]
	GUEST_ASSERT_EQ x0, 0x8786858483828180
	ldr	x0, [x21]
	GUEST_ASSERT_EQ x0, 0x7f7e7d7c7b7a7978
	ldrsb	x0, [x20]
	GUEST_ASSERT_EQ x0, 0xffffffffffffff80

	ldr	x22, [x29, #AX_TEST_READONLY_WRITES]
	strb	wzr, [x20]
	strh	wzr, [x20, #2]
	str	wzr, [x20, #4]
	str	xzr, [x20, #8]
	str	xzr, [x21]
	ldr	x0, [x20]
	GUEST_ASSERT_EQ x0, 0x8786858483828180
	ldr	x0, [x20, #8]
	GUEST_ASSERT_EQ x0, 0x8f8e8d8c8b8a8988
	ldr	x0, [x21]
	GUEST_ASSERT_EQ x0, 0x7f7e7d7c7b7a7978

	cmn	x22, #1				/* the host does not count */
	b.eq	1f
	add	x22, x22, #5
	ldr	x0, [x29, #AX_TEST_READONLY_WRITES]
	GUEST_ASSERT_SAME x0, x22
1:	GUEST_DONE 0

	GUEST_TABLES
