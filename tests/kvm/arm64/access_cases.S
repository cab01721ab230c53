/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every form of load and store that compilers emit, for access.c. Some have a syndrome and are KVM's
 * affair, the others ours: which, the processor decides.
 */
#include "access_case.h"

.macro CASE insn:vararg
	.section .rodata
	.balign	4
.Linsn\@:
	\insn
.Ltext\@:
	.asciz	"\insn"
	.section .data.rel.ro
	.quad	.Linsn\@, .Ltext\@
.endm

/* One addressing mode with every width, extension and direction of general purpose registers. */
.macro ALL prefix, at:vararg
	CASE	ld\prefix\()rb w2, \at
	CASE	ld\prefix\()rh w2, \at
	CASE	ld\prefix\()r w2, \at
	CASE	ld\prefix\()r x2, \at
	CASE	ld\prefix\()rsb w2, \at
	CASE	ld\prefix\()rsb x2, \at
	CASE	ld\prefix\()rsh w2, \at
	CASE	ld\prefix\()rsh x2, \at
	CASE	ld\prefix\()rsw x2, \at
	CASE	st\prefix\()rb w2, \at
	CASE	st\prefix\()rh w2, \at
	CASE	st\prefix\()r w2, \at
	CASE	st\prefix\()r x2, \at
	CASE	ld\prefix\()rsh xzr, \at
	CASE	st\prefix\()r xzr, \at
.endm

/* The same with SIMD&FP registers. */
.macro VECTORS prefix, at:vararg
	.irp	reg, b0, h0, s0, d0, q0
	CASE	ld\prefix\()r \reg, \at
	CASE	st\prefix\()r \reg, \at
	.endr
.endm

/* Pairs. */
.macro PAIRS at:vararg
	CASE	ldp w2, w3, \at
	CASE	ldp x2, x3, \at
	CASE	ldpsw x2, x3, \at
	CASE	stp w2, w3, \at
	CASE	stp x2, x3, \at
	CASE	stp xzr, x3, \at
	CASE	ldp x2, xzr, \at
	CASE	ldp s0, s1, \at
	CASE	stp s0, s1, \at
	CASE	ldp d0, d1, \at
	CASE	stp d0, d1, \at
.endm

.macro Q_PAIRS at:vararg
	CASE	ldp q0, q1, \at
	CASE	stp q0, q1, \at
.endm

	.arch	armv8.4-a+simd
	.section .data.rel.ro, "aw", %progbits
	.balign	16
	.globl	access_works
access_works:
	ALL	, [x10]
	ALL	, [x10, #16]
	ALL	, [x10], #8		/* with writeback there is no syndrome */
	ALL	, [x10], #-16
	ALL	, [x10, #8]!
	ALL	, [x10, #-24]!
	ALL	, [sp]
	ALL	, [sp], #16
	ALL	, [sp, #-32]!
	ALL	u, [x10, #-8]
	ALL	t, [x10, #-8]
	ALL	, [x10, x3]
	ALL	, [x10, w3, uxtw]
	ALL	, [x10, w3, sxtw]
	CASE	ldr x2, [x10, x3, lsl #3]
	CASE	str w2, [x10, w3, uxtw #2]
	VECTORS	, [x10]
	VECTORS	, [x10, #32]
	VECTORS	, [x10], #16
	VECTORS	, [x10, #-16]!
	VECTORS	, [sp, #-16]!
	VECTORS	u, [x10, #-16]
	VECTORS	, [x10, x3]
	CASE	ldr q0, [x10, w3, uxtw #4]
	PAIRS	[x10]
	PAIRS	[x10, #-16]
	PAIRS	[x10], #24
	PAIRS	[x10, #-8]!
	PAIRS	[sp], #16
	PAIRS	[sp, #-16]!
	Q_PAIRS	[x10]
	Q_PAIRS	[x10, #32]
	Q_PAIRS	[x10], #32
	Q_PAIRS	[sp, #-32]!
	CASE	ldnp w2, w3, [x10, #8]
	CASE	ldnp x2, x3, [x10, #8]
	CASE	stnp x2, x3, [x10, #-16]
	CASE	ldnp q0, q1, [x10]
	CASE	stnp q0, q1, [x10]

	CASE	ldarb w2, [x10]
	CASE	ldarh w2, [x10]
	CASE	ldar w2, [x10]
	CASE	ldar x2, [x10]
	CASE	stlrb w2, [x10]
	CASE	stlrh w2, [x10]
	CASE	stlr w2, [x10]
	CASE	stlr x2, [x10]
	CASE	ldapr x2, [x10]
	CASE	ldapur x2, [x10, #8]
	CASE	ldapursb x2, [x10, #-7]
	CASE	ldapursw x2, [x10, #-8]
	CASE	stlur w2, [x10, #-8]

	CASE	ld1 {v0.16b}, [x10]
	CASE	st1 {v0.16b}, [x10]
	CASE	ld1 {v0.8b}, [x10], #8
	CASE	st1 {v0.2d, v1.2d}, [x10]
	CASE	ld1 {v0.4s, v1.4s}, [x10], #32
	CASE	ld1 {v0.4h, v1.4h, v2.4h}, [sp], x3
	CASE	st1 {v0.2d, v1.2d, v2.2d}, [x10], #48
	CASE	st1 {v0.1d, v1.1d, v2.1d, v3.1d}, [x10], x3
	CASE	ld1 {v30.16b, v31.16b, v0.16b, v1.16b}, [x10], #64
	.section .data.rel.ro
	.quad	0, 0

	.globl	access_aborts
access_aborts:
	CASE	ld2 {v0.16b, v1.16b}, [x10]
	CASE	st2 {v0.16b, v1.16b}, [x10]
	CASE	ld1 {v0.s}[1], [x10]
	CASE	ld1r {v0.4s}, [x10]
	CASE	ldxr x2, [x10]
	CASE	ldaxp x2, x3, [x10]
	CASE	ldadd x2, x3, [x10]
	CASE	swp w2, w3, [x10]
	CASE	cas x2, x3, [x10]
	CASE	dc zva, x10
	.section .data.rel.ro
	.quad	0, 0
