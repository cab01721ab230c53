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

/*
 * Registers of GICv3 (IHI 0069) and GICv2 (IHI 0048), where QEMU's virt board has them; of the
 * distributor from GICD on, of a CPU's own interrupts from GICR_SGI on, which GICv2 has in its
 * distributor.
 */
#define GICD		0x08000000
#define GICC		0x08010000
#define GICR_SGI	0x080b0000
#define GICD_CTLR	0x0000
#define ISENABLER	0x0100
#define GICD_ITARGETSR	0x0800
#define ICFGR		0x0c00
#define GICD_PIDR2	0xffe8	/* GICv3's */
#define GICC_CTLR	0x0000
#define GICC_PMR	0x0004
#define GICC_IAR	0x000c
#define GICC_EOIR	0x0010
#define ICC_PMR_EL1	s3_0_c4_c6_0
#define ICC_IAR1_EL1	s3_0_c12_c12_0
#define ICC_EOIR1_EL1	s3_0_c12_c12_1
#define ICC_SRE_EL1	s3_0_c12_c12_5
#define ICC_IGRPEN1_EL1 s3_0_c12_c12_7
#define EDGES		0x0000aa00	/* of inputs 4 to 7 of 16, two bits each */

	CODE_BEGIN gic
	MMU_ON
	VECTORS_AT gic_vectors
	SET	x5, CODE_MMIO + CODE_TAKEN
	SET	x2, GICD
	SET	x1, EDGES
	str	w1, [x2, #(ICFGR + 8)]
	SET	x3, GICD_PIDR2
	ldr	w1, [x2, x3]
	ubfx	w1, w1, #4, #4
	cmp	w1, #3
	cset	w6, eq			/* x6: GICv3 */
	b.ne	2f

	mov	w1, #0x12		/* affinity routing, group 1 */
	str	w1, [x2, #GICD_CTLR]
	mov	w1, #0xf0		/* 36 to 39 */
	str	w1, [x2, #(ISENABLER + 4)]
	mrs	x1, mpidr_el1		/* the CPU's own, of 128 KiB */
	and	x1, x1, #0xff
	SET	x2, GICR_SGI
	add	x2, x2, x1, lsl #17
	mov	w1, #0xf00000		/* 20 to 23 */
	str	w1, [x2, #ISENABLER]
	mov	x1, #7
	msr	ICC_SRE_EL1, x1
	isb
	mov	x1, #0xff
	msr	ICC_PMR_EL1, x1
	mov	x1, #1
	msr	ICC_IGRPEN1_EL1, x1
	isb
	b	3f

2:	mov	w1, #1
	str	w1, [x2, #GICD_CTLR]
	mov	w1, #0xf00000
	str	w1, [x2, #ISENABLER]
	mov	w1, #0xf0
	str	w1, [x2, #(ISENABLER + 4)]
	SET	x1, 0x01010101		/* to the first CPU */
	str	w1, [x2, #(GICD_ITARGETSR + 36)]
	SET	x2, GICC
	mov	w1, #0xff
	str	w1, [x2, #GICC_PMR]
	mov	w1, #1
	str	w1, [x2, #GICC_CTLR]

3:	mov	x1, #1
	str	x1, WORD(3)
1:	msr	daifset, #2
	wfi
	msr	daifclr, #2
	b	1b

gic_irq:
	cbz	w6, 2f
	mrs	x3, ICC_IAR1_EL1
	b	3f
2:	ldr	w3, [x2, #GICC_IAR]
3:	cmp	x3, #1020
	b.hs	1f
	ldr	x1, WORD(0)
	add	x1, x1, #1
	str	x1, WORD(0)
	and	x4, x3, #15
	add	x4, x0, x4, lsl #3
	ldr	x1, [x4, #32]
	add	x1, x1, #1
	str	x1, [x4, #32]
	str	w3, [x5]
	cbz	w6, 2f
	msr	ICC_EOIR1_EL1, x3
	eret
2:	str	w3, [x2, #GICC_EOIR]
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
