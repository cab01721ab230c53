/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loading multiboot images into a VM on the fake KVM: what the guest finds, and what does not fit.
 */
#include "tests/unit/x86_64/load_fixture.h"

static struct built file;
static uint8_t initrd[2 * MIB];

static uint32_t word(uint64_t gpa)
{
	uint32_t value;

	memcpy(&value, ram(gpa, 4), 4);
	return value;
}

static const char *string(uint64_t gpa)
{
	return (const char *)ram(gpa, AX_COMMAND_LINE_MAX);
}

static AxLoadModule module_of(const char *name, const void *bytes, size_t len, const char *text)
{
	AxLoadModule module = { AX_IMAGE_SOURCE_INIT, text };

	module.source.name = name;
	module.source.bytes = bytes;
	module.source.len = len;
	return module;
}

/* The multiboot image of boot_builder.h, placed elsewhere. */
static void build_multiboot_at(uint32_t load, uint32_t bss_end)
{
	const uint32_t addresses[5] = { load + 0x20, load, load + 0x1000, bss_end, load + 0x40 };

	build_usual_multiboot(&file);
	build_multiboot(&file, 0x20, 0x10003, addresses);
}

START_TEST(registers_and_information_are_as_the_specification_says)
{
	AxLoadOptions options = AX_LOAD_OPTIONS_INIT;
	uint64_t info;

	start(16 * MIB);
	build_usual_multiboot(&file);
	options.command_line = "console=ttyS0 quiet";
	load(file.bytes, file.len, &options);
	ck_assert_uint_eq(setup.mode, AX_MODE_PROTECTED);
	ck_assert_uint_eq(setup.entry, 0x100040);
	ck_assert_uint_eq(setup.page_table, 0);
	ck_assert_uint_eq(setup.stack, 0);
	ck_assert_uint_eq(regs.count, 4);
	ck_assert_uint_eq(reg("rax"), 0x2badb002);
	info = reg("rbx");
	ck_assert_uint_eq(info, 0x9040);
	ck_assert_uint_eq(word(info), 1 << 0 | 1 << 2 | 1 << 6 | 1 << 9);
	ck_assert_uint_eq(word(info + 4), 640);
	ck_assert_uint_eq(word(info + 8), 15 * 1024);
	ck_assert_str_eq(string(word(info + 16)), "console=ttyS0 quiet");
	ck_assert_str_eq(string(word(info + 64)), "axvmm");
	ck_assert_uint_eq(word(info + 44), 3 * 24);
	/* GDT: code of 32 bits first */
	ck_assert_uint_eq(reg("gdt.base"), 0x9000);
	ck_assert_uint_eq(reg("gdt.limit"), 47);
	ck_assert_uint_eq(word(0x9008), 0x0000ffff);
	ck_assert_uint_eq(word(0x900c), 0x00cf9b00);
	/* the image itself, and what nobody has touched */
	ck_assert_int_eq(memcmp(ram(0x100000, 0x1000), file.bytes, 0x1000), 0);
	ck_assert(is_filled(0x101000, 15 * MIB - 0x1000, 0));
	ck_assert(is_filled(0, 0x9000, 0));
}
END_TEST

START_TEST(modules_follow_the_image_page_aligned)
{
	AxLoadModule modules[] = {
		module_of("one.img", "first", 5, "first one=1"),
		module_of("dir/two.img", initrd, 0x1001, NULL),
		module_of("three.img", "3", 1, ""),
	};
	AxLoadOptions options = AX_LOAD_OPTIONS_INIT;
	uint64_t info, list;

	start(16 * MIB);
	build_usual_multiboot(&file);
	memset(initrd, 0x5a, sizeof(initrd));
	options.modules = modules;
	options.module_count = 3;
	load(file.bytes, file.len, &options);
	info = reg("rbx");
	ck_assert(word(info) & 1 << 3);
	ck_assert_uint_eq(word(info + 20), 3);
	list = word(info + 24);
	ck_assert_uint_eq(word(list), 0x103000); /* the end of bss */
	ck_assert_uint_eq(word(list + 4), 0x103005);
	ck_assert_str_eq(string(word(list + 8)), "first one=1");
	ck_assert_uint_eq(word(list + 16), 0x104000);
	ck_assert_uint_eq(word(list + 20), 0x105001);
	ck_assert_str_eq(string(word(list + 24)), "dir/two.img");
	ck_assert_uint_eq(word(list + 32), 0x106000);
	ck_assert_uint_eq(word(list + 36), 0x106001);
	ck_assert_str_eq(string(word(list + 40)), "");
	ck_assert_int_eq(memcmp(ram(0x103000, 5), "first", 5), 0);
	ck_assert_int_eq(memcmp(ram(0x104000, 0x1001), initrd, 0x1001), 0);
	ck_assert_int_eq(memcmp(ram(0x106000, 1), "3", 1), 0);
}
END_TEST

START_TEST(modules_go_above_1_mib_when_the_image_is_low)
{
	AxLoadModule module = module_of("initrd", "x", 1, NULL);
	AxLoadOptions options = AX_LOAD_OPTIONS_INIT;

	start(16 * MIB);
	build_multiboot_at(0x10000, 0);
	options.modules = &module;
	options.module_count = 1;
	load(file.bytes, file.len, &options);
	ck_assert_uint_eq(word(word(reg("rbx") + 24)), 0x100000);
}
END_TEST

START_TEST(everything_goes_where_the_image_is_not)
{
	AxLoadModule module = module_of("initrd", "x", 1, NULL);
	AxLoadOptions options = AX_LOAD_OPTIONS_INIT;

	/* the image ends with RAM, and covers the usual place of the information */
	start(2 * MIB);
	build_multiboot_at(0x8000, 0xa000);
	options.modules = &module;
	options.module_count = 1;
	load(file.bytes, file.len, &options);
	ck_assert_uint_eq(reg("gdt.base"), 0xa000);
	build_multiboot_at(0x180000, 0x200000);
	load(file.bytes, file.len, &options);
	ck_assert_uint_eq(reg("gdt.base"), 0x9000);
	ck_assert_uint_eq(word(word(reg("rbx") + 24)), 0x1000); /* low RAM is better than none */
	/* nothing free below 640 KiB from 0x9000 on */
	build_multiboot_at(0x9000, 0xa0000);
	load(file.bytes, file.len, &options);
	ck_assert_uint_eq(reg("gdt.base"), 0x1000);
	ck_assert_uint_eq(word(word(reg("rbx") + 24)), 0x100000);
}
END_TEST

START_TEST(adapter_memory_and_the_first_page_are_left_alone)
{
	AxLoadModule module = module_of("initrd", initrd, 0x60000, NULL);
	AxLoadOptions options = AX_LOAD_OPTIONS_INIT;

	start(0x180000);
	build_multiboot_at(0x120000, 0x180000);
	options.modules = &module;
	options.module_count = 1;
	load(file.bytes, file.len, &options);
	ck_assert_uint_eq(word(word(reg("rbx") + 24)), 0x1000);
	ck_assert(is_filled(0, 0x1000, 0));
	ck_assert(is_filled(0xa0000, 0x60000, 0));
	ck_assert_uint_eq(reg("gdt.base"), 0x61000);
}
END_TEST

START_TEST(what_does_not_fit_says_what_would_do)
{
	AxLoadModule modules[] = {
		module_of("dir/small", "x", 1, NULL),
		module_of("dir/initrd", initrd, sizeof(initrd), NULL),
	};
	AxLoadOptions options = AX_LOAD_OPTIONS_INIT;

	start(2 * MIB);
	build_usual_multiboot(&file);
	options.modules = modules;
	options.module_count = 2;
	refuse(file.bytes, file.len, &options, -ENOSPC, AX_ERROR_IMAGE,
	       "dir/initrd: the module (initrd) of 2097152 bytes does not fit into RAM "
	       "beside the image: 4 "
	       "MiB of RAM would do");
	options.module_count = 0;
	build_multiboot_at(0x1000, 0xa0000);
	load(file.bytes, file.len, &options); /* the rest is above 1 MiB */
	ck_assert_uint_eq(reg("gdt.base"), 0x100000);
}
END_TEST

START_TEST(the_amount_that_would_do_does)
{
	AxLoadModule modules[AX_LOAD_MODULES_MAX];
	AxLoadOptions options = AX_LOAD_OPTIONS_INIT;

	for (unsigned i = 0; i < AX_LOAD_MODULES_MAX; i++)
		modules[i] = module_of("initrd", initrd, MIB - i, NULL);
	options.modules = modules;
	options.module_count = AX_LOAD_MODULES_MAX;
	build_usual_multiboot(&file);
	start(4 * MIB);
	refuse(file.bytes, file.len, &options, -ENOSPC, AX_ERROR_IMAGE,
	       "initrd: the module (initrd) of 1048574 bytes does not fit into RAM beside "
	       "the image: 34 MiB "
	       "of RAM would do");
	ck_assert_int_eq(ax_ram_remove(vm, 0, NULL), 0);
	ck_assert_int_eq(ax_ram_add(vm, 0, 34 * MIB, 0, NULL), 0);
	load(file.bytes, file.len, &options);
	ck_assert_uint_eq(word(reg("rbx") + 20), AX_LOAD_MODULES_MAX);
}
END_TEST

START_TEST(ram_for_the_image_alone_is_not_enough)
{
	start(0x4000);
	build_multiboot_at(0x1000, 0x4000);
	refuse(file.bytes, file.len, NULL, -ENOSPC, AX_ERROR_IMAGE,
	       "guest: the multiboot information of 147 bytes does not fit into RAM beside "
	       "the image: 2 MiB "
	       "of RAM would do");
	build_multiboot_at(0x1000, 0x3000);
	load(file.bytes, file.len, NULL);
	ck_assert_uint_eq(reg("gdt.base"), 0x3000);
}
END_TEST

START_TEST(what_can_never_fit_says_so)
{
	AxLoadModule modules[] = {
		module_of("huge", initrd, 1, NULL),
		module_of("huger", initrd, sizeof(initrd), NULL),
	};
	AxLoadOptions options = AX_LOAD_OPTIONS_INIT;

	start(2 * MIB);
	build_usual_multiboot(&file);
	options.modules = modules;
	options.module_count = 2;
	/* nobody looks at its bytes before it is known to fit */
	modules[1].source.len = 4096 * MIB;
	refuse(file.bytes, file.len, &options, -ENOSPC, AX_ERROR_IMAGE,
	       "huger: the module (initrd) of 4294967296 bytes does not fit below 4 GiB: a "
	       "smaller one "
	       "would do");
}
END_TEST

START_TEST(modules_are_checked)
{
	static char text[AX_COMMAND_LINE_MAX + 1];
	AxLoadModule module = module_of("initrd", "", 0, NULL);
	AxLoadOptions options = AX_LOAD_OPTIONS_INIT;
	const char *message = "module (initrd): it is empty, or has no name";

	memset(text, 'x', AX_COMMAND_LINE_MAX);
	start(16 * MIB);
	build_usual_multiboot(&file);
	options.modules = &module;
	options.module_count = 1;
	refuse(file.bytes, file.len, &options, -EINVAL, AX_ERROR_ARGUMENT, message);
	module = module_of("initrd", NULL, 1, NULL);
	refuse(file.bytes, file.len, &options, -EINVAL, AX_ERROR_ARGUMENT, message);
	module = module_of(NULL, "x", 1, NULL);
	refuse(file.bytes, file.len, &options, -EINVAL, AX_ERROR_ARGUMENT, message);
	module = module_of("initrd", "x", 1, NULL);
	module.source.size = 1;
	refuse(file.bytes, file.len, &options, -EINVAL, AX_ERROR_ARGUMENT, message);
	module = module_of("initrd", "x", 1, text);
	refuse(file.bytes, file.len, &options, -ENOSPC, AX_ERROR_IMAGE,
	       "initrd: the module's string of 4096 bytes is too long: at most 4095 are "
	       "possible");
	module.string = text + 1;
	options.command_line = text + 1;
	load(file.bytes, file.len, &options);
	ck_assert_uint_eq(strlen(string(word(reg("rbx") + 16))), AX_COMMAND_LINE_MAX - 1);
}
END_TEST

START_TEST(all_ram_is_in_the_map)
{
	uint64_t map;

	start(2 * MIB);
	ck_assert_int_eq(ax_ram_add(vm, 1ull << 32, 1 * MIB, 0, NULL), 0);
	ck_assert_int_eq(ax_ram_add(vm, 0xf0000000, 1 * MIB, AX_RAM_READONLY, NULL), 0);
	build_usual_multiboot(&file);
	load(file.bytes, file.len, NULL);
	ck_assert_uint_eq(word(reg("rbx") + 44), 4 * 24);
	map = word(reg("rbx") + 48);
	ck_assert_uint_eq(word(map + 3 * 24 + 4), 0);
	ck_assert_uint_eq(word(map + 3 * 24 + 8), 1);
	ck_assert_uint_eq(word(map + 3 * 24 + 12), 1 * MIB);
	ck_assert_uint_eq(word(map + 3 * 24 + 20), 1);
}
END_TEST

RUN_TESTS_WITH("load-multiboot", reset, finish,
	       registers_and_information_are_as_the_specification_says,
	       modules_follow_the_image_page_aligned, modules_go_above_1_mib_when_the_image_is_low,
	       everything_goes_where_the_image_is_not,
	       adapter_memory_and_the_first_page_are_left_alone,
	       what_does_not_fit_says_what_would_do, the_amount_that_would_do_does,
	       ram_for_the_image_alone_is_not_enough, what_can_never_fit_says_so,
	       modules_are_checked, all_ram_is_in_the_map)
