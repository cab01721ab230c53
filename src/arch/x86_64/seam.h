/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the core has to know of this architecture at compile time. See arch/arch.h.
 */
#ifndef AXVMM_ARCH_X86_64_SEAM_H
#define AXVMM_ARCH_X86_64_SEAM_H

#include "arch/x86_64/counter.h"

/* KVM completes every exit by itself. */
#define ARCH_COMPLETES 0

/* An interrupt line into a CPU without irqchip is an edge, as a PIC makes it. */
#define ARCH_LINE_HAS_LEVEL 0

/* KVM takes memory faster before it has one: vm.c. */
#define ARCH_ADDS_IRQCHIP 1

/* Interrupt controllers are complete when they have been created. */
#define ARCH_PREPARES 0

/* Interrupt lines of ax_irq_get(): inputs of an IOAPIC: ICH9 datasheet, 13.5.7. */
#define ARCH_IRQ_LINES 24

/* KVM lets a line fall that an irqfd has raised. */
#define ARCH_IRQFD_PULSES 1

/* DR0 to DR3: debug.c. */
#define ARCH_HAS_DEBUG_REGISTERS 1

/* ELF's number of it (e_machine). */
#define ARCH_MACHINE 62

#endif
