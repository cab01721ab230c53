/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: nothing but speed, here and under other VMMs: what QEMU's board microvm has. The last letter
 * of the command line says what: p writes to COM1's scratch register, u reads its line status, m reads
 * the first virtio slot's magic value, s spins, for ever; without one it ends at once, by debug-exit
 * (status 1).
 * Boot: multiboot, ELF32; one CPU, no irqchip.
 * Source: Multiboot Specification version 0.6.96, sections 3.1 to 3.3.
 */
#include "macros.inc"

#define HEADER_MAGIC	 0x1badb002
#define INFO_HAS_CMDLINE 0x04
#define INFO_CMDLINE	 16
#define COM1_SCRATCH	 (AX_PORT_COM1 + 7)
#define VIRTIO_SLOT	 0xfeb00000

	.section .multiboot, "a", @progbits
	.balign	4
	.long	HEADER_MAGIC
	.long	0
	.long	-HEADER_MAGIC
	.text

	GUEST_CODE32
	.globl	_start
_start:
	xor	%ecx, %ecx
	testl	$INFO_HAS_CMDLINE, (%ebx)
	jz	2f
	mov	INFO_CMDLINE(%ebx), %esi
1:	lodsb
	test	%al, %al
	jz	2f
	mov	%al, %cl
	jmp	1b
2:	cmp	$'p', %cl
	je	ports
	cmp	$'u', %cl
	je	status
	cmp	$'m', %cl
	je	memory
	cmp	$'s', %cl
	je	spin
	xor	%eax, %eax
	out	%eax, $AX_PORT_DEBUG_EXIT
	GUEST_PARK

ports:	mov	$COM1_SCRATCH, %dx
1:	out	%al, %dx
	jmp	1b

status:	mov	$GUEST_COM1_LSR, %dx
1:	in	%dx, %al
	jmp	1b

memory:	mov	VIRTIO_SLOT, %eax
	jmp	memory

spin:	pause
	jmp	spin
