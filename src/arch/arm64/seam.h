/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the core has to know of this architecture at compile time. See arch/arch.h.
 */
#ifndef AXVMM_ARCH_ARM64_SEAM_H
#define AXVMM_ARCH_ARM64_SEAM_H

#include "arch/arm64/counter.h"

/* Sign extension of MMIO loads, accesses without syndrome, results of SMCCC calls: complete.c. */
#define ARCH_COMPLETES 1

/* The IRQ line of a CPU without irqchip has a level. */
#define ARCH_LINE_HAS_LEVEL 1

/* The irqchip, if there is one, comes with the VM. */
#define ARCH_ADDS_IRQCHIP 0

/* The GIC is initialised once all vCPUs exist. */
#define ARCH_PREPARES 1

/* Interrupt lines of ax_irq_get(): SPIs 0 to 95. */
#define ARCH_IRQ_LINES 96

/* KVM lets a line fall that an irqfd has raised. */
#define ARCH_IRQFD_PULSES 1

/* Breakpoints, watchpoints: debug.c. */
#define ARCH_HAS_DEBUG_REGISTERS 1

/* ELF's number of it (e_machine). */
#define ARCH_MACHINE 183

#endif
