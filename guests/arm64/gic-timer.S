/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: the virtual timer wakes a CPU that sleeps, through the GICv3 in KVM, and not before its
 * time.
 * Boot: flat, 0x40200000; one CPU, in-kernel irqchip.
 * Source: Arm Architecture Reference Manual, DDI0487, D12; Arm Base System Architecture (PPI 27).
 */
#include "macros.inc"
#include "gic.inc"

#define TIMER_INTID	27

	.globl	_start
_start:
	GUEST_SETUP
	GUEST_MMU_ON
	GUEST_EXPECT_IRQ interrupt
	mov	x19, #0
	mov	x20, #0				/* taken */
	GIC_SETUP
	GIC_CPU_SETUP x19
	GIC_ENABLE_PRIVATE x19
	mrs	x21, cntfrq_el0
	mov	x0, #100
	udiv	x21, x21, x0			/* 10 ms */
	mov	x22, #3
1:	isb
	mrs	x23, cntvct_el0
	add	x23, x23, x21
	msr	cntv_cval_el0, x23
	mov	x0, #1
	msr	cntv_ctl_el0, x0
	isb
	mov	x24, x20
2:	msr	daifset, #2
	cmp	x20, x24
	b.ne	3f
	wfi
	msr	daifclr, #2
	isb
	b	2b
3:	isb
	mrs	x0, cntvct_el0
	cmp	x0, x23
	GUEST_ASSERT hs
	subs	x22, x22, #1
	b.ne	1b
	GUEST_ASSERT_EQ x20, 3
	GUEST_DONE 0

interrupt:
	GIC_TAKE x16
	cmp	x16, #TIMER_INTID
	b.ne	4f
	msr	cntv_ctl_el0, xzr		/* off: a level */
	isb
	add	x20, x20, #1
	GIC_END x16
	GUEST_IRQ_RETURN
4:	GUEST_FAIL

	GUEST_TABLES
