/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: a virtio device over MMIO from reset to reset, with the entropy device in the first slot: its
 * queue is notified, fills buffers, and interrupts through the GICv3 in KVM, an edge each time; a chain
 * that is none breaks it, and it says so.
 * Boot: flat, 0x40200000; one CPU, in-kernel irqchip.
 * Source: VIRTIO 1.2, sections 2.7, 3.1 and 4.2.
 */
#include "macros.inc"
#include "gic.inc"

#define VIRTIO		0x0a000000	/* x19 */
#define RINGS		0x40800000	/* x20: descriptors */
#define AVAIL		0x100
#define USED		0x200
#define BUFFER		0x400
#define QUEUE_SIZE	8
#define ROUNDS		200
#define BYTES		64
#define DESC_WRITE	2
#define NEEDS_RESET	64
#define INTID		48		/* SPI 16 */
#define INTID_NONE	1023
#define EDGES		0xaaaaaaaa	/* GICD_ICFGR: all 16 of a word */

/* Registers of the device: a number is written; a read goes to x0. Clobbers w0. */
.macro DEV_WRITE register, value
	ldr	w0, =(\value)
	str	w0, [x19, #\register]
.endm

.macro DEV_READ register
	ldr	w0, [x19, #\register]
.endm

/* Add descriptor 0 to the available ring and tell the device. w21 is the ring's index. */
.macro SUBMIT
	and	w0, w21, #(QUEUE_SIZE - 1)
	add	x0, x20, w0, uxtw #1
	strh	wzr, [x0, #(AVAIL + 4)]
	add	w21, w21, #1
	dmb	ish
	strh	w21, [x20, #(AVAIL + 2)]
	dsb	sy
	DEV_WRITE 0x050, 0
.endm

	.globl	_start
_start:
	GUEST_SETUP
	GUEST_MMU_ON
	ldr	x19, =VIRTIO
	ldr	x20, =RINGS
	mov	x21, #0
	mov	x22, #0				/* all that InterruptStatus said */
	mov	x23, #0
	GIC_SETUP
	GIC_CPU_SETUP x23
	GIC_ENABLE_SHARED INTID
	ldr	w1, =EDGES
	str	w1, [x0, #(GICD_ICFGR + 4 * (INTID / 16))]

	DEV_READ 0x000
	GUEST_ASSERT_EQ x0, 0x74726976
	DEV_READ 0x004
	GUEST_ASSERT_EQ x0, 2
	DEV_READ 0x008
	GUEST_ASSERT_EQ x0, 4

	/* Section 3.1.1: VERSION_1, and nothing else. */
	DEV_WRITE 0x070, 0
	DEV_READ 0x070
	GUEST_ASSERT_EQ x0, 0
	DEV_WRITE 0x070, 1
	DEV_WRITE 0x070, 3
	DEV_WRITE 0x014, 1
	DEV_READ 0x010
	and	w0, w0, #1
	GUEST_ASSERT_EQ x0, 1
	DEV_WRITE 0x024, 0
	DEV_WRITE 0x020, 0
	DEV_WRITE 0x024, 1
	DEV_WRITE 0x020, 1
	DEV_WRITE 0x070, 11
	DEV_READ 0x070
	GUEST_ASSERT_EQ x0, 11
	DEV_WRITE 0x030, 0
	DEV_READ 0x034
	cmp	w0, #QUEUE_SIZE
	GUEST_ASSERT hs
	DEV_WRITE 0x038, QUEUE_SIZE
	DEV_WRITE 0x080, RINGS
	DEV_WRITE 0x084, 0
	DEV_WRITE 0x090, RINGS + AVAIL
	DEV_WRITE 0x094, 0
	DEV_WRITE 0x0a0, RINGS + USED
	DEV_WRITE 0x0a4, 0
	DEV_WRITE 0x044, 1
	DEV_READ 0x044
	GUEST_ASSERT_EQ x0, 1
	DEV_WRITE 0x070, 15
	GUEST_SYNC 1

	add	x0, x20, #BUFFER
	str	x0, [x20]
	mov	w0, #BYTES
	str	w0, [x20, #8]
	mov	w0, #DESC_WRITE
	str	w0, [x20, #12]
round:
	str	xzr, [x20, #BUFFER]
	str	xzr, [x20, #(BUFFER + BYTES - 8)]
	SUBMIT
1:	ldrh	w0, [x20, #(USED + 2)]
	cmp	w0, w21
	b.eq	2f
	bl	wait_irq
	b	1b
2:	dmb	ish
	sub	w0, w21, #1
	and	w0, w0, #(QUEUE_SIZE - 1)
	add	x0, x20, w0, uxtw #3
	ldr	w0, [x0, #(USED + 4 + 4)]
	GUEST_ASSERT_EQ x0, BYTES
	ldr	x0, [x20, #BUFFER]
	ldr	x1, [x20, #(BUFFER + BYTES - 8)]
	orr	x0, x0, x1
	cmp	x0, #0
	GUEST_ASSERT ne				/* never both zero */
	ldr	x0, [x20, #(BUFFER + BYTES)]
	GUEST_ASSERT_EQ x0, 0
	cmp	w21, #ROUNDS
	b.lo	round
	GUEST_SYNC 2

	/* A buffer of no bytes: DEVICE_NEEDS_RESET, and a configuration interrupt. */
	str	wzr, [x20, #8]
	SUBMIT
3:	bl	wait_irq
	tbz	w22, #1, 3b
	DEV_READ 0x070
	GUEST_ASSERT_EQ x0, 15 + NEEDS_RESET
	DEV_WRITE 0x070, 0
	DEV_READ 0x070
	GUEST_ASSERT_EQ x0, 0
	DEV_READ 0x060
	GUEST_ASSERT_EQ x0, 0
	GUEST_ASSERT_EQ x22, 3
	GUEST_DONE 0

/* Sleep until the device's interrupt has come. None is taken by the CPU: they stay masked. Clobbers x0,
 * x1. */
wait_irq:
	wfi
	GIC_TAKE x1
	cmp	x1, #INTID_NONE
	b.eq	wait_irq
	cmp	x1, #INTID
	GUEST_ASSERT eq
	DEV_READ 0x060
	str	w0, [x19, #0x064]
	orr	w22, w22, w0
	GIC_END x1
	ret
	.ltorg

	GUEST_TABLES
