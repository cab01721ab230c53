/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: a multiboot kernel built for QEMU's board microvm runs here as it is. It uses what that board
 * has and nothing else: the multiboot loader's state and memory information, COM1, and isa-debug-exit,
 * to which it writes 16: status 2 * 16 + 1 = 33, there and here.
 * Boot: multiboot, ELF32; one CPU, no irqchip.
 * Source: Multiboot Specification version 0.6.96, sections 3.1 to 3.3.
 */
#include "macros.inc"

#define HEADER_MAGIC	 0x1badb002
#define HEADER_FLAGS	 0x2		/* memory information */
#define LOADER_MAGIC	 0x2badb002
#define INFO_HAS_MEMORY	 0x01
#define INFO_HAS_CMDLINE 0x04
#define INFO_FLAGS	 0
#define INFO_MEM_UPPER	 8
#define INFO_CMDLINE	 16

#define VERDICT_GOOD	 16
#define VERDICT_STATE	 17		/* the loader's magic is not there */
#define VERDICT_MEMORY	 18		/* it does not say how much memory there is, or too little */

	.section .multiboot, "a", @progbits
	.balign	4
	.long	HEADER_MAGIC
	.long	HEADER_FLAGS
	.long	-(HEADER_MAGIC + HEADER_FLAGS)
	.text

.macro verdict code
	mov	$\code, %eax
	out	%eax, $AX_PORT_DEBUG_EXIT
	GUEST_PARK
.endm

	GUEST_CODE32
	.globl	_start
_start:
	cmp	$LOADER_MAGIC, %eax
	je	1f
	verdict VERDICT_STATE
1:	cld
	mov	$guest_stack_top, %esp
	mov	%ebx, %ebp
	GUEST_UART_INIT
	GUEST_PUTS hello
	testl	$INFO_HAS_CMDLINE, INFO_FLAGS(%ebp)
	jz	2f
	mov	INFO_CMDLINE(%ebp), %esi
	GUEST_PUTS
2:	GUEST_PUTS newline

	/* KiB above 1 MiB: 16 MiB in all would do. */
	testl	$INFO_HAS_MEMORY, INFO_FLAGS(%ebp)
	jz	3f
	cmpl	$(14 << 10), INFO_MEM_UPPER(%ebp)
	jb	3f
	GUEST_PUTS memory
	verdict VERDICT_GOOD
3:	verdict VERDICT_MEMORY

	.section .rodata, "a", @progbits
hello:
	.asciz	"hello from microvm's multiboot kernel\ncommand line: "
newline:
	.asciz	"\n"
memory:
	.asciz	"memory is as the loader says\n"

	GUEST_TABLES
