/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pieces of guest code that code.h names, for arm64.
 */
#include "tests/kvm/code.h"
#include "code_arch.h"

	.section .rodata, "a", %progbits
#include "code.inc"

/* A load of the MMIO range, added up in x19. x20 = CODE_MMIO. */
.macro READ insn, reg, offset
	\insn	\reg, [x20, #\offset]
	add	x19, x19, x1
.endm

	CODE_BEGIN tour
	MMU_ON
	SET	x20, CODE_MMIO
	mov	x19, #0
	READ	ldrb, w1, 0		/* reads of every width */
	READ	ldrh, w1, 2
	READ	ldr, w1, 4
	READ	ldr, x1, 8
	READ	ldrsb, x1, 0x31		/* and sign-extended, of bytes with and without it */
	READ	ldrsb, w1, 0x32
	READ	ldrsh, x1, 0x34
	READ	ldrsh, w1, 0x36
	READ	ldrsw, x1, 0x38
	READ	ldrsw, x1, 0x3c
	mov	w1, #0x11		/* writes */
	strb	w1, [x20, #0x40]
	mov	w1, #0x2222
	strh	w1, [x20, #0x42]
	mov	w1, #0x3333
	str	w1, [x20, #0x44]
	str	x19, [x20, #0x48]
	ldp	x1, x2, [x20, #0x50]	/* without syndrome */
	add	x19, x19, x1
	add	x19, x19, x2
	stp	w1, w2, [x20, #0x60]
	add	x3, x20, #0x70
	ldr	x1, [x3], #8
	add	x19, x19, x1
	str	w1, [x3, #4]!
	ldpsw	x1, x2, [x3, #4]
	add	x19, x19, x1
	add	x19, x19, x2
	mov	x1, #0x300000		/* CPACR_EL1.FPEN: SIMD&FP registers */
	msr	cpacr_el1, x1
	isb
	ldr	q0, [x20, #0x90]
	str	q0, [x20, #0xa0]
	fmov	x1, d0
	add	x19, x19, x1
	add	x3, x20, #CODE_UNCLAIMED
	ldr	w1, [x3]
	add	x19, x19, x1
	str	w1, [x3]

	mov	x1, #0x1234		/* a hypercall block: number, arguments, result */
	str	x1, WORD(8)
	mov	x1, #1
	str	x1, WORD(9)
	mov	x1, #2
	str	x1, WORD(10)
	mov	x1, #3
	str	x1, WORD(11)
	mov	x1, #4
	str	x1, WORD(12)
	mov	x1, #5
	str	x1, WORD(13)
	mov	x1, #6
	str	x1, WORD(14)
	SET	x3, CODE_MMIO + CODE_HYPERCALL
	add	x1, x0, #64
	dsb	sy
	str	x1, [x3]
	ldr	x1, WORD(15)
	add	x19, x19, x1

	SET	x3, CODE_MMIO + CODE_RESULT
	str	x19, [x3]
	CODE_LEAVE
	CODE_FINISH tour

	CODE_BEGIN spin
	MMU_ON
1:	ldr	x1, WORD(0)
	add	x1, x1, #1
	str	x1, WORD(0)
	b	1b
	CODE_FINISH spin

	CODE_BEGIN write_mmio
	MMU_ON
	ldr	x2, WORD(1)
1:	ldr	x1, WORD(0)
	add	x1, x1, #1
	str	x1, WORD(0)
	str	w1, [x2]
	b	1b
	CODE_FINISH write_mmio

	CODE_BEGIN write_some
	MMU_ON
	ldr	x2, WORD(1)
	ldr	x3, WORD(2)
1:	ldr	x1, WORD(0)
	add	x1, x1, #1
	str	x1, WORD(0)
	str	w1, [x2]
	subs	x3, x3, #1
	b.ne	1b
	CODE_LEAVE
	CODE_FINISH write_some

	CODE_BEGIN sweep
	MMU_ON
1:	ldr	x2, WORD(1)
	ldr	x3, WORD(2)
2:	ldr	w1, [x2]
	str	w1, [x2]
	add	x2, x2, #0x1000
	cmp	x2, x3
	b.lo	2b
	ldr	x1, WORD(0)
	add	x1, x1, #1
	str	x1, WORD(0)
	b	1b
	CODE_FINISH sweep

	CODE_BEGIN copy
	MMU_ON
	ldr	x2, WORD(1)
	ldr	x3, WORD(2)
	ldr	x4, WORD(3)
1:	ldr	x1, [x2]
	str	x1, [x3]
	add	x2, x2, #8
	add	x3, x3, #8
	subs	x4, x4, #1
	b.ne	1b
	CODE_LEAVE
	CODE_FINISH copy

	/* Ports there are none: as memory. */
	CODE_BEGIN store
	MMU_ON
	ldr	x2, WORD(1)
	ldr	x1, WORD(2)
	ldr	x3, WORD(3)
	and	x3, x3, #15
	cmp	x3, #2
	b.eq	2f
	b.lo	1f
	cmp	x3, #8
	b.eq	8f
	str	w1, [x2]
	CODE_LEAVE
1:	strb	w1, [x2]
	CODE_LEAVE
2:	strh	w1, [x2]
	CODE_LEAVE
8:	str	x1, [x2]
	CODE_LEAVE
	CODE_FINISH store

	/* Interrupts stay masked: WFI ends by one that waits, and what it is shows in ISR_EL1. */
	CODE_BEGIN halt
	MMU_ON
	mov	x1, #1
	str	x1, WORD(3)
1:	wfi
	mrs	x1, isr_el1
	cbz	x1, 1b
	ldr	x1, WORD(0)
	add	x1, x1, #1
	str	x1, WORD(0)
	b	1b
	CODE_FINISH halt

/* Where each step begins, from code_steps. */
.macro STEP
.Lstep_\@:
	.section .data.rel.ro, "aw", %progbits
	.long	.Lstep_\@ - code_steps
	.section .rodata
.endm

	.section .data.rel.ro, "aw", %progbits
	.balign	4
	.globl	code_steps_offsets
code_steps_offsets:
	.section .rodata

	/* The MMU stays off: the first instruction is the first step. */
	CODE_BEGIN steps
	STEP
	mov	x1, #5
	STEP
	add	x1, x1, #1
	STEP
	str	x1, WORD(0)
	STEP
	b	1f
	udf	#0
1:	STEP
	nop
	STEP
	ldr	x2, WORD(0)
	STEP
	add	x2, x2, x1
	STEP
	mov	x3, x2
	STEP
	mov	x0, x3
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
	.section .data.rel.ro, "aw", %progbits
	.long	.Laccess_\@ - code_accesses
	.section .rodata
.endm

	.section .data.rel.ro
	.globl	code_accesses_ends
code_accesses_ends:
	.section .rodata

	CODE_BEGIN accesses
	SET	x2, CODE_MMIO
	SET	x1, 0x11223344
	ACCESS	str w1, [x2]
	ACCESS	ldr w3, [x2, #8]
	ACCESS	strb w1, [x2, #0x123]
	ACCESS	ldr x3, [x2, #0x10]
	ACCESS	ldrsb x3, [x2, #0x31]
	ACCESS	ldr w3, [x2], #8	/* without syndrome */
	ACCESS	str x1, [x2, #8]!
	ACCESS	ldrh wzr, [x2, #2]
	CODE_LEAVE
	CODE_FINISH accesses

	.section .data.rel.ro
	.long	-1
