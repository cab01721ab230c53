/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: QEMU's isa-debug-exit: 21 written to port 0xf4 ends the VM with status 2 * 21 + 1 = 43.
 * Boot: flat, real mode, 0x8000; one CPU, no irqchip.
 */
#include "macros.inc"

	GUEST_CODE16
	.globl	_start
_start:
	mov	$21, %eax
	out	%eax, $AX_PORT_DEBUG_EXIT
	GUEST_FAIL
