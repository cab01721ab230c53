/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: whatever a guest does, the host lives: random accesses of every kind to memory that is
 * there, read-only, a device's or nothing at all, to ports and MSRs, hypercalls, interrupts, faults.
 * What and how often: the numbers at load + AX_GUEST_HOSTILE_*. Whatever faults is given up, and the
 * next step is made.
 * Boot: flat, long mode, 0x100000; 16 MiB of RAM; one CPU or more, any irqchip; unclaimed addresses
 * read as ones, but other answers do no harm.
 */
#include "macros.inc"

	GUEST_CODE64
	.globl	_start
_start:
	jmp	1f
	.org	AX_GUEST_HOSTILE_SEED, 0xcc
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
1:	GUEST_LONG_SETUP
	mov	$window_table, %eax
	or	$3, %eax
	mov	%rax, guest_page_tables + 0x1008	/* PDPT[1]: the second GiB */
	GUEST_IDT_SET 0, recover
	mov	$guest_idt, %esi
	lea	16(%rsi), %edi
	mov	$(255 * 2), %ecx
	rep movsq				/* each gate from the one before */
	GUEST_IDT_LOAD
	call	plant_secondary
	mov	_start + AX_GUEST_HOSTILE_SEED, %r12
	mov	_start + AX_GUEST_HOSTILE_STEPS, %r13
	mov	_start + AX_GUEST_HOSTILE_FLAGS, %ebp

next:
	mov	$guest_stack_top, %esp
	cld
	incq	_start + AX_GUEST_HOSTILE_MADE
	sub	$1, %r13
	jc	1f
	test	$AX_HOSTILE_SWEEP, %ebp
	jnz	2f
	call	random
	and	$15, %eax
	call	*operations(, %rax, 8)
	jmp	next
1:	GUEST_DONE $0
2:	call	op_sweep
	jmp	next

/* Every exception and every interrupt. iretq, so that NMIs can come again. */
recover:
	mov	$guest_stack_top, %esp
	push	$GUEST_KERNEL_DATA
	push	$guest_stack_top
	push	$2
	push	$GUEST_KERNEL_CODE64
	push	$next
	iretq

#include "hostile.inc"

/* 1. Memory. */

op_read:
	call	pick_place
	call	random
	and	$7, %eax
	jmp	*reads(, %rax, 8)
read_1:	mov	(%rdi), %al
	ret
read_2:	mov	(%rdi), %ax
	ret
read_4:	mov	(%rdi), %eax
	ret
read_8:	mov	(%rdi), %rax
	ret
read_signed:
	movsbq	(%rdi), %rax
	movswl	(%rdi), %eax
	movslq	(%rdi), %rax
	ret
read_test:
	test	$0x55, %al
	cmp	%rax, (%rdi)
	add	(%rdi), %eax
	ret
read_stack:
	push	(%rdi)
	pop	%rax
	ret
read_check:
	movzwl	(%rdi), %eax
	bt	%eax, (%rdi)
	ret

op_write:
	call	pick_place
	call	random
	mov	%eax, %edx
	call	random_size
	and	$7, %edx
	jmp	*writes(, %rdx, 8)
write_1:
	mov	%al, (%rdi)
	ret
write_2:
	mov	%ax, (%rdi)
	ret
write_4:
	mov	%eax, (%rdi)
	ret
write_8:
	mov	%rax, (%rdi)
	ret
write_immediate:
	movb	$0x40, (%rdi)
	movw	$0x1234, (%rdi)
	movq	$-2, (%rdi)
	ret
write_modify:
	add	%eax, (%rdi)
	notb	(%rdi)
	incw	(%rdi)
	ret
write_stack:
	push	%rax
	pop	(%rdi)
	ret
write_set:
	setc	(%rdi)
	shlw	(%rdi)
	ret

op_atomic:
	call	pick_place
	call	random
	mov	%rax, %rdx
	and	$7, %eax
	jmp	*atomics(, %rax, 8)
atomic_add:
	lock addb %dl, (%rdi)
	lock incq (%rdi)
	ret
atomic_xadd:
	lock xadd %edx, (%rdi)
	ret
atomic_xchg_2:
	xchg	%dx, (%rdi)
	ret
atomic_xchg_8:
	xchg	%rdx, (%rdi)
	ret
atomic_compare:
	lock cmpxchg %edx, (%rdi)
	ret
atomic_compare_8:
	lock cmpxchg8b (%rdi)
	ret
atomic_sub:
	lock subw %dx, (%rdi)
	ret
atomic_bit:
	and	$0x7ff, %edx
	lock btsl %edx, (%rdi)
	ret

/* rsi = a source, rdi = a destination, rcx = a count, up or down. */
op_string:
	call	pick_place
	mov	%rdi, %r9
	call	pick_place
	mov	%r9, %rsi
	call	random
	mov	%eax, %edx
	shr	$16, %eax
	movzbl	%al, %ecx
	and	$7, %edx
	jmp	*strings(, %rdx, 8)
string_copy_1:
	rep movsb
	ret
string_copy_8:
	rep movsq
	ret
string_copy_down:
	std
	rep movsl
	ret
string_store:
	rep stosb
	ret
string_store_4:
	rep stosl
	ret
string_load:
	rep lodsw
	ret
string_scan:
	repne scasb
	ret
string_compare:
	repe cmpsl
	ret

/* Pages of the hole below 4 GiB, one after the other. */
op_sweep:
	mov	$16, %r10d
1:	mov	_start + AX_GUEST_HOSTILE_PAGE, %rdi
	cmp	$(RAM_END >> 12), %rdi
	jb	2f
	cmp	$BELOW_4G_PAGES, %rdi
	jb	3f
2:	mov	$(RAM_END >> 12), %edi
3:	lea	1(%rdi), %rax
	mov	%rax, _start + AX_GUEST_HOSTILE_PAGE
	shl	$12, %rdi
	mov	%edi, %edx			/* devices there would rather not be written to */
	call	random
	and	$0xfff, %eax
	or	%rax, %rdi
	call	map_window
	incq	_start + AX_GUEST_HOSTILE_SWEPT
	mov	(%rdi), %eax
	cmp	$AX_TEST_BASE_X86_64, %edx
	je	4f
	mov	%al, (%rdi)
4:	dec	%r10d
	jnz	1b
	ret

/* 2. Ports and MSRs. */

op_port:
	call	pick_port
	call	random
	and	$7, %eax
	jmp	*ports(, %rax, 8)
port_in_1:
	in	%dx, %al
	ret
port_in_2:
	in	%dx, %ax
	ret
port_in_4:
	in	%dx, %eax
	ret
port_out_1:
	call	random
	out	%al, %dx
	ret
port_out_2:
	call	random
	out	%ax, %dx
	ret
port_out_4:
	call	random
	out	%eax, %dx
	ret
/* To and from scratch memory, or where nothing is. */
port_ins:
	call	port_string
	rep insw
	ret
port_outs:
	call	port_string
	mov	%rdi, %rsi
	rep outsl
	ret
port_string:
	push	%rdx
	call	pick_place
	pop	%rdx
	call	random
	mov	%eax, %ecx
	and	$0x1fff, %ecx			/* mostly more than a page */
	cmp	$RAM_END, %rdi
	jae	1f
	and	$0xff, %ecx			/* not beyond what is scratch memory's */
1:	ret

op_msr:
	call	random
	mov	%eax, %ecx
	mov	%eax, %edx
	shr	$16, %edx
	and	$7, %edx
	and	$0x1fff, %ecx
	or	msr_spaces(, %rdx, 4), %ecx
	cmp	$4, %edx
	jae	1f
	rdmsr					/* the processor's */
	ret
1:	cmp	$7, %edx			/* the test host's, and nobody's */
	je	2f
	and	$~0x1ff0, %ecx
2:	call	random
	mov	%eax, %edx
	test	$1, %al
	jz	3f
	rdmsr
	ret
3:	wrmsr
	ret

/* 3. Calls, interrupts, faults. */

/* A block in scratch memory or anywhere, announced by memory or by a port. */
op_hypercall_block:
	call	random
	mov	$AX_TEST_HYPERCALL_SUM, %ecx
	test	$1, %al
	cmovz	%rax, %rcx
	mov	%rcx, scratch + AX_TEST_HYPERCALL_NR
	mov	$scratch, %ecx
	test	$6, %al
	jnz	1f
	call	random_size
	mov	%rax, %rcx
1:	mov	$(AX_TEST_PORT_BASE + AX_TEST_PORT_HYPERCALL), %edx
	bt	$20, %eax
	jc	2f
	mov	%rcx, AX_TEST_HYPERCALL(%rbx)
	ret
2:	mov	%ecx, %eax
	out	%eax, %dx
	ret

op_hypercall:
	test	$AX_HOSTILE_CALLS, %ebp
	jz	op_hypercall_block
	call	random
	mov	%rax, %rdi
	mov	%rax, %rsi
	call	random_size
	bt	$20, %edi
	jc	1f
	vmcall
	ret
1:	vmmcall
	ret

op_device:
	call	random
	mov	%eax, %edi
	and	$0xf8, %edi
	call	random_size
	cmp	$AX_TEST_KICK_WORD, %edi	/* what the host would write to is in scratch memory */
	jne	1f
	and	$(SCRATCH_SIZE - 8), %eax
	add	$scratch, %eax
1:	cmp	$(AX_TEST_DONE + 8), %edi
	jae	2f
	mov	$AX_TEST_RAISE, %edi
2:	mov	%rax, (%rbx, %rdi)
	mov	(%rbx, %rdi), %rax
	ret

op_interrupts:
	mov	$APIC_PAGE, %edi
	movl	$0, GUEST_APIC_EOI(%rdi)
	sti
	nop
	nop
	cli
	ret

op_apic:
	call	random
	mov	%eax, %edi
	and	$0x3f0, %edi
	add	$APIC_PAGE, %edi
	call	random
	test	$AX_HOSTILE_DEADLY, %ebp
	jnz	1f
	btr	$9, %eax			/* no NMI, SMI, INIT: delivery modes 2, 4, 5 */
	btr	$10, %eax
1:	mov	%eax, (%rdi)
	mov	(%rdi), %eax
	/* Start another CPU at one of the pages that were planted. */
	call	random
	test	$7, %al
	jnz	2f
	mov	%eax, %edx
	shr	$8, %edx
	and	$3, %edx
	shl	$24, %edx
	shr	$12, %eax
	and	$7, %eax
	or	$(GUEST_ICR_SIPI | 8), %eax
	mov	$APIC_PAGE, %edi
	mov	%edx, GUEST_APIC_ICR_HIGH(%rdi)
	mov	%eax, GUEST_APIC_ICR_LOW(%rdi)
2:	ret

op_cpuid:
	push	%rbx
	call	random_size
	mov	%eax, %ecx
	call	random
	mov	%rax, %rdx
	call	random_size
	test	$1, %dl
	jz	1f
	and	$0x1f, %eax
	ror	$1, %eax			/* 0 to 15, 0x80000000 to 0x8000000f */
1:	cpuid
	pop	%rbx
	ret

op_fault:
	call	random
	mov	%eax, %ecx
	and	$7, %ecx
	jmp	*faults(, %rcx, 8)
fault_opcode:
	ud2
fault_divide:
	xor	%ecx, %ecx
	div	%ecx
fault_page:
	mov	0x80000000, %eax
	ret
fault_canonical:
	mov	%rax, (%rax)			/* most numbers are no addresses */
	ret
fault_selector:
	mov	%eax, %fs
	ret
fault_cr:
	mov	%rax, %cr4
	ret
fault_dr:
	mov	%rax, %dr7
	mov	%dr6, %rax
	ret
fault_jump:
	movabs	$0x700000000000, %rax
	jmp	*%rax

#include "hostile-deadly.inc"

	.section .rodata, "a", @progbits
	.balign	8
operations:
	.quad	op_read, op_write, op_atomic, op_string, op_sweep, op_port, op_msr, op_device
	.quad	op_hypercall_block, op_hypercall, op_interrupts, op_apic
	.quad	op_cpuid, op_fault, op_read, op_deadly
reads:	.quad	read_1, read_2, read_4, read_8, read_signed, read_test, read_stack, read_check
writes:	.quad	write_1, write_2, write_4, write_8
	.quad	write_immediate, write_modify, write_stack, write_set
atomics:
	.quad	atomic_add, atomic_xadd, atomic_xchg_2, atomic_xchg_8
	.quad	atomic_compare, atomic_compare_8, atomic_sub, atomic_bit
strings:
	.quad	string_copy_1, string_copy_8, string_copy_down, string_store
	.quad	string_store_4, string_load, string_scan, string_compare
ports:	.quad	port_in_1, port_in_2, port_in_4, port_out_1, port_out_2, port_out_4
	.quad	port_ins, port_outs
faults:	.quad	fault_opcode, fault_divide, fault_page, fault_canonical
	.quad	fault_selector, fault_cr, fault_dr, fault_jump
/* The first four are read only. */
msr_spaces:
	.long	0, 0xc0000000, 0xc0010000, 0x40000000
	.long	AX_TEST_MSR_BASE, AX_TEST_MSR_BASE, AX_TEST_MSR_UNCLAIMED, 0x41590000

	.bss
	.balign	8192
scratch:
	.skip	SCRATCH_SIZE
window_table:
	.skip	4096
	.text

	GUEST_TABLES
