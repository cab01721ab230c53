/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ACPI tables of the x86-64 machine. Pure.
 */
#ifndef AXVMM_MACHINE_X86_64_ACPI_H
#define AXVMM_MACHINE_X86_64_ACPI_H

#include <stddef.h>
#include <stdint.h>

/* Where firmware of PCs has them, and where guests that are told nothing look for the RSDP. */
#define ACPI_BASE 0xe0000u
#define ACPI_SIZE 0x10000u

/* Of the tables in ACPI_SIZE bytes: the RSDP is the first, on a line of its own. */
#define ACPI_TABLES_OFFSET 64

struct acpi_desc {
	uint32_t cpus;	/* local APIC IDs 0, 1, ...; at most 255 */
	uint32_t slots; /* a bit for each virtio slot that has a device */
	uint32_t lapic_base;
	uint32_t ioapic_base;
	uint32_t power_base; /* of AxAcpiPower's registers */
};

/*
 * Fill ACPI_SIZE bytes, which are zero and which the guest has at ACPI_BASE, with the RSDP and, from ACPI_TABLES_OFFSET on,
 * XSDT, FADT, MADT, DSDT, one behind the other. Returns the bytes of these.
 */
size_t acpi_build(const struct acpi_desc *desc, uint8_t bytes[ACPI_SIZE]);

#endif
