/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: zero- and sign-extending MMIO loads of every pair of widths. The same read of the device
 * must end differently in the register: KVM, not the handler, knows the instruction.
 * Boot: flat, long mode, 0x100000; one CPU, no irqchip.
 */
#include "macros.inc"

#define NEGATIVE	AX_TEST_PATTERN			/* bytes 80 81 82 83 ... */
#define POSITIVE	(AX_TEST_PATTERN + 0x81)	/* bytes 01 02 03 04 ... */
#define OLD		0x1122334455667788

/* `instruction` loads from `offset` into `register`, whose 64 bits `whole` were OLD before and
 * are `value` then. */
#define ASSERT_LOAD assert_load __LINE__,
.macro assert_load line, instruction, offset, register, whole, value
	mov	$OLD, \whole
	\instruction \offset(%rbx), \register
	guest_assert_eq \line, \whole, $\value
.endm

	GUEST_CODE64
	.globl	_start
_start:
	GUEST_LONG_SETUP

	/* Zero extension. 16-bit targets keep the upper 48 bits, 32-bit targets clear 32. */
	ASSERT_LOAD movzbw, NEGATIVE, %ax, %rax, 0x1122334455660080
	ASSERT_LOAD movzbl, NEGATIVE, %eax, %rax, 0x80
	ASSERT_LOAD movzbq, NEGATIVE, %rax, %rax, 0x80
	ASSERT_LOAD movzwl, NEGATIVE, %eax, %rax, 0x8180
	ASSERT_LOAD movzwq, NEGATIVE, %rax, %rax, 0x8180
	ASSERT_LOAD movl, NEGATIVE, %eax, %rax, 0x83828180
	ASSERT_LOAD movzbw, POSITIVE, %cx, %rcx, 0x1122334455660001
	ASSERT_LOAD movzbl, POSITIVE, %ecx, %rcx, 0x01
	ASSERT_LOAD movzbq, POSITIVE, %rcx, %rcx, 0x01
	ASSERT_LOAD movzwl, POSITIVE, %ecx, %rcx, 0x0201
	ASSERT_LOAD movzwq, POSITIVE, %rcx, %rcx, 0x0201
	ASSERT_LOAD movl, POSITIVE, %ecx, %rcx, 0x04030201
	GUEST_SYNC $1

	/* Sign extension of a negative number. */
	ASSERT_LOAD movsbw, NEGATIVE, %ax, %rax, 0x112233445566ff80
	ASSERT_LOAD movsbl, NEGATIVE, %eax, %rax, 0xffffff80
	ASSERT_LOAD movsbq, NEGATIVE, %rax, %rax, 0xffffffffffffff80
	ASSERT_LOAD movswl, NEGATIVE, %eax, %rax, 0xffff8180
	ASSERT_LOAD movswq, NEGATIVE, %rax, %rax, 0xffffffffffff8180
	ASSERT_LOAD movslq, NEGATIVE, %rax, %rax, 0xffffffff83828180

	/* Of a positive one. */
	ASSERT_LOAD movsbw, POSITIVE, %dx, %rdx, 0x1122334455660001
	ASSERT_LOAD movsbl, POSITIVE, %edx, %rdx, 0x01
	ASSERT_LOAD movsbq, POSITIVE, %rdx, %rdx, 0x01
	ASSERT_LOAD movswl, POSITIVE, %edx, %rdx, 0x0201
	ASSERT_LOAD movswq, POSITIVE, %rdx, %rdx, 0x0201
	ASSERT_LOAD movslq, POSITIVE, %rdx, %rdx, 0x04030201
	GUEST_SYNC $2

	/* Registers that take a REX prefix. */
	ASSERT_LOAD movzbw, NEGATIVE, %r8w, %r8, 0x1122334455660080
	ASSERT_LOAD movzbl, NEGATIVE, %r9d, %r9, 0x80
	ASSERT_LOAD movzwq, NEGATIVE, %r10, %r10, 0x8180
	ASSERT_LOAD movsbw, NEGATIVE, %r11w, %r11, 0x112233445566ff80
	ASSERT_LOAD movsbl, NEGATIVE, %r12d, %r12, 0xffffff80
	ASSERT_LOAD movswq, NEGATIVE, %r13, %r13, 0xffffffffffff8180
	ASSERT_LOAD movslq, NEGATIVE, %rsi, %rsi, 0xffffffff83828180
	GUEST_DONE $0

	GUEST_TABLES
