/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loads for the test of ax_vcpu_decode_mmio(): every form that compilers emit, with every register and
 * addressing mode. What is no plain load is no exit either: tests/kvm/riscv64/access.c.
 */
#include "tests/kvm/code.h"
#include "tests/kvm/decode_case.h"

#define BYTE  0 /* AxAccessWidth */
#define WORD  1
#define DWORD 2
#define QWORD 3

	.section .data.rel.ro, "aw", @progbits
	.balign	16
	.globl	decode_cases
decode_cases:

/*
 * One row: the number of the register, what is read, whether the sign is extended; the instruction.
 * The registers that it addresses by: decode_arch_register().
 */
.macro LOAD reg, mem, sign, insn:vararg
	.section .rodata
.Linsn\@:
	\insn
.Linsn_end\@:
.Ltext\@:
	.asciz	"\insn"
	.balign	2
	.section .data.rel.ro
	.quad	.Linsn\@, .Ltext\@
	.long	.Linsn_end\@ - .Linsn\@
	.byte	0, \reg, \mem, QWORD, \sign
	.skip	7
.endm

/* Compressed ones by their bits: assemblers before 2.40 don't know Zcb. */
.macro LOAD_BITS reg, mem, sign, text, bits
	.section .rodata
.Linsn\@:
	.half	\bits
.Linsn_end\@:
.Ltext\@:
	.asciz	"\text"
	.balign	2
	.section .data.rel.ro
	.quad	.Linsn\@, .Ltext\@
	.long	.Linsn_end\@ - .Linsn\@
	.byte	0, \reg, \mem, QWORD, \sign
	.skip	7
.endm

	.section .rodata
	.option	push
	.option	norvc

	/* Every width and register. a0 (x10) holds the address, sp (x2) as well. */
	.irp	reg, 1, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, \
		24, 25, 26, 27, 28, 29, 30, 31
	LOAD	\reg, BYTE, 1, lb x\reg, 0(a0)
	LOAD	\reg, WORD, 1, lh x\reg, 0(a0)
	LOAD	\reg, DWORD, 1, lw x\reg, 0(a0)
	LOAD	\reg, QWORD, 0, ld x\reg, 0(a0)
	LOAD	\reg, BYTE, 0, lbu x\reg, 0(a0)
	LOAD	\reg, WORD, 0, lhu x\reg, 0(a0)
	LOAD	\reg, DWORD, 0, lwu x\reg, 0(a0)
	.endr
	/* Into the register that addressed it, and into none. */
	LOAD	10, WORD, 1, lh a0, 0(a0)
	LOAD	2, BYTE, 1, lb sp, 0(sp)
	LOAD	0, DWORD, 1, lw zero, 0(a0)
	LOAD	0, BYTE, 0, lbu zero, 0(a0)
	/* Offsets: s0 is 2048 below, s1 is 2047 above. */
	LOAD	5, DWORD, 1, lw t0, 2047(s0)
	LOAD	5, WORD, 1, lh t0, -2048(s1)
	.option	pop

	.option	push
	.option	rvc
	.irp	reg, 8, 9, 11, 12, 13, 14, 15
	LOAD	\reg, DWORD, 1, c.lw x\reg, 0(a0)
	LOAD	\reg, QWORD, 0, c.ld x\reg, 0(a0)
	.endr
	LOAD	10, DWORD, 1, c.lw a0, 0(a0)
	LOAD	12, DWORD, 1, c.lw a2, 124(a3)
	LOAD	12, QWORD, 0, c.ld a2, 248(a4)
	.irp	reg, 1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, \
		24, 25, 26, 27, 28, 29, 30, 31
	LOAD	\reg, DWORD, 1, c.lwsp x\reg, 0(sp)
	LOAD	\reg, QWORD, 0, c.ldsp x\reg, 0(sp)
	.endr
	.option	pop

	.section .data.rel.ro
	.quad	0, 0, 0, 0
