/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pieces of guest code that code.h names, for riscv64: supervisor mode without paging, position
 * independent, a1 is the mailbox. They lie in the test program as data, and run as a guest only.
 */
#include "tests/kvm/code.h"
#include "code_arch.h"
#include "code_riscv.h"

	.section .rodata, "a", @progbits
	.option	norelax
	.option	arch, +zicsr

.macro CODE_BEGIN name
	.balign	16
	.globl	code_\name
code_\name:
.endm

.macro CODE_FINISH name
	.globl	code_\name\()_end
code_\name\()_end:
.endm

#define WORD(n) (8 * (n))(a1)

/* End: the host does not enter again, or it does and gets the same once more. Clobbers t5. */
.macro CODE_LEAVE
	li	t5, CODE_MMIO + CODE_END
.Lleave\@:
	sw	zero, (t5)
	j	.Lleave\@
.endm

/* A load of the MMIO range, added up in s1. s0 = CODE_MMIO. */
.macro READ insn, offset
	\insn	t0, \offset(s0)
	add	s1, s1, t0
.endm

	CODE_BEGIN tour
	li	s0, CODE_MMIO
	li	s1, 0
	READ	lbu, 0			/* reads of every width */
	READ	lhu, 2
	READ	lwu, 4
	READ	ld, 8
	READ	lb, 0x31		/* and sign-extended, of bytes with and without it */
	READ	lb, 0x32
	READ	lh, 0x34
	READ	lh, 0x36
	READ	lw, 0x38
	READ	lw, 0x3c
	li	t1, 0x11		/* writes */
	sb	t1, 0x40(s0)
	li	t1, 0x2222
	sh	t1, 0x42(s0)
	li	t1, 0x33333333
	sw	t1, 0x44(s0)
	sd	s1, 0x48(s0)
	c.lw	a5, 0x50(s0)		/* compressed */
	add	s1, s1, a5
	c.ld	a5, 0x58(s0)
	add	s1, s1, a5
	c.sw	a5, 0x60(s0)
	c.sd	a5, 0x68(s0)
	li	t1, CODE_UNCLAIMED
	add	t1, t1, s0
	lwu	t0, (t1)
	add	s1, s1, t0
	sw	t0, (t1)

	li	t0, 0x1234		/* a hypercall block: number, arguments, result */
	sd	t0, WORD(8)
	li	t0, 1
	sd	t0, WORD(9)
	li	t0, 2
	sd	t0, WORD(10)
	li	t0, 3
	sd	t0, WORD(11)
	li	t0, 4
	sd	t0, WORD(12)
	li	t0, 5
	sd	t0, WORD(13)
	li	t0, 6
	sd	t0, WORD(14)
	li	t1, CODE_MMIO + CODE_HYPERCALL
	addi	t0, a1, 64
	fence
	sd	t0, (t1)
	ld	t0, WORD(15)
	add	s1, s1, t0

	li	t1, CODE_MMIO + CODE_RESULT
	sd	s1, (t1)
	CODE_LEAVE
	CODE_FINISH tour

	CODE_BEGIN spin
	li	t1, 1
1:	amoadd.d zero, t1, (a1)
	j	1b
	CODE_FINISH spin

	CODE_BEGIN write_mmio
	ld	t1, WORD(1)
1:	ld	t0, WORD(0)
	addi	t0, t0, 1
	sd	t0, WORD(0)
	sw	t0, (t1)
	j	1b
	CODE_FINISH write_mmio

	CODE_BEGIN write_some
	ld	t1, WORD(1)
	ld	t2, WORD(2)
1:	ld	t0, WORD(0)
	addi	t0, t0, 1
	sd	t0, WORD(0)
	sw	t0, (t1)
	addi	t2, t2, -1
	bnez	t2, 1b
	CODE_LEAVE
	CODE_FINISH write_some

	CODE_BEGIN sweep
	li	t3, 0x1000
1:	ld	t1, WORD(1)
	ld	t2, WORD(2)
2:	lw	t0, (t1)
	sw	t0, (t1)
	add	t1, t1, t3
	bltu	t1, t2, 2b
	ld	t0, WORD(0)
	addi	t0, t0, 1
	sd	t0, WORD(0)
	j	1b
	CODE_FINISH sweep

	CODE_BEGIN copy
	ld	t1, WORD(1)
	ld	t2, WORD(2)
	ld	t3, WORD(3)
1:	ld	t0, (t1)
	sd	t0, (t2)
	addi	t1, t1, 8
	addi	t2, t2, 8
	addi	t3, t3, -1
	bnez	t3, 1b
	CODE_LEAVE
	CODE_FINISH copy

	/* Ports there are none: as memory. */
	CODE_BEGIN store
	ld	t1, WORD(1)
	ld	t2, WORD(2)
	ld	t3, WORD(3)
	andi	t3, t3, 15
	li	t4, 2
	beq	t3, t4, 2f
	bltu	t3, t4, 1f
	li	t4, 8
	beq	t3, t4, 8f
	sw	t2, (t1)
	CODE_LEAVE
1:	sb	t2, (t1)
	CODE_LEAVE
2:	sh	t2, (t1)
	CODE_LEAVE
8:	sd	t2, (t1)
	CODE_LEAVE
	CODE_FINISH store

#define SIE_SEIE    (1 << 9)
#define SSTATUS_SIE (1 << 1)

	/* Interrupts stay off: WFI ends by one that waits, and what it is shows in sip. */
	CODE_BEGIN halt
	li	t0, SIE_SEIE
	csrw	sie, t0
	li	t0, 1
	sd	t0, WORD(3)
1:	wfi
	csrr	t1, sip
	andi	t1, t1, SIE_SEIE
	beqz	t1, 1b
	ld	t0, WORD(0)
	addi	t0, t0, 1
	sd	t0, WORD(0)
	j	1b
	CODE_FINISH halt

/* Where each step begins, from code_steps. */
.macro STEP
.Lstep_\@:
	.section .data.rel.ro, "aw", @progbits
	.long	.Lstep_\@ - code_steps
	.section .rodata
.endm

	.section .data.rel.ro, "aw", @progbits
	.globl	code_steps_offsets
code_steps_offsets:
	.section .rodata

	CODE_BEGIN steps
	STEP
	li	a0, 6
	STEP
	mv	t0, a0
	STEP
	sd	t0, WORD(0)
	STEP
	nop
	STEP
	ld	t1, WORD(0)
	STEP
	add	a0, a0, t1
	STEP
	nop
	STEP
	mv	t2, a0
	STEP
	nop
	STEP
	nop
	STEP
	CODE_LEAVE
	CODE_FINISH steps

	.section .data.rel.ro
	.long	-1
	.section .rodata

/* Instructions that make one exit each; the offset behind it. */
.macro ACCESS insn:vararg
	\insn
.Laccess_\@:
	.section .data.rel.ro, "aw", @progbits
	.long	.Laccess_\@ - code_accesses
	.section .rodata
.endm

	.section .data.rel.ro
	.globl	code_accesses_ends
code_accesses_ends:
	.section .rodata

	CODE_BEGIN accesses
	li	s0, CODE_MMIO
	li	s1, 0x11223344
	ACCESS	sw s1, (s0)
	ACCESS	lw t0, 8(s0)
	ACCESS	sb s1, 0x123(s0)
	ACCESS	ld t0, 0x10(s0)
	ACCESS	lb t0, 0x31(s0)
	ACCESS	c.lw a5, 0x20(s0)
	ACCESS	c.sd s1, 0x28(s0)
	ACCESS	lhu zero, 2(s0)
	CODE_LEAVE
	CODE_FINISH accesses

	.section .data.rel.ro
	.long	-1
	.section .rodata

/* The call that words 1 to 8 say; its results to words 9 and 10. */
.macro SBI_CALL
	mv	s1, a1
	ld	a7, 8(s1)
	ld	a6, 16(s1)
	ld	a0, 24(s1)
	ld	a2, 40(s1)
	ld	a3, 48(s1)
	ld	a4, 56(s1)
	ld	a5, 64(s1)
	ld	a1, 32(s1)
	ecall
	sd	a0, 72(s1)
	sd	a1, 80(s1)
	mv	a1, s1
.endm

	CODE_BEGIN sbi
	SBI_CALL
	CODE_LEAVE
	CODE_FINISH sbi

/* Argument with which a hart begins again. */
#define AGAIN 0x5aa5

	CODE_BEGIN sbi_again
	li	t0, AGAIN
	beq	a1, t0, 1f
	SBI_CALL
	CODE_LEAVE
1:	li	a1, CODE_MAILBOX
	slli	t0, a0, 8
	add	a1, a1, t0
	sd	a0, WORD(13)
	csrr	t0, satp
	sd	t0, WORD(14)
	csrr	t0, sstatus
	sd	t0, WORD(15)
	ld	t0, WORD(0)
	addi	t0, t0, 1
	sd	t0, WORD(0)
	CODE_LEAVE
	CODE_FINISH sbi_again

	/* All in four bytes, so that the place is aligned: padding would be no instruction. */
	.option	push
	.option	norvc
	CODE_BEGIN execute
	lla	t0, execute_trap
	csrw	stvec, t0
	csrsi	sstatus, SSTATUS_SIE
	ld	a2, WORD(2)
	li	a3, CODE_MMIO
execute_place:
	nop				/* the host puts the instruction here */
execute_behind:
	sd	a2, WORD(3)
	CODE_LEAVE
execute_trap:
	ld	t0, WORD(4)
	addi	t0, t0, 1
	sd	t0, WORD(4)
	csrr	t0, scause
	sd	t0, WORD(5)
	csrr	t0, stval
	sd	t0, WORD(6)
	csrr	t0, sepc
	sd	t0, WORD(7)
	csrr	t0, sstatus
	sd	t0, WORD(8)
	lla	t0, execute_behind
	csrw	sepc, t0
	sret
	CODE_FINISH execute
	.option	pop

	.balign	4
	.globl	code_execute_place
code_execute_place:
	.long	execute_place - code_execute

	CODE_BEGIN line
	lla	t0, line_trap
	csrw	stvec, t0
	li	t0, SIE_SEIE
	csrw	sie, t0
	li	t2, CODE_MMIO + CODE_TAKEN
	li	t0, 1
	sd	t0, WORD(3)
1:	csrci	sstatus, SSTATUS_SIE
	wfi
	csrsi	sstatus, SSTATUS_SIE
	j	1b
	.balign	4
line_trap:
	ld	t0, WORD(0)
	addi	t0, t0, 1
	sd	t0, WORD(0)
	sw	t0, (t2)
	sret
	CODE_FINISH line

#define SIE_STIE	   (1 << 5)
#define SBI_TIME	   0x54494d45
#define TIME_SET_TIMER	   0
#define CSR_STIMECMP	   0x14d

	/* Interrupts stay off: WFI ends by the timer that has expired. */
	CODE_BEGIN timer
	mv	s1, a1
	ld	s2, WORD(1)
	ld	s3, WORD(2)
	li	t0, SIE_STIE
	csrw	sie, t0
1:	rdtime	a0
	add	a0, a0, s2
	bnez	s3, 2f
	li	a7, SBI_TIME
	li	a6, TIME_SET_TIMER
	ecall
	j	3f
2:	csrw	CSR_STIMECMP, a0
3:	wfi
	csrr	t0, sip
	andi	t0, t0, SIE_STIE
	bnez	t0, 4f
	ld	t0, 24(s1)
	beqz	t0, 3b
	sd	zero, 24(s1)
	j	1b
4:	ld	t0, (s1)
	addi	t0, t0, 1
	sd	t0, (s1)
	j	1b
	CODE_FINISH timer

/* AIA: siselect, sireg, stopei; the IMSIC's registers behind them. */
#define CSR_SISELECT 0x150
#define CSR_SIREG    0x151
#define CSR_STOPEI   0x15c
#define EIDELIVERY   0x70
#define EITHRESHOLD  0x72
#define EIE0	     0xc0

	CODE_BEGIN imsic
	lla	t0, imsic_trap
	csrw	stvec, t0
	li	t0, EIDELIVERY
	csrw	CSR_SISELECT, t0
	li	t0, 1
	csrw	CSR_SIREG, t0
	li	t0, EITHRESHOLD
	csrw	CSR_SISELECT, t0
	csrw	CSR_SIREG, zero
	li	t0, EIE0
	csrw	CSR_SISELECT, t0
	li	t0, -1
	csrw	CSR_SIREG, t0
	li	t0, SIE_SEIE
	csrw	sie, t0
	ld	t4, WORD(1)
	li	t0, 1
	sd	t0, WORD(3)
1:	csrci	sstatus, SSTATUS_SIE
	wfi
	csrsi	sstatus, SSTATUS_SIE
	j	1b
	.balign	4
imsic_trap:
	csrrw	t0, CSR_STOPEI, zero
	srli	t0, t0, 16
	beqz	t0, 1f
	ld	t1, WORD(0)
	addi	t1, t1, 1
	sd	t1, WORD(0)
	sub	t0, t0, t4
	slli	t0, t0, 3
	add	t0, t0, a1
	ld	t1, 32(t0)
	addi	t1, t1, 1
	sd	t1, 32(t0)
1:	sret
	CODE_FINISH imsic
