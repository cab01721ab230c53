/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: nothing but speed: a loop of MMIO writes of four bytes, to the test device's storage.
 * How often: the 64-bit number at load + AX_GUEST_BENCH_COUNT, at least 1.
 * Boot: flat, long mode, 0x100000; one CPU, no irqchip.
 */
#include "macros.inc"

	GUEST_CODE64
	.globl	_start
_start:
	jmp	start
	.org	AX_GUEST_BENCH_COUNT, 0xcc
count:
	.quad	20000
start:
	GUEST_LONG_SETUP
	mov	count, %rcx
	xor	%eax, %eax
1:	mov	%eax, AX_TEST_SCRATCH(%rbx)
	dec	%rcx
	jnz	1b
	GUEST_DONE $0

	GUEST_TABLES
