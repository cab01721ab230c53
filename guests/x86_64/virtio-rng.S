/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: a virtio device over MMIO from reset to reset, with the entropy device in the first slot: its
 * queue is notified, fills buffers, and interrupts, each time; a chain that is none breaks it, and it
 * says so. The interrupt is line 16, as vector 0x30 whoever delivers it: nobody (no irqchip), the local
 * APIC in userspace, or KVM's IOAPIC and local APIC.
 * Boot: flat, long mode, 0x100000; one CPU; any irqchip.
 * Source: VIRTIO 1.2, sections 2.7, 3.1 and 4.2; Intel 82093AA (IOAPIC).
 */
#include "macros.inc"

#define VIRTIO			0xfeb00000	/* r12 */
#define QUEUE_SIZE		8
#define ROUNDS			200
#define BYTES			64
#define VECTOR			0x30

#define DESCRIPTORS		0x200000
#define AVAIL			0x201000
#define USED			0x202000
#define BUFFER			0x203000

#define DESC_WRITE		2
#define NEEDS_RESET		64

#define IOAPIC_SELECT		0xfec00000
#define IOAPIC_WINDOW		0xfec00010
#define IOAPIC_ENTRY		(0x10 + 2 * 16)

/* Registers of the device. The value of a write: an immediate. A read goes to rax. */
.macro DEV_WRITE register, value
	movl	\value, \register(%r12)
.endm

.macro DEV_READ register
	mov	\register(%r12), %eax
.endm

/* Add descriptor 0 to the available ring and tell the device. r10d is the ring's index. */
.macro SUBMIT
	mov	%r10d, %eax
	and	$(QUEUE_SIZE - 1), %eax
	movw	$0, AVAIL + 4(, %rax, 2)
	inc	%r10d
	mov	%r10w, AVAIL + 2
	mfence
	DEV_WRITE 0x050, $0
.endm

	GUEST_CODE64
	.globl	_start
_start:
	GUEST_LONG_SETUP
	GUEST_IDT_SET VECTOR, interrupt
	GUEST_IDT_LOAD
	mov	$VIRTIO, %r12d
	mov	$GUEST_APIC_BASE, %r13d

	/* Where there is no local APIC, there are ones. */
	cmpl	$-1, GUEST_APIC_VERSION(%r13)
	je	1f
	movl	$GUEST_APIC_SVR_ENABLED, GUEST_APIC_SVR(%r13)
	mov	$IOAPIC_SELECT, %ecx
	mov	$IOAPIC_WINDOW, %edx
	movl	$(IOAPIC_ENTRY + 1), (%rcx)
	movl	$0, (%rdx)			/* to local APIC 0 */
	movl	$IOAPIC_ENTRY, (%rcx)
	movl	$VECTOR, (%rdx)			/* fixed, edge, not masked */
	movb	$1, has_apic
1:
	DEV_READ 0x000
	GUEST_ASSERT_EQ %rax, $0x74726976
	DEV_READ 0x004
	GUEST_ASSERT_EQ %rax, $2
	DEV_READ 0x008
	GUEST_ASSERT_EQ %rax, $4

	/* Section 3.1.1: VERSION_1, and nothing else. */
	DEV_WRITE 0x070, $0
	DEV_READ 0x070
	GUEST_ASSERT_EQ %rax, $0
	DEV_WRITE 0x070, $1
	DEV_WRITE 0x070, $3
	DEV_WRITE 0x014, $1
	DEV_READ 0x010
	and	$1, %eax
	GUEST_ASSERT_EQ %rax, $1
	DEV_WRITE 0x024, $0
	DEV_WRITE 0x020, $0
	DEV_WRITE 0x024, $1
	DEV_WRITE 0x020, $1
	DEV_WRITE 0x070, $11
	DEV_READ 0x070
	GUEST_ASSERT_EQ %rax, $11
	DEV_WRITE 0x030, $0
	DEV_READ 0x034
	cmp	$QUEUE_SIZE, %eax
	GUEST_ASSERT ae
	DEV_WRITE 0x038, $QUEUE_SIZE
	DEV_WRITE 0x080, $DESCRIPTORS
	DEV_WRITE 0x084, $0
	DEV_WRITE 0x090, $AVAIL
	DEV_WRITE 0x094, $0
	DEV_WRITE 0x0a0, $USED
	DEV_WRITE 0x0a4, $0
	DEV_WRITE 0x044, $1
	DEV_READ 0x044
	GUEST_ASSERT_EQ %rax, $1
	DEV_WRITE 0x070, $15
	GUEST_SYNC $1

	movq	$BUFFER, DESCRIPTORS
	movl	$BYTES, DESCRIPTORS + 8
	movl	$DESC_WRITE, DESCRIPTORS + 12
	xor	%r10d, %r10d
round:
	mov	$BUFFER, %edi
	mov	$(BYTES / 8), %ecx
	xor	%eax, %eax
	rep stosq
	SUBMIT
	/* Sleep until it is used: hlt comes right behind sti, so that no interrupt is slept through. */
2:	cmp	%r10w, USED + 2
	je	3f
	sti
	hlt
	cli
	jmp	2b
3:	mov	%r10d, %eax
	dec	%eax
	and	$(QUEUE_SIZE - 1), %eax
	mov	USED + 4 + 4(, %rax, 8), %eax
	GUEST_ASSERT_EQ %rax, $BYTES
	mov	BUFFER, %rax
	or	BUFFER + BYTES - 8, %rax	/* never both zero */
	GUEST_ASSERT ne
	mov	BUFFER + BYTES, %rax
	GUEST_ASSERT_EQ %rax, $0
	cmp	$ROUNDS, %r10d
	jb	round
	GUEST_SYNC $2

	/* A buffer of no bytes: DEVICE_NEEDS_RESET, and a configuration interrupt. */
	movl	$0, DESCRIPTORS + 8
	SUBMIT
4:	testl	$2, reasons
	jne	5f
	sti
	hlt
	cli
	jmp	4b
5:	DEV_READ 0x070
	GUEST_ASSERT_EQ %rax, $(15 + NEEDS_RESET)
	DEV_WRITE 0x070, $0
	DEV_READ 0x070
	GUEST_ASSERT_EQ %rax, $0
	DEV_READ 0x060
	GUEST_ASSERT_EQ %rax, $0
	mov	reasons, %eax
	GUEST_ASSERT_EQ %rax, $3
	GUEST_DONE $0

interrupt:
	push	%rax
	DEV_READ 0x060
	mov	%eax, 0x064(%r12)
	or	%eax, reasons
	cmpb	$0, has_apic
	je	6f
	movl	$0, GUEST_APIC_EOI(%r13)
6:	pop	%rax
	iretq

	.bss
	.balign	8
reasons:				/* all that InterruptStatus said */
	.skip	4
has_apic:
	.skip	4
	.text

	GUEST_TABLES
