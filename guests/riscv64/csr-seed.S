/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: the seed register of Zkr, which KVM leaves to the host: a read that writes gives the host's
 * answer, in any of the forms that exist.
 * Boot: flat, 0x80200000; one hart, no irqchip; the host has the registers of abi.h section 11.
 * Source: RISC-V Cryptography Extensions Volume I, 4.1.
 */
#include "macros.inc"

	.globl	_start
_start:
	GUEST_SETUP
	GUEST_EXPECT absent
	li	s1, 3
1:	GUEST_LINE
	csrrw	a0, AX_TEST_CSR_SEED, zero
	GUEST_ASSERT_EQ a0, AX_TEST_SEED_VALUE
	csrrwi	a1, AX_TEST_CSR_SEED, 0
	GUEST_ASSERT_EQ a1, AX_TEST_SEED_VALUE
	addi	s1, s1, -1
	bnez	s1, 1b
	GUEST_DONE 0

	/* No such register here. */
absent:
	csrr	t4, scause
	GUEST_ASSERT_EQ t4, GUEST_CAUSE_ILLEGAL
	GUEST_DONE AX_GUEST_CODE_LACKING

	GUEST_TABLES
