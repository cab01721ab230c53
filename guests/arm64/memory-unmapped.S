/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: where nothing is, a read gives ones in every width, and a write is lost without harm:
 * just behind RAM and in a hole of the memory map.
 * Boot: flat, 0x40200000; one CPU, no irqchip; 16 MiB of RAM; unclaimed addresses read as ones.
 */
#include "macros.inc"

#define RAM_END		0x41000000
#define HOLE		(AX_TEST_BASE_ARM64 + AX_TEST_UNMAPPED_DISTANCE)

	.globl	_start
_start:
	GUEST_SETUP
	ldr	x21, =0x1122334455667788
	ldr	x20, =HOLE
	mov	w22, #2
1:	ldrb	w0, [x20]
	GUEST_ASSERT_EQ x0, 0xff
	ldrh	w0, [x20]
	GUEST_ASSERT_EQ x0, 0xffff
	ldr	w0, [x20]
	GUEST_ASSERT_EQ x0, 0xffffffff
	ldr	x0, [x20]
	GUEST_ASSERT_EQ x0, -1
	ldrsb	w0, [x20]
	GUEST_ASSERT_EQ x0, 0xffffffff
	strb	w21, [x20]
	strh	w21, [x20]
	str	w21, [x20]
	str	x21, [x20]
	ldr	x0, [x20]
	GUEST_ASSERT_EQ x0, -1
	ldr	x20, =RAM_END
	subs	w22, w22, #1
	b.ne	1b

	/* RAM ends exactly there. */
	str	x21, [x20, #-8]
	ldr	x0, [x20, #-8]
	GUEST_ASSERT_SAME x0, x21
	GUEST_DONE 0

	GUEST_TABLES
