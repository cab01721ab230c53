/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: nothing but speed: four-byte MMIO writes to places in turn, the test device's storage or
 * what the host has put into the image (abi.h, section 8).
 * Boot: flat, 0x100000, 32-bit protected mode; any number of CPUs at once, no irqchip.
 */
#include "macros.inc"

	GUEST_CODE32
	.globl	_start
_start:
	jmp	start
	.org	AX_GUEST_BENCH_COUNT, 0xcc
count:	.quad	20000
base:	.quad	AX_TEST_BASE_X86_64 + AX_TEST_SCRATCH
stride:	.quad	0
number:	.quad	1
arg:	.quad	0
start:
	mov	base, %esi
	cmpl	$0, arg
	je	1f
	add	%edi, %esi
1:	mov	count, %ecx
	mov	stride, %ebp
2:	mov	%esi, %ebx
	mov	number, %edx
3:	mov	%eax, (%ebx)
	dec	%ecx
	jz	4f
	add	%ebp, %ebx
	dec	%edx
	jnz	3b
	jmp	2b
4:	GUEST_DONE $0
