/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pieces of guest code that code.h names, for x86-64: 64-bit code, position independent, rdi is
 * the mailbox. They lie in the test program as data, and run as a guest only.
 */
#include "tests/kvm/code.h"
#include "code_arch.h"
#include "code_x86.h"

	.section .rodata, "a", @progbits
	.code64

.macro CODE_BEGIN name
	.balign	16
	.globl	code_\name
code_\name:
.endm

.macro CODE_FINISH name
	.globl	code_\name\()_end
code_\name\()_end:
.endm

/* End: the host does not enter again, or it does and gets the same once more. esi = CODE_MMIO. */
.macro CODE_LEAVE
.Lleave\@:
	movl	$0, CODE_END(%rsi)
	jmp	.Lleave\@
.endm

#define WORD(n)	     (8 * (n))(%rdi)
#define WORD_HIGH(n) (8 * (n) + 4)(%rdi)

	CODE_BEGIN tour
	mov	$CODE_MMIO, %esi
	xor	%ebx, %ebx
	movzbl	(%rsi), %eax			/* reads of every width */
	add	%rax, %rbx
	movzwl	2(%rsi), %eax
	add	%rax, %rbx
	mov	4(%rsi), %eax
	add	%rax, %rbx
	mov	8(%rsi), %rax
	add	%rax, %rbx
	movsbq	0x31(%rsi), %rax		/* and of odd places, sign-extended */
	add	%rax, %rbx
	movslq	0x33(%rsi), %rax
	add	%rax, %rbx
	movb	$0x11, 0x40(%rsi)		/* writes */
	movw	$0x2222, 0x42(%rsi)
	movl	$0x33333333, 0x44(%rsi)
	mov	%rbx, 0x48(%rsi)
	mov	0xffd(%rsi), %rax		/* across a page: 3 and 5 bytes */
	add	%rax, %rbx
	mov	%rbx, 0xffe(%rsi)
	mov	CODE_UNCLAIMED(%rsi), %eax
	add	%rax, %rbx
	mov	%eax, CODE_UNCLAIMED(%rsi)
	lock incl 0x50(%rsi)			/* a read, then a write */

	mov	$CODE_PORT, %edx
	in	%dx, %al
	movzbl	%al, %eax
	add	%rax, %rbx
	in	%dx, %ax
	movzwl	%ax, %eax
	add	%rax, %rbx
	in	%dx, %eax
	add	%rax, %rbx
	out	%al, %dx
	out	%ax, %dx
	out	%eax, %dx
	mov	%rdi, %r8			/* strings: three words in, and out again */
	mov	%rsi, %r9
	cld
	mov	$CODE_SCRATCH, %edi
	mov	$3, %ecx
	rep insw
	mov	$CODE_SCRATCH, %esi
	mov	$3, %ecx
	rep outsw
	mov	%r8, %rdi
	mov	%r9, %rsi

	lea	WORD(8), %rax			/* a hypercall block: number, arguments, result */
	movq	$0x1234, WORD(8)
	movq	$1, WORD(9)
	movq	$2, WORD(10)
	movq	$3, WORD(11)
	movq	$4, WORD(12)
	movq	$5, WORD(13)
	movq	$6, WORD(14)
	mov	%rax, CODE_HYPERCALL(%rsi)
	add	WORD(15), %rbx

	mov	%rbx, CODE_RESULT(%rsi)
	CODE_LEAVE
	CODE_FINISH tour

	CODE_BEGIN spin
1:	lock incq WORD(0)
	jmp	1b
	CODE_FINISH spin

	CODE_BEGIN write_mmio
	mov	WORD(1), %rsi
1:	incq	WORD(0)
	mov	WORD(0), %eax
	mov	%eax, (%rsi)
	jmp	1b
	CODE_FINISH write_mmio

	CODE_BEGIN write_some
	mov	WORD(1), %rdx
	mov	WORD(2), %rcx
	mov	$CODE_MMIO, %esi
1:	incq	WORD(0)
	mov	WORD(0), %eax
	mov	%eax, (%rdx)
	dec	%rcx
	jnz	1b
	CODE_LEAVE
	CODE_FINISH write_some

	CODE_BEGIN sweep
1:	mov	WORD(1), %rsi
2:	mov	(%rsi), %eax
	mov	%eax, (%rsi)
	add	$0x1000, %rsi
	cmp	WORD(2), %rsi
	jb	2b
	incq	WORD(0)
	jmp	1b
	CODE_FINISH sweep

	CODE_BEGIN copy
	mov	%rdi, %r8
	mov	WORD(3), %rcx
	mov	WORD(1), %rsi
	mov	WORD(2), %rdx
1:	mov	(%rsi), %rax
	mov	%rax, (%rdx)
	add	$8, %rsi
	add	$8, %rdx
	dec	%rcx
	jnz	1b
	mov	$CODE_MMIO, %esi
	CODE_LEAVE
	CODE_FINISH copy

#define LOCAL_APIC     0xfee00000
#define APIC_SVR       0xf0
#define APIC_EOI       0xb0
#define APIC_ENABLED   0x1ff
#define PIC_COMMAND    0x20
#define PIC_DATA       0x21
#define PIC_EOI	       0x20
#define GATE_INTERRUPT 0x8e /* present, ring 0, 64-bit interrupt gate */
#define LAST_GATE      (CODE_VECTOR + 3)

/*
 * Count the interrupt and tell its controller: none (0), local APIC (1), PIC (2). r13 is the APIC.
 */
.macro HANDLER number
halt_\number:
	push	%rax
	incq	WORD(4 + \number)
	mov	WORD(1), %rax
	cmp	$1, %eax
	jb	2f
	ja	1f
	movl	$0, APIC_EOI(%r13)
	jmp	2f
1:	mov	$PIC_EOI, %al
	out	%al, $PIC_COMMAND
2:	pop	%rax
	iretq
.endm

/* Interrupt gate of `vector` in the IDT at rsi. Clobbers rax. */
.macro GATE vector, handler
	lea	\handler(%rip), %rax
	mov	%ax, 16 * (\vector)(%rsi)
	movw	$0x08, 16 * (\vector) + 2(%rsi)
	movw	$(GATE_INTERRUPT << 8), 16 * (\vector) + 4(%rsi)
	movl	$0, 16 * (\vector) + 6(%rsi)	/* code is below 64 KiB */
	movl	$0, 16 * (\vector) + 10(%rsi)
	movw	$0, 16 * (\vector) + 14(%rsi)
.endm

/* A descriptor table with a code and a data segment, which interrupts need. Clobbers rax, rsi. */
.macro LOAD_GDT
	mov	$CODE_GDT, %esi
	movq	$0, (%rsi)
	mov	$0x00af9b000000ffff, %rax	/* 0x08: 64-bit code */
	mov	%rax, 8(%rsi)
	mov	$0x00cf93000000ffff, %rax	/* 0x10: data */
	mov	%rax, 16(%rsi)
	movw	$23, 24(%rsi)
	mov	%rsi, 26(%rsi)
	lgdt	24(%rsi)
.endm

/* Use the gates at rsi. */
.macro LOAD_IDT
	movw	$(16 * (LAST_GATE + 1) - 1), 16 * (LAST_GATE + 1)(%rsi)
	mov	%rsi, 16 * (LAST_GATE + 1) + 2(%rsi)
	lidt	16 * (LAST_GATE + 1)(%rsi)
.endm

.macro PIC_WRITE value
	mov	$\value, %al
	out	%al, $PIC_DATA
.endm

	CODE_BEGIN halt
	LOAD_GDT
	mov	$CODE_IDT, %esi
	GATE	CODE_VECTOR, halt_0
	GATE	CODE_VECTOR + 1, halt_1
	GATE	CODE_VECTOR + 2, halt_2
	GATE	CODE_VECTOR + 3, halt_3
	LOAD_IDT

	mov	$LOCAL_APIC, %r13d
	mov	WORD(1), %rax
	cmp	$1, %eax
	jb	3f
	ja	2f
	movl	$APIC_ENABLED, APIC_SVR(%r13)
	jmp	3f
2:	mov	$0x11, %al			/* 8259A: edge triggered */
	out	%al, $PIC_COMMAND
	PIC_WRITE (CODE_VECTOR - CODE_GSI)
	PIC_WRITE 0x04
	PIC_WRITE 0x01
	PIC_WRITE 0x00
3:	movq	$1, WORD(3)
4:	sti
	hlt
	cli
	incq	WORD(0)
	mov	WORD(2), %rax			/* of this architecture: tell by a write there */
	test	%rax, %rax
	jz	4b
	movl	$0, (%rax)
	jmp	4b

	HANDLER 0
	HANDLER 1
	HANDLER 2
	HANDLER 3
	CODE_FINISH halt

	CODE_BEGIN store
	mov	WORD(1), %rdx
	mov	WORD(2), %rax
	mov	WORD(3), %rcx
	mov	$CODE_MMIO, %esi
	test	$CODE_STORE_PORT, %ecx
	jnz	3f
	cmp	$2, %ecx
	ja	2f
	je	1f
	mov	%al, (%rdx)
	CODE_LEAVE
1:	mov	%ax, (%rdx)
	CODE_LEAVE
2:	cmp	$8, %ecx
	je	1f
	mov	%eax, (%rdx)
	CODE_LEAVE
1:	mov	%rax, (%rdx)
	CODE_LEAVE
3:	and	$~CODE_STORE_PORT, %ecx
	cmp	$2, %ecx
	ja	2f
	je	1f
	out	%al, %dx
	CODE_LEAVE
1:	out	%ax, %dx
	CODE_LEAVE
2:	out	%eax, %dx
	CODE_LEAVE
	CODE_FINISH store

#define GENERAL_PROTECTION 13

	CODE_BEGIN msr
	LOAD_GDT
	mov	$CODE_IDT, %esi
	GATE	GENERAL_PROTECTION, msr_fault
	LOAD_IDT
	mov	$CODE_MMIO, %esi
	mov	WORD(1), %ecx
	mov	WORD(2), %eax
	mov	WORD_HIGH(2), %edx
	cmpl	$0, WORD(3)
	jne	1f
	rdmsr
	jmp	2f
1:	wrmsr
2:	mov	%eax, WORD(4)
	mov	%edx, WORD_HIGH(4)
	CODE_LEAVE
	/* rsp: error code, rip, ... Both instructions are two bytes long: go on behind them. */
msr_fault:
	incq	WORD(5)
	addq	$2, 8(%rsp)
	add	$8, %rsp
	iretq
	CODE_FINISH msr

	/*
	 * One call by each instruction that may be this processor's, Xen's convention; the right
	 * one is the host's.
	 */
	CODE_BEGIN vmcall
	mov	%rdi, %rbp
	mov	8(%rbp), %rax
	mov	$1, %edi
	mov	$2, %esi
	mov	$3, %edx
	mov	$4, %r10d
	mov	$5, %r8d
	mov	$6, %r9d
	cmpl	$0, 16(%rbp)
	jne	1f
	vmcall
	jmp	2f
1:	vmmcall
2:	mov	%rax, 24(%rbp)
	mov	$CODE_MMIO, %esi
	CODE_LEAVE
	CODE_FINISH vmcall

#define ICR_LOW	   0x300
#define ICR_HIGH   0x310
#define ICR_INIT   0x4500
#define ICR_SIPI   0x4600
#define SECOND_CPU (1 << 24)
#define MAILBOX_2  (CODE_MAILBOX + 256)

	CODE_BEGIN init
	mov	$LOCAL_APIC, %r13d
	mov	$MAILBOX_2, %ebx
	movl	$APIC_ENABLED, APIC_SVR(%r13)
	movl	$SECOND_CPU, ICR_HIGH(%r13)
	mov	$1, %ecx
1:	movl	$ICR_INIT, ICR_LOW(%r13)
	movl	$(ICR_SIPI | CODE_INIT_PAGE >> 12), ICR_LOW(%r13)
2:	pause
	cmp	%ecx, (%rbx)			/* it has started, and runs */
	jne	2b
	inc	%ecx
	cmp	$3, %ecx
	jb	1b
	mov	$CODE_MMIO, %esi
	CODE_LEAVE
	CODE_FINISH init

	.code16
	CODE_BEGIN init_target
	xor	%ax, %ax
	mov	%ax, %ds
	mov	$MAILBOX_2, %bx
	incl	(%bx)
1:	pause
	jmp	1b
	CODE_FINISH init_target
	.code64

/* Instructions whose offsets are known: each STEP begins one. */
.macro STEP
.Lstep_\@:
	.section .data.rel.ro, "aw", @progbits
	.long	.Lstep_\@ - code_steps
	.section .rodata
.endm

	.section .data.rel.ro, "aw", @progbits
	.balign	4
	.globl	code_steps_offsets
code_steps_offsets:
	.section .rodata

	CODE_BEGIN steps
	STEP
	mov	$5, %eax
	STEP
	inc	%rax
	STEP
	mov	%rax, WORD(0)
	STEP
	jmp	1f
	ud2
1:	STEP
	push	%rax
	STEP
	add	WORD(0), %rax
	STEP
	pop	%rcx
	STEP
	mov	$CODE_MMIO, %esi
	STEP
	nop
	STEP
	CODE_LEAVE
	CODE_FINISH steps

	.section .data.rel.ro
	.long	-1
	.section .rodata

/* Instructions that make one exit each; the offset behind it. */
.macro ACCESS insn:vararg
	\insn
.Laccess_\@:
	.section .data.rel.ro, "aw", @progbits
	.long	.Laccess_\@ - code_accesses
	.section .rodata
.endm

	.section .data.rel.ro
	.globl	code_accesses_ends
code_accesses_ends:
	.section .rodata

	CODE_BEGIN accesses
	mov	$CODE_MMIO, %esi
	mov	$CODE_PORT, %edx
	mov	$0x11223344, %eax
	ACCESS	mov %eax, (%rsi)
	ACCESS	mov 8(%rsi), %ecx
	ACCESS	movb $1, 0x123(%rsi)
	ACCESS	out %al, %dx
	ACCESS	out %eax, %dx
	ACCESS	in %dx, %al
	ACCESS	in %dx, %ax
	ACCESS	movzwl 2(%rsi), %r9d
	CODE_LEAVE
	CODE_FINISH accesses

	.section .data.rel.ro
	.long	-1
