/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: nothing but speed: a loop of MMIO writes of four bytes, to the test device's storage.
 * How often: the 64-bit number at load + AX_GUEST_BENCH_COUNT, at least 1.
 * Boot: flat, real mode, 0x8000, so that the bare program (tests/bench/bare.c) runs it, too; one
 * CPU, no irqchip. The loop is in protected mode.
 */
#include "macros.inc"

	GUEST_CODE16
	.globl	_start
_start:
	jmp	start
	.org	AX_GUEST_BENCH_COUNT, 0xcc
count:
	.quad	20000
start:
	GUEST_REAL_SETUP
	GUEST_ENTER_PROTECTED
	mov	count, %ecx
	xor	%eax, %eax
1:	mov	%eax, AX_TEST_BASE_X86_64 + AX_TEST_SCRATCH
	dec	%ecx
	jnz	1b
	GUEST_DONE $0

	GUEST_TABLES
