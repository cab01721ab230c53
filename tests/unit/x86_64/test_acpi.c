/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ACPI tables: sums, places and what they say; and that iasl, where it is, takes them apart.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "boot/bytes.h"
#include "machine/x86_64/acpi.h"
#include "tests/temporary.h"
#include "tests/unit/boot_builder.h"

static uint8_t bytes[ACPI_SIZE];
static size_t len;

static void build(uint32_t cpus, uint32_t slots)
{
	const struct acpi_desc desc = { .cpus = cpus,
					.slots = slots,
					.lapic_base = 0xfee00000,
					.ioapic_base = 0xfec00000,
					.power_base = 0xfea00000 };

	memset(bytes, 0, sizeof(bytes));
	len = acpi_build(&desc, bytes);
	ck_assert_uint_lt(ACPI_TABLES_OFFSET + len, sizeof(bytes));
}

static bool sums_up(const uint8_t *p, size_t size)
{
	uint8_t sum = 0;

	while (size--)
		sum = (uint8_t)(sum + *p++);
	return sum == 0;
}

/* The table at guest address @gpa, whole and right in its sum. */
static const uint8_t *table_at(uint64_t gpa, const char *signature)
{
	const uint8_t *table;

	ck_assert(gpa >= ACPI_BASE && gpa + 36 <= ACPI_BASE + ACPI_TABLES_OFFSET + len);
	table = bytes + (gpa - ACPI_BASE);
	ck_assert_int_eq(memcmp(table, signature, 4), 0);
	ck_assert_uint_le(gpa + get_le32(table + 4), ACPI_BASE + ACPI_TABLES_OFFSET + len);
	ck_assert(sums_up(table, get_le32(table + 4)));
	return table;
}

static const uint8_t *find(const char *signature)
{
	const uint8_t *xsdt = table_at(get_le64(bytes + 24), "XSDT");

	for (uint32_t at = 36; at < get_le32(xsdt + 4); at += 8) {
		uint64_t gpa = get_le64(xsdt + at);

		if (!memcmp(bytes + (gpa - ACPI_BASE), signature, 4))
			return table_at(gpa, signature);
	}
	ck_abort_msg("no %s", signature);
}

START_TEST(the_root_leads_to_all_tables)
{
	build(1, 0);
	ck_assert_int_eq(memcmp(bytes, "RSD PTR ", 8), 0);
	ck_assert(sums_up(bytes, 20));
	ck_assert(sums_up(bytes, 36));
	ck_assert_uint_eq(bytes[15], 2);
	ck_assert_uint_eq(get_le64(bytes + 24), ACPI_BASE + ACPI_TABLES_OFFSET);
	table_at(get_le64(find("FACP") + 140), "DSDT");
}
END_TEST

START_TEST(the_fadt_says_that_hardware_is_reduced)
{
	const uint8_t *fadt;

	build(1, 0);
	fadt = find("FACP");
	ck_assert_uint_eq(get_le32(fadt + 4), 276);
	ck_assert_uint_eq(fadt[8], 6);
	ck_assert_uint_eq(fadt[131], 4);
	ck_assert(get_le32(fadt + 112) & 1u << 20);
	ck_assert(get_le32(fadt + 112) & 1u << 10);
	ck_assert_uint_eq(get_le64(fadt + 116 + 4), 0xfea00202);
	ck_assert_uint_eq(fadt[128], 0x42);
	ck_assert_uint_eq(get_le64(fadt + 244 + 4), 0xfea00200);
	ck_assert_uint_eq(get_le64(fadt + 256 + 4), 0xfea00201);
	ck_assert_uint_eq(fadt[108], 0x32);
	ck_assert_uint_eq(get_le16(fadt + 109), 4);
}
END_TEST

START_TEST(the_madt_lists_each_cpu_and_the_ioapic)
{
	static const uint32_t counts[] = { 1, 2, 64, 255 };

	for (unsigned i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		const uint8_t *madt, *entry, *end;
		uint32_t cpus = 0, ioapics = 0;

		build(counts[i], 0);
		madt = find("APIC");
		end = madt + get_le32(madt + 4);
		ck_assert_uint_eq(get_le32(madt + 36), 0xfee00000);
		ck_assert_uint_eq(get_le32(madt + 40), 0);
		for (entry = madt + 44; entry < end; entry += entry[1]) {
			ck_assert_uint_ge(entry[1], 2);
			if (entry[0] == 0) {
				ck_assert_uint_eq(entry[3], cpus);
				ck_assert_uint_eq(get_le32(entry + 4), 1);
				cpus++;
			} else if (entry[0] == 1) {
				ck_assert_uint_eq(get_le32(entry + 4), 0xfec00000);
				ck_assert_uint_eq(get_le32(entry + 8), 0);
				ioapics++;
			}
		}
		ck_assert_ptr_eq(entry, end);
		ck_assert_uint_eq(cpus, counts[i]);
		ck_assert_uint_eq(ioapics, 1);
	}
}
END_TEST

START_TEST(the_dsdt_knows_the_slots)
{
	static const uint8_t name[] = { 0x08, 'S', 'L', 'O', 'T', 0x0c };
	const uint8_t *dsdt, *mark;

	build(1, 0x83);
	dsdt = table_at(get_le64(find("FACP") + 140), "DSDT");
	mark = memmem(dsdt, get_le32(dsdt + 4), name, sizeof(name));
	ck_assert_ptr_nonnull(mark);
	ck_assert_uint_eq(get_le32(mark + sizeof(name)), 0x83);
	ck_assert_ptr_null(memmem(mark + 1, get_le32(dsdt + 4) - (size_t)(mark + 1 - dsdt), name,
				  sizeof(name)));
}
END_TEST

static int run_in(const char *folder, const char *command)
{
	char line[256];

	snprintf(line, sizeof(line), "cd %s && %s", folder, command);
	return system(line);
}

START_TEST(iasl_takes_them_apart)
{
	char folder[TEMPORARY_SIZE], path[80];
	FILE *file;

	if (system("command -v iasl >/dev/null 2>&1") != 0)
		return;
	build(3, 5);
	ck_assert(temporary_folder(folder, "acpi"));
	snprintf(path, sizeof(path), "%s/tables.dat", folder);
	file = fopen(path, "wb");
	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(bytes + ACPI_TABLES_OFFSET, 1, len, file), len);
	fclose(file);
	ck_assert_int_eq(run_in(folder, "iasl -d tables.dat >log 2>&1"), 0);
	ck_assert_int_eq(run_in(folder, "grep -q LNRO0005 tables.dsl"), 0);
	ck_assert_int_ne(run_in(folder, "grep -Ei 'incorrect checksum|error' tables.dsl log"), 0);
	ck_assert_int_eq(run_in(folder, "rm -f log tables.dat tables.dsl"), 0);
	rmdir(folder);
}
END_TEST

RUN_TESTS("acpi", the_root_leads_to_all_tables, the_fadt_says_that_hardware_is_reduced,
	  the_madt_lists_each_cpu_and_the_ioapic, the_dsdt_knows_the_slots, iasl_takes_them_apart)
