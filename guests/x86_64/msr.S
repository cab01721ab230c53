/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: rdmsr and wrmsr reach the host's handlers with all 64 bits; an access that a handler
 * refuses, and one that has no handler, is a general protection fault in the guest, which goes on.
 * Boot: flat, long mode, 0x100000; one CPU, no irqchip; unclaimed MSRs give #GP.
 */
#include "macros.inc"

#define GENERAL_PROTECTION	13
#define LAST_STORAGE		(AX_TEST_MSR_BASE + AX_TEST_MSR_STORAGE_COUNT - 1)

/* Read an MSR to rax. Clobbers rcx, rdx. */
.macro READ_MSR index
	mov	$\index, %ecx
	rdmsr
	shl	$32, %rdx
	or	%rdx, %rax
.endm

/* Write a 64-bit immediate. Clobbers rax, rcx, rdx. */
.macro WRITE_MSR index, value
	mov	$\index, %ecx
	mov	$((\value) & 0xffffffff), %eax
	mov	$((\value) >> 32 & 0xffffffff), %edx
	wrmsr
.endm

	GUEST_CODE64
	.globl	_start
_start:
	GUEST_LONG_SETUP
	GUEST_IDT_SET GENERAL_PROTECTION, general_protection
	GUEST_IDT_LOAD

	READ_MSR AX_TEST_MSR_BASE
	GUEST_ASSERT_EQ %rax, $0
	WRITE_MSR AX_TEST_MSR_BASE, 0x8877665544332211
	WRITE_MSR LAST_STORAGE, 0x0123456789abcdef
	mov	$-1, %rdx
	READ_MSR AX_TEST_MSR_BASE
	GUEST_ASSERT_EQ %rax, $0x8877665544332211
	READ_MSR LAST_STORAGE
	GUEST_ASSERT_EQ %rax, $0x0123456789abcdef
	READ_MSR AX_TEST_MSR_IDENTITY
	GUEST_ASSERT_EQ %rax, $AX_TEST_IDENTITY_VALUE
	GUEST_ASSERT_EQ faults, $0
	GUEST_SYNC $1

	WRITE_MSR AX_TEST_MSR_IDENTITY, 1
	GUEST_ASSERT_EQ faults, $1
	READ_MSR AX_TEST_MSR_IDENTITY
	GUEST_ASSERT_EQ %rax, $AX_TEST_IDENTITY_VALUE
	mov	$0x5a, %eax
	READ_MSR AX_TEST_MSR_REFUSED
	GUEST_ASSERT_EQ faults, $2
	WRITE_MSR AX_TEST_MSR_REFUSED, 1
	GUEST_ASSERT_EQ faults, $3
	GUEST_SYNC $2

	READ_MSR AX_TEST_MSR_UNCLAIMED
	GUEST_ASSERT_EQ faults, $4
	WRITE_MSR AX_TEST_MSR_UNCLAIMED, 1
	GUEST_ASSERT_EQ faults, $5
	GUEST_DONE $0

/* rsp: error code, rip, cs, ... Both instructions are two bytes long: go on behind them. */
general_protection:
	incq	faults
	addq	$2, 8(%rsp)
	add	$8, %rsp
	iretq

	.bss
	.balign	8
faults:
	.skip	8
	.text

	GUEST_TABLES
