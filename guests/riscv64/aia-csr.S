/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: the registers of Ssaia that KVM leaves to the host where there is no AIA in KVM: stopei
 * reads and is claimed by a write, sireg is what siselect names.
 * Boot: flat, 0x80200000; one hart, no irqchip; the host has the registers of abi.h section 11.
 * Source: RISC-V Advanced Interrupt Architecture, chapter 2 and 3.
 */
#include "macros.inc"

#define CSR_SISELECT	0x150
#define EIDELIVERY	0x70

	.globl	_start
_start:
	GUEST_SETUP
	GUEST_EXPECT absent
	GUEST_LINE
	csrr	a0, AX_TEST_CSR_STOPEI
	GUEST_ASSERT_EQ a0, AX_TEST_STOPEI_VALUE
	csrrw	a0, AX_TEST_CSR_STOPEI, zero
	GUEST_ASSERT_EQ a0, AX_TEST_STOPEI_VALUE
	GUEST_SYNC 1

	/* sireg is storage at the host. */
	li	a0, EIDELIVERY
	csrw	CSR_SISELECT, a0
	li	a1, 0x1234
	GUEST_LINE
	csrw	AX_TEST_CSR_SIREG, a1
	csrr	a0, AX_TEST_CSR_SIREG
	GUEST_ASSERT_EQ a0, 0x1234
	csrsi	AX_TEST_CSR_SIREG, 3
	csrr	a0, AX_TEST_CSR_SIREG
	GUEST_ASSERT_EQ a0, 0x1237
	csrrci	a0, AX_TEST_CSR_SIREG, 5
	GUEST_ASSERT_EQ a0, 0x1237
	csrr	a0, AX_TEST_CSR_SIREG
	GUEST_ASSERT_EQ a0, 0x1232
	li	a1, 0xff00
	csrrs	a0, AX_TEST_CSR_SIREG, a1
	GUEST_ASSERT_EQ a0, 0x1232
	csrrc	a0, AX_TEST_CSR_SIREG, a1
	GUEST_ASSERT_EQ a0, 0xff32
	csrr	a0, AX_TEST_CSR_SIREG
	GUEST_ASSERT_EQ a0, 0x32
	GUEST_DONE 0

	/* No such register here. */
absent:
	csrr	t4, scause
	GUEST_ASSERT_EQ t4, GUEST_CAUSE_ILLEGAL
	GUEST_DONE AX_GUEST_CODE_LACKING

	GUEST_TABLES
