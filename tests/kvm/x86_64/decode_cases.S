/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loads for the test of ax_vcpu_decode_mmio(): every form that compilers emit, in every mode, with
 * every register and addressing mode; and instructions that read memory and are no plain load.
 */
#include "tests/kvm/code.h"
#include "tests/kvm/decode_case.h"

#define AT	 (CODE_MMIO + DECODE_OFFSET)
#define MODE16	 1 /* AX_MODE_REAL, AX_MODE_PROTECTED, AX_MODE_LONG */
#define MODE32	 2
#define MODE64	 3
#define BYTE	 0 /* AxAccessWidth */
#define WORD	 1
#define DWORD	 2
#define QWORD	 3
#define RAX	 0
#define RCX	 1
#define RDX	 2
#define RBX	 3
#define RSP	 4
#define RBP	 5
#define RSI	 6
#define RDI	 7
#define NONE	 DECODE_NONE

	.section .data.rel.ro, "aw", @progbits
	.balign	16
	.globl	decode_cases
decode_cases:

.set mode, MODE64

.macro NUMBER_REGISTERS first, names:vararg
	.set	number, \first
	.irp	name, \names
	.set	.Lnumber_\name, number
	.set	number, number + 1
	.endr
.endm

	NUMBER_REGISTERS 0, rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi
	NUMBER_REGISTERS 8, r8, r9, r10, r11, r12, r13, r14, r15
	NUMBER_REGISTERS 0, eax, ecx, edx, ebx, esp, ebp, esi, edi
	NUMBER_REGISTERS 8, r8d, r9d, r10d, r11d, r12d, r13d, r14d, r15d
	NUMBER_REGISTERS 0, ax, cx, dx, bx, sp, bp, si, di
	NUMBER_REGISTERS 8, r8w, r9w, r10w, r11w, r12w, r13w, r14w, r15w
	NUMBER_REGISTERS 0, al, cl, dl, bl, spl, bpl, sil, dil
	NUMBER_REGISTERS 8, r8b, r9b, r10b, r11b, r12b, r13b, r14b, r15b

/*
 * One row: the register, what is read, what is filled, whether the sign is extended; the
 * instruction.
 */
.macro LOAD reg, mem, width, sign, insn:vararg
	.section .rodata
.Linsn\@:
	\insn
.Linsn_end\@:
.Ltext\@:
	.asciz	"\insn"
	.section .data.rel.ro
	.quad	.Linsn\@, .Ltext\@
	.long	.Linsn_end\@ - .Linsn\@
	.byte	mode, \reg, \mem, \width, \sign
	.skip	7
.endm

/* Reads `mem` bytes and is no load. */
.macro OTHER mem, insn:vararg
	LOAD	NONE, \mem, 0, 0, \insn
.endm

	.section .rodata
	.code64

	/* Widths and extensions. */
	LOAD	RAX, BYTE, BYTE, 0, mov (%rsi), %al
	LOAD	RCX, WORD, WORD, 0, mov (%rsi), %cx
	LOAD	RDX, DWORD, DWORD, 0, mov (%rsi), %edx
	LOAD	RBX, QWORD, QWORD, 0, mov (%rsi), %rbx
	LOAD	RAX, BYTE, WORD, 0, movzbw (%rsi), %ax
	LOAD	RAX, BYTE, DWORD, 0, movzbl (%rsi), %eax
	LOAD	RAX, BYTE, QWORD, 0, movzbq (%rsi), %rax
	LOAD	RAX, WORD, DWORD, 0, movzwl (%rsi), %eax
	LOAD	RAX, WORD, QWORD, 0, movzwq (%rsi), %rax
	LOAD	RAX, BYTE, WORD, 1, movsbw (%rsi), %ax
	LOAD	RAX, BYTE, DWORD, 1, movsbl (%rsi), %eax
	LOAD	RAX, BYTE, QWORD, 1, movsbq (%rsi), %rax
	LOAD	RAX, WORD, DWORD, 1, movswl (%rsi), %eax
	LOAD	RAX, WORD, QWORD, 1, movswq (%rsi), %rax
	LOAD	RAX, DWORD, QWORD, 1, movslq (%rsi), %rax

	/* Every register of each width. The byte registers 4 to 7 need a REX prefix. */
	.irp	reg, rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15
	LOAD	.Lnumber_\reg, QWORD, QWORD, 0, mov (%rsi), %\reg
	LOAD	.Lnumber_\reg, BYTE, QWORD, 1, movsbq (%rsi), %\reg
	.endr
	.irp	reg, eax, ecx, edx, ebx, esp, ebp, esi, edi, r8d, r9d, r10d, r11d, r12d, r13d, \
		r14d, r15d
	LOAD	.Lnumber_\reg, DWORD, DWORD, 0, mov (%rsi), %\reg
	LOAD	.Lnumber_\reg, WORD, DWORD, 0, movzwl (%rsi), %\reg
	LOAD	.Lnumber_\reg, WORD, DWORD, 1, movswl (%rsi), %\reg
	.endr
	.irp	reg, ax, cx, dx, bx, sp, bp, si, di, r8w, r9w, r10w, r11w, r12w, r13w, r14w, r15w
	LOAD	.Lnumber_\reg, WORD, WORD, 0, mov (%rsi), %\reg
	.endr
	.irp	reg, al, cl, dl, bl, spl, bpl, sil, dil, r8b, r9b, r10b, r11b, r12b, r13b, r14b, \
		r15b
	LOAD	.Lnumber_\reg, BYTE, BYTE, 0, mov (%rsi), %\reg
	.endr

	/* Addressing modes; see decode_arch_register(). */
	LOAD	RAX, DWORD, DWORD, 0, mov 0(%rbp), %eax
	LOAD	RAX, DWORD, DWORD, 0, mov (%rsp), %eax
	LOAD	RAX, DWORD, DWORD, 0, mov (%r12), %eax
	LOAD	RAX, DWORD, DWORD, 0, mov (%r13), %eax
	LOAD	RAX, DWORD, DWORD, 0, mov -16(%rsi, %rdi, 8), %eax
	LOAD	RAX, DWORD, DWORD, 0, mov -2(%rsi, %rdi), %eax
	LOAD	RAX, DWORD, DWORD, 0, mov (AT - 8)(, %rdi, 4), %eax
	LOAD	RAX, DWORD, DWORD, 0, mov AT, %eax
	LOAD	8, QWORD, QWORD, 0, mov (AT - CODE_START - 7)(%rip), %r8
	LOAD	RAX, DWORD, DWORD, 0, mov (%esi), %eax
	LOAD	RAX, DWORD, DWORD, 0, mov %gs:(%rsi), %eax
	LOAD	9, WORD, QWORD, 1, movswq %fs:-16(%r12, %rdi, 8), %r9
	LOAD	RAX, BYTE, BYTE, 0, movabs AT, %al
	LOAD	RAX, WORD, WORD, 0, movabs AT, %ax
	LOAD	RAX, DWORD, DWORD, 0, movabs AT, %eax
	LOAD	RAX, QWORD, QWORD, 0, movabs AT, %rax

	/*
	 * Prefixes that do not matter: REX before a legacy prefix is no REX; 66 with REX.W; CS and
	 * DS.
	 */
	LOAD	RAX, WORD, WORD, 0, .byte 0x48, 0x66, 0x8b, 0x06
	LOAD	RAX, QWORD, QWORD, 0, .byte 0x66, 0x48, 0x8b, 0x06
	LOAD	RAX, DWORD, DWORD, 0, .byte 0x2e, 0x3e, 0x8b, 0x06

	/* Reads that are no plain load of one register. */
	OTHER	BYTE, mov (%rsi), %ah
	OTHER	DWORD, add (%rsi), %eax
	OTHER	QWORD, and (%rsi), %r9
	OTHER	DWORD, xor (%rsi), %ecx
	OTHER	BYTE, cmp (%rsi), %al
	OTHER	DWORD, cmpl $5, (%rsi)
	OTHER	DWORD, test %eax, (%rsi)
	OTHER	DWORD, imul (%rsi), %eax
	OTHER	DWORD, incl (%rsi)
	OTHER	DWORD, xchg %eax, (%rsi)
	OTHER	DWORD, lock xadd %eax, (%rsi)
	OTHER	DWORD, lodsl
	OTHER	QWORD, lodsq
	OTHER	QWORD, pushq (%rsi)

	/* 32-bit code. */
	.code32
	.set mode, MODE32
	LOAD	RAX, BYTE, BYTE, 0, mov (%esi), %al
	LOAD	RBX, BYTE, BYTE, 0, mov (%esi), %bl
	LOAD	RDX, WORD, WORD, 0, mov (%esi), %dx
	LOAD	RDI, DWORD, DWORD, 0, mov (%esi), %edi
	LOAD	RSP, DWORD, DWORD, 0, mov 0(%ebp), %esp
	LOAD	RAX, DWORD, DWORD, 0, mov -16(%esi, %edi, 8), %eax
	LOAD	RCX, DWORD, DWORD, 0, mov AT, %ecx
	LOAD	RAX, DWORD, DWORD, 0, mov AT, %eax
	LOAD	RAX, BYTE, BYTE, 0, mov AT, %al
	LOAD	RAX, BYTE, WORD, 0, movzbw (%esi), %ax
	LOAD	RAX, BYTE, DWORD, 1, movsbl (%esi), %eax
	LOAD	RAX, WORD, DWORD, 1, movswl (%esi), %eax
	LOAD	RBP, WORD, DWORD, 0, movzwl (%esi), %ebp
	OTHER	BYTE, mov (%esi), %bh
	OTHER	DWORD, add (%esi), %eax

	/* 16-bit code: DS is based at the MMIO range. */
	.code16
	.set mode, MODE16
	LOAD	RAX, BYTE, BYTE, 0, mov (%si), %al
	LOAD	RCX, WORD, WORD, 0, mov (%si), %cx
	LOAD	RDX, DWORD, DWORD, 0, mov (%si), %edx
	LOAD	RBX, WORD, WORD, 0, mov (%bx), %bx
	LOAD	RBP, DWORD, DWORD, 0, mov -2(%bx, %di), %ebp
	LOAD	RCX, WORD, WORD, 0, mov DECODE_OFFSET, %cx
	LOAD	RAX, WORD, WORD, 0, mov DECODE_OFFSET, %ax
	LOAD	RAX, BYTE, BYTE, 0, mov DECODE_OFFSET, %al
	LOAD	RAX, DWORD, DWORD, 0, mov (%esi), %eax
	LOAD	RAX, BYTE, WORD, 0, movzbw (%si), %ax
	LOAD	RAX, BYTE, DWORD, 1, movsbl (%si), %eax
	LOAD	RSI, WORD, DWORD, 1, movswl (%si), %esi
	OTHER	BYTE, mov (%si), %dh
	OTHER	WORD, lodsw

	.section .data.rel.ro
	.quad	0, 0, 0, 0
