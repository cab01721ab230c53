/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The multiboot header: where it is found, what it asks for, and what is refused.
 */
#include "tests/unit/boot_builder.h"

static struct built file;

START_TEST(addresses_in_the_header_place_the_file)
{
	AxImageHints hints = usual_hints();
	AxImagePlan plan;

	build_usual_multiboot(&file);
	plan = expect_plan(&file, &hints);
	ck_assert_uint_eq(plan.format, AX_IMAGE_MULTIBOOT);
	ck_assert_uint_eq(plan.machine, AX_IMAGE_FOR_X86_64);
	ck_assert_uint_eq(plan.mode, AX_MODE_PROTECTED);
	ck_assert_uint_eq(plan.multiboot_flags, 0x10003);
	ck_assert_uint_eq(plan.entry, 0x100040);
	ck_assert_uint_eq(plan.segment_count, 1);
	ck_assert_uint_eq(plan.segments[0].gpa, 0x100000);
	ck_assert_uint_eq(plan.segments[0].file_offset, 0);
	ck_assert_uint_eq(plan.segments[0].file_size, 0x1000);
	ck_assert_uint_eq(plan.segments[0].memory_size, 0x3000);
	ck_assert_uint_eq(plan.segments[0].flags, AX_MAP_READ | AX_MAP_WRITE | AX_MAP_EXECUTE);
}
END_TEST

START_TEST(loading_may_begin_inside_the_file)
{
	const uint32_t addresses[5] = { 0x100020, 0x100010, 0x100050, 0, 0x100010 };
	AxImageHints hints = usual_hints();
	AxImagePlan plan;

	build_usual_multiboot(&file);
	build_multiboot(&file, 0x820, 0x10000, addresses);
	memset(file.bytes + 0x20, 0, 4);
	plan = expect_plan(&file, &hints);
	ck_assert_uint_eq(plan.segments[0].gpa, 0x100010);
	ck_assert_uint_eq(plan.segments[0].file_offset, 0x810);
	ck_assert_uint_eq(plan.segments[0].file_size, 0x40);
	ck_assert_uint_eq(plan.segments[0].memory_size, 0x40);
}
END_TEST

START_TEST(without_an_end_the_whole_file_is_loaded)
{
	const uint32_t addresses[5] = { 0x100020, 0x100000, 0, 0x200000, 0x100040 };
	AxImageHints hints = usual_hints();
	AxImagePlan plan;

	build_usual_multiboot(&file);
	build_multiboot(&file, 0x20, 0x10000, addresses);
	plan = expect_plan(&file, &hints);
	ck_assert_uint_eq(plan.segments[0].file_size, 0x1800);
	ck_assert_uint_eq(plan.segments[0].memory_size, 0x100000);
}
END_TEST

START_TEST(elf_of_both_classes_starts_in_protected_mode)
{
	AxImageHints hints = usual_hints();
	AxImagePlan plan;

	build_usual_elf32(&file);
	build_multiboot(&file, 0x1004, 3, NULL);
	plan = expect_plan(&file, &hints);
	ck_assert_uint_eq(plan.format, AX_IMAGE_MULTIBOOT);
	ck_assert_uint_eq(plan.mode, AX_MODE_PROTECTED);
	ck_assert_uint_eq(plan.multiboot_flags, 3);
	ck_assert_uint_eq(plan.entry, 0x100010);
	ck_assert_uint_eq(plan.segment_count, 2);

	build_usual_elf64(&file);
	build_multiboot(&file, 0x1004, 0, NULL);
	plan = expect_plan(&file, &hints);
	ck_assert_uint_eq(plan.format, AX_IMAGE_MULTIBOOT);
	ck_assert_uint_eq(plan.mode, AX_MODE_PROTECTED);
	ck_assert_uint_eq(plan.segment_count, 2);
}
END_TEST

START_TEST(addresses_in_the_header_win_over_elf)
{
	const uint32_t addresses[5] = { 0x201000, 0x200000, 0, 0, 0x201000 };
	AxImageHints hints = usual_hints();
	AxImagePlan plan;

	build_usual_elf32(&file);
	build_multiboot(&file, 0x1000, 0x10000, addresses);
	plan = expect_plan(&file, &hints);
	ck_assert_uint_eq(plan.segment_count, 1);
	ck_assert_uint_eq(plan.segments[0].gpa, 0x200000);
	ck_assert_uint_eq(plan.segments[0].file_size, 0x2000);
}
END_TEST

START_TEST(the_header_lies_aligned_in_the_first_8192_bytes)
{
	const uint32_t addresses[5] = { 0x101fe0, 0x100000, 0, 0, 0x100000 };
	AxImageHints hints = usual_hints();

	memset(&file, 0x90, sizeof(file));
	file.len = 0x3000;
	build_multiboot(&file, 0x1fe0, 0x10000, addresses);
	expect_plan(&file, &hints);

	memset(&file, 0x90, sizeof(file));
	file.len = 0x3000;
	build_multiboot(&file, 0x1fe4, 0x10000, addresses);
	expect_refused(file.bytes, file.len, &hints, -ENOEXEC,
		       "disk/kernel: its multiboot header at offset 0x1fe4 is cut off: 32 "
		       "bytes of it have "
		       "to lie in the file's first 8192");

	/* beyond, not aligned, or with a wrong checksum: no header at all */
	memset(&file, 0x90, sizeof(file));
	file.len = 0x3000;
	build_multiboot(&file, 0x1ff8, 0, NULL);
	build_multiboot(&file, 0x22, 0x10000, addresses);
	build_multiboot(&file, 0x100, 0x10000, addresses);
	file.bytes[0x108]++;
	expect_refused(file.bytes, file.len, &hints, -ENOEXEC,
		       "disk/kernel: is 12288 bytes of no known format" X86_ACCEPTED);
}
END_TEST

START_TEST(a_header_at_the_files_end_may_be_cut_off)
{
	const uint32_t addresses[5] = { 0x100020, 0x100000, 0, 0, 0x100000 };
	AxImageHints hints = usual_hints();

	build_usual_multiboot(&file);
	build_multiboot(&file, 0x20, 0x10000, addresses);
	file.len = 0x40;
	expect_plan(&file, &hints);
	file.len = 0x3f;
	expect_refused(file.bytes, file.len, &hints, -ENOEXEC,
		       "disk/kernel: its multiboot header at offset 0x20 is cut off: 32 "
		       "bytes of it have to "
		       "lie in the file's first 8192");
	file.len = 0x2b; /* not even the checksum */
	expect_refused(file.bytes, file.len, &hints, -ENOEXEC,
		       "disk/kernel: is 43 bytes of no known format" X86_ACCEPTED);
}
END_TEST

static void refuse_flags(uint32_t flags, const char *message)
{
	AxImageHints hints = usual_hints();

	build_usual_elf32(&file);
	build_multiboot(&file, 0x1000, flags, NULL);
	expect_refused(file.bytes, file.len, &hints, -ENOEXEC, message);
}

START_TEST(required_flags_that_nobody_meets_are_named)
{
	AxImageHints hints = usual_hints();

	refuse_flags(0x4, "disk/kernel: its multiboot header requires what is not there: "
			  "flags 0x4 (bit 2: a "
			  "video mode); flags 0x3 (page-aligned modules, memory "
			  "information) would be accepted");
	refuse_flags(0x8003, "disk/kernel: its multiboot header requires what is not there: flags "
			     "0x8000; flags 0x3 "
			     "(page-aligned modules, memory information) would be accepted");
	/* optional ones may be anything */
	build_usual_elf32(&file);
	build_multiboot(&file, 0x1000, 0xfffe0003, NULL);
	expect_plan(&file, &hints);
}
END_TEST

START_TEST(a_file_that_says_nowhere_where_it_goes_is_refused)
{
	AxImageHints hints = usual_hints();

	build_usual_multiboot(&file);
	build_multiboot(&file, 0x20, 3, NULL);
	expect_refused(file.bytes, file.len, &hints, -ENOEXEC,
		       "disk/kernel: its multiboot header has no load addresses (flag bit "
		       "16) and the file "
		       "is not ELF: nothing says where it goes");
}
END_TEST

static void refuse_addresses(uint32_t header_addr, uint32_t load, uint32_t load_end,
			     uint32_t bss_end, uint32_t entry, const char *message)
{
	const uint32_t addresses[5] = { header_addr, load, load_end, bss_end, entry };
	AxImageHints hints = usual_hints();

	build_usual_multiboot(&file);
	build_multiboot(&file, 0x20, 0x10003, addresses);
	expect_refused(file.bytes, file.len, &hints, -ENOEXEC, message);
}

START_TEST(addresses_that_make_no_sense_are_refused)
{
	refuse_addresses(0x100020, 0x100024, 0, 0, 0x100024,
			 "disk/kernel: its multiboot header at offset 0x20 belongs at "
			 "0x100020, which does "
			 "not fit a load address of 0x100024");
	refuse_addresses(0x100024, 0x100000, 0, 0, 0x100024,
			 "disk/kernel: its multiboot header at offset 0x20 belongs at "
			 "0x100024, which does "
			 "not fit a load address of 0x100000");
	refuse_addresses(0x100020, 0x100000, 0xfffff, 0, 0x100024,
			 "disk/kernel: its multiboot header ends the data at 0xfffff, "
			 "before the load "
			 "address 0x100000");
	refuse_addresses(0x100020, 0x100000, 0x101000, 0x100fff, 0x100024,
			 "disk/kernel: its multiboot header ends the bss at 0x100fff, "
			 "before the data's end "
			 "at 0x101000");
	refuse_addresses(0x100020, 0x100000, 0x101000, 0xfffff, 0x100024,
			 "disk/kernel: its multiboot header ends the bss at 0xfffff, "
			 "before the data's end "
			 "at 0x101000");
	refuse_addresses(0x100020, 0x100000, 0x101801, 0, 0x100024,
			 "disk/kernel: segment 0, 0x1801 bytes at offset 0x0, is cut off: "
			 "the file has only "
			 "0x1800 bytes");
	refuse_addresses(0x100020, 0x100000, 0x101000, 0x103000, 0x103000,
			 "disk/kernel: its entry point 0x103000 is in no segment (the first is at "
			 "0x100000): link it with the entry inside");
	refuse_addresses(0xfffffff0, 0xffffffd0, 0, 0, 0xffffffd0,
			 "disk/kernel: segment 0, 0x1800 bytes at 0xffffffd0, ends beyond "
			 "the first 4 GiB; "
			 "link it to another address");
	refuse_addresses(0x100020, 0x100000, 0x101000, 0x1001000, 0x100040,
			 "disk/kernel: segment 0, 0xf01000 bytes at 0x100000, is outside "
			 "RAM: RAM is "
			 "0x1000000 bytes at 0x0; at least 17 MiB or another load address "
			 "would do");
	refuse_addresses(0x100020, 0x100000, 0x100000, 0, 0x100040,
			 "disk/kernel: is multiboot with no segment to load: it has no "
			 "program in it");
}
END_TEST

START_TEST(elf_of_another_machine_stays_refused)
{
	AxImageHints hints = usual_hints();

	build_elf64(&file, EM_AARCH64, 0x100010, usual_segments, 2);
	build_multiboot(&file, 0x1000, 0, NULL);
	expect_refused(file.bytes, file.len, &hints, -ENOEXEC,
		       "disk/kernel: is ELF64 for AArch64 with a multiboot header" X86_ACCEPTED);
	build_usual_elf32(&file);
	build_multiboot(&file, 0x1000, 0, NULL);
	file.bytes[EI_CLASS] = 0;
	expect_refused(file.bytes, file.len, &hints, -ENOEXEC,
		       "disk/kernel: is ELF of class 0, neither 32 nor 64 bit: it is damaged");
}
END_TEST

START_TEST(other_machines_know_no_multiboot)
{
	AxImageHints hints = usual_hints();

	build_usual_multiboot(&file);
	hints.machine = AX_IMAGE_FOR_ARM64;
	expect_refused(file.bytes, file.len, &hints, -ENOEXEC,
		       "disk/kernel: is multiboot 1" ARM64_ACCEPTED);
	build_elf64(&file, EM_AARCH64, 0x100010, usual_segments, 2);
	build_multiboot(&file, 0x1000, 0, NULL);
	ck_assert_uint_eq(expect_plan(&file, &hints).format, AX_IMAGE_ELF64);
}
END_TEST

RUN_TESTS("boot-multiboot", addresses_in_the_header_place_the_file,
	  loading_may_begin_inside_the_file, without_an_end_the_whole_file_is_loaded,
	  elf_of_both_classes_starts_in_protected_mode, addresses_in_the_header_win_over_elf,
	  the_header_lies_aligned_in_the_first_8192_bytes, a_header_at_the_files_end_may_be_cut_off,
	  required_flags_that_nobody_meets_are_named,
	  a_file_that_says_nowhere_where_it_goes_is_refused,
	  addresses_that_make_no_sense_are_refused, elf_of_another_machine_stays_refused,
	  other_machines_know_no_multiboot)
