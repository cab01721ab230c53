/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: an image with the header of a Linux kernel: it lies where its header asks, above a 2 MiB
 * boundary, starts at its first instruction, and has the RAM that its header claims, which is not
 * in the file, for itself: the device tree is elsewhere, 8-byte aligned, with its magic number.
 * Boot: arm64 Image; one CPU, no irqchip.
 * Source: Documentation/arch/arm64/booting.rst, "Call the kernel image".
 */
#include "macros.inc"

#define TEXT_OFFSET	0x80000

	.globl	_start
_start:
	b	start
	.long	0
	.quad	TEXT_OFFSET
	.quad	guest_image_end - _start	/* RAM it uses */
	.quad	0x0a				/* little endian, 4 KiB pages, anywhere in RAM */
	.quad	0, 0, 0
	.ascii	"ARM\x64"
	.long	0
start:
	mov	x24, x1
	mov	x25, x2
	GUEST_SETUP
	orr	x24, x24, x25
	orr	x24, x24, x3
	GUEST_ASSERT_EQ x24, 0			/* x1, x2 and x3 are reserved */
	adr	x20, _start
	and	x0, x20, #0x1fffff
	GUEST_ASSERT_EQ x0, TEXT_OFFSET

	/* The device tree: aligned, outside the image. */
	and	x0, x26, #7
	GUEST_ASSERT_EQ x0, 0
	adr	x21, zeros_end
	cmp	x26, x20
	b.lo	1f
	cmp	x26, x21
	GUEST_ASSERT hs
1:	adr	x1, zeros
2:	ldr	x0, [x1], #8
	GUEST_ASSERT_EQ x0, 0
	cmp	x1, x21
	b.lo	2b
	GUEST_UART_FIND
	GUEST_PUTS message
	GUEST_DONE 0

message:
	.asciz	"hello from an Image\n"

	.bss
	.balign	8
zeros:
	.skip	6000
zeros_end:
	.text
	.balign	4

	GUEST_TABLES
