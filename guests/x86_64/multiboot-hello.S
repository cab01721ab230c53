/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: a multiboot kernel gets the machine state and the information that the specification
 * promises, and prints it: command line, number of memory map entries, each module's string. It
 * checks that the map has the RAM at 1 MiB in which it runs, and that modules lie page-aligned in
 * that RAM, behind the kernel.
 * Boot: multiboot, ELF32; one CPU, no irqchip.
 * Source: Multiboot Specification version 0.6.96, sections 3.1 to 3.3.
 */
#include "macros.inc"

#define HEADER_MAGIC		0x1badb002
#define HEADER_FLAGS		0x3		/* modules page-aligned; memory information */
#define LOADER_MAGIC		0x2badb002

/* Information structure: flags and what they stand for. */
#define INFO_FLAGS		0
#define INFO_HAS_MEMORY		0x01
#define INFO_HAS_CMDLINE	0x04
#define INFO_HAS_MODULES	0x08
#define INFO_HAS_MMAP		0x40
#define INFO_MEM_UPPER		8
#define INFO_CMDLINE		16
#define INFO_MODS_COUNT		20
#define INFO_MODS_ADDR		24
#define INFO_MMAP_LENGTH	44
#define INFO_MMAP_ADDR		48

/* Memory map entry: its size, which does not count the size field itself, base, length, type. */
#define MMAP_BASE		4
#define MMAP_LENGTH		12
#define MMAP_TYPE		20
#define MMAP_RAM		1

/* Module: start, end, string, reserved. */
#define MODULE_STRING		8
#define MODULE_SIZE		16

	.section .multiboot, "a", @progbits
	.balign	4
	.long	HEADER_MAGIC
	.long	HEADER_FLAGS
	.long	-(HEADER_MAGIC + HEADER_FLAGS)
	.text

	GUEST_CODE32
	.globl	_start
_start:
	/* The state: magic, protected mode without paging, flat segments, which the first store and
	 * the stack would miss otherwise. */
	GUEST_ASSERT_EQ %eax, $LOADER_MAGIC
	mov	%cr0, %eax
	and	$0x80000001, %eax
	GUEST_ASSERT_EQ %eax, $1
	cld
	mov	$guest_stack_top, %esp
	mov	%ebx, %ebp			/* information structure */
	GUEST_UART_INIT
	GUEST_PUTS hello

	GUEST_PUTS cmdline
	testl	$INFO_HAS_CMDLINE, INFO_FLAGS(%ebp)
	jz	1f
	mov	INFO_CMDLINE(%ebp), %esi
	GUEST_PUTS
1:	GUEST_PUTS newline

	/* The map: walk it, count its entries, find ours. */
	mov	INFO_FLAGS(%ebp), %eax
	and	$(INFO_HAS_MEMORY | INFO_HAS_MMAP), %eax
	GUEST_ASSERT_EQ %eax, $(INFO_HAS_MEMORY | INFO_HAS_MMAP)
	xor	%edi, %edi			/* entries */
	xor	%ebx, %ebx			/* end of the RAM that starts at 1 MiB */
	mov	INFO_MMAP_ADDR(%ebp), %esi
	mov	INFO_MMAP_LENGTH(%ebp), %ecx
	add	%esi, %ecx
2:	cmp	%ecx, %esi
	jae	4f
	inc	%edi
	cmpl	$MMAP_RAM, MMAP_TYPE(%esi)
	jne	3f
	cmpl	$0x100000, MMAP_BASE(%esi)
	jne	3f
	mov	MMAP_LENGTH(%esi), %ebx
	add	$0x100000, %ebx
3:	mov	(%esi), %eax
	cmp	$20, %eax
	GUEST_ASSERT ae
	lea	4(%esi, %eax), %esi
	jmp	2b
4:	GUEST_ASSERT_EQ %esi, %ecx		/* the last entry ends with the map */
	cmp	$guest_end, %ebx
	GUEST_ASSERT ae
	mov	INFO_MEM_UPPER(%ebp), %eax	/* KiB above 1 MiB, up to the first hole */
	shl	$10, %eax
	add	$0x100000, %eax
	cmp	%ebx, %eax
	GUEST_ASSERT be
	mov	%edi, %eax
	GUEST_HEX8 entries_digits
	GUEST_PUTS entries

	/* Modules. */
	testl	$INFO_HAS_MODULES, INFO_FLAGS(%ebp)
	jz	7f
	mov	INFO_MODS_ADDR(%ebp), %edi
	mov	INFO_MODS_COUNT(%ebp), %ebp
5:	test	%ebp, %ebp
	jz	7f
	mov	(%edi), %eax
	test	$0xfff, %eax
	GUEST_ASSERT e
	cmp	$guest_end, %eax
	GUEST_ASSERT ae
	cmp	%eax, 4(%edi)
	GUEST_ASSERT ae
	cmp	%ebx, 4(%edi)
	GUEST_ASSERT be
	GUEST_PUTS module
	mov	MODULE_STRING(%edi), %esi
	test	%esi, %esi
	jz	6f
	GUEST_PUTS
6:	GUEST_PUTS newline
	add	$MODULE_SIZE, %edi
	dec	%ebp
	jmp	5b
7:	GUEST_DONE $0

	.section .rodata, "a", @progbits
hello:
	.asciz	"hello from multiboot\n"
cmdline:
	.asciz	"command line: "
module:
	.asciz	"module: "
newline:
	.asciz	"\n"
	.data
entries:
	.ascii	"memory map entries: 0x"
entries_digits:
	.asciz	"--\n"

	GUEST_TABLES

	.bss
guest_end:
	.text
