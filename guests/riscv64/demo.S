/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: the console that the device tree names, an MMIO write that reads back, and a call of SBI.
 * This is the guest that the command runs when it is given none.
 * Boot: flat, 0x80200000; one hart, no irqchip.
 */
#include "macros.inc"

	.globl	_start
_start:
	GUEST_SETUP
	GUEST_UART_FIND
	GUEST_PUTS hello

	li	a0, 0x2a
	sb	a0, AX_TEST_SCRATCH(s11)
	lbu	s1, AX_TEST_SCRATCH(s11)
	GUEST_PUTS mmio
	GUEST_PUT_HEX s1, 2
	GUEST_PUTS newline
	ld	a0, AX_TEST_SCRATCH(s11)
	GUEST_ASSERT_EQ a0, 0x2a

	SBI	SBI_EXT_BASE, SBI_BASE_SPEC_VERSION
	GUEST_ASSERT_EQ a0, 0
	srli	a1, a1, 24			/* the major version: chapter 4 */
	mv	s1, a1
	GUEST_PUTS sbi
	GUEST_PUT_HEX s1, 1
	GUEST_PUTS answers
	GUEST_PUTS done
	GUEST_DONE 0

	.section .rodata
hello:
	.asciz	"hello from S-mode\n"
mmio:
	.asciz	"mmio 0x1f000000: wrote 0x2a, read back 0x"
newline:
	.asciz	"\n"
sbi:
	.asciz	"SBI "
answers:
	.asciz	" answers\n"
done:
	.asciz	"done\n"

	GUEST_TABLES
