/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ACPI tables of the x86-64 machine, whose hardware is reduced: no PIC, no PIT, no PM timer; power by
 * AxAcpiPower, devices by the DSDT (dsdt.asl). Source: ACPI 6.4, chapter 5.2; numbers of sections below.
 */
#include <string.h>

#include <axvmm/pc.h>

#include "boot/bytes.h"
#include "machine/x86_64/acpi.h"

/* iasl's output. */
static const uint8_t dsdt[] = {
#include "src/machine/x86_64/dsdt.bytes"
};

#define HEADER_SIZE    36
#define CHECKSUM       9
#define RSDP_SIZE      36
#define RSDP_OLD_SIZE  20
#define FADT_SIZE      276
#define XSDT_ENTRIES   2 /* the DSDT is the FADT's */
#define TABLE_REVISION 1

/* 5.2.9: the FADT. */
enum {
	FADT_REVISION = 6,
	FADT_MINOR_REVISION = 4,
	FADT_CENTURY = 108,
	FADT_BOOT_ARCH = 109,
	FADT_FLAGS = 112,
	FADT_RESET_REG = 116,
	FADT_RESET_VALUE = 128,
	FADT_MINOR = 131,
	FADT_X_DSDT = 140,
	FADT_SLEEP_CONTROL = 244,
	FADT_SLEEP_STATUS = 256,
	FADT_HYPERVISOR = 268,
};
#define BOOT_ARCH_NO_VGA (1u << 2)
#define FLAG_WBINVD	 (1u << 0)
#define FLAG_PWR_BUTTON	 (1u << 4) /* a device of the DSDT */
#define FLAG_SLP_BUTTON	 (1u << 5)
#define FLAG_FIX_RTC	 (1u << 6) /* it wakes nobody */
#define FLAG_RESET_REG	 (1u << 10)
#define FLAG_HW_REDUCED	 (1u << 20)
#define CMOS_CENTURY	 0x32

/* 5.2.3.2: a generic address. */
#define GAS_SYSTEM_MEMORY 0
#define GAS_BYTE	  1

/* 5.2.12: the MADT. */
#define MADT_REVISION	 5
#define MADT_HEADER_SIZE 44
#define MADT_LOCAL_APIC	 0
#define MADT_IO_APIC	 1
#define MADT_LOCAL_NMI	 4
#define MADT_ENABLED	 1
#define MADT_ALL_CPUS	 0xff
#define LOCAL_APIC_SIZE	 8
#define IO_APIC_SIZE	 12
#define LOCAL_NMI_SIZE	 6
#define LINT1		 1

/* In the DSDT: Name (SLOT, DWord). 20.2.5.1 and 20.2.3 of the specification. */
static const uint8_t slot_mark[] = { 0x08, 'S', 'L', 'O', 'T', 0x0c, 'T', 'O', 'L', 'S' };

/* Letters of a fixed number, which no zero byte ends. */
static void put_text(uint8_t *to, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		to[i] = (uint8_t)text[i];
}

static uint8_t sum(const uint8_t *bytes, size_t len)
{
	uint8_t total = 0;

	while (len--)
		total = (uint8_t)(total + *bytes++);
	return total;
}

static void set_checksum(uint8_t *table, size_t len)
{
	table[CHECKSUM] = 0;
	table[CHECKSUM] = (uint8_t)-sum(table, len);
}

/* 5.2.6: the header of every table. */
static void put_header(uint8_t *table, const char *signature, uint8_t revision, size_t len)
{
	memcpy(table, signature, 4);
	put_le32(table + 4, (uint32_t)len);
	table[8] = revision;
	put_text(table + 10, "AXVMM\0", 6);
	put_text(table + 16, "AXVMM\0\0\0", 8);
	put_le32(table + 24, TABLE_REVISION);
	put_text(table + 28, "AXVM", 4);
	put_le32(table + 32, TABLE_REVISION);
}

static void put_register(uint8_t *gas, uint64_t address)
{
	gas[0] = GAS_SYSTEM_MEMORY;
	gas[1] = 8;
	gas[2] = 0;
	gas[3] = GAS_BYTE;
	put_le64(gas + 4, address);
}

static size_t build_fadt(const struct acpi_desc *desc, uint64_t dsdt_gpa, uint8_t *table)
{
	put_header(table, "FACP", FADT_REVISION, FADT_SIZE);
	table[FADT_CENTURY] = CMOS_CENTURY;
	put_le16(table + FADT_BOOT_ARCH, BOOT_ARCH_NO_VGA);
	put_le32(table + FADT_FLAGS, FLAG_WBINVD | FLAG_PWR_BUTTON | FLAG_SLP_BUTTON |
					     FLAG_FIX_RTC | FLAG_RESET_REG | FLAG_HW_REDUCED);
	put_register(table + FADT_RESET_REG, desc->power_base + AX_ACPI_POWER_RESET);
	table[FADT_RESET_VALUE] = AX_ACPI_POWER_RESET_VALUE;
	table[FADT_MINOR] = FADT_MINOR_REVISION;
	put_le64(table + FADT_X_DSDT, dsdt_gpa);
	put_register(table + FADT_SLEEP_CONTROL, desc->power_base + AX_ACPI_POWER_SLEEP_CONTROL);
	put_register(table + FADT_SLEEP_STATUS, desc->power_base + AX_ACPI_POWER_SLEEP_STATUS);
	put_text(table + FADT_HYPERVISOR, "AXVMM\0\0\0", 8);
	set_checksum(table, FADT_SIZE);
	return FADT_SIZE;
}

static size_t build_madt(const struct acpi_desc *desc, uint8_t *table)
{
	uint8_t *entry = table + MADT_HEADER_SIZE;
	size_t len;

	for (uint32_t id = 0; id < desc->cpus; id++, entry += LOCAL_APIC_SIZE) {
		entry[0] = MADT_LOCAL_APIC;
		entry[1] = LOCAL_APIC_SIZE;
		entry[2] = (uint8_t)id;
		entry[3] = (uint8_t)id;
		put_le32(entry + 4, MADT_ENABLED);
	}
	entry[0] = MADT_IO_APIC;
	entry[1] = IO_APIC_SIZE;
	put_le32(entry + 4, desc->ioapic_base);
	entry += IO_APIC_SIZE;
	entry[0] = MADT_LOCAL_NMI;
	entry[1] = LOCAL_NMI_SIZE;
	entry[2] = MADT_ALL_CPUS;
	entry[5] = LINT1;
	entry += LOCAL_NMI_SIZE;

	len = (size_t)(entry - table);
	put_header(table, "APIC", MADT_REVISION, len);
	put_le32(table + HEADER_SIZE, desc->lapic_base);
	set_checksum(table, len);
	return len;
}

static size_t build_dsdt(const struct acpi_desc *desc, uint8_t *table)
{
	uint8_t *mark;

	memcpy(table, dsdt, sizeof(dsdt));
	mark = memmem(table, sizeof(dsdt), slot_mark, sizeof(slot_mark));
	if (mark)
		put_le32(mark + sizeof(slot_mark) - 4, desc->slots);
	set_checksum(table, sizeof(dsdt));
	return sizeof(dsdt);
}

static size_t build_xsdt(const uint64_t entries[XSDT_ENTRIES], uint8_t *table)
{
	size_t len = HEADER_SIZE + XSDT_ENTRIES * 8;

	put_header(table, "XSDT", 1, len);
	for (unsigned i = 0; i < XSDT_ENTRIES; i++)
		put_le64(table + HEADER_SIZE + 8ul * i, entries[i]);
	set_checksum(table, len);
	return len;
}

/* 5.2.5.3 */
static void build_rsdp(uint64_t xsdt_gpa, uint8_t *rsdp)
{
	put_text(rsdp, "RSD PTR ", 8);
	put_text(rsdp + 9, "AXVMM\0", 6);
	rsdp[15] = 2;
	put_le32(rsdp + 20, RSDP_SIZE);
	put_le64(rsdp + 24, xsdt_gpa);
	rsdp[8] = (uint8_t)-sum(rsdp, RSDP_OLD_SIZE);
	rsdp[32] = (uint8_t)-sum(rsdp, RSDP_SIZE);
}

/* The largest: 52 + 276 + 44 + 255 * 8 + 18 bytes, and the DSDT. */
_Static_assert(sizeof(dsdt) + 0x1000 < ACPI_SIZE, "the tables' room");

size_t acpi_build(const struct acpi_desc *desc, uint8_t bytes[ACPI_SIZE])
{
	uint8_t *xsdt = bytes + ACPI_TABLES_OFFSET;
	uint8_t *fadt = xsdt + HEADER_SIZE + XSDT_ENTRIES * 8;
	uint8_t *madt = fadt + FADT_SIZE;
	uint8_t *last;
	uint64_t entries[XSDT_ENTRIES];
	size_t madt_len;

	madt_len = build_madt(desc, madt);
	last = madt + madt_len;
	entries[0] = ACPI_BASE + (uint64_t)(fadt - bytes);
	entries[1] = ACPI_BASE + (uint64_t)(madt - bytes);
	build_fadt(desc, ACPI_BASE + (uint64_t)(last - bytes), fadt);
	build_xsdt(entries, xsdt);
	build_rsdp(ACPI_BASE + ACPI_TABLES_OFFSET, bytes);
	last += build_dsdt(desc, last);
	return (size_t)(last - xsdt);
}
