/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: the same as smp, by the HSM extension, in KVM.
 * Boot: flat, 0x80200000; 2 to 8 harts, no irqchip.
 */
#define GUEST_HSM	SBI_EXT_HSM
#define GUEST_HSM_KERNEL 1
#include "macros.inc"
#include "smp.inc"
#include "smp-main.inc"
