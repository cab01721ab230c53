/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: port input and output of 1, 2 and 4 bytes. Input of 1 and 2 bytes keeps the rest of rax,
 * 4 bytes clear its upper half; output arrives with its width and value; accesses need not be
 * aligned.
 * Boot: flat, long mode, 0x100000; one CPU, no irqchip.
 */
#include "macros.inc"

#define PORT_PATTERN	(AX_TEST_PORT_BASE + AX_TEST_PORT_PATTERN)
#define PORT_SCRATCH	(AX_TEST_PORT_BASE + AX_TEST_PORT_SCRATCH)
#define FIRST_OFFSET	(AX_TEST_WRITE_PORT + AX_TEST_PORT_PATTERN)	/* of PATTERN in WRITE_OFFSET */

/* The device has recorded a port write at PATTERN + `index`, as the `count`th write. */
#define ASSERT_WRITTEN assert_written __LINE__,
.macro assert_written line, index, length, value, count
	guest_assert_eq \line, AX_TEST_WRITE_OFFSET(%rbx), $(FIRST_OFFSET + \index)
	guest_assert_eq \line, AX_TEST_WRITE_LENGTH(%rbx), $\length
	guest_assert_eq \line, AX_TEST_WRITE_VALUE(%rbx), $\value
	guest_assert_eq \line, AX_TEST_WRITE_COUNT(%rbx), $\count
.endm

	GUEST_CODE64
	.globl	_start
_start:
	GUEST_LONG_SETUP

	/* Input. */
	mov	$0x1122334455667788, %rcx
	mov	$PORT_PATTERN, %dx
	mov	%rcx, %rax
	in	%dx, %al
	GUEST_ASSERT_EQ %rax, $0x1122334455667790
	mov	%rcx, %rax
	in	%dx, %ax
	GUEST_ASSERT_EQ %rax, $0x1122334455669190
	mov	%rcx, %rax
	in	%dx, %eax
	GUEST_ASSERT_EQ %rax, $0x93929190

	mov	$(PORT_PATTERN + 7), %dx
	mov	%rcx, %rax
	in	%dx, %al
	GUEST_ASSERT_EQ %rax, $0x1122334455667797
	mov	$(PORT_PATTERN + 1), %dx
	mov	%rcx, %rax
	in	%dx, %ax
	GUEST_ASSERT_EQ %rax, $0x1122334455669291
	mov	$(PORT_PATTERN + 3), %dx
	in	%dx, %eax
	GUEST_ASSERT_EQ %rax, $0x96959493
	GUEST_SYNC $1

	/* Output. */
	mov	$0x1122334455667788, %rcx
	mov	%rcx, %rax
	mov	$PORT_PATTERN, %dx
	out	%al, %dx
	ASSERT_WRITTEN 0, 1, 0x88, 1
	mov	$(PORT_PATTERN + 2), %dx
	out	%ax, %dx
	ASSERT_WRITTEN 2, 2, 0x7788, 2
	mov	$(PORT_PATTERN + 4), %dx
	out	%eax, %dx
	ASSERT_WRITTEN 4, 4, 0x55667788, 3
	mov	$(PORT_PATTERN + 3), %dx
	out	%eax, %dx
	ASSERT_WRITTEN 3, 4, 0x55667788, 4
	GUEST_ASSERT_EQ %rax, %rcx
	GUEST_SYNC $2

	/* Storage: the bytes are in memory order, whatever width wrote or reads them. */
	mov	$0xd4c3b2a1, %eax
	mov	$PORT_SCRATCH, %dx
	out	%eax, %dx
	xor	%eax, %eax
	mov	$(PORT_SCRATCH + 1), %dx
	in	%dx, %ax
	GUEST_ASSERT_EQ %rax, $0xc3b2
	mov	$0x5a, %al
	mov	$(PORT_SCRATCH + 3), %dx
	out	%al, %dx
	mov	$PORT_SCRATCH, %dx
	in	%dx, %eax
	GUEST_ASSERT_EQ %rax, $0x5ac3b2a1
	GUEST_DONE $0

	GUEST_TABLES
