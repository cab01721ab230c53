/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the x86-64 machine has where KVM has its local APICs: IOAPIC, clock, power, and ACPI tables that
 * tell of them. Tiny guests do without.
 */
#ifndef AXVMM_MACHINE_X86_64_PC_H
#define AXVMM_MACHINE_X86_64_PC_H

#include <axvmm/pc.h>

#include "machine/machine.h"

struct pc {
	AxIoapic *ioapic; /* AX_IRQCHIP_SPLIT; else KVM's */
	AxCmos *cmos;
	AxAcpiPower *power;
	uint8_t *tables; /* ACPI_SIZE bytes as the guest has them; NULL: no room for them in RAM */
	size_t tables_len;
};

/* Whether this machine is one: by its irqchip. */
bool pc_is(const AxMachine *machine);

/* Write the tables into RAM, where there is room, and say where their root is. */
int pc_write_tables(struct pc *pc, AxMachine *machine, AxGuestPhysAddr *rsdp, AxError *err);

/* Make and attach the devices; undo it, also in part; nothing runs. */
int pc_attach(struct pc *pc, AxMachine *machine, AxError *err);
void pc_detach(struct pc *pc);

/* A line into the interrupt controller. */
int pc_irq(struct pc *pc, AxMachine *machine, uint32_t line, AxIrq *irq, AxError *err);

/* The irqchip that an image needs which starts as Linux does, or a machine with devices. */
bool pc_is_needed(const AxMachineOptions *options);

#endif
