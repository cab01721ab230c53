/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: two CPUs answer each other's software generated interrupts through the GICv3 in KVM, and
 * sleep between them.
 * Boot: flat, 0x40200000; 2 CPUs, in-kernel irqchip.
 */
#include "macros.inc"
#include "smp.inc"
#include "gic.inc"

#define PING	5
#define PONG	9
#define ROUNDS	100

	.globl	_start
_start:
	GUEST_SETUP
	GUEST_MMU_ON
	GUEST_EXPECT_IRQ interrupt
	mov	x19, #0
	mov	x20, #1				/* the other CPU */
	mov	x21, #PONG			/* what this CPU gets */
	mov	x22, #0				/* how many it got */
	GIC_SETUP
	GIC_CPU_SETUP x19
	SMP_START x20
	GUEST_ASSERT_EQ x0, PSCI_SUCCESS
	adr	x23, ready
1:	yield
	ldr	w0, [x23]
	cbz	w0, 1b
	GUEST_SYNC 1

	mov	x24, #0
2:	GIC_SEND PING, x20
	add	x24, x24, #1
3:	msr	daifset, #2
	cmp	x22, x24
	b.eq	4f
	wfi					/* wakes though the interrupt is masked */
	msr	daifclr, #2
	isb
	b	3b
4:	cmp	x24, #ROUNDS
	b.lo	2b
	GUEST_DONE 0

	SMP_ENTRY secondary
secondary:
	mov	x20, #0
	mov	x21, #PING
	mov	x22, #0
	GIC_CPU_SETUP x19
	adr	x23, ready
	mov	w0, #1
	str	w0, [x23]
	mov	x24, #0				/* answered */
5:	msr	daifset, #2
	cmp	x22, x24
	b.ne	6f
	wfi
	msr	daifclr, #2
	isb
	b	5b
6:	add	x24, x24, #1
	GIC_SEND PONG, x20
	b	5b

interrupt:
	GIC_TAKE x16
	GUEST_ASSERT_SAME x16, x21
	add	x22, x22, #1
	GIC_END x21
	GUEST_IRQ_RETURN

	.bss
	.balign	8
ready:
	.skip	8
	.text

	GUEST_TABLES
	SMP_TABLES
