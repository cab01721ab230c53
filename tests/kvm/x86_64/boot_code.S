/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Code for boot.c: uses what the loader made, step by step; each step that worked is told by a
 * number at BOOT_PORT.
 */
#include "boot_code.h"

.macro STEP number
	mov	$\number, %al
	out	%al, $BOOT_PORT
.endm

.macro LOAD_DATA_SEGMENTS
	mov	$BOOT_DATA, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %fs
	mov	%eax, %gs
	mov	%eax, %ss
.endm

	.section .rodata
	.globl	boot_long, boot_long_end, boot_protected, boot_protected_end

	.code64
boot_long:
	LOAD_DATA_SEGMENTS
	STEP	BOOT_SEGMENTS

	lea	1f(%rip), %rax
	push	$BOOT_CODE
	push	%rax
	lretq
1:	STEP	BOOT_FAR_RETURN

	mov	%rsp, %rcx
	lea	2f(%rip), %rax
	push	$BOOT_DATA
	push	%rcx
	pushfq
	push	$BOOT_CODE
	push	%rax
	iretq
2:	STEP	BOOT_INTERRUPT_RETURN

	lea	3f(%rip), %rax			/* to 32-bit code, and back */
	push	$BOOT_OTHER
	push	%rax
	lretq
	.code32
3:	call	4f
4:	pop	%eax
	add	$(5f - 4b), %eax
	push	$BOOT_CODE
	push	%eax
	lret
	.code64
5:	STEP	BOOT_OTHER_MODE
	hlt
boot_long_end:

	.code32
boot_protected:
	LOAD_DATA_SEGMENTS
	STEP	BOOT_SEGMENTS

	call	1f
1:	pop	%eax
	add	$(2f - 1b), %eax
	push	$BOOT_CODE
	push	%eax
	lret
2:	STEP	BOOT_FAR_RETURN

	call	3f
3:	pop	%eax
	add	$(4f - 3b), %eax
	pushf
	push	$BOOT_CODE
	push	%eax
	iret
4:	STEP	BOOT_INTERRUPT_RETURN
	hlt
boot_protected_end:

	.section .note.GNU-stack, "", @progbits
