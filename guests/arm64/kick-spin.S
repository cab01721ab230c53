/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: a CPU that spins on its own memory, without any exit, comes out by a kick, with the
 * kicker's vector, and goes on where it was. Three times, with different vectors.
 * Boot: flat, 0x40200000; one CPU, no irqchip.
 */
#include "macros.inc"

	.globl	_start
_start:
	GUEST_SETUP
	GUEST_MMU_ON				/* the host writes through caches */
	adr	x20, word
	str	x20, [x29, #AX_TEST_KICK_WORD]
	ldr	x0, [x29, #AX_TEST_KICK_WORD]
	GUEST_ASSERT_SAME x0, x20

	adr	x21, vectors
	mov	w22, #3
1:	ldrb	w23, [x21], #1
	str	xzr, [x20]
	str	w23, [x29, #AX_TEST_KICK_LATER]
2:	yield
	ldr	x0, [x20]
	cbz	x0, 2b
	orr	x1, x23, #AX_TEST_KICK_SEEN
	GUEST_ASSERT_SAME x0, x1
	GUEST_SYNC_REGISTER x23
	subs	w22, w22, #1
	b.ne	1b
	GUEST_DONE 0

vectors:
	.byte	0x00, 0x41, 0xff
	.balign	4

	.bss
	.balign	8
word:
	.skip	8
	.text

	GUEST_TABLES
