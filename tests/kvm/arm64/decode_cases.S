/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loads for the test of ax_vcpu_decode_mmio(): every form of one register that compilers emit, with
 * every register and addressing mode; and instructions that read memory and are no plain load.
 * decode_arch.c says what x1 to x6 and sp hold.
 */
#include "tests/kvm/code.h"
#include "tests/kvm/decode_case.h"

#define BYTE  0 /* AxAccessWidth */
#define HALF  1
#define WORD  2
#define XWORD 3
#define NONE  DECODE_NONE

	.section .data.rel.ro, "aw", %progbits
	.balign	16
	.globl	decode_cases
decode_cases:

/*
 * One row: the register, what is read, what is filled, whether the sign is extended; the
 * instruction.
 */
.macro LOAD reg, mem, width, sign, insn:vararg
	.section .rodata
	.balign	4
.Linsn\@:
	\insn
.Linsn_end\@:
.Ltext\@:
	.asciz	"\insn"
	.section .data.rel.ro
	.quad	.Linsn\@, .Ltext\@
	.long	.Linsn_end\@ - .Linsn\@
	.byte	0, \reg, \mem, \width, \sign
	.skip	7
.endm

/* Reads `mem` bytes and is no load of one register. */
.macro OTHER mem, insn:vararg
	LOAD	NONE, \mem, 0, 0, \insn
.endm

/* One addressing mode with every width and extension. */
.macro ALL suffix, at:vararg
	LOAD	8, BYTE, WORD, 0, ld\suffix\()rb w8, \at
	LOAD	9, HALF, WORD, 0, ld\suffix\()rh w9, \at
	LOAD	10, WORD, WORD, 0, ld\suffix\()r w10, \at
	LOAD	11, XWORD, XWORD, 0, ld\suffix\()r x11, \at
	LOAD	12, BYTE, WORD, 1, ld\suffix\()rsb w12, \at
	LOAD	13, BYTE, XWORD, 1, ld\suffix\()rsb x13, \at
	LOAD	14, HALF, WORD, 1, ld\suffix\()rsh w14, \at
	LOAD	15, HALF, XWORD, 1, ld\suffix\()rsh x15, \at
	LOAD	16, WORD, XWORD, 1, ld\suffix\()rsw x16, \at
.endm

	.section .rodata
	.arch	armv8.4-a

	ALL	, [x1]
	ALL	, [x2, #8]
	ALL	, [sp]
	ALL	u, [x1]			/* unscaled */
	ALL	u, [x2, #8]
	ALL	u, [x5, #-8]
	ALL	t, [x1]			/* unprivileged */
	ALL	t, [x5, #-8]
	ALL	, [x2, x3]		/* register */
	ALL	, [x5, w4, sxtw]
	ALL	, [x2, w3, uxtw]
	ALL	, [x2, x3, sxtx]

	/* Scaled registers: the scale is the width's. */
	LOAD	8, XWORD, XWORD, 0, ldr x8, [x1, xzr, lsl #3]
	LOAD	9, WORD, WORD, 0, ldr w9, [x2, w6, uxtw #2]
	LOAD	10, WORD, XWORD, 1, ldrsw x10, [x2, w6, uxtw #2]

	/* Ordered. */
	LOAD	8, BYTE, WORD, 0, ldarb w8, [x1]
	LOAD	9, HALF, WORD, 0, ldarh w9, [x1]
	LOAD	10, WORD, WORD, 0, ldar w10, [x1]
	LOAD	11, XWORD, XWORD, 0, ldar x11, [x1]
	LOAD	12, BYTE, WORD, 0, ldaprb w12, [x1]
	LOAD	13, HALF, WORD, 0, ldaprh w13, [x1]
	LOAD	14, WORD, WORD, 0, ldapr w14, [x1]
	LOAD	15, XWORD, XWORD, 0, ldapr x15, [x1]
	LOAD	8, BYTE, WORD, 0, ldapurb w8, [x2, #8]
	LOAD	9, HALF, WORD, 0, ldapurh w9, [x2, #8]
	LOAD	10, WORD, WORD, 0, ldapur w10, [x2, #8]
	LOAD	11, XWORD, XWORD, 0, ldapur x11, [x2, #8]
	LOAD	12, BYTE, WORD, 1, ldapursb w12, [x5, #-8]
	LOAD	13, BYTE, XWORD, 1, ldapursb x13, [x5, #-8]
	LOAD	14, HALF, WORD, 1, ldapursh w14, [x5, #-8]
	LOAD	15, HALF, XWORD, 1, ldapursh x15, [x5, #-8]
	LOAD	16, WORD, XWORD, 1, ldapursw x16, [x5, #-8]

	/* Literals: at a distance from where the host puts the instruction. */
	LOAD	8, WORD, WORD, 0, ldr w8, . + (CODE_MMIO + DECODE_OFFSET - CODE_START)
	LOAD	9, XWORD, XWORD, 0, ldr x9, . + (CODE_MMIO + DECODE_OFFSET - CODE_START)
	LOAD	10, WORD, XWORD, 1, ldrsw x10, . + (CODE_MMIO + DECODE_OFFSET - CODE_START)

	/* Every register. */
	.irp	reg, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, \
		21, 22, 23, 24, 25, 26, 27, 28, 29, 30
	LOAD	\reg, XWORD, XWORD, 0, ldr x\reg, [x1]
	LOAD	\reg, BYTE, WORD, 1, ldrsb w\reg, [x1]
	LOAD	\reg, HALF, XWORD, 1, ldrsh x\reg, [x1]
	.endr
	LOAD	31, WORD, WORD, 0, ldr wzr, [x1]
	LOAD	31, HALF, XWORD, 1, ldrsh xzr, [x1]

	/* Reads that are no plain load of one register. */
	OTHER	XWORD, ldp x8, x9, [x1]
	OTHER	WORD, ldp w8, w9, [x1]
	OTHER	WORD, ldpsw x8, x9, [x1]
	OTHER	XWORD, ldnp x8, x9, [x1]

	.section .data.rel.ro
	.quad	0, 0, 0, 0
