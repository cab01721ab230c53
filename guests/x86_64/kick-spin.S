/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: a CPU that spins on its own memory, without any exit, comes out by a kick, with the
 * kicker's vector, and goes on where it was. Three times, with different vectors.
 * Boot: flat, long mode, 0x100000; one CPU, no irqchip.
 */
#include "macros.inc"

	GUEST_CODE64
	.globl	_start
_start:
	GUEST_LONG_SETUP
	movq	$word, AX_TEST_KICK_WORD(%rbx)
	GUEST_ASSERT_EQ AX_TEST_KICK_WORD(%rbx), $word

	xor	%r12d, %r12d
1:	movzbl	vectors(%r12), %ecx
	movq	$0, word
	mov	%ecx, AX_TEST_KICK_LATER(%rbx)
2:	pause
	cmpq	$0, word
	je	2b
	or	$AX_TEST_KICK_SEEN, %rcx
	GUEST_ASSERT_EQ word, %rcx
	GUEST_SYNC %ecx
	inc	%r12d
	cmp	$3, %r12d
	jb	1b
	GUEST_DONE $0

vectors:
	.byte	0x00, 0x41, 0xff

	.bss
	.balign	8
word:
	.skip	8
	.text

	GUEST_TABLES
