/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: every function of the HSM extension in KVM, with its errors.
 * Boot: flat, 0x80200000; 2 harts, no irqchip.
 */
#define GUEST_HSM	SBI_EXT_HSM
#define GUEST_HSM_KERNEL 1
#include "macros.inc"
#include "hsm-main.inc"
