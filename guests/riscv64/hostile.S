/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: whatever a guest does, the host lives: random accesses of every kind to memory that is
 * there, read-only, a device's or nothing at all, SBI calls, CSRs, interrupts, faults. What and how
 * often: the numbers at load + AX_GUEST_HOSTILE_*. Whatever traps is given up, and the next step is
 * made. Misaligned and atomic accesses to devices, which KVM ends a guest for, are only among the
 * deadly ones.
 * Boot: flat, 0x80200000; 16 MiB of RAM; one hart or more, any irqchip; unclaimed addresses read as
 * ones, but other answers do no harm.
 */
#include "macros.inc"

	.option arch, +zifencei
	.globl	_start
_start:
	.option norvc
	.option norelax
	j	1f
	.org	AX_GUEST_HOSTILE_SEED
	.dword	0x2f6e2b1
	.org	AX_GUEST_HOSTILE_STEPS
	.dword	1000
	.org	AX_GUEST_HOSTILE_FLAGS
	.dword	0
	.org	AX_GUEST_HOSTILE_PAGE
	.dword	0
	.org	AX_GUEST_HOSTILE_MADE
	.dword	0
	.org	AX_GUEST_HOSTILE_SWEPT
	.dword	0
1:	GUEST_SETUP
	GUEST_FP_ON
	lla	t0, recover
	csrw	stvec, t0
	li	s3, 0x2545f4914f6cdd1d
	lla	s4, _start
	ld	s0, AX_GUEST_HOSTILE_SEED(s4)
	ld	s1, AX_GUEST_HOSTILE_STEPS(s4)
	ld	s2, AX_GUEST_HOSTILE_FLAGS(s4)
	j	next

#include "hostile.inc"

next:	ld	a0, AX_GUEST_HOSTILE_MADE(s4)
	addi	a0, a0, 1
	sd	a0, AX_GUEST_HOSTILE_MADE(s4)
	beqz	s1, 1f
	addi	s1, s1, -1
	andi	a0, s2, AX_HOSTILE_SWEEP
	bnez	a0, op_sweep
	CHOOSE	operations, 4
1:	GUEST_DONE 0

/* Every exception and every interrupt, of which the line is lowered. */
	.balign	4
recover:
	lla	sp, guest_stack_top
	sw	zero, AX_TEST_RAISE(s11)
	csrw	sie, zero
	csrci	sip, 2
	lla	t5, next
	csrw	sepc, t5
	li	t5, (1 << 8) | (1 << 13)	/* SPP: back to where it was; FS */
	csrs	sstatus, t5
	li	t5, 1 << 5			/* SPIE: interrupts stay off */
	csrc	sstatus, t5
	sret

/* 1. Memory. */

op_read:
	call	pick_place
	CHOOSE	reads, 3
read_1:	lb	a0, 3(a1)
	lbu	a0, 0(a1)
	j	next
read_2:	lh	a0, 2(a1)
	lhu	a0, 6(a1)
	j	next
read_4:	lw	a0, 4(a1)
	lwu	a0, 0(a1)
	j	next
read_8:	ld	a0, (a1)
	j	next
read_zero:
	lw	zero, (a1)
	lb	zero, 7(a1)
	j	next
read_compressed:
	.option push
	.option rvc
	c.lw	a0, 4(a1)
	c.ld	a0, 0(a1)
	.option pop
	.balign	4
	j	next
read_self:
	ld	a1, (a1)
	j	next
read_fence:
	ld	a0, (a1)
	fence
	lbu	a0, 1(a1)
	j	next

op_write:
	call	pick_place
	RANDOM_SIZE a0
	CHOOSE	writes, 2
write_1:
	sb	a0, 5(a1)
	j	next
write_2:
	sh	a0, 2(a1)
	j	next
write_4:
	sw	a0, 4(a1)
	sw	zero, 0(a1)
	j	next
write_8:
	sd	a0, (a1)
	.option push
	.option rvc
	c.sd	a1, 0(a1)
	c.sw	a0, 0(a1)
	.option pop
	.balign	4
	j	next

/* In scratch memory, unless it may. */
op_atomic:
	call	pick_place
	andi	a0, s2, AX_HOSTILE_DEADLY
	RANDOM	a2
	andi	a2, a2, 0x3f
	seqz	a2, a2
	and	a0, a0, a2
	bnez	a0, 1f
	lla	a1, scratch
1:	RANDOM	a0
	CHOOSE	atomics, 3
atomic_add:
	amoadd.w a0, a0, (a1)
	j	next
atomic_swap:
	amoswap.d.aqrl a0, a0, (a1)
	j	next
atomic_max:
	amomaxu.w zero, a0, (a1)
	j	next
atomic_reserve:
	lr.d	a0, (a1)
	sc.d	a2, a0, (a1)
	j	next
atomic_condition:
	sc.w	a2, a0, (a1)
	j	next
atomic_float:
	fld	fa0, (a1)
	fsw	fa0, (a1)
	j	next
atomic_misaligned:
	ld	a0, 1(a1)
	sw	a0, 3(a1)
	j	next
atomic_zero:
	.word	0x0045a00f			/* cbo.zero (a1), where there is one */
	j	next

/* Pages below 4 GiB that are not RAM, one after the other. */
op_sweep:
	li	a3, 16
1:	ld	a1, AX_GUEST_HOSTILE_PAGE(s4)
	srli	a0, a1, 12
	li	t5, RAM_BASE >> 24
	bne	a0, t5, 2f
	li	a1, RAM_END >> 12
2:	li	t5, BELOW_4G_PAGES
	bltu	a1, t5, 3f
	li	a1, 0
3:	addi	a0, a1, 1
	sd	a0, AX_GUEST_HOSTILE_PAGE(s4)
	slli	a1, a1, 12
	mv	a2, a1
	RANDOM	a0
	andi	a0, a0, 0x7f8
	or	a1, a1, a0
	ld	a0, AX_GUEST_HOSTILE_SWEPT(s4)
	addi	a0, a0, 1
	sd	a0, AX_GUEST_HOSTILE_SWEPT(s4)
	lw	a0, (a1)
	beq	a2, s11, 4f			/* its DONE would end the sweep */
	li	t5, FINISHER
	beq	a2, t5, 4f
	sb	a0, (a1)
4:	addi	a3, a3, -1
	bnez	a3, 1b
	j	next

/* 2. Calls. */

/* An SBI call a7, a6 with any arguments. */
call_random:
	RANDOM_SIZE a0
	RANDOM_SIZE a1
	RANDOM	a2
	RANDOM	a3
	RANDOM	a4
	RANDOM	a5
	ecall
	j	next

op_call:
	RANDOM	a6
	andi	a6, a6, 15
	CHOOSE	calls, 4
.macro CALL_OF extension
	li	a7, \extension
	j	call_random
.endm
call_base:
	CALL_OF	SBI_EXT_BASE
call_time:
	CALL_OF	0x54494d45
call_ipi:
	CALL_OF	0x735049
call_fence:
	CALL_OF	0x52464e43
call_pmu:
	CALL_OF	0x504d55
call_cppc:
	CALL_OF	0x43505043
call_steal:
	CALL_OF	0x535441
call_test:
	CALL_OF	AX_TEST_SBI_EXT
call_unknown:
	CALL_OF	AX_TEST_SBI_EXT_UNKNOWN
call_experimental:
	RANDOM	a7
	slli	a7, a7, 40
	srli	a7, a7, 40
	li	t5, AX_SBI_EXT_HSM & 0xffffff
	beq	a7, t5, next
	li	t5, 0x08000000
	or	a7, a7, t5
	j	call_random
call_vendor:
	RANDOM	a7
	slli	a7, a7, 39
	srli	a7, a7, 39
	li	t5, 0x09000000
	or	a7, a7, t5
	j	call_random
call_legacy:
	andi	a7, a6, 7			/* 8 is shutdown */
	lla	a0, scratch
	ecall
	j	next
call_any:
	RANDOM_SIZE a7
	li	t5, 8
	beq	a7, t5, next
	RANDOM_SIZE a6
	j	call_random
call_sum:
	li	a7, AX_TEST_SBI_EXT
	li	a6, AX_TEST_HYPERCALL_SUM
	j	call_random

/* The debug console: prints from anywhere, reads to scratch memory. */
call_console:
	li	a7, SBI_EXT_DBCN
	RANDOM_SIZE a0
	RANDOM_SIZE a1
	RANDOM	a2
	andi	a2, a2, 0xf
	seqz	a2, a2
	andi	a6, a6, 3
	li	t5, SBI_DBCN_READ
	beq	a6, t5, 1f
	slli	a0, a0, 52			/* not megabytes of it */
	srli	a0, a0, 52
	ecall
	j	next
1:	lla	a1, scratch
	slli	a0, a0, 51
	srli	a0, a0, 51
	ecall
	j	next

/* HSM, KVM's and the host's: harts 0 to 7 and any. A hart begins where it should, or nowhere. */
call_hsm:
	RANDOM	a3
	andi	a0, a3, 7
	srli	a3, a3, 8
	andi	a4, a3, 7
	bnez	a4, 1f
	RANDOM_SIZE a0
1:	li	a7, AX_SBI_EXT_HSM
	srli	a3, a3, 3
	andi	a4, a3, 3
	bnez	a4, 2f
	li	a7, SBI_EXT_HSM
2:	li	a6, SBI_HSM_STATUS
	srli	a3, a3, 2
	andi	a4, a3, 1
	bnez	a4, 3f
	li	a6, SBI_HSM_START
3:	lla	a1, secondary
	srli	a3, a3, 1
	andi	a4, a3, 3
	bnez	a4, 4f
	RANDOM_SIZE a1				/* rarely an address in RAM */
4:	RANDOM	a2
	ecall
	j	next

/* A block in scratch memory or anywhere, announced by memory. */
op_hypercall_block:
	RANDOM	a0
	lla	a1, scratch
	li	a2, AX_TEST_HYPERCALL_SUM
	andi	a3, a0, 1
	bnez	a3, 1f
	mv	a2, a0
1:	sd	a2, AX_TEST_HYPERCALL_NR(a1)
	andi	a3, a0, 6
	bnez	a3, 2f
	RANDOM_SIZE a1
2:	sd	a1, AX_TEST_HYPERCALL(s11)
	j	next

/* 3. Devices, interrupts, registers, faults. */

op_device:
	RANDOM	a1
	andi	a1, a1, 0xf8
	RANDOM_SIZE a0
	li	t5, AX_TEST_KICK_WORD		/* what the host would write to is in scratch memory */
	bne	a1, t5, 1f
	slli	a0, a0, 51
	srli	a0, a0, 54
	slli	a0, a0, 3
	lla	a2, scratch
	add	a0, a0, a2
1:	li	t5, AX_TEST_DONE
	bgtu	a1, t5, 2f
	li	a1, AX_TEST_RAISE
2:	add	a1, a1, s11
	sd	a0, (a1)
	ld	a0, (a1)
	j	next

op_interrupts:
	RANDOM	a0
	csrw	sie, a0
	csrsi	sip, 2
	csrsi	sstatus, GUEST_SSTATUS_SIE
	nop
	csrci	sstatus, GUEST_SSTATUS_SIE
	j	next

op_register:
	RANDOM	a0
	CHOOSE	registers, 4
.macro CSR number
	csrrw	a1, \number, a0
	csrr	a1, \number
	csrrc	a2, \number, a0
	j	next
.endm
csr_0:	CSR	0x015				/* seed */
csr_1:	CSR	0x15c				/* stopei */
csr_2:	csrw	0x150, a0			/* siselect */
	CSR	0x151				/* sireg */
csr_3:	csrr	a0, time
	csrr	a0, cycle
	csrr	a0, instret
	j	next
csr_4:	CSR	0x10a				/* senvcfg */
csr_5:	CSR	0x106				/* scounteren */
csr_6:	CSR	0x14d				/* stimecmp */
csr_7:	CSR	0x10c				/* sstateen0 */
csr_8:	CSR	0x300				/* mstatus */
csr_9:	CSR	0x600				/* hstatus */
csr_10:	CSR	0x200				/* vsstatus */
csr_11:	CSR	0x5c0				/* custom */
csr_12:	CSR	0xc03				/* hpmcounter3 */
csr_13:	CSR	0x001				/* fflags */
csr_14:	CSR	0x008				/* vstart */
csr_15:	CSR	0x140				/* sscratch */

op_fault:
	CHOOSE	faults, 3
fault_opcode:
	.word	0
fault_break:
	ebreak
	j	next
fault_fence:
	RANDOM	a0
	sfence.vma a0, zero
	fence.i
	j	next
fault_hypervisor:
	.word	0x6c05c573			/* hlv.d a0, (a1) */
	j	next
fault_return:
	.word	0x30200073			/* mret */
	j	next
fault_vector:
	.word	0x0205f007			/* vle64.v v0, (a1) */
	j	next
fault_reserved:
	RANDOM	a0
	.word	0xffffffff
fault_call:
	li	a7, -1
	ecall
	j	next

#include "hostile-deadly.inc"

	.balign	4
operations:
	CHOICE	operations, op_read, op_write, op_atomic, op_sweep, op_call, op_call, op_call, op_device
	CHOICE	operations, op_hypercall_block, op_interrupts, op_register, op_fault
	CHOICE	operations, op_read, op_write, op_read, op_deadly
reads:
	CHOICE	reads, read_1, read_2, read_4, read_8, read_zero, read_compressed, read_self
	CHOICE	reads, read_fence
writes:
	CHOICE	writes, write_1, write_2, write_4, write_8
atomics:
	CHOICE	atomics, atomic_add, atomic_swap, atomic_max, atomic_reserve
	CHOICE	atomics, atomic_condition, atomic_float, atomic_misaligned, atomic_zero
calls:
	CHOICE	calls, call_base, call_time, call_ipi, call_fence, call_pmu, call_cppc, call_steal
	CHOICE	calls, call_test, call_unknown, call_experimental, call_vendor, call_legacy
	CHOICE	calls, call_any, call_sum, call_console, call_hsm
registers:
	CHOICE	registers, csr_0, csr_1, csr_2, csr_3, csr_4, csr_5, csr_6, csr_7
	CHOICE	registers, csr_8, csr_9, csr_10, csr_11, csr_12, csr_13, csr_14, csr_15
faults:
	CHOICE	faults, fault_opcode, fault_break, fault_fence, fault_hypervisor
	CHOICE	faults, fault_return, fault_vector, fault_reserved, fault_call

	.bss
	.balign	8192
scratch:
	.skip	SCRATCH_SIZE
	.text

	GUEST_TABLES
