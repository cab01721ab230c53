/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: the same as smp, with PSCI answered by KVM.
 * Boot: flat, 0x40200000; 2 to 8 CPUs, no irqchip; PSCI is KVM's.
 */
#include "macros.inc"
#include "smp.inc"
#include "smp-main.inc"
