/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: the IOAPIC in front of KVM's local APICs, with COM1's line in pin 4. Edge-triggered, a rising
 * line is one interrupt. Level-triggered, the pin remembers that its interrupt is in service (remote
 * IRR); EOI ends that, and while the line is still up the interrupt comes once more. A masked pin sends
 * nothing.
 * A KVM that interprets guest kernels may end an interrupt where it delivers it (nothing is ever in
 * service): there, what in-service interrupts hold off is not looked at, and one more may come.
 * Boot: flat, long mode, 0x100000; one CPU; split irqchip (works with the in-kernel irqchip, too).
 * Source: Intel 82093AA datasheet (290566-001), chapter 3; SDM volume 3, "Handling of Level-Triggered
 * Interrupts"; National Semiconductor PC16550D, interrupt identification.
 */
#include "macros.inc"
#include "smp.inc"

#define IOAPIC_SELECT		0xfec00000	/* r12 */
#define IOAPIC_WINDOW		0x10
#define IOAPIC_VERSION		1
#define IOAPIC_ENTRY		(0x10 + 2 * 4)
#define ENTRY_MASKED		0x10000
#define ENTRY_LEVEL		0x08000
#define ENTRY_REMOTE_IRR	0x04000

#define PIC1_MASKS		0x21
#define PIC2_MASKS		0xa1

#define EDGE			0x50
#define LEVEL			0x61

#define COM1_IER		(AX_PORT_COM1 + 1)
#define COM1_IIR		(AX_PORT_COM1 + 2)
#define COM1_MCR		(AX_PORT_COM1 + 4)
#define IER_THRE		0x02
#define MCR_OUT2		0x08

/* A register of the IOAPIC: its value to rax; an immediate into it. Clobbers nothing else. */
.macro IOAPIC_READ register
	movl	$\register, (%r12)
	mov	IOAPIC_WINDOW(%r12), %eax
.endm

.macro IOAPIC_WRITE register, value
	movl	$\register, (%r12)
	movl	$\value, IOAPIC_WINDOW(%r12)
.endm

/* COM1's line goes up: its transmitter is empty, and may say so. Down: not any more. */
.macro LINE_UP
	mov	$COM1_IER, %dx
	mov	$IER_THRE, %al
	out	%al, %dx
.endm

.macro LINE_DOWN
	mov	$COM1_IER, %dx
	xor	%eax, %eax
	out	%al, %dx
.endm

/*
 * Let interrupts in until `count` were taken, and for some accesses more: what is sent too much would be
 * seen, and a KVM may tell of an EOI only at the next access to a device. Clobbers rax, rcx.
 */
.macro TAKE count
	mov	$20, %ecx
	sti
.Ltake\@:
	IOAPIC_READ IOAPIC_VERSION
	cmpl	$\count, taken
	jb	.Ltake\@
	dec	%ecx
	jnz	.Ltake\@
	cli
.endm

	GUEST_CODE64
	.globl	_start
_start:
	GUEST_LONG_SETUP
	SMP_SETUP
	GUEST_IDT_SET EDGE, edge
	GUEST_IDT_SET LEVEL, level
	GUEST_IDT_LOAD
	mov	$IOAPIC_SELECT, %r12d
	mov	$0xff, %al			/* the in-kernel irqchip has these as well */
	out	%al, $PIC1_MASKS
	out	%al, $PIC2_MASKS
	mov	$COM1_MCR, %dx
	mov	$MCR_OUT2, %al
	out	%al, %dx
	LINE_DOWN

	/* 1. Registers. */
	IOAPIC_READ IOAPIC_VERSION
	and	$0xff00ff, %eax
	GUEST_ASSERT_EQ %rax, $0x170011
	IOAPIC_READ IOAPIC_ENTRY
	and	$ENTRY_MASKED, %eax
	GUEST_ASSERT_EQ %rax, $ENTRY_MASKED
	IOAPIC_WRITE (IOAPIC_ENTRY + 1), 0	/* to local APIC 0 */
	GUEST_SYNC $1

	/* 2. An edge: one interrupt, though the line stays up over its EOI; the next rise is the next. */
	IOAPIC_WRITE IOAPIC_ENTRY, EDGE
	LINE_UP
	TAKE 1
	GUEST_ASSERT_EQ taken, $1
	IOAPIC_READ IOAPIC_ENTRY
	GUEST_ASSERT_EQ %rax, $EDGE
	LINE_DOWN
	LINE_UP
	TAKE 2
	GUEST_ASSERT_EQ taken, $2
	GUEST_SYNC $2

	/* 3. A level, up already: it comes with the mask's end, and again until its cause is gone. */
	IOAPIC_WRITE IOAPIC_ENTRY, (ENTRY_MASKED + ENTRY_LEVEL + LEVEL)
	movl	$3, repeat
	movq	$0, taken
	IOAPIC_WRITE IOAPIC_ENTRY, (ENTRY_LEVEL + LEVEL)
	TAKE 4
	mov	taken, %rax
	cmpb	$0, holds
	jne	1f
	cmp	$5, %eax
	GUEST_ASSERT be
	jmp	masked
1:	GUEST_ASSERT_EQ %rax, $4
	IOAPIC_READ IOAPIC_ENTRY
	GUEST_ASSERT_EQ %rax, $(ENTRY_LEVEL + LEVEL)
	GUEST_SYNC $3

	/* 4. In service, the pin sends no second one, whatever its line does. */
	movq	$0, taken
	movb	$1, keep
	LINE_DOWN
	LINE_UP
	TAKE 1
	LINE_DOWN
	LINE_UP
	TAKE 1
	GUEST_ASSERT_EQ taken, $1
	LINE_DOWN
	APIC_WRITE GUEST_APIC_EOI, $0
	TAKE 1
	GUEST_ASSERT_EQ taken, $1
	IOAPIC_READ IOAPIC_ENTRY
	GUEST_ASSERT_EQ %rax, $(ENTRY_LEVEL + LEVEL)
	GUEST_SYNC $4

	/* 5. Masked, it sends nothing. */
masked:
	IOAPIC_WRITE IOAPIC_ENTRY, (ENTRY_MASKED + ENTRY_LEVEL + LEVEL)
	movq	$1, taken
	LINE_UP
	TAKE 1
	mov	taken, %rax
	/* Of what was sent before, one may be on its way still in a KVM that holds nothing in service. */
	cmpb	$0, holds
	jne	4f
	cmp	$2, %eax
	GUEST_ASSERT be
	GUEST_DONE $0
4:	GUEST_ASSERT_EQ %rax, $1
	GUEST_DONE $0

edge:
	push	%rax
	incq	taken
	APIC_READ (GUEST_APIC_ISR + EDGE / 32 * 0x10)
	bt	$(EDGE & 31), %eax
	setc	holds
	pop	%rax
	APIC_WRITE GUEST_APIC_EOI, $0
	iretq

/* The pin is in service. With `keep` that is left so; else, after `repeat` more, the cause is taken away. */
level:
	push	%rax
	push	%rdx
	incq	taken
	movl	(%r12), %eax			/* who was interrupted goes on with this register */
	mov	%eax, selected
	IOAPIC_READ IOAPIC_ENTRY
	cmpb	$0, holds
	je	3f
	GUEST_ASSERT_EQ %rax, $(ENTRY_LEVEL + ENTRY_REMOTE_IRR + LEVEL)
3:	cmpb	$0, keep
	jne	2f
	subl	$1, repeat
	jae	1f
	mov	$COM1_IIR, %dx
	in	%dx, %al			/* saying it lowers the line */
1:	APIC_WRITE GUEST_APIC_EOI, $0
2:	mov	selected, %eax
	mov	%eax, (%r12)
	pop	%rdx
	pop	%rax
	iretq

	.bss
	.balign	8
taken:
	.skip	8
repeat:				/* interrupts whose cause stays */
	.skip	4
selected:
	.skip	4
keep:				/* leave it in service */
	.skip	1
holds:				/* interrupts are in service until their EOI */
	.skip	1
	.text

	GUEST_TABLES
