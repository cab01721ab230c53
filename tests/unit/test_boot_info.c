/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The multiboot information structure, read back field by field as a guest would.
 */
#include "tests/unit/boot_builder.h"

#define INFO_GPA 0x9040

static uint8_t block[0x30000];

static uint32_t word(size_t offset)
{
	uint32_t value;

	memcpy(&value, block + offset, sizeof(value));
	return value;
}

/* Where a guest address lies in the block. */
static size_t at(uint32_t gpa)
{
	ck_assert_uint_ge(gpa, INFO_GPA);
	ck_assert_uint_lt(gpa - INFO_GPA, sizeof(block));
	return gpa - INFO_GPA;
}

static const char *string(uint32_t gpa)
{
	return (const char *)block + at(gpa);
}

static void expect_map_entry(unsigned index, uint64_t base, uint64_t size, uint32_t type)
{
	size_t entry = at(word(48)) + 24ul * index;

	ck_assert_uint_lt(24 * index, word(44));
	ck_assert_uint_eq(word(entry), 20);
	ck_assert_uint_eq(word(entry + 4) | (uint64_t)word(entry + 8) << 32, base);
	ck_assert_uint_eq(word(entry + 12) | (uint64_t)word(entry + 16) << 32, size);
	ck_assert_uint_eq(word(entry + 20), type);
}

static size_t build(const AxMultibootInfo *info)
{
	AxError err = AX_ERROR_INIT;
	size_t used = 0;
	int ret;

	memset(block, 0xa5, sizeof(block));
	ret = ax_multiboot_info_build(info, INFO_GPA, block, sizeof(block), &used, &err);
	ck_assert_msg(ret == 0, "%d: %s", ret, err.message);
	for (size_t i = used; i < sizeof(block); i++)
		ck_assert_uint_eq(block[i], 0xa5);
	return used;
}

static AxMultibootInfo usual_info(void)
{
	AxMultibootInfo info = AX_MULTIBOOT_INFO_INIT;

	info.ram = &usual_ram;
	info.ram_count = 1;
	return info;
}

START_TEST(the_least_has_memory_map_and_command_line)
{
	AxMultibootInfo info = usual_info();

	ck_assert_uint_eq(build(&info), 116 + 3 * 24 + 1);
	ck_assert_uint_eq(word(0), 1 << 0 | 1 << 2 | 1 << 6);
	ck_assert_uint_eq(word(4), 640);
	ck_assert_uint_eq(word(8), 15 * 1024);
	ck_assert_str_eq(string(word(16)), "");
	ck_assert_uint_eq(word(20), 0);
	ck_assert_uint_eq(word(24), 0);
	ck_assert_uint_eq(word(44), 3 * 24);
	ck_assert_uint_eq(word(48), INFO_GPA + 116);
	ck_assert_uint_eq(word(64), 0);
	expect_map_entry(0, 0, 0xa0000, 1);
	expect_map_entry(1, 0xa0000, 0x60000, 2);
	expect_map_entry(2, 0x100000, 15 * MIB, 1);
	/* no boot device, symbols, drives, configuration table, APM, VBE, frame buffer */
	for (size_t i = 0; i < 116; i += 4) {
		if (i == 12 || (i >= 28 && i < 44) || (i >= 52 && i < 64) || i >= 68)
			ck_assert_uint_eq(word(i), 0);
	}
}
END_TEST

START_TEST(everything_there_is_to_tell)
{
	const AxMultibootModule modules[] = {
		{ 0x200000, 0x200123, "first one=1" },
		{ 0x201000, 0x201000, NULL },
	};
	AxMultibootInfo info = usual_info();

	info.command_line = "console=ttyS0 quiet";
	info.loader_name = "axvmm";
	info.modules = modules;
	info.module_count = 2;
	ck_assert_uint_eq(build(&info), 116 + 3 * 24 + 2 * 16 + 12 + 1 + 20 + 6);
	ck_assert_uint_eq(word(0), 1 << 0 | 1 << 2 | 1 << 3 | 1 << 6 | 1 << 9);
	ck_assert_str_eq(string(word(16)), "console=ttyS0 quiet");
	ck_assert_str_eq(string(word(64)), "axvmm");
	ck_assert_uint_eq(word(20), 2);
	ck_assert_uint_eq(word(at(word(24))), 0x200000);
	ck_assert_uint_eq(word(at(word(24)) + 4), 0x200123);
	ck_assert_str_eq(string(word(at(word(24)) + 8)), "first one=1");
	ck_assert_uint_eq(word(at(word(24)) + 12), 0);
	ck_assert_uint_eq(word(at(word(24)) + 16), 0x201000);
	ck_assert_uint_eq(word(at(word(24)) + 20), 0x201000);
	ck_assert_str_eq(string(word(at(word(24)) + 24)), "");
	ck_assert_uint_eq(word(at(word(24)) + 28), 0);
}
END_TEST

START_TEST(memory_without_a_gap_is_counted)
{
	const AxRamRange tiny = { 0, 0x8000 };
	const AxRamRange pieces[] = { { 0, 0x180000 }, { 0x180000, MIB }, { 0x300000, MIB } };
	const AxRamRange large[] = { { 0x100000, 0xbff00000 }, { 0x100000000, 0x200000000 } };
	AxMultibootInfo info = usual_info();

	info.ram = &tiny;
	build(&info);
	ck_assert_uint_eq(word(4), 32);
	ck_assert_uint_eq(word(8), 0);
	ck_assert_uint_eq(word(44), 24);
	expect_map_entry(0, 0, 0x8000, 1);

	info.ram = pieces;
	info.ram_count = 3;
	build(&info);
	ck_assert_uint_eq(word(4), 640);
	ck_assert_uint_eq(word(8), 0x180000 / 1024);
	ck_assert_uint_eq(word(44), 5 * 24);
	expect_map_entry(3, 0x180000, MIB, 1);
	expect_map_entry(4, 0x300000, MIB, 1);

	info.ram = large;
	info.ram_count = 2;
	build(&info);
	ck_assert_uint_eq(word(4), 0);
	ck_assert_uint_eq(word(8), 0xbff00000 / 1024);
	expect_map_entry(0, 0x100000, 0xbff00000, 1);
	expect_map_entry(1, 0x100000000, 0x200000000, 1);
}
END_TEST

START_TEST(a_buffer_that_is_too_small_is_told_what_it_needs)
{
	AxMultibootInfo info = usual_info();
	AxError err = AX_ERROR_INIT;
	size_t needed, used;

	info.command_line = "hello";
	info.loader_name = "axvmm";
	ck_assert_int_eq(ax_multiboot_info_build(&info, INFO_GPA, NULL, 0, &needed, NULL), 0);
	for (size_t size = 0; size <= needed; size++) {
		memset(block, 0xa5, sizeof(block));
		used = 0;
		ck_assert_int_eq(ax_multiboot_info_build(&info, INFO_GPA, block, size, &used, &err),
				 size < needed ? -ENOSPC : 0);
		ck_assert_uint_eq(used, needed);
		for (size_t i = size; i < needed + 8; i++)
			ck_assert_uint_eq(block[i], 0xa5);
	}
	ck_assert_str_eq(err.message,
			 "multiboot information: needs 200 bytes, and the buffer has 199");
}
END_TEST

static void refuse(const AxMultibootInfo *info, uint64_t gpa, int ret, const char *message)
{
	AxError err = AX_ERROR_INIT;
	size_t used;

	ck_assert_int_eq(ax_multiboot_info_build(info, gpa, block, sizeof(block), &used, &err),
			 ret);
	ck_assert_str_eq(err.message, message);
}

START_TEST(arguments_that_make_no_sense_are_refused)
{
	const AxRamRange wrapping = { 1, UINT64_MAX };
	const AxMultibootModule backwards = { 2, 1, NULL };
	AxMultibootInfo info = usual_info();
	size_t used;

	refuse(NULL, 0, -EINVAL,
	       "ax_multiboot_info_build: an argument is missing, or its size is not set");
	ck_assert_int_eq(ax_multiboot_info_build(&info, 0, NULL, 0, NULL, NULL), -EINVAL);
	refuse(&info, 2, -EINVAL,
	       "multiboot information: address 0x2 is no multiple of 4 below 4 GiB, or "
	       "modules are missing");
	refuse(&info, 1ull << 32, -EINVAL,
	       "multiboot information: address 0x100000000 is no multiple of 4 below 4 "
	       "GiB, or modules are "
	       "missing");
	refuse(&info, (1ull << 32) - 188, -EINVAL,
	       "multiboot information: 189 bytes at 0xffffff44 end beyond 4 GiB");
	ck_assert_int_eq(ax_multiboot_info_build(&info, (1ull << 32) - 192, NULL, 0, &used, NULL),
			 0);

	info.module_count = 1;
	refuse(&info, 0, -EINVAL,
	       "multiboot information: address 0x0 is no multiple of 4 below 4 GiB, or "
	       "modules are missing");
	info.modules = &backwards;
	refuse(&info, 0, -EINVAL, "multiboot information: module 0 ends before it starts");
	info = usual_info();
	info.ram = &wrapping;
	refuse(&info, 0, -EINVAL, "multiboot information: RAM range 0 wraps");
	info.ram = NULL;
	refuse(&info, 0, -EINVAL, "multiboot information: 1 ranges of RAM, but 32 are the most");
	info.ram_count = 0;
	refuse(&info, 0, -EINVAL, "multiboot information: 0 ranges of RAM, but 32 are the most");
	info.ram_count = 33;
	refuse(&info, 0, -EINVAL, "multiboot information: 33 ranges of RAM, but 32 are the most");
}
END_TEST

START_TEST(limits_are_named)
{
	static AxMultibootModule modules[AX_LOAD_MODULES_MAX + 1];
	static char text[AX_COMMAND_LINE_MAX + 1];
	AxMultibootInfo info = usual_info();

	memset(text, 'x', AX_COMMAND_LINE_MAX);
	info.command_line = text + 1;
	info.loader_name = text + 1;
	modules[AX_LOAD_MODULES_MAX - 1].string = text + 1;
	info.modules = modules;
	info.module_count = AX_LOAD_MODULES_MAX;
	build(&info);
	ck_assert_uint_eq(strlen(string(word(16))), AX_COMMAND_LINE_MAX - 1);

	info.module_count = AX_LOAD_MODULES_MAX + 1;
	refuse(&info, 0, -ENOSPC, "multiboot information: 33 modules, but 32 are the most");
	info.module_count = 0;
	info.command_line = text;
	refuse(&info, 0, -ENOSPC,
	       "multiboot information: a command line of 4096 bytes, but at most 4095 are "
	       "possible");
	info.command_line = NULL;
	info.loader_name = text;
	refuse(&info, 0, -ENOSPC,
	       "multiboot information: a loader name of 4096 bytes, but at most 4095 are "
	       "possible");
	info.loader_name = NULL;
	info.module_count = 1;
	modules[0].string = text;
	refuse(&info, 0, -ENOSPC,
	       "multiboot information: a module's string of 4096 bytes, but at most 4095 "
	       "are possible");
}
END_TEST

RUN_TESTS("boot-info", the_least_has_memory_map_and_command_line, everything_there_is_to_tell,
	  memory_without_a_gap_is_counted, a_buffer_that_is_too_small_is_told_what_it_needs,
	  arguments_that_make_no_sense_are_refused, limits_are_named)
