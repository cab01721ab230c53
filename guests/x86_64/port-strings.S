/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: rep outs and rep ins of 1, 2 and 4 bytes with a count above one, upwards and downwards:
 * every element arrives once, in order, with its width, and rsi, rdi and rcx end where they must.
 * Boot: flat, long mode, 0x100000; one CPU, no irqchip.
 */
#include "macros.inc"

#define PORT_FIFO	(AX_TEST_PORT_BASE + AX_TEST_PORT_FIFO)
#define MANY		200		/* elements, fewer than AX_TEST_FIFO_LIMIT */

/* Input one element to the cleared rax and compare it. */
#define ASSERT_INPUT assert_input __LINE__,
.macro assert_input line, register, value
	xor	%eax, %eax
	in	%dx, \register
	guest_assert_eq \line, %rax, $\value
.endm

/* Send MANY elements of `width` bytes out and bring them in again, elsewhere. */
#define ROUND_TRIP round_trip __LINE__,
.macro round_trip line, suffix, width
	mov	$source, %esi
	mov	$MANY, %ecx
	rep outs\suffix
	guest_assert_eq \line, %rcx, $0
	guest_assert_eq \line, %rsi, $(source + MANY * \width)
	mov	$target, %edi
	mov	$MANY, %ecx
	rep ins\suffix
	guest_assert_eq \line, %rcx, $0
	guest_assert_eq \line, %rdi, $(target + MANY * \width)
	xor	%ecx, %ecx
.Lcompare\@:
	mov	source(%rcx), %rax
	guest_assert_eq \line, target(%rcx), %rax
	movq	$0, target(%rcx)
	add	$8, %ecx
	cmp	$(MANY * \width), %ecx
	jb	.Lcompare\@
.endm

	GUEST_CODE64
	.globl	_start
_start:
	GUEST_LONG_SETUP
	mov	$0x8807060504030201, %rax	/* 01 02 .. 07 88 09 0a .. 0f 90 11 .. */
	mov	$0x0808080808080808, %rcx
	mov	$source, %edi
1:	mov	%rax, (%rdi)
	add	%rcx, %rax
	add	$8, %edi
	cmp	$(source + MANY * 4), %edi
	jb	1b
	mov	$PORT_FIFO, %edx

	/* Out, upwards: elements leave as they lie in memory. */
	mov	$source, %esi
	mov	$3, %ecx
	rep outsb
	GUEST_ASSERT_EQ %rcx, $0
	GUEST_ASSERT_EQ %rsi, $(source + 3)
	mov	$2, %ecx
	rep outsw
	GUEST_ASSERT_EQ %rsi, $(source + 7)
	mov	$2, %ecx
	rep outsl
	GUEST_ASSERT_EQ %rsi, $(source + 15)
	ASSERT_INPUT %al, 0x01
	ASSERT_INPUT %al, 0x02
	ASSERT_INPUT %al, 0x03
	ASSERT_INPUT %ax, 0x0504
	ASSERT_INPUT %ax, 0x0706
	ASSERT_INPUT %eax, 0x0b0a0988
	ASSERT_INPUT %eax, 0x0f0e0d0c
	ASSERT_INPUT %al, 0xff			/* none left */
	GUEST_SYNC $1

	/* In, upwards: nothing but the target changes. */
	mov	$PORT_FIFO, %edx
	mov	$source, %esi
	mov	$5, %ecx
	rep outsb
	movq	$-1, target
	mov	$(target + 1), %edi
	mov	$5, %ecx
	rep insb
	GUEST_ASSERT_EQ %rcx, $0
	GUEST_ASSERT_EQ %rdi, $(target + 6)
	GUEST_ASSERT_EQ target, $0xffff0504030201ff
	movq	$0, target

	/* A count of zero makes no access. */
	rep outsb
	rep insb
	GUEST_ASSERT_EQ %rdi, $(target + 6)
	ASSERT_INPUT %al, 0xff

	ROUND_TRIP b, 1
	ROUND_TRIP w, 2
	ROUND_TRIP l, 4
	GUEST_SYNC $2

	/* Downwards, both ways. */
	std
	mov	$PORT_FIFO, %edx
	mov	$(source + 4), %esi
	mov	$3, %ecx
	rep outsw
	GUEST_ASSERT_EQ %rcx, $0
	GUEST_ASSERT_EQ %rsi, $(source - 2)
	ASSERT_INPUT %ax, 0x0605
	ASSERT_INPUT %ax, 0x0403
	ASSERT_INPUT %ax, 0x0201
	mov	$source, %esi
	outsb					/* 01 */
	mov	$(source + 7), %esi
	outsb					/* 88 */
	mov	$(target + 7), %edi
	mov	$2, %ecx
	rep insb
	GUEST_ASSERT_EQ %rcx, $0
	GUEST_ASSERT_EQ %rdi, $(target + 5)
	GUEST_ASSERT_EQ target, $0x0188000000000000
	cld
	GUEST_DONE $0

	.bss
	.balign	8
source:
	.skip	MANY * 4
target:
	.skip	MANY * 4
	.text

	GUEST_TABLES
