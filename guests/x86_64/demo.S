/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: real, protected and long mode one after the other, console output from each, and an MMIO
 * write that reads back. This is the guest that the command runs when it is given none.
 * Boot: flat, real mode, 0x8000; one CPU, no irqchip.
 */
#include "macros.inc"

	GUEST_CODE16
	.globl	_start
_start:
	GUEST_REAL_SETUP
	GUEST_UART_INIT
	GUEST_PUTS real
	GUEST_ENTER_PROTECTED
	GUEST_PUTS protected
	GUEST_BUILD_PAGE_TABLES
	GUEST_ENTER_LONG
	GUEST_PUTS long

	movb	$0x2a, AX_TEST_SCRATCH(%rbx)
	mov	AX_TEST_SCRATCH(%rbx), %al
	GUEST_HEX8 digits
	GUEST_PUTS mmio
	mov	AX_TEST_SCRATCH(%rbx), %rax
	GUEST_ASSERT_EQ %rax, $0x2a
	GUEST_PUTS done
	GUEST_DONE $0

real:
	.asciz	"hello from real mode"
protected:
	.asciz	", protected mode"
long:
	.asciz	", long mode\n"
mmio:
	.ascii	"mmio 0xfe000000: wrote 0x2a, read back 0x"
digits:
	.asciz	"--\n"
done:
	.asciz	"done\n"

	GUEST_TABLES
