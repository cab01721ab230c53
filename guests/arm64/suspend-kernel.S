/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: PSCI's SYSTEM_SUSPEND, answered by KVM: denied while another CPU is on, refused where there
 * is no memory to wake up in; then the whole machine sleeps, which ends the run.
 * Boot: flat, 0x40200000; 2 CPUs, no irqchip.
 */
#include "macros.inc"
#include "suspend-main.inc"
