/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: a halted CPU wakes for an injected interrupt and goes on behind hlt; an interrupt that is
 * raised while interrupts are off waits until they are on. No irqchip: the vector comes straight
 * from the host, and needs no EOI.
 * Boot: flat, long mode, 0x100000; one CPU, no irqchip.
 */
#include "macros.inc"

#define VECTOR_LATER	0x40
#define VECTOR_NOW	0x41
#define SPINS		2000		/* with interrupts off, a KVM that ignored that would show it */

	GUEST_CODE64
	.globl	_start
_start:
	GUEST_LONG_SETUP
	GUEST_IDT_SET VECTOR_LATER, later
	GUEST_IDT_SET VECTOR_NOW, now
	GUEST_IDT_LOAD

	/* Halted: the interrupt comes while the host holds the CPU. */
	mov	$3, %r12d
1:	movl	$VECTOR_LATER, AX_TEST_RAISE_LATER(%rbx)
	sti
	hlt
	cli
	dec	%r12d
	jnz	1b
	GUEST_ASSERT_EQ laters, $3
	GUEST_ASSERT_EQ nows, $0
	GUEST_SYNC $1

	/* Interrupts off: it waits. */
	movl	$VECTOR_NOW, AX_TEST_RAISE(%rbx)
	mov	$SPINS, %ecx
2:	pause
	dec	%ecx
	jnz	2b
	GUEST_ASSERT_EQ nows, $0
	sti
3:	cmpl	$0, nows			/* no longer: a KVM may take a moment */
	je	3b
	cli
	GUEST_ASSERT_EQ nows, $1

	/* Raised and then halted: hlt must not sleep through it. */
	movl	$VECTOR_NOW, AX_TEST_RAISE(%rbx)
	sti
	hlt
	cli
	GUEST_ASSERT_EQ nows, $2
	GUEST_ASSERT_EQ laters, $3
	GUEST_DONE $0

later:
	incq	laters
	iretq

now:
	incq	nows
	iretq

	.bss
	.balign	8
laters:
	.skip	8
nows:
	.skip	8
	.text

	GUEST_TABLES
