/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: an image with the header of a Linux kernel: it lies where its header asks, above a 2 MiB
 * boundary, starts at its first instruction, and has the RAM that its header claims, which is not
 * in the file, for itself: the device tree is elsewhere, 8-byte aligned.
 * Boot: riscv64 Image; one hart, no irqchip.
 * Source: Documentation/arch/riscv/boot-image-header.rst and boot.rst.
 */
#include "macros.inc"

#define TEXT_OFFSET	0x200000

	.globl	_start
_start:
	j	start
	nop
	.dword	TEXT_OFFSET
	.dword	guest_image_end - _start	/* RAM it uses */
	.dword	0				/* little endian */
	.word	2				/* version 0.2 */
	.word	0
	.dword	0
	.ascii	"RISCV\0\0\0"
	.ascii	"RSC\x05"
	.word	0
start:
	GUEST_SETUP
	lla	s1, _start
	slli	a0, s1, 64 - 21
	GUEST_ASSERT_EQ a0, 0			/* TEXT_OFFSET is a multiple of 2 MiB itself */
	li	a0, 0x80000000 + TEXT_OFFSET
	GUEST_ASSERT geu, s1, a0

	/* The device tree: aligned, outside the image. */
	andi	a0, s8, 7
	GUEST_ASSERT_EQ a0, 0
	lla	s2, zeros_end
	bltu	s8, s1, 1f
	GUEST_ASSERT geu, s8, s2
1:	lla	s3, zeros
2:	ld	a0, (s3)
	GUEST_ASSERT_EQ a0, 0
	addi	s3, s3, 8
	bltu	s3, s2, 2b
	GUEST_UART_FIND
	GUEST_PUTS message
	GUEST_DONE 0

	.section .rodata
message:
	.asciz	"hello from an Image\n"

	.bss
	.balign	8
zeros:
	.skip	6000
zeros_end:

	GUEST_TABLES
