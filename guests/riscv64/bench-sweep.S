/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: nothing but speed: four-byte MMIO writes to places in turn, the test device's storage or
 * what the host has put into the image (abi.h, section 8).
 * Boot: flat, 0x80200000; any number of CPUs at once, no irqchip.
 */
#include "macros.inc"

	.globl	_start
_start:
	j	start
	.org	AX_GUEST_BENCH_COUNT
count:	.dword	2000
base:	.dword	AX_TEST_BASE_RISCV64 + AX_TEST_SCRATCH
stride:	.dword	0
number:	.dword	1
arg:	.dword	0
start:
	GUEST_SETUP
	lla	s1, count
	ld	s2, 8(s1)
	ld	s3, 16(s1)
	ld	s4, 24(s1)
	ld	s5, 32(s1)
	ld	s1, (s1)
	beqz	s5, 2f
	add	s2, s2, s8			/* the argument, as GUEST_SETUP keeps it */
2:	mv	s5, s2
	mv	s6, s4
3:	sw	a0, (s5)
	addi	s1, s1, -1
	beqz	s1, 4f
	add	s5, s5, s3
	addi	s6, s6, -1
	bnez	s6, 3b
	j	2b
4:	GUEST_DONE 0

	GUEST_TABLES
