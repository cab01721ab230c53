/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: nothing but speed: halts, for ever, and counts the interrupts that line 5 brings, in the 64-bit
 * number at load + AX_GUEST_BENCH_COUNT, which is 0 before it takes the first. Their vector is 0x50.
 * Boot: flat, long mode, 0x100000; one CPU; in-kernel irqchip.
 * Source: Intel 82093AA datasheet (290566-001), chapter 3.
 */
#include "macros.inc"
#include "smp.inc"

#define IOAPIC_SELECT 0xfec00000
#define IOAPIC_WINDOW 0x10
#define IOAPIC_ENTRY  (0x10 + 2 * 5)
#define PIC1_MASKS    0x21
#define PIC2_MASKS    0xa1
#define VECTOR	      0x50

	GUEST_CODE64
	.globl	_start
_start:
	jmp	start
	.org	AX_GUEST_BENCH_COUNT, 0xcc
taken:
	.quad	0xffffffff
start:
	GUEST_LONG_SETUP
	SMP_SETUP
	GUEST_IDT_SET VECTOR, take
	GUEST_IDT_LOAD
	mov	$0xff, %al
	out	%al, $PIC1_MASKS
	out	%al, $PIC2_MASKS
	mov	$IOAPIC_SELECT, %r12d
	movl	$(IOAPIC_ENTRY + 1), (%r12)	/* to local APIC 0 */
	movl	$0, IOAPIC_WINDOW(%r12)
	movl	$IOAPIC_ENTRY, (%r12)		/* edge-triggered */
	movl	$VECTOR, IOAPIC_WINDOW(%r12)
	movq	$0, taken
1:	sti
	hlt
	jmp	1b

take:	incq	taken
	APIC_WRITE GUEST_APIC_EOI, $0
	iretq

	GUEST_TABLES
