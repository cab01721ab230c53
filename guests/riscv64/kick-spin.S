/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: a hart that spins on its own memory, without any exit, comes out by a kick, with the
 * kicker's vector, and goes on where it was. Three times, with different vectors.
 * Boot: flat, 0x80200000; one hart, no irqchip.
 */
#include "macros.inc"

	.globl	_start
_start:
	GUEST_SETUP
	lla	s1, word
	sd	s1, AX_TEST_KICK_WORD(s11)
	ld	a0, AX_TEST_KICK_WORD(s11)
	GUEST_ASSERT_SAME a0, s1

	lla	s2, vectors
	li	s3, 3
1:	lbu	s4, (s2)
	addi	s2, s2, 1
	sd	zero, (s1)
	sw	s4, AX_TEST_KICK_LATER(s11)
2:	ld	a0, (s1)
	beqz	a0, 2b
	ori	a1, s4, AX_TEST_KICK_SEEN
	GUEST_ASSERT_SAME a0, a1
	GUEST_SYNC_REGISTER s4
	addi	s3, s3, -1
	bnez	s3, 1b
	GUEST_DONE 0

	.section .rodata
vectors:
	.byte	0x00, 0x41, 0xff

	.bss
	.balign	8
word:
	.skip	8

	GUEST_TABLES
