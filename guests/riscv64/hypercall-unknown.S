/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: SBI calls that nobody takes are answered with SBI_ERR_NOT_SUPPORTED, whatever their
 * extension and function; the guest goes on behind them.
 * Boot: flat, 0x80200000; one hart, no irqchip.
 */
#include "macros.inc"

	.globl	_start
_start:
	GUEST_SETUP
	lla	s1, calls
	lla	s2, calls_end
1:	ld	a7, 0(s1)
	ld	a6, 8(s1)
	mv	s3, a7
	ecall
	GUEST_ASSERT_EQ a0, SBI_ERR_NOT_SUPPORTED
	GUEST_ASSERT_SAME a7, s3
	addi	s1, s1, 16
	bltu	s1, s2, 1b
	GUEST_DONE 0

	.data
	.balign	8
calls:
	.dword	AX_TEST_SBI_EXT_UNKNOWN, AX_TEST_HYPERCALL_SUM
	.dword	0x08ffffff, 0			/* experimental */
	.dword	0x09415800, 0			/* a vendor's */
	.dword	0x0a415800, 0			/* firmware's */
	.dword	0x12345678, 0
	.dword	SBI_EXT_BASE, 99
calls_end:

	GUEST_TABLES
