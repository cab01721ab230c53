/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: a hypercall by the CPU's own instructions, HVC and SMC, with six arguments, by the SMC
 * calling convention: function ID in w0, arguments in x1 to x6, result in x0. Functions that the
 * host does not know get NOT_SUPPORTED, in either width.
 * Boot: flat, 0x40200000; one CPU, no irqchip; the host takes the vendor specific hypervisor calls.
 */
#include "macros.inc"

/* What the host answers to the arguments below, see abi.h. */
#define ANSWER		(0x1111111111111111 + 2 * 0x20 + 3 * 0x300 + 4 * 0x4000 + 5 * 0x50000 \
			 + 6 * 0x600000)

.macro ASSERT_CONDUIT conduit, line
	ldr	x0, =AX_TEST_SMCCC_SUM
	ldr	x1, =0x1111111111111111
	mov	x2, #0x20
	mov	x3, #0x300
	mov	x4, #0x4000
	mov	x5, #0x50000
	mov	x6, #0x600000
	mov	x7, #0x77
	mov	x8, #0x88
	\conduit #0
	guest_assert_eq \line, x0, ANSWER
	guest_assert_eq \line, x1, 0x1111111111111111
	guest_assert_eq \line, x2, 0x20
	guest_assert_eq \line, x3, 0x300
	guest_assert_eq \line, x4, 0x4000
	guest_assert_eq \line, x5, 0x50000
	guest_assert_eq \line, x6, 0x600000
	guest_assert_eq \line, x7, 0x77
	guest_assert_eq \line, x8, 0x88

	ldr	x0, =AX_TEST_SMCCC_UNKNOWN
	\conduit #0
	guest_assert_eq \line, x0, AX_TEST_SMCCC_NOT_SUPPORTED
	ldr	x0, =AX_TEST_SMCCC_UNKNOWN_32
	\conduit #0
	mov	w0, w0				/* the result of a 32-bit call */
	guest_assert_eq \line, x0, AX_TEST_SMCCC_NOT_SUPPORTED & 0xffffffff
	guest_assert_eq \line, x6, 0x600000
.endm

	.globl	_start
_start:
	GUEST_SETUP
	ASSERT_CONDUIT hvc, __LINE__
	GUEST_SYNC 1
	ASSERT_CONDUIT smc, __LINE__
	GUEST_DONE 0

	GUEST_TABLES
