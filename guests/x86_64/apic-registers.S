/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: the local APIC's registers and its rules of priority: an interrupt waits in IRR while
 * interrupts are off, while TPR or a vector in service is of the same class or a higher one;
 * delivery moves it to ISR; EOI ends the highest vector in service; a second request for a waiting
 * vector is the same request. The class is the vector's upper four bits.
 * Boot: flat, long mode, 0x100000; one CPU; local APIC in userspace (works with the in-kernel
 * irqchip, too, without its part 5).
 * Source: Intel SDM volume 3, "Interrupt, Task, and Processor Priority".
 */
#include "macros.inc"
#include "smp.inc"

#define LOW		0x35
#define HIGH		0x62
#define HIGHER		0x6e		/* same class as HIGH */
#define RAISED		0x83

/* eax = the 32 bits of IRR or ISR that hold `vector`; the bit itself is vector & 31. */
.macro BITS_OF array, vector
	APIC_READ (\array + (\vector) / 32 * 0x10)
.endm

/* `vector` is the only one of its 32 in IRR or ISR, or none is. */
#define ASSERT_ONLY assert_only __LINE__,
.macro assert_only line, array, vector
	BITS_OF \array, \vector
	guest_assert_eq \line, %rax, $(1 << ((\vector) & 31))
.endm

#define ASSERT_NONE assert_none __LINE__,
.macro assert_none line, array, vector
	BITS_OF \array, \vector
	guest_assert_eq \line, %rax, $0
.endm

/* `count` interrupts were taken since the start, the last one `vector`. */
#define ASSERT_TAKEN assert_taken __LINE__,
.macro assert_taken line, count, vector
	guest_assert_eq \line, taken, $\count
	guest_assert_eq \line, last, $\vector
.endm

/* Let pending interrupts in and wait until `count` were taken altogether. */
.macro TAKE count
	sti
.Ltake\@:
	pause
	cmpl	$\count, taken
	jb	.Ltake\@
	cli
.endm

/* Give a KVM that wrongly delivers something the time to show it. */
.macro WAIT
	mov	$3000, %ecx
.Lwait\@:
	pause
	dec	%ecx
	jnz	.Lwait\@
.endm

	GUEST_CODE64
	.globl	_start
_start:
	GUEST_LONG_SETUP
	SMP_SETUP
	GUEST_IDT_SET LOW, low
	GUEST_IDT_SET HIGH, high
	GUEST_IDT_SET HIGHER, higher
	GUEST_IDT_SET RAISED, raised
	GUEST_IDT_LOAD

	/* 1. Registers as they are after the start. */
	APIC_READ GUEST_APIC_ID
	GUEST_ASSERT_EQ %rax, $0
	APIC_READ GUEST_APIC_VERSION
	and	$0xf0, %eax			/* 0x1x: integrated */
	GUEST_ASSERT_EQ %rax, $0x10
	APIC_READ GUEST_APIC_SVR
	GUEST_ASSERT_EQ %rax, $GUEST_APIC_SVR_ENABLED
	APIC_READ GUEST_APIC_TPR
	GUEST_ASSERT_EQ %rax, $0
	APIC_WRITE GUEST_APIC_TPR, $0x5a
	APIC_READ GUEST_APIC_TPR
	GUEST_ASSERT_EQ %rax, $0x5a
	APIC_WRITE GUEST_APIC_TPR, $0
	ASSERT_NONE GUEST_APIC_IRR, LOW
	ASSERT_NONE GUEST_APIC_ISR, LOW
	APIC_WRITE GUEST_APIC_EOI, $0		/* nothing in service: nothing happens */
	GUEST_SYNC $1

	/* 2. From IRR to ISR to nowhere. Sent twice while it waits, it comes once. */
	movl	$1, keep			/* handlers leave EOI to us */
	APIC_WRITE GUEST_APIC_ICR_LOW, $(GUEST_ICR_TO_SELF + GUEST_ICR_FIXED + LOW)
	APIC_WRITE GUEST_APIC_ICR_LOW, $(GUEST_ICR_TO_SELF + GUEST_ICR_FIXED + LOW)
	ASSERT_ONLY GUEST_APIC_IRR, LOW
	ASSERT_NONE GUEST_APIC_ISR, LOW
	WAIT
	GUEST_ASSERT_EQ taken, $0
	TAKE 1
	ASSERT_TAKEN 1, LOW
	ASSERT_NONE GUEST_APIC_IRR, LOW
	ASSERT_ONLY GUEST_APIC_ISR, LOW

	/* 3. In service, it holds off its own class and lower ones, not higher ones. */
	APIC_WRITE GUEST_APIC_ICR_LOW, $(GUEST_ICR_TO_SELF + GUEST_ICR_FIXED + LOW)
	sti
	WAIT
	cli
	ASSERT_TAKEN 1, LOW
	ASSERT_ONLY GUEST_APIC_IRR, LOW
	APIC_WRITE GUEST_APIC_ICR_LOW, $(GUEST_ICR_TO_SELF + GUEST_ICR_FIXED + HIGH)
	TAKE 2
	ASSERT_TAKEN 2, HIGH
	ASSERT_ONLY GUEST_APIC_ISR, HIGH
	ASSERT_ONLY GUEST_APIC_ISR, LOW
	APIC_WRITE GUEST_APIC_ICR_LOW, $(GUEST_ICR_TO_SELF + GUEST_ICR_FIXED + HIGHER)
	sti
	WAIT
	cli
	ASSERT_TAKEN 2, HIGH
	APIC_WRITE GUEST_APIC_EOI, $0		/* ends HIGH: HIGHER may come */
	ASSERT_NONE GUEST_APIC_ISR, HIGH
	ASSERT_ONLY GUEST_APIC_ISR, LOW
	TAKE 3
	ASSERT_TAKEN 3, HIGHER
	APIC_WRITE GUEST_APIC_EOI, $0		/* ends HIGHER; LOW is still held off */
	sti
	WAIT
	cli
	ASSERT_TAKEN 3, HIGHER
	APIC_WRITE GUEST_APIC_EOI, $0		/* ends LOW: the waiting LOW may come */
	TAKE 4
	ASSERT_TAKEN 4, LOW
	APIC_WRITE GUEST_APIC_EOI, $0
	ASSERT_NONE GUEST_APIC_ISR, LOW
	ASSERT_NONE GUEST_APIC_IRR, LOW
	GUEST_SYNC $3

	/* 4. TPR holds off its class and lower ones; of two that wait, the higher comes first. */
	movl	$0, keep			/* handlers send EOI themselves */
	APIC_WRITE GUEST_APIC_TPR, $(HIGH & 0xf0)
	APIC_WRITE GUEST_APIC_ICR_LOW, $(GUEST_ICR_TO_SELF + GUEST_ICR_FIXED + LOW)
	APIC_WRITE GUEST_APIC_ICR_LOW, $(GUEST_ICR_TO_SELF + GUEST_ICR_FIXED + HIGH)
	sti
	WAIT
	cli
	GUEST_ASSERT_EQ taken, $4
	APIC_WRITE GUEST_APIC_TPR, $((HIGH & 0xf0) - 0x10)
	TAKE 5
	ASSERT_TAKEN 5, HIGH
	sti
	WAIT
	cli
	ASSERT_TAKEN 5, HIGH
	APIC_WRITE GUEST_APIC_TPR, $0
	TAKE 6
	ASSERT_TAKEN 6, LOW
	GUEST_SYNC $4

	/* 5. An interrupt that the host raises is the APIC's, too. */
	movl	$RAISED, AX_TEST_RAISE(%rbx)
	ASSERT_ONLY GUEST_APIC_IRR, RAISED
	TAKE 7
	ASSERT_TAKEN 7, RAISED
	ASSERT_NONE GUEST_APIC_IRR, RAISED
	ASSERT_NONE GUEST_APIC_ISR, RAISED
	GUEST_DONE $0

low:
	movl	$LOW, last
	jmp	6f
high:
	movl	$HIGH, last
	jmp	6f
higher:
	movl	$HIGHER, last
	jmp	6f
raised:
	movl	$RAISED, last
6:	incl	taken
	cmpl	$0, keep
	jne	7f
	APIC_WRITE GUEST_APIC_EOI, $0
7:	iretq

	.bss
	.balign	8
taken:
	.skip	8
last:
	.skip	8
keep:
	.skip	8
	.text

	GUEST_TABLES
