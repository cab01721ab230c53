/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: an access across the border of two pages, and across the device's ends. Normal memory
 * allows it; KVM reports it whole, at its first byte, as long as the CPU does. Each part goes where
 * it belongs: reads of what nobody claims give ones, writes there are lost.
 * Boot: flat, 0x40200000; one CPU, no irqchip; unclaimed addresses read as ones.
 */
#include "macros.inc"

#define BORDER		AX_TEST_PAGE_BORDER

	.globl	_start
_start:
	GUEST_SETUP
	GUEST_MMU_ON
	ldr	x19, =GUEST_NORMAL_ALIAS
	add	x19, x19, x29			/* the device as Normal memory */
	mov	x0, #BORDER
	add	x20, x19, x0			/* the border */

	/* Reads. Eight bytes on either side of the border hold 10 11 .. 17 | 18 19 .. 1f. */
	ldr	x0, =0x1716151413121110
	str	x0, [x20, #-8]
	ldr	x0, =0x1f1e1d1c1b1a1918
	str	x0, [x20]
	sub	x21, x20, #8
	ldr	x22, =0x1716151413121110
	ldr	x23, =0x0101010101010101
	mov	w24, #7
1:	add	x21, x21, #1
	add	x22, x22, x23
	GUEST_LINE
	ldr	x0, [x21]
	GUEST_ASSERT_SAME x0, x22
	subs	w24, w24, #1
	b.ne	1b
	ldur	w0, [x20, #-3]
	GUEST_ASSERT_EQ x0, 0x18171615
	ldur	w0, [x20, #-1]
	GUEST_ASSERT_EQ x0, 0x1a191817
	ldursh	x0, [x20, #-1]
	GUEST_ASSERT_EQ x0, 0x1817
	GUEST_SYNC 1

	/* Writes: all eight bytes arrive, and none beside them. */
	ldr	x22, =0x8877665544332211
	sub	x21, x20, #8
	mov	w24, #7
2:	mov	x0, #-1
	str	x0, [x20, #-16]
	str	x0, [x20, #-8]
	str	x0, [x20]
	str	x0, [x20, #8]
	add	x21, x21, #1
	GUEST_LINE
	str	x22, [x21]
	mov	x5, #0
3:	ldrb	w0, [x21, x5]			/* byte i is 0x11 * (i + 1) */
	add	x5, x5, #1
	mov	x6, #0x11
	mul	x6, x6, x5
	GUEST_ASSERT_SAME x0, x6
	cmp	x5, #8
	b.lo	3b
	ldurb	w0, [x21, #-1]
	GUEST_ASSERT_EQ x0, 0xff
	ldrb	w0, [x21, #8]
	GUEST_ASSERT_EQ x0, 0xff
	subs	w24, w24, #1
	b.ne	2b
	GUEST_SYNC 2

	/* Over the device's end and start: offsets 0x1ffc..0x1fff hold 7c 7d 7e 7f. */
	mov	x0, #AX_TEST_SIZE
	add	x21, x19, x0
	ldur	x0, [x21, #-4]
	GUEST_ASSERT_EQ x0, 0xffffffff7f7e7d7c
	ldur	x0, [x21, #-3]
	GUEST_ASSERT_EQ x0, 0xffffffffff7f7e7d
	ldur	w0, [x21, #-1]
	GUEST_ASSERT_EQ x0, 0xffffff7f
	ldur	x0, [x19, #-4]			/* SYNC reads as zero */
	GUEST_ASSERT_EQ x0, 0xffffffff
	ldr	x22, [x29, #AX_TEST_WRITE_COUNT]
	ldr	x0, =0x8877665544332211
	stur	x0, [x21, #-4]
	add	x22, x22, #4			/* dispatched byte by byte: four are the device's */
	ldr	x0, [x29, #AX_TEST_WRITE_COUNT]
	GUEST_ASSERT_SAME x0, x22
	GUEST_ASSERT_DEVICE AX_TEST_WRITE_OFFSET, AX_TEST_SIZE - 1
	GUEST_ASSERT_DEVICE AX_TEST_WRITE_LENGTH, 1
	GUEST_ASSERT_DEVICE AX_TEST_WRITE_VALUE, 0x44
	GUEST_DONE 0

	GUEST_TABLES
