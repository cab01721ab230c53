/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows: every function of PSCI that returns, with its errors: KVM's, by HVC.
 * Boot: flat, 0x40200000; 2 CPUs, no irqchip.
 */
#define GUEST_CONDUIT	hvc
#define GUEST_PSCI_KERNEL 1
#include "macros.inc"
#include "psci-main.inc"
