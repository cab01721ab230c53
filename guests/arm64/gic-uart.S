/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: a device's interrupt through the GICv3 in KVM: the UART's is a level, up as long as the UART
 * says so, masked in the UART and in the GIC, taken once when it is cleared.
 * Boot: flat, 0x40200000; one CPU, in-kernel irqchip.
 */
#include "macros.inc"
#include "gic.inc"

#define UART_INTID	33		/* SPI 1 */
#define UART_TX		0x20		/* of IMSC, MIS and ICR */

/* Give a KVM that wrongly delivers something the time to show it. */
.macro WAIT
	mov	w0, #2000
.Lwait\@:
	subs	w0, w0, #1
	b.ne	.Lwait\@
.endm

	.globl	_start
_start:
	GUEST_SETUP
	GUEST_UART_FIND
	GUEST_MMU_ON
	GUEST_EXPECT_IRQ interrupt
	mov	x19, #0
	mov	x20, #0				/* taken */
	mov	x21, #1				/* the handler clears it */
	GIC_SETUP
	GIC_CPU_SETUP x19
	GIC_ENABLE_SHARED UART_INTID
	msr	daifclr, #2
	GUEST_PUTS message
	WAIT
	GUEST_ASSERT_EQ x20, 0			/* masked in the UART */
	mov	w0, #UART_TX
	str	w0, [x27, #GUEST_UART_ICR]
	str	w0, [x27, #GUEST_UART_IMSC]
	mov	w0, #'.'
	str	w0, [x27, #GUEST_UART_DR]
1:	cbz	x20, 1b
	WAIT
	GUEST_ASSERT_EQ x20, 1
	GUEST_SYNC 1

	/* Not cleared, it comes again. */
	mov	x21, #3
	mov	x20, #0
	mov	w0, #'\n'
	str	w0, [x27, #GUEST_UART_DR]
2:	cmp	x20, #3
	b.lo	2b
	WAIT
	GUEST_ASSERT_EQ x20, 3
	GUEST_DONE 0

interrupt:
	GIC_TAKE x16
	cmp	x16, #UART_INTID
	b.ne	3f
	ldr	w17, [x27, #GUEST_UART_MIS]
	cmp	w17, #UART_TX
	b.ne	4f
	add	x20, x20, #1
	cmp	x20, x21
	b.lo	5f
	str	w17, [x27, #GUEST_UART_ICR]
5:	GIC_END x16
	GUEST_IRQ_RETURN
3:	GUEST_FAIL
4:	GUEST_FAIL

message:
	.asciz	"interrupts"
	.balign	4

	GUEST_TABLES
