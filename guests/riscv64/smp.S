/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: harts started by the host's own extension: each starts once, where it was told, with its
 * opaque value, and runs beside the others; stops itself, and starts again.
 * Boot: flat, 0x80200000; 2 to 8 harts, no irqchip.
 */
#define GUEST_HSM	AX_SBI_EXT_HSM
#define GUEST_HSM_KERNEL 0
#include "macros.inc"
#include "smp.inc"
#include "smp-main.inc"
