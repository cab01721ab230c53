/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: every function of the host's own extension for harts, with its errors.
 * Boot: flat, 0x80200000; 2 harts, no irqchip.
 */
#define GUEST_HSM	AX_SBI_EXT_HSM
#define GUEST_HSM_KERNEL 0
#include "macros.inc"
#include "hsm-main.inc"
