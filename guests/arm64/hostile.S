/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: whatever a guest does, the host lives: random accesses of every kind to memory that is
 * there, read-only, a device's or nothing at all, PSCI and other calls, system registers, interrupts,
 * faults. What and how often: the numbers at load + AX_GUEST_HOSTILE_*. Whatever takes an exception
 * is given up, and the next step is made.
 * Boot: flat, 0x40200000; 16 MiB of RAM; one CPU or more, any irqchip; unclaimed addresses read as
 * ones, but other answers do no harm.
 */
#include "macros.inc"

/* PSCI's functions, by number, that take this CPU or the system down, or have a CPU begin anywhere:
 * CPU_SUSPEND, CPU_OFF, CPU_ON, SYSTEM_OFF, SYSTEM_RESET, and what newer versions have. */
#define DEADLY_CALLS	((1 << 0x01) | (1 << 0x02) | (1 << 0x03) | (1 << 0x08) | (1 << 0x09) | \
			 (1 << 0x0b) | (1 << 0x0c) | (1 << 0x0e) | (1 << 0x12) | (1 << 0x15))

	.globl	_start
_start:
	b	1f
	.org	AX_GUEST_HOSTILE_SEED
	.quad	0x2f6e2b1
	.org	AX_GUEST_HOSTILE_STEPS
	.quad	1000
	.org	AX_GUEST_HOSTILE_FLAGS
	.quad	0
	.org	AX_GUEST_HOSTILE_PAGE
	.quad	0
	.org	AX_GUEST_HOSTILE_MADE
	.quad	0
	.org	AX_GUEST_HOSTILE_SWEPT
	.quad	0
1:	GUEST_SETUP
	GUEST_FP_ON
	bl	prepare
	adr	x23, _start
	ldr	x19, [x23, #AX_GUEST_HOSTILE_SEED]
	ldr	x20, [x23, #AX_GUEST_HOSTILE_STEPS]
	ldr	w21, [x23, #AX_GUEST_HOSTILE_FLAGS]
	b	next

#include "hostile.inc"

next:
	ldr	x0, [x23, #AX_GUEST_HOSTILE_MADE]
	add	x0, x0, #1
	str	x0, [x23, #AX_GUEST_HOSTILE_MADE]
	subs	x20, x20, #1
	b.lo	1f
	tbnz	w21, #3, op_sweep		/* AX_HOSTILE_SWEEP */
	CHOOSE	operations, 4
1:	GUEST_DONE 0

/* Translation for all of 40 bits, and vectors of its own. Clobbers x16, x17. */
prepare:
	GUEST_MMU_ON
	mrs	x16, tcr_el1
	orr	x16, x16, #(2 << 32)		/* IPS */
	msr	tcr_el1, x16
	adr	x16, vectors
	msr	vbar_el1, x16
	ldr	x22, =0x2545f4914f6cdd1d
	isb
	tlbi	vmalle1
	dsb	nsh
	isb
	ret

/* Every exception and every interrupt, of which the line is lowered. */
	.balign	2048
vectors:
	.rept	16
	b	recover
	.balign	128
	.endr
recover:
	adr	x16, guest_stack_top
	mov	sp, x16
	str	wzr, [x29, #AX_TEST_RAISE]
	adr	x16, next
	msr	elr_el1, x16
	mov	x16, #0x3c5			/* EL1 with its own stack, all masked */
	msr	spsr_el1, x16
	eret

/* 1. Memory. */

op_read:
	bl	pick_place
	CHOOSE	reads, 3
read_1:	ldrb	w0, [x1]
	ldrsb	x0, [x1]
	b	next
read_2:	ldrh	w0, [x1]
	ldrsh	w0, [x1]
	b	next
read_4:	ldr	w0, [x1]
	ldrsw	x0, [x1]
	b	next
read_8:	ldr	x0, [x1]
	ldur	x0, [x1, #-3]
	b	next
read_zero:
	ldr	wzr, [x1]
	ldtrsb	w0, [x1]
	ldar	w0, [x1]
	b	next
read_pair:
	ldp	x0, x2, [x1]
	ldpsw	x0, x2, [x1, #8]
	b	next
read_index:
	ldr	x0, [x1], #8
	ldrsh	x0, [x1, #-2]!
	b	next
read_vector:
	ldr	q0, [x1]
	ld1	{v0.4s, v1.4s}, [x1]
	ldr	s0, [x1]
	b	next

op_write:
	bl	pick_place
	RANDOM_SIZE x0
	CHOOSE	writes, 3
write_1:
	strb	w0, [x1]
	b	next
write_2:
	strh	w0, [x1]
	b	next
write_4:
	str	w0, [x1]
	str	wzr, [x1]
	b	next
write_8:
	str	x0, [x1]
	stlr	x0, [x1]
	b	next
write_pair:
	stp	x0, x1, [x1]
	stp	w0, wzr, [x1, #-8]
	b	next
write_index:
	str	x0, [x1], #8
	strb	w0, [x1, #-1]!
	b	next
write_vector:
	str	q0, [x1]
	st1	{v0.2d}, [x1]
	str	d0, [x1]
	b	next
write_zero:
	dc	zva, x1
	b	next

op_atomic:
	bl	pick_place
	CHOOSE	atomics, 3
atomic_exclusive:
	ldxr	x0, [x1]
	stxr	w2, x0, [x1]
	b	next
atomic_exclusive_pair:
	ldaxp	x0, x2, [x1]
	stlxp	w3, x0, x2, [x1]
	b	next
atomic_store:
	stxr	w2, w0, [x1]
	b	next
atomic_add:
	ldaddal	w0, w2, [x1]
	b	next
atomic_swap:
	swpb	w0, w2, [x1]
	b	next
atomic_compare:
	cas	x0, x2, [x1]
	b	next
atomic_compare_pair:
	casp	x2, x3, x4, x5, [x1]
	b	next
atomic_max:
	stumaxh	w0, [x1]
	b	next

op_cache:
	bl	pick_place
	CHOOSE	caches, 2
cache_clean:
	dc	cvac, x1
	b	next
cache_invalidate:
	dc	ivac, x1
	b	next
cache_instruction:
	ic	ivau, x1
	b	next
cache_prefetch:
	prfm	pldl1keep, [x1]
	at	s1e1r, x1
	mrs	x0, par_el1
	b	next

/* Pages below 4 GiB that are not RAM, one after the other. */
op_sweep:
	mov	w10, #16
1:	ldr	x3, [x23, #AX_GUEST_HOSTILE_PAGE]
	lsr	x0, x3, #12
	cmp	x0, #(RAM_BASE >> 24)
	b.ne	2f
	ldr	x3, =(RAM_END >> 12)
2:	mov	w0, #BELOW_4G_PAGES
	cmp	x3, x0
	csel	x3, x3, xzr, lo
	add	x0, x3, #1
	str	x0, [x23, #AX_GUEST_HOSTILE_PAGE]
	lsl	x1, x3, #12
	RANDOM	x0
	and	x0, x0, #0xff8
	orr	x1, x1, x0
	bl	map_window
	ldr	x0, [x23, #AX_GUEST_HOSTILE_SWEPT]
	add	x0, x0, #1
	str	x0, [x23, #AX_GUEST_HOSTILE_SWEPT]
	ldr	w0, [x1]
	ldr	w16, =(GUEST_TEST_BASE >> 12)
	cmp	x3, x16				/* its DONE would end the sweep */
	b.eq	3f
	strb	w0, [x1]
3:	subs	w10, w10, #1
	b.ne	1b
	b	next

/* 2. Calls. */

/* A call by HVC or SMC, of any number. */
call_random:
	RANDOM	x2
	RANDOM	x3
	RANDOM	x4
	RANDOM	x5
	RANDOM	x6
	RANDOM	x7
	tbz	x7, #33, 1f
	hvc	#0
	b	next
1:	smc	#0
	b	next

op_call:
	RANDOM	x1
	CHOOSE	calls, 3
call_psci:
	mov	w0, #0x84000000
	b	1f
call_psci_64:
	mov	w0, #0xc4000000
1:	and	w1, w1, #0x1f
	orr	w0, w0, w1
	b	check_call
call_arch:
	mov	w0, #0x80000000
	bfi	w0, w1, #0, #2
	b	check_call
call_vendor:
	ldr	w0, =AX_TEST_SMCCC_SUM
	tbz	w1, #0, call_random
	eor	w0, w0, #0x40000000
	b	call_random
call_standard:
	and	w0, w1, #0xffff
	and	w1, w1, #0xc0000000
	orr	w0, w0, w1
	orr	w0, w0, #0x4000000
	orr	w0, w0, #0x80000000
	b	check_call
call_any:
	mov	x0, x1
	RANDOM_SIZE x1
	b	check_call
call_immediate:
	mov	w0, #AX_TEST_HYPERCALL_SUM & 0xffff
	hvc	#5
	smc	#7
	b	next

/* Call w0, if it may. */
check_call:
	tbnz	w21, #0, call_random
	ubfx	w2, w0, #0, #30
	mov	w3, #0x04000000
	sub	w2, w2, w3
	ldr	w3, =DEADLY_CALLS
	cmp	w2, #0x1f
	b.hi	call_random
	lsr	w3, w3, w2
	tbz	w3, #0, call_random
	b	next

/* PSCI with arguments that mean something: CPUs from 0 to 7 and their neighbours. */
op_psci:
	RANDOM	x3
	and	x1, x3, #7
	tbz	x3, #8, 1f
	RANDOM_SIZE x1
1:	CHOOSE	psci_calls, 2
psci_on:
	adr	x2, secondary
	RANDOM	x16
	tst	x16, #0xf00
	b.ne	2f
	RANDOM_SIZE x2				/* rarely an address in RAM */
2:	PSCI	PSCI_CPU_ON_64
	b	next
psci_on_32:
	adr	x2, secondary
	PSCI	PSCI_CPU_ON
	b	next
psci_info:
	ubfx	x2, x3, #16, #1
	PSCI	PSCI_AFFINITY_INFO_64
	b	next
psci_features:
	mov	w1, #0x84000000
	bfi	w1, w3, #0, #5
	bfi	w1, w3, #30, #1
	PSCI	PSCI_FEATURES
	b	next

/* A block in scratch memory or anywhere, announced by memory. */
op_hypercall_block:
	RANDOM	x0
	adr	x1, scratch
	ldr	w2, =AX_TEST_HYPERCALL_SUM
	tst	x0, #1
	csel	x2, x2, x0, eq
	str	x2, [x1, #AX_TEST_HYPERCALL_NR]
	tst	x0, #6
	b.ne	1f
	RANDOM_SIZE x1
1:	str	x1, [x29, #AX_TEST_HYPERCALL]
	b	next

/* 3. Devices, interrupts, registers, faults. */

op_device:
	RANDOM	x1
	and	x1, x1, #0xf8
	RANDOM_SIZE x0
	cmp	x1, #AX_TEST_KICK_WORD		/* what the host would write to is in scratch memory */
	b.ne	1f
	and	x0, x0, #(SCRATCH_SIZE - 8)
	adr	x2, scratch
	add	x0, x0, x2
1:	cmp	x1, #AX_TEST_DONE
	b.hi	2f
	mov	x1, #AX_TEST_RAISE
2:	str	x0, [x29, x1]
	ldr	x0, [x29, x1]
	b	next

op_interrupts:
	RANDOM	x0
	msr	cntv_tval_el0, x0
	and	x0, x0, #3
	msr	cntv_ctl_el0, x0
	msr	daifclr, #0xf
	isb
	nop
	msr	daifset, #0xf
	b	next

op_register:
	RANDOM	x0
	RANDOM	x1
	CHOOSE	registers, 4
.macro REGISTER name
	mrs	x1, \name
	msr	\name, x0
	b	next
.endm
reg_0:	REGISTER contextidr_el1
reg_1:	REGISTER mdscr_el1
reg_2:	REGISTER dbgbvr0_el1
reg_3:	REGISTER dbgbcr0_el1		
reg_4:	REGISTER pmcr_el0
reg_5:	REGISTER pmccntr_el0
reg_6:	REGISTER pmselr_el0
reg_7:	REGISTER cntkctl_el1
reg_8:	REGISTER cntp_cval_el0
reg_9:	msr	s3_0_c12_c11_5, x1		/* ICC_SGI1R_EL1 */
	b	next
reg_10:	mrs	x0, s3_0_c12_c12_0		/* ICC_IAR1_EL1 */
	msr	s3_0_c12_c12_1, x0		/* ICC_EOIR1_EL1 */
	b	next
reg_11:	REGISTER s3_0_c4_c6_0			/* ICC_PMR_EL1 */
reg_12:	REGISTER tpidr_el1
reg_13:	mrs	x0, s3_0_c0_c7_7		/* of the identification space, unallocated */
	msr	s3_7_c15_c15_7, x0		/* implementation defined, not here */
	b	next
reg_14:	REGISTER s3_3_c2_c4_0			/* RNDR */
reg_15:	REGISTER s3_0_c12_c12_7			/* ICC_IGRPEN1_EL1 */

op_fault:
	CHOOSE	faults, 3
fault_opcode:
	udf	#0x123
fault_break:
	brk	#0x55
fault_service:
	svc	#1
fault_unmapped:
	mov	x1, #(1 << 40)
	ldr	x0, [x1]
fault_stack:
	add	sp, sp, #4
	ldr	x0, [sp]
	b	next
fault_jump:
	RANDOM_SIZE x1
	br	x1
fault_fetch:
	bl	pick_place
	br	x1
fault_hlt:
	hlt	#3

#include "hostile-deadly.inc"

	.balign	4
operations:
	.set	.Lchoices, operations
	CHOICE	op_read, op_write, op_atomic, op_cache, op_sweep, op_call, op_psci, op_device
	CHOICE	op_hypercall_block, op_interrupts, op_register, op_fault
	CHOICE	op_read, op_write, op_call, op_deadly
reads:
	.set	.Lchoices, reads
	CHOICE	read_1, read_2, read_4, read_8, read_zero, read_pair, read_index, read_vector
writes:
	.set	.Lchoices, writes
	CHOICE	write_1, write_2, write_4, write_8
	CHOICE	write_pair, write_index, write_vector, write_zero
atomics:
	.set	.Lchoices, atomics
	CHOICE	atomic_exclusive, atomic_exclusive_pair, atomic_store, atomic_add
	CHOICE	atomic_swap, atomic_compare, atomic_compare_pair, atomic_max
caches:
	.set	.Lchoices, caches
	CHOICE	cache_clean, cache_invalidate, cache_instruction, cache_prefetch
calls:
	.set	.Lchoices, calls
	CHOICE	call_psci, call_psci_64, call_arch, call_vendor
	CHOICE	call_standard, call_any, call_immediate, call_vendor
psci_calls:
	.set	.Lchoices, psci_calls
	CHOICE	psci_on, psci_on_32, psci_info, psci_features
registers:
	.set	.Lchoices, registers
	CHOICE	reg_0, reg_1, reg_2, reg_3, reg_4, reg_5, reg_6, reg_7
	CHOICE	reg_8, reg_9, reg_10, reg_11, reg_12, reg_13, reg_14, reg_15
faults:
	.set	.Lchoices, faults
	CHOICE	fault_opcode, fault_break, fault_service, fault_unmapped
	CHOICE	fault_stack, fault_jump, fault_fetch, fault_hlt

	.bss
	.balign	8192
scratch:
	.skip	SCRATCH_SIZE
	.text

	GUEST_TABLES
