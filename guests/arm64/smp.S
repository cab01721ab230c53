/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: CPUs started by PSCI's CPU_ON, which the host answers: each starts once, where it was told,
 * with its context, and runs beside the others; turns itself off, and starts again.
 * Boot: flat, 0x40200000; 2 to 8 CPUs, no irqchip; PSCI is the host's.
 */
#include "macros.inc"
#include "smp.inc"
#include "smp-main.inc"
