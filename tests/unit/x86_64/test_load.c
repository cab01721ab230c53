/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loading flat and ELF images into a VM on the fake KVM: what is in RAM afterwards, how the vCPU
 * begins, and what does not fit. Multiboot is test_load_multiboot.c's.
 */
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/x86_64/load_fixture.h"

static struct built file;

START_TEST(real_mode_gets_the_image_and_nothing_else)
{
	AxLoadOptions options = flat_options(AX_MODE_REAL, 0x7c00);

	start(1 * MIB);
	setup.flags = 0x1234;
	setup.arg = 7;
	load("\xeb\xfe\xf4", 3, &options);
	ck_assert_uint_eq(setup.mode, AX_MODE_REAL);
	ck_assert_uint_eq(setup.entry, 0x7c00);
	ck_assert_uint_eq(setup.page_table, 0);
	ck_assert_uint_eq(setup.stack, 0);
	ck_assert_uint_eq(setup.flags, 0x1234);
	ck_assert_uint_eq(setup.arg, 7);
	ck_assert_uint_eq(regs.count, 0);
	ck_assert_int_eq(memcmp(ram(0x7c00, 3), "\xeb\xfe\xf4", 3), 0);
	ck_assert(is_filled(0, 0x7c00, 0));
	ck_assert(is_filled(0x7c03, 1 * MIB - 0x7c03, 0));
}
END_TEST

/* Walk 4-level page tables as a CPU does: the physical address, or all ones. */
static uint64_t translate(uint64_t page_table, uint64_t address)
{
	uint64_t table = page_table, entry = 0;

	for (int level = 3; level >= 0; level--) {
		memcpy(&entry, ram(table + 8 * (address >> (12 + 9 * level) & 511), 8), 8);
		if ((entry & 0x23) != 0x23) /* present, writable, accessed */
			return UINT64_MAX;
		if (entry & 0x80)
			return (entry & 0xffffffe00000) | (address & 0x1fffff);
		table = entry & 0xfffffffff000;
	}
	return table | (address & 0xfff);
}

static void expect_gdt(uint64_t gpa, bool is_long)
{
	const uint64_t code32 = 0x00cf9b000000ffff, code64 = 0x00af9b000000ffff;
	const uint64_t expected[6] = {
		0, is_long ? code64 : code32, 0x00cf93000000ffff, 0x00008b000000ffff,
		0, is_long ? code32 : code64,
	};

	ck_assert_int_eq(memcmp(ram(gpa, sizeof(expected)), expected, sizeof(expected)), 0);
	ck_assert_uint_eq(reg("gdt.base"), gpa);
	ck_assert_uint_eq(reg("gdt.limit"), sizeof(expected) - 1);
}

START_TEST(long_mode_gets_tables_stack_and_gdt_at_the_end_of_ram)
{
	AxLoadOptions options = flat_options(AX_MODE_LONG, 0x100000);
	const uint64_t block = 16 * MIB - AX_BOOT_BLOCK_SIZE;

	start(16 * MIB);
	load("\xf4", 1, &options);
	ck_assert_uint_eq(setup.mode, AX_MODE_LONG);
	ck_assert_uint_eq(setup.entry, 0x100000);
	ck_assert_uint_eq(setup.stack, block + 0x1000);
	ck_assert_uint_eq(setup.page_table, block + 0x1000);
	ck_assert_uint_eq(regs.count, 2);
	expect_gdt(block + 0x7000, true);
	for (uint64_t address = 0; address < 1ull << 32; address += 0x123456)
		ck_assert_uint_eq(translate(setup.page_table, address), address);
	ck_assert_uint_eq(translate(setup.page_table, 0xffffffff), 0xffffffff);
	ck_assert_uint_eq(translate(setup.page_table, 1ull << 32), UINT64_MAX);
	ck_assert_uint_eq(translate(setup.page_table, 1ull << 39), UINT64_MAX);
	ck_assert_uint_eq(translate(setup.page_table, 0xffffffff80000000), UINT64_MAX);
	ck_assert(is_filled(0, 0x100000, 0));
	ck_assert(is_filled(0x100001, block + 0x1000 - 0x100001, 0));
}
END_TEST

START_TEST(protected_mode_gets_stack_and_gdt)
{
	AxLoadOptions options = flat_options(AX_MODE_PROTECTED, 0x100000);
	const uint64_t block = 16 * MIB - AX_BOOT_BLOCK_SIZE;

	start(16 * MIB);
	load("\xf4", 1, &options);
	ck_assert_uint_eq(setup.mode, AX_MODE_PROTECTED);
	ck_assert_uint_eq(setup.page_table, 0);
	ck_assert_uint_eq(setup.stack, block + 0x1000);
	expect_gdt(block + 0x7000, false);
	ck_assert(is_filled(block, 0x7000, 0));
}
END_TEST

START_TEST(the_block_goes_where_the_image_is_not)
{
	AxLoadOptions options = flat_options(AX_MODE_LONG, 0xf0000);

	start(1 * MIB);
	memset(file.bytes, 0x90, sizeof(file.bytes));
	load(file.bytes, 0x4000, &options);
	ck_assert_uint_eq(setup.stack, 1 * MIB - AX_BOOT_BLOCK_SIZE + 0x1000);
	options.load = 1 * MIB - 0x4000;
	load(file.bytes, 0x4000, &options);
	ck_assert_uint_eq(setup.stack, 1 * MIB - 0x4000 - AX_BOOT_BLOCK_SIZE + 0x1000);
	ck_assert_int_eq(memcmp(ram(options.load, 0x4000), file.bytes, 0x4000), 0);
}
END_TEST

START_TEST(only_ram_below_4_gib_that_can_be_written_is_used)
{
	AxLoadOptions options = flat_options(AX_MODE_LONG, 0x1000);

	start(16 * MIB);
	ck_assert_int_eq(ax_ram_add(vm, 0xf0000000, 1 * MIB, AX_RAM_READONLY, NULL), 0);
	ck_assert_int_eq(ax_ram_add(vm, 1ull << 32, 16 * MIB, 0, NULL), 0);
	load("\xf4", 1, &options);
	ck_assert_uint_eq(setup.stack, 16 * MIB - AX_BOOT_BLOCK_SIZE + 0x1000);
	options.load = 0xf0000000;
	refuse("\xf4", 1, &options, -ENOEXEC, AX_ERROR_IMAGE,
	       "guest: segment 0, 0x1 bytes at 0xf0000000, is outside RAM: RAM there is "
	       "0x1000000 bytes at "
	       "0x0; at least 3841 MiB or another load address would do");
	/* a second piece below the limit, and higher */
	ck_assert_int_eq(ax_ram_add(vm, 0x40000000, 1 * MIB, 0, NULL), 0);
	options.load = 0x40000000;
	load("\xf4", 1, &options);
	ck_assert_uint_eq(setup.stack, 0x40100000 - AX_BOOT_BLOCK_SIZE + 0x1000);
}
END_TEST

START_TEST(elf_segments_go_to_their_places_and_bss_is_zero)
{
	start(16 * MIB);
	memset(ram(0x100000, 0x10000), 0xa5, 0x10000);
	build_usual_elf64(&file);
	load(file.bytes, file.len, NULL);
	ck_assert_uint_eq(setup.mode, AX_MODE_LONG);
	ck_assert_uint_eq(setup.entry, 0x100010);
	ck_assert_uint_ne(setup.page_table, 0);
	ck_assert_int_eq(memcmp(ram(0x100000, 0x800), file.bytes + 0x1000, 0x800), 0);
	ck_assert(is_filled(0x100800, 0x1800, 0xa5));
	ck_assert_int_eq(memcmp(ram(0x102000, 0x400), file.bytes + 0x1800, 0x400), 0);
	ck_assert(is_filled(0x102400, 0x2c00, 0));
	ck_assert(is_filled(0x105000, 0x1000, 0xa5));

	build_usual_elf32(&file);
	load(file.bytes, file.len, NULL);
	ck_assert_uint_eq(setup.mode, AX_MODE_PROTECTED);
	ck_assert_uint_eq(setup.page_table, 0);
}
END_TEST

/* Pages of this process's own that are in memory: proc(5), statm. */
static long anonymous_pages(void)
{
	long resident, shared;
	char line[128], *rest;
	FILE *statm = fopen("/proc/self/statm", "r");

	ck_assert_ptr_nonnull(statm);
	ck_assert_ptr_nonnull(fgets(line, sizeof(line), statm));
	fclose(statm);
	strtol(line, &rest, 10); /* the whole address space */
	resident = strtol(rest, &rest, 10);
	shared = strtol(rest, &rest, 10);
	return resident - shared;
}

START_TEST(bss_that_is_zero_already_costs_no_memory)
{
	const struct built_segment segment = {
		PT_LOAD, 7, 0x1000, 0x100000, 0x100000, 0x100, 64 * MIB,
	};
	long before;

	start(128 * MIB);
	build_elf64(&file, EM_X86_64, 0x100000, &segment, 1);
	before = anonymous_pages();
	load(file.bytes, file.len, NULL);
	ck_assert_int_lt(anonymous_pages() - before, 16 * 256);
}
END_TEST

START_TEST(ram_that_is_too_small_is_told_what_would_do)
{
	AxLoadOptions options = flat_options(AX_MODE_LONG, 0);

	start(0x9000);
	load("\xf4", 1, &options);
	options.load = 0x1000;
	refuse("\xf4", 1, &options, -ENOSPC, AX_ERROR_IMAGE,
	       "guest: the image leaves no room in RAM for 32 KiB of page tables, GDT and "
	       "stack; 32 KiB "
	       "more RAM would do");
	/* real mode needs no tables */
	options.mode = AX_MODE_REAL;
	load("\xf4", 1, &options);
	options.load = 0x9000;
	refuse("\xf4", 1, &options, -ENOEXEC, AX_ERROR_IMAGE,
	       "guest: segment 0, 0x1 bytes at 0x9000, is outside RAM: RAM is 0x9000 bytes "
	       "at 0x0; at least "
	       "1 MiB or another load address would do");
}
END_TEST

START_TEST(formats_that_cannot_pass_them_on_refuse_command_line_and_modules)
{
	const AxLoadModule module = { { sizeof(AxImageSource), "initrd", "x", 1, 0, -1 }, NULL };
	AxLoadOptions options = AX_LOAD_OPTIONS_INIT;

	start(16 * MIB);
	build_usual_elf64(&file);
	options.command_line = "quiet";
	refuse(file.bytes, file.len, &options, -ENOTSUP, AX_ERROR_IMAGE,
	       "guest: its format, ELF64, has no way to pass on a command line; bzImage, "
	       "PVH and multiboot have");
	options.command_line = "";
	load(file.bytes, file.len, &options);
	options.modules = &module;
	options.module_count = 1;
	refuse(file.bytes, file.len, &options, -ENOTSUP, AX_ERROR_IMAGE,
	       "guest: its format, ELF64, has no way to pass on modules (initrds); "
	       "bzImage, PVH and multiboot have");
	options = flat_options(AX_MODE_REAL, 0x1000);
	options.command_line = "quiet";
	refuse("\xf4", 1, &options, -ENOTSUP, AX_ERROR_IMAGE,
	       "guest: its format, flat binary, has no way to pass on a command line; "
	       "bzImage, PVH and multiboot have");
	ck_assert(is_filled(0x1000, 1, 0));
}
END_TEST

START_TEST(a_device_tree_is_not_for_x86_64)
{
	AxLoadOptions options = AX_LOAD_OPTIONS_INIT;

	start(16 * MIB);
	build_usual_multiboot(&file);
	options.device_tree = "";
	refuse(file.bytes, file.len, &options, -ENOTSUP, AX_ERROR_IMAGE,
	       "guest: an x86-64 guest is given no device tree");
}
END_TEST

START_TEST(arguments_are_checked)
{
	static char text[AX_COMMAND_LINE_MAX + 1];
	AxLoadOptions options = AX_LOAD_OPTIONS_INIT;
	AxImageSource source = AX_IMAGE_SOURCE_INIT;
	AxError err = AX_ERROR_INIT;

	start(16 * MIB);
	build_usual_elf64(&file);
	memset(text, 'x', AX_COMMAND_LINE_MAX);
	options.command_line = text;
	refuse(file.bytes, file.len, &options, -ENOSPC, AX_ERROR_IMAGE,
	       "guest: a command line of 4096 bytes is too long: at most 4095 are "
	       "possible");
	options.command_line = NULL;
	options.module_count = 33;
	refuse(file.bytes, file.len, &options, -ENOSPC, AX_ERROR_IMAGE,
	       "guest: 33 modules (initrds) are too many: at most 32 are possible");
	options.module_count = 1;
	refuse(file.bytes, file.len, &options, -EINVAL, AX_ERROR_ARGUMENT,
	       "guest: there are 1 modules, but no list of them");
	options.size = 4;
	refuse(file.bytes, file.len, &options, -EINVAL, AX_ERROR_ARGUMENT,
	       "ax_image_load: an argument is missing, or its size is not set");
	ck_assert_int_eq(ax_image_load(NULL, &source, NULL, &setup, &regs, &err), -EINVAL);
	ck_assert_int_eq(ax_image_load(vm, NULL, NULL, &setup, &regs, &err), -EINVAL);
	ck_assert_int_eq(ax_image_load(vm, &source, NULL, NULL, &regs, &err), -EINVAL);
	ck_assert_int_eq(ax_image_load(vm, &source, NULL, &setup, NULL, &err), -EINVAL);
	ck_assert_int_eq(ax_image_load(vm, &source, NULL, &setup, &regs, &err), -ENOEXEC);
	ck_assert_int_eq(strncmp(err.message, "image: is empty; accepted:", 26), 0);
}
END_TEST

START_TEST(a_vm_without_ram_or_with_too_many_pieces_is_refused)
{
	AxLoadOptions options = flat_options(AX_MODE_REAL, 0);

	start(0);
	refuse("\xf4", 1, &options, -EINVAL, AX_ERROR_ARGUMENT,
	       "guest: the VM has no RAM to load it into: ax_ram_add() comes first");
	for (uint64_t i = 0; i < AX_RAM_RANGES_MAX; i++)
		ck_assert_int_eq(ax_ram_add(vm, i * 0x2000, 0x1000, 0, NULL), 0);
	load("\xf4", 1, &options);
	ck_assert_int_eq(ax_ram_add(vm, AX_RAM_RANGES_MAX * 0x2000, 0x1000, 0, NULL), 0);
	refuse("\xf4", 1, &options, -ENOSPC, AX_ERROR_IMAGE,
	       "guest: the VM has more than 32 pieces of RAM; add it in fewer");
}
END_TEST

START_TEST(a_vcpu_gets_the_beginning)
{
	AxLoadOptions options = flat_options(AX_MODE_LONG, 0x100000);
	AxError err = AX_ERROR_INIT;
	AxVCpu *vcpu;
	uint64_t value;

	start(16 * MIB);
	load("\xf4", 1, &options);
	ck_assert_int_eq(ax_vcpu_create(vm, 0, &vcpu, &err), 0);
	ck_assert_int_eq(ax_boot_setup(vcpu, &setup, &regs, &err), 0);
	ck_assert_int_eq(ax_vcpu_state(vcpu), AX_VCPU_FREE);
	ck_assert_int_eq(ax_vcpu_get_reg(vcpu, "gdt.base", &value, &err), 0);
	ck_assert_uint_eq(value, reg("gdt.base"));
	ck_assert_int_eq(ax_vcpu_get_reg(vcpu, "gdt.limit", &value, &err), 0);
	ck_assert_uint_eq(value, reg("gdt.limit"));
	ck_assert_int_eq(ax_vcpu_get_reg(vcpu, "cr3", &value, &err), 0);
	ck_assert_uint_eq(value, setup.page_table);
	ck_assert_int_eq(ax_vcpu_get_reg(vcpu, "rip", &value, &err), 0);
	ck_assert_uint_eq(value, 0x100000);
	ck_assert_int_eq(ax_vcpu_get_reg(vcpu, "rsp", &value, &err), 0);
	ck_assert_uint_eq(value, setup.stack);
	/* the GDT says what the segment registers hold */
	ck_assert_int_eq(ax_vcpu_get_reg(vcpu, "cs", &value, &err), 0);
	ck_assert_uint_eq(value, AX_BOOT_SELECTOR_CODE);
	ck_assert_int_eq(ax_vcpu_get_reg(vcpu, "ds", &value, &err), 0);
	ck_assert_uint_eq(value, AX_BOOT_SELECTOR_DATA);
	ck_assert_int_eq(ax_vcpu_get_reg(vcpu, "ss", &value, &err), 0);
	ck_assert_uint_eq(value, AX_BOOT_SELECTOR_DATA);
	ck_assert_int_eq(ax_vcpu_get_reg(vcpu, "tr", &value, &err), 0);
	ck_assert_uint_eq(value, AX_BOOT_SELECTOR_TASK);

	ck_assert_int_eq(ax_boot_setup(NULL, &setup, &regs, &err), -EINVAL);
	ck_assert_int_eq(ax_boot_setup(vcpu, NULL, &regs, &err), -EINVAL);
	ck_assert_int_eq(ax_boot_setup(vcpu, &setup, NULL, &err), -EINVAL);
	regs.registers[0].name = "no such";
	ck_assert_int_eq(ax_boot_setup(vcpu, &setup, &regs, &err), -ENOENT);
	regs.count = AX_BOOT_REGISTERS_MAX + 1;
	ck_assert_int_eq(ax_boot_setup(vcpu, &setup, &regs, &err), -EINVAL);
	ck_assert_str_eq(err.message,
			 "ax_boot_setup: an argument is missing, or its size is not set");
	setup.mode = 99;
	regs.count = 0;
	ck_assert_int_eq(ax_boot_setup(vcpu, &setup, &regs, &err), -EINVAL);
}
END_TEST

RUN_TESTS_WITH("load", reset, finish, real_mode_gets_the_image_and_nothing_else,
	       long_mode_gets_tables_stack_and_gdt_at_the_end_of_ram,
	       protected_mode_gets_stack_and_gdt, the_block_goes_where_the_image_is_not,
	       only_ram_below_4_gib_that_can_be_written_is_used,
	       elf_segments_go_to_their_places_and_bss_is_zero,
	       bss_that_is_zero_already_costs_no_memory,
	       ram_that_is_too_small_is_told_what_would_do,
	       formats_that_cannot_pass_them_on_refuse_command_line_and_modules,
	       a_device_tree_is_not_for_x86_64, arguments_are_checked,
	       a_vm_without_ram_or_with_too_many_pieces_is_refused, a_vcpu_gets_the_beginning)
