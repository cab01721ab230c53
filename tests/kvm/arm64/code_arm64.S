/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pieces of guest code that code_arm64.h names.
 */
#include "code_arch.h"
#include "code_arm64.h"

	.section .rodata, "a", %progbits
#include "code.inc"

/* The call that the mailbox at x0 says. */
.macro CALL
	mov	x19, x0
	ldr	x8, [x19, #64]
	ldr	x0, [x19, #8]
	ldp	x1, x2, [x19, #16]
	ldp	x3, x4, [x19, #32]
	ldp	x5, x6, [x19, #48]
	cbnz	x8, 1f
	hvc	#0
	b	2f
1:	smc	#0
2:	str	x0, [x19, #72]
.endm

	CODE_BEGIN call
	MMU_ON
	CALL
	CODE_LEAVE
	CODE_FINISH call

	CODE_BEGIN call_target
	mrs	x1, sctlr_el1
	mrs	x2, CurrentEL
	mrs	x3, daif
	MMU_ON
	str	x1, WORD(10)
	str	x2, WORD(11)
	str	x3, WORD(12)
	ldr	x1, WORD(0)
	add	x1, x1, #1
	str	x1, WORD(0)
	CALL
	CODE_LEAVE
	CODE_FINISH call_target

	CODE_BEGIN execute
	MMU_ON
	VECTORS_AT execute_vectors
	mov	x1, #0x300000		/* CPACR_EL1.FPEN */
	msr	cpacr_el1, x1
	isb
	SET	x10, CODE_MMIO
	ldr	x1, WORD(15)
	add	x10, x10, x1
	mov	sp, x10
	ldr	x2, WORD(2)
	ldr	x3, WORD(3)
	ldr	q0, WORD(16)
	ldr	q1, WORD(18)
execute_place:
	nop				/* the host puts the instruction here */
execute_behind:
	stp	x2, x3, WORD(8)
	mov	x1, sp
	stp	x10, x1, WORD(10)
	str	q0, WORD(20)
	str	q1, WORD(22)
	CODE_LEAVE
execute_sync:
	ldr	x1, WORD(4)
	add	x1, x1, #1
	str	x1, WORD(4)
	mrs	x1, esr_el1
	str	x1, WORD(5)
	mrs	x1, far_el1
	str	x1, WORD(6)
	mrs	x1, elr_el1
	str	x1, WORD(7)
	adr	x1, execute_behind
	msr	elr_el1, x1
	eret
	VECTORS	execute_vectors, execute_sync, .
	CODE_FINISH execute

	.balign	4
	.globl	code_execute_place
code_execute_place:
	.long	execute_place - code_execute

	CODE_BEGIN line
	MMU_ON
	VECTORS_AT line_vectors
	SET	x2, CODE_MMIO + CODE_TAKEN
	mov	x1, #1
	str	x1, WORD(3)
1:	msr	daifset, #2
	wfi
	msr	daifclr, #2
	b	1b
line_irq:
	ldr	x1, WORD(0)
	add	x1, x1, #1
	str	x1, WORD(0)
	str	w1, [x2]
	eret
	VECTORS	line_vectors, ., line_irq
	CODE_FINISH line

/* The GIC architecture's registers (IHI 0069), where QEMU's virt board has them. */
#define GICD	      0x08000000
#define GICR_SGI      0x080b0000
#define GICD_CTLR     0x0000
#define ISENABLER     0x0100
#define ICFGR	      0x0c00
#define ICC_PMR_EL1   s3_0_c4_c6_0
#define ICC_IAR1_EL1  s3_0_c12_c12_0
#define ICC_EOIR1_EL1 s3_0_c12_c12_1
#define ICC_SRE_EL1   s3_0_c12_c12_5
#define ICC_IGRPEN1_EL1 s3_0_c12_c12_7

	CODE_BEGIN gic
	MMU_ON
	VECTORS_AT gic_vectors
	SET	x2, GICD
	mov	w1, #0x12		/* affinity routing, group 1 */
	str	w1, [x2, #GICD_CTLR]
	SET	w1, 0x0000aa00		/* 36 to 39: edges, two bits each */
	str	w1, [x2, #(ICFGR + 8)]
	mov	w1, #0xf0		/* 36 to 39 */
	str	w1, [x2, #(ISENABLER + 4)]
	SET	x2, GICR_SGI
	SET	w1, 0x0000aa00		/* 20 to 23: as edges, too, where they can be */
	str	w1, [x2, #(ICFGR + 4)]
	mov	w1, #0xf00000
	str	w1, [x2, #ISENABLER]
	mov	x1, #7
	msr	ICC_SRE_EL1, x1
	isb
	mov	x1, #0xff
	msr	ICC_PMR_EL1, x1
	mov	x1, #1
	msr	ICC_IGRPEN1_EL1, x1
	isb
	mov	x1, #1
	str	x1, WORD(3)
1:	msr	daifset, #2
	wfi
	msr	daifclr, #2
	b	1b
gic_irq:
	mrs	x3, ICC_IAR1_EL1
	cmp	x3, #1020
	b.hs	1f
	ldr	x1, WORD(0)
	add	x1, x1, #1
	str	x1, WORD(0)
	and	x4, x3, #15
	add	x4, x0, x4, lsl #3
	ldr	x1, [x4, #32]
	add	x1, x1, #1
	str	x1, [x4, #32]
	msr	ICC_EOIR1_EL1, x3
1:	eret
	VECTORS	gic_vectors, ., gic_irq
	CODE_FINISH gic

#define CPU_SUSPEND 0xc4000001

	CODE_BEGIN suspend
	MMU_ON
	mov	x19, x0
	mov	x1, #1
	str	x1, [x19, #24]
1:	SET	x0, CPU_SUSPEND
	mov	x1, #0
	hvc	#0
	str	x0, [x19, #72]
	ldr	x1, [x19]
	add	x1, x1, #1
	str	x1, [x19]
	b	1b
	CODE_FINISH suspend
