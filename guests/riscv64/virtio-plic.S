/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: a virtio device over MMIO from reset to reset, with the entropy device in the first slot: its
 * queue is notified, fills buffers, and interrupts through the PLIC, each time; a chain that is none
 * breaks it, and it says so.
 * Boot: flat, 0x80200000; one hart, no irqchip but the machine's PLIC.
 * Source: VIRTIO 1.2, sections 2.7, 3.1 and 4.2.
 */
#include "macros.inc"

#define VIRTIO		0x10001000	/* s0 */
#define RINGS		0x80800000	/* s1: descriptors */
#define AVAIL		0x100
#define USED		0x200
#define BUFFER		0x400
#define QUEUE_SIZE	8
#define ROUNDS		200
#define BYTES		64
#define DESC_WRITE	2
#define NEEDS_RESET	64

#define PLIC_BASE	0x0c000000
#define PLIC_ENABLE	0x002080	/* of context 1, hart 0 in supervisor mode; a bit a source */
#define PLIC_CONTEXT	0x201000	/* of context 1: threshold, claim and complete */
#define PLIC_CLAIM	4
#define SOURCE		1

/* Registers of the device: a number is written; a read goes to a0. Clobbers t0. */
.macro DEV_WRITE register, value
	li	t0, \value
	sw	t0, \register(s0)
.endm

.macro DEV_READ register
	lwu	a0, \register(s0)
.endm

/* Add descriptor 0 to the available ring and tell the device. s2 is the ring's index. */
.macro SUBMIT
	andi	t0, s2, QUEUE_SIZE - 1
	slli	t0, t0, 1
	add	t0, t0, s1
	sh	zero, AVAIL + 4(t0)
	addi	s2, s2, 1
	fence	rw, rw
	sh	s2, AVAIL + 2(s1)
	fence	iorw, iorw
	DEV_WRITE 0x050, 0
.endm

	.globl	_start
_start:
	GUEST_SETUP
	li	s0, VIRTIO
	li	s1, RINGS
	li	s2, 0
	li	s3, PLIC_BASE + PLIC_CONTEXT
	li	s4, 0				/* all that InterruptStatus said */
	li	t0, PLIC_BASE
	li	t1, 1
	sw	t1, 4 * SOURCE(t0)		/* its priority */
	li	t0, PLIC_BASE + PLIC_ENABLE
	li	t1, 1 << SOURCE
	sw	t1, (t0)
	sw	zero, (s3)
	li	t0, GUEST_SIE_EXTERNAL
	csrw	sie, t0				/* for wfi; none is taken */

	DEV_READ 0x000
	GUEST_ASSERT_EQ a0, 0x74726976
	DEV_READ 0x004
	GUEST_ASSERT_EQ a0, 2
	DEV_READ 0x008
	GUEST_ASSERT_EQ a0, 4

	/* Section 3.1.1: VERSION_1, and nothing else. */
	DEV_WRITE 0x070, 0
	DEV_READ 0x070
	GUEST_ASSERT_EQ a0, 0
	DEV_WRITE 0x070, 1
	DEV_WRITE 0x070, 3
	DEV_WRITE 0x014, 1
	DEV_READ 0x010
	andi	a0, a0, 1
	GUEST_ASSERT_EQ a0, 1
	DEV_WRITE 0x024, 0
	DEV_WRITE 0x020, 0
	DEV_WRITE 0x024, 1
	DEV_WRITE 0x020, 1
	DEV_WRITE 0x070, 11
	DEV_READ 0x070
	GUEST_ASSERT_EQ a0, 11
	DEV_WRITE 0x030, 0
	DEV_READ 0x034
	li	t0, QUEUE_SIZE
	GUEST_ASSERT geu, a0, t0
	DEV_WRITE 0x038, QUEUE_SIZE
	DEV_WRITE 0x080, RINGS
	DEV_WRITE 0x084, 0
	DEV_WRITE 0x090, RINGS + AVAIL
	DEV_WRITE 0x094, 0
	DEV_WRITE 0x0a0, RINGS + USED
	DEV_WRITE 0x0a4, 0
	DEV_WRITE 0x044, 1
	DEV_READ 0x044
	GUEST_ASSERT_EQ a0, 1
	DEV_WRITE 0x070, 15
	GUEST_SYNC 1

	li	t0, RINGS + BUFFER
	sd	t0, 0(s1)
	li	t0, BYTES
	sw	t0, 8(s1)
	li	t0, DESC_WRITE
	sw	t0, 12(s1)
round:
	sd	zero, BUFFER(s1)
	sd	zero, BUFFER + BYTES - 8(s1)
	SUBMIT
1:	lhu	a0, USED + 2(s1)
	beq	a0, s2, 2f
	call	wait_irq
	j	1b
2:	fence	rw, rw
	addi	t0, s2, -1
	andi	t0, t0, QUEUE_SIZE - 1
	slli	t0, t0, 3
	add	t0, t0, s1
	lwu	a0, USED + 4 + 4(t0)
	GUEST_ASSERT_EQ a0, BYTES
	ld	a0, BUFFER(s1)
	ld	t0, BUFFER + BYTES - 8(s1)
	or	a0, a0, t0
	GUEST_ASSERT ne, a0, zero		/* never both zero */
	ld	a0, BUFFER + BYTES(s1)
	GUEST_ASSERT_EQ a0, 0
	li	t0, ROUNDS
	bltu	s2, t0, round
	GUEST_SYNC 2

	/* A buffer of no bytes: DEVICE_NEEDS_RESET, and a configuration interrupt. */
	sw	zero, 8(s1)
	SUBMIT
3:	call	wait_irq
	andi	a0, s4, 2
	beqz	a0, 3b
	DEV_READ 0x070
	GUEST_ASSERT_EQ a0, 15 + NEEDS_RESET
	DEV_WRITE 0x070, 0
	DEV_READ 0x070
	GUEST_ASSERT_EQ a0, 0
	DEV_READ 0x060
	GUEST_ASSERT_EQ a0, 0
	GUEST_ASSERT_EQ s4, 3
	GUEST_DONE 0

/* Sleep until the device's interrupt is up, and let it fall. Clobbers a0, t0. */
wait_irq:
	wfi
	csrr	a0, sip
	andi	a0, a0, 1 << GUEST_IRQ_EXTERNAL
	beqz	a0, wait_irq
	lw	t0, PLIC_CLAIM(s3)
	GUEST_ASSERT_EQ t0, SOURCE
	DEV_READ 0x060
	sw	a0, 0x064(s0)
	or	s4, s4, a0
	sw	t0, PLIC_CLAIM(s3)
	ret

	GUEST_TABLES
