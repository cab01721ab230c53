/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: accesses of which the CPU tells KVM nothing but their address (ISV is 0): pairs, writeback,
 * vector registers. The host emulates them, or gives the guest an abort where it cannot, as for
 * atomic instructions: at the instruction, with the address in FAR, and without another effect.
 * Boot: flat, 0x40200000; one CPU, no irqchip; the host has KVM_CAP_ARM_NISV_TO_USER.
 */
#include "macros.inc"

#define ASSERT_REGISTER assert_register __LINE__,
.macro assert_register line, register, value
	guest_assert_eq \line, \register, \value
.endm

	.globl	_start
_start:
	GUEST_SETUP
	GUEST_FP_ON
	add	x20, x29, #AX_TEST_PATTERN	/* 80 81 82 .. */
	mov	x0, #AX_TEST_STORE
	add	x21, x29, x0
	ldr	x22, =0x1122334455667788
	ldr	x23, =0x99aabbccddeeff00

	/* Pairs. */
	GUEST_LINE
	stp	x22, x23, [x21]
	ldr	x0, [x21]
	GUEST_ASSERT_SAME x0, x22
	ldr	x0, [x21, #8]
	GUEST_ASSERT_SAME x0, x23
	ldp	x0, x1, [x20]
	GUEST_ASSERT_EQ x0, 0x8786858483828180
	GUEST_ASSERT_EQ x1, 0x8f8e8d8c8b8a8988
	ldp	w2, w3, [x20, #8]
	GUEST_ASSERT_EQ x2, 0x8b8a8988
	GUEST_ASSERT_EQ x3, 0x8f8e8d8c
	ldpsw	x4, x5, [x20]
	GUEST_ASSERT_EQ x4, 0xffffffff83828180
	GUEST_ASSERT_EQ x5, 0xffffffff87868584
	ldnp	x6, x7, [x20, #16]
	GUEST_ASSERT_EQ x6, 0x9796959493929190
	GUEST_ASSERT_EQ x7, 0x9f9e9d9c9b9a9998
	stp	w22, wzr, [x21, #16]
	ldr	x0, [x21, #16]
	GUEST_ASSERT_EQ x0, 0x55667788
	GUEST_SYNC 1

	/* Pre- and post-index. */
	mov	x9, x20
	ldrb	w0, [x9], #1
	ldrb	w1, [x9, #1]!
	GUEST_ASSERT_EQ x0, 0x80
	GUEST_ASSERT_EQ x1, 0x82
	sub	x0, x9, x20
	GUEST_ASSERT_EQ x0, 2
	ldrsh	x0, [x9], #2
	GUEST_ASSERT_EQ x0, 0xffffffffffff8382
	ldrsw	x0, [x9], #-4
	GUEST_ASSERT_EQ x0, 0xffffffff87868584
	GUEST_ASSERT_SAME x9, x20
	ldrsb	w0, [x9, #7]!
	GUEST_ASSERT_EQ x0, 0xffffff87
	mov	x9, x21
	str	x22, [x9], #8
	strb	w22, [x9], #1
	strh	w22, [x9, #1]!
	sub	x0, x9, x21
	GUEST_ASSERT_EQ x0, 10
	ldr	x0, [x21]
	GUEST_ASSERT_SAME x0, x22
	ldrb	w0, [x21, #8]
	GUEST_ASSERT_EQ x0, 0x88
	ldrh	w0, [x21, #10]
	GUEST_ASSERT_EQ x0, 0x7788
	mov	x9, x20
	ldp	x0, x1, [x9], #16
	GUEST_ASSERT_EQ x0, 0x8786858483828180
	sub	x0, x9, x20
	GUEST_ASSERT_EQ x0, 16
	ldp	w0, w1, [x9, #-8]!
	GUEST_ASSERT_EQ x0, 0x8b8a8988
	GUEST_ASSERT_EQ x1, 0x8f8e8d8c
	sub	x0, x9, x20
	GUEST_ASSERT_EQ x0, 8
	mov	x10, sp				/* sp as the base: pop from the device */
	mov	sp, x20
	ldp	x0, x1, [sp], #16
	mov	x11, sp
	mov	sp, x10
	GUEST_ASSERT_EQ x1, 0x8f8e8d8c8b8a8988
	sub	x11, x11, x20
	GUEST_ASSERT_EQ x11, 16
	GUEST_SYNC 2

	/* Vector registers. */
	ldr	q0, [x20]
	umov	x0, v0.d[0]
	umov	x1, v0.d[1]
	GUEST_ASSERT_EQ x0, 0x8786858483828180
	GUEST_ASSERT_EQ x1, 0x8f8e8d8c8b8a8988
	ldr	d1, [x20, #8]
	umov	x0, v1.d[0]
	umov	x1, v1.d[1]
	GUEST_ASSERT_EQ x0, 0x8f8e8d8c8b8a8988
	GUEST_ASSERT_EQ x1, 0			/* cleared above the width */
	ldr	s2, [x20]
	umov	x0, v2.d[0]
	GUEST_ASSERT_EQ x0, 0x83828180
	ldr	b3, [x20]
	umov	x0, v3.d[0]
	GUEST_ASSERT_EQ x0, 0x80
	ldp	q4, q5, [x20]
	umov	x0, v5.d[1]
	GUEST_ASSERT_EQ x0, 0x9f9e9d9c9b9a9998
	str	q0, [x21]
	ldr	x0, [x21, #8]
	GUEST_ASSERT_EQ x0, 0x8f8e8d8c8b8a8988
	mov	x9, x21
	stp	d0, d1, [x9], #16
	ldr	x0, [x21]
	GUEST_ASSERT_EQ x0, 0x8786858483828180
	str	q5, [x9, #16]!
	ldr	x0, [x21, #40]
	GUEST_ASSERT_EQ x0, 0x9f9e9d9c9b9a9998
	sub	x0, x9, x21
	GUEST_ASSERT_EQ x0, 32
	str	s0, [x21]
	str	h0, [x21, #4]
	ldr	x0, [x21]
	GUEST_ASSERT_EQ x0, 0x8786818083828180
	ld1	{v6.16b, v7.16b}, [x20]
	umov	x0, v7.d[0]
	GUEST_ASSERT_EQ x0, 0x9796959493929190
	st1	{v6.2d}, [x21]
	ldr	x0, [x21, #8]
	GUEST_ASSERT_EQ x0, 0x8f8e8d8c8b8a8988
	GUEST_SYNC 3

	/* What nobody emulates is an abort. */
	GUEST_EXPECT aborted
	mov	x24, #0
	str	x22, [x21]
	mov	x0, #1
	mov	x1, #0x55
	adr	x25, 1f
	GUEST_LINE
1:	ldadd	x0, x1, [x21]
	GUEST_ASSERT_EQ x24, 1
	GUEST_ASSERT_EQ x1, 0x55
	adr	x25, 2f
	GUEST_LINE
2:	swpb	w0, w1, [x21]
	GUEST_ASSERT_EQ x24, 2
	adr	x25, 3f
	GUEST_LINE
3:	ldxr	x1, [x21]			/* exclusive */
	GUEST_ASSERT_EQ x24, 3
	adr	x25, 4f
	GUEST_LINE
4:	ld2	{v6.16b, v7.16b}, [x21]		/* interleaved */
	GUEST_ASSERT_EQ x24, 4
	ldr	x0, [x21]
	GUEST_ASSERT_SAME x0, x22
	GUEST_ASSERT_EQ x1, 0x55
	GUEST_DONE 0

aborted:
	mrs	x18, esr_el1
	ubfx	x18, x18, #GUEST_ESR_EC, #6
	GUEST_ASSERT_EQ x18, GUEST_EC_DATA_ABORT
	mrs	x18, far_el1
	GUEST_ASSERT_SAME x18, x21
	mrs	x18, elr_el1
	GUEST_ASSERT_SAME x18, x25
	add	x24, x24, #1
	GUEST_SKIP_INSTRUCTION

	GUEST_TABLES
