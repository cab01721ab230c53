/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: the console that the device tree names, before and after the MMU is on, an MMIO write that
 * reads back, and a call of PSCI. This is the guest that the command runs when it is given none.
 * Boot: flat, 0x40200000; one CPU, no irqchip.
 */
#include "macros.inc"

	.globl	_start
_start:
	GUEST_SETUP
	GUEST_UART_FIND
	GUEST_PUTS hello
	GUEST_MMU_ON
	GUEST_PUTS mmu

	mov	w0, #0x2a
	strb	w0, [x29, #AX_TEST_SCRATCH]
	ldrb	w19, [x29, #AX_TEST_SCRATCH]
	GUEST_PUTS mmio
	GUEST_PUT_HEX x19, 2
	GUEST_PUTS newline
	ldr	x0, [x29, #AX_TEST_SCRATCH]
	GUEST_ASSERT_EQ x0, 0x2a

	PSCI PSCI_VERSION
	GUEST_ASSERT_EQ x0, 0x10001
	GUEST_PUTS psci
	GUEST_PUTS done
	GUEST_DONE 0

hello:
	.asciz	"hello from EL1"
mmu:
	.asciz	", MMU on\n"
mmio:
	.asciz	"mmio 0x0b000000: wrote 0x2a, read back 0x"
newline:
	.asciz	"\n"
psci:
	.asciz	"PSCI 1.1 answers\n"
done:
	.asciz	"done\n"
	.balign	4

	GUEST_TABLES
