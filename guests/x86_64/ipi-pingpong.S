/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: two CPUs send each other fixed interrupts through their local APICs, each by answering
 * the other's: none is lost or doubled. Between them both are halted.
 * Boot: flat, real mode, 0x8000; two CPUs; local APICs in userspace (works with the in-kernel
 * irqchip, too).
 */
#include "macros.inc"
#include "smp.inc"

#define ROUNDS		100
#define VECTOR_PING	0x50		/* to CPU 1 */
#define VECTOR_PONG	0x51		/* to CPU 0 */

	GUEST_CODE16
	.globl	_start
_start:
	GUEST_REAL_SETUP
	GUEST_ENTER_PROTECTED
	GUEST_BUILD_PAGE_TABLES
	GUEST_ENTER_LONG
	SMP_SETUP
	GUEST_IDT_SET VECTOR_PING, ping
	GUEST_IDT_SET VECTOR_PONG, pong
	GUEST_IDT_LOAD
	mov	$1, %ecx
	SMP_START
1:	pause
	cmpl	$0, ready
	je	1b
	GUEST_SYNC $1

	mov	$1, %ecx
	APIC_COMMAND (GUEST_ICR_FIXED + VECTOR_PING)
2:	cli
	cmpl	$ROUNDS, pongs
	je	3f
	sti
	hlt				/* an interrupt between both waits for hlt */
	jmp	2b
3:	mov	pings, %eax
	GUEST_ASSERT_EQ %rax, $ROUNDS
	GUEST_DONE $0

/* Runs on CPU 0. */
pong:
	push	%rax
	push	%rcx
	incl	pongs
	APIC_WRITE GUEST_APIC_EOI, $0
	cmpl	$ROUNDS, pongs
	jae	4f
	mov	$1, %ecx
	APIC_COMMAND (GUEST_ICR_FIXED + VECTOR_PING)
4:	pop	%rcx
	pop	%rax
	iretq

	SMP_ENTRY secondary
secondary:
	GUEST_IDT_LOAD
	movl	$1, ready
5:	sti
	hlt
	jmp	5b

/* Runs on CPU 1. */
ping:
	push	%rax
	push	%rcx
	incl	pings
	APIC_WRITE GUEST_APIC_EOI, $0
	xor	%ecx, %ecx
	APIC_COMMAND (GUEST_ICR_FIXED + VECTOR_PONG)
	pop	%rcx
	pop	%rax
	iretq

	.bss
	.balign	4
ready:
	.skip	4
pings:
	.skip	4
pongs:
	.skip	4
	.text

	GUEST_TABLES
	SMP_TABLES
