/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the core has to know of this architecture at compile time. See arch/arch.h.
 */
#ifndef AXVMM_ARCH_RISCV64_SEAM_H
#define AXVMM_ARCH_RISCV64_SEAM_H

#include "arch/riscv64/counter.h"

/* Sign extension of MMIO loads, starts of harts: complete.c. */
#define ARCH_COMPLETES 1

/* The external interrupt line of a hart has a level. */
#define ARCH_LINE_HAS_LEVEL 1

/* The irqchip, if there is one, comes with the VM. */
#define ARCH_ADDS_IRQCHIP 0

/* KVM's AIA is completed when all vCPUs exist, and before it is used: aia.c. */
#define ARCH_PREPARES 1

/* Interrupt lines of ax_irq_get(): sources of the APLIC: 1 to 95. */
#define ARCH_IRQ_LINES 96

/*
 * KVM of Linux 6.12 raises an APLIC's input for an irqfd at once, and never lowers it: the second edge
 * is none, and a guest waits for it for good. By KVM_IRQ_LINE it rises and falls as it is told.
 */
#define ARCH_IRQFD_PULSES 0

/* KVM gives a hart none: debug.c. */
#define ARCH_HAS_DEBUG_REGISTERS 0

/* ELF's number of it (e_machine). */
#define ARCH_MACHINE 243

#endif
