/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Images with Linux's header for arm64 and riscv64: where they go, what is wrong with a header, and
 * flat binaries on the same machines.
 */
#include "tests/unit/boot_builder.h"

static struct built file;

static const AxRamRange arm64_ram = { 0x40000000, 128 * MIB };
static const AxRamRange riscv64_ram = { 0x80000000, 128 * MIB };

static AxImageHints hints_for(AxImageMachine machine)
{
	AxImageHints hints = usual_hints();

	hints.machine = machine;
	hints.ram = machine == AX_IMAGE_FOR_ARM64 ? &arm64_ram : &riscv64_ram;
	return hints;
}

static AxImagePlan plan_arm64(uint64_t text_offset, uint64_t image_size)
{
	const struct built_linux header = { text_offset, image_size, 0, 0 };
	AxImageHints hints = hints_for(AX_IMAGE_FOR_ARM64);

	build_linux(&file, AX_IMAGE_FOR_ARM64, &header);
	return expect_plan(&file, &hints);
}

static void refuse(AxImageMachine machine, const struct built_linux *header, const char *message)
{
	AxImageHints hints = hints_for(machine);

	build_linux(&file, machine, header);
	expect_refused(file.bytes, file.len, &hints, -ENOEXEC, message);
}

START_TEST(an_arm64_kernel_goes_to_the_second_boundary_in_ram)
{
	AxImagePlan plan = plan_arm64(0, 0x6000);

	ck_assert_uint_eq(plan.format, AX_IMAGE_ARM64);
	ck_assert_uint_eq(plan.machine, AX_IMAGE_FOR_ARM64);
	ck_assert_uint_eq(plan.mode, AX_MODE_NATIVE);
	ck_assert_uint_eq(plan.entry, 0x40200000);
	ck_assert_uint_eq(plan.segment_count, 1);
	ck_assert_uint_eq(plan.segments[0].gpa, 0x40200000);
	ck_assert_uint_eq(plan.segments[0].file_size, file.len);
	ck_assert_uint_eq(plan.segments[0].memory_size, 0x6000);
}
END_TEST

START_TEST(an_offset_that_leaves_room_for_the_tree_is_taken_as_it_is)
{
	ck_assert_uint_eq(plan_arm64(0x80000, 0x6000).entry, 0x40080000);
	ck_assert_uint_eq(plan_arm64(0x10000, 0x6000).entry, 0x40010000);
	ck_assert_uint_eq(plan_arm64(0xf000, 0x6000).entry, 0x4020f000);
	ck_assert_uint_eq(plan_arm64(0x400000, 0x6000).entry, 0x40400000);
}
END_TEST

START_TEST(an_arm64_kernel_without_a_size_is_an_old_one)
{
	AxImagePlan plan = plan_arm64(0x1234567890, 0);

	ck_assert_uint_eq(plan.entry, 0x40080000);
	ck_assert_uint_eq(plan.segments[0].memory_size, file.len);
}
END_TEST

START_TEST(a_size_below_the_files_is_the_files)
{
	ck_assert_uint_eq(plan_arm64(0, 1).segments[0].memory_size, file.len);
}
END_TEST

START_TEST(a_riscv64_kernel_goes_to_its_offset_in_ram)
{
	struct built_linux header = usual_riscv64;
	AxImageHints hints = hints_for(AX_IMAGE_FOR_RISCV64);
	AxImagePlan plan;

	build_linux(&file, AX_IMAGE_FOR_RISCV64, &header);
	plan = expect_plan(&file, &hints);
	ck_assert_uint_eq(plan.format, AX_IMAGE_RISCV64);
	ck_assert_uint_eq(plan.machine, AX_IMAGE_FOR_RISCV64);
	ck_assert_uint_eq(plan.mode, AX_MODE_NATIVE);
	ck_assert_uint_eq(plan.entry, 0x80200000);
	ck_assert_uint_eq(plan.segments[0].memory_size, 0x6000);

	header.text_offset = 0;
	header.image_size = 0;
	build_linux(&file, AX_IMAGE_FOR_RISCV64, &header);
	plan = expect_plan(&file, &hints);
	ck_assert_uint_eq(plan.entry, 0x80000000);
	ck_assert_uint_eq(plan.segments[0].memory_size, file.len);
}
END_TEST

START_TEST(the_first_piece_of_ram_with_room_is_taken)
{
	const AxRamRange ram[] = { { 0x40100000, 2 * MIB }, { 0x50001000, 64 * MIB } };
	AxImageHints hints = hints_for(AX_IMAGE_FOR_ARM64);

	hints.ram = ram;
	hints.ram_count = 2;
	build_linux(&file, AX_IMAGE_FOR_ARM64, &usual_arm64);
	/* 0x40200000 is the first boundary there, with 1 MiB below it */
	ck_assert_uint_eq(expect_plan(&file, &hints).entry, 0x40200000);
	file.bytes[18] = 0x20; /* 2 MiB and more */
	ck_assert_uint_eq(expect_plan(&file, &hints).entry, 0x50200000);
}
END_TEST

START_TEST(a_kernel_that_does_not_fit_says_what_would_do)
{
	const struct built_linux header = { 0, 0x8000000, 0, 2 };

	refuse(AX_IMAGE_FOR_ARM64, &header,
	       "disk/kernel: is an arm64 Image that takes 0x8000000 bytes from 0x40200000 on, but "
	       "RAM "
	       "is 0x8000000 bytes at 0x40000000: at least 130 MiB would do");
}
END_TEST

START_TEST(sums_that_wrap_are_refused)
{
	static const AxRamRange last = { UINT64_MAX - 0x100000, 0x100000 };
	struct built_linux header = { UINT64_MAX - 0xfffff, 0x6000, 0, 2 };
	AxImageHints hints = hints_for(AX_IMAGE_FOR_ARM64);

	refuse(AX_IMAGE_FOR_ARM64, &header,
	       "disk/kernel: is an arm64 Image that wants 0x6000 bytes of memory, and to lie "
	       "0xfffffffffff00000 bytes above a multiple of 2 MiB: that wraps around the address "
	       "space");
	header.text_offset = 0;
	header.image_size = UINT64_MAX;
	refuse(AX_IMAGE_FOR_RISCV64, &header,
	       "disk/kernel: is a riscv64 Image that wants 0xffffffffffffffff bytes of memory, and "
	       "to "
	       "lie 0x0 bytes above a multiple of 2 MiB: that wraps around the address space");
	build_linux(&file, AX_IMAGE_FOR_ARM64, &usual_arm64);
	hints.ram = &last;
	expect_refused(
		file.bytes, file.len, &hints, -ENOEXEC,
		"disk/kernel: is an arm64 Image that wants 0x6000 bytes of memory, and to lie 0x0 "
		"bytes above a multiple of 2 MiB: that wraps around the address space");
	/* 0xffffffffffe00000 is where the tree would be; the next boundary is 2^64 */
	hints.ram = &(const AxRamRange){ 0xffffffffffe00000, 0x100000 };
	expect_refused(
		file.bytes, file.len, &hints, -ENOEXEC,
		"disk/kernel: is an arm64 Image that wants 0x6000 bytes of memory, and to lie 0x0 "
		"bytes above a multiple of 2 MiB: that wraps around the address space");
}
END_TEST

START_TEST(headers_that_we_cannot_start_are_refused)
{
	struct built_linux header = usual_arm64;
	AxImageHints hints = hints_for(AX_IMAGE_FOR_ARM64);

	header.flags |= 1;
	refuse(AX_IMAGE_FOR_ARM64, &header,
	       "disk/kernel: is a big-endian arm64 Image" ARM64_ACCEPTED);
	header = usual_riscv64;
	header.flags |= 1;
	refuse(AX_IMAGE_FOR_RISCV64, &header,
	       "disk/kernel: is a big-endian riscv64 Image" RISCV64_ACCEPTED);
	header.flags = 0;
	header.version = 0x10003;
	refuse(AX_IMAGE_FOR_RISCV64, &header,
	       "disk/kernel: is a riscv64 Image with a header of version 1.3" RISCV64_ACCEPTED);
	build_linux(&file, AX_IMAGE_FOR_ARM64, &usual_arm64);
	expect_refused(
		file.bytes, 60, &hints, -ENOEXEC,
		"disk/kernel: is an arm64 Image, but cut off after 60 bytes: its header has 64");
}
END_TEST

START_TEST(an_image_for_another_machine_is_named)
{
	AxImageHints hints = hints_for(AX_IMAGE_FOR_RISCV64);

	build_linux(&file, AX_IMAGE_FOR_ARM64, &usual_arm64);
	expect_refused(file.bytes, file.len, &hints, -ENOEXEC,
		       "disk/kernel: is a Linux Image for arm64" RISCV64_ACCEPTED);
	hints = usual_hints();
	expect_refused(file.bytes, file.len, &hints, -ENOEXEC,
		       "disk/kernel: is a Linux Image for arm64" X86_ACCEPTED);
	build_linux(&file, AX_IMAGE_FOR_RISCV64, &usual_riscv64);
	hints = hints_for(AX_IMAGE_FOR_ARM64);
	expect_refused(file.bytes, file.len, &hints, -ENOEXEC,
		       "disk/kernel: is a Linux Image for riscv64" ARM64_ACCEPTED);
}
END_TEST

START_TEST(a_load_address_may_be_repeated_but_not_contradicted)
{
	AxImageHints hints = hints_for(AX_IMAGE_FOR_ARM64);

	build_linux(&file, AX_IMAGE_FOR_ARM64, &usual_arm64);
	hints.given = AX_HINT_LOAD;
	hints.load = 0x40200000;
	expect_plan(&file, &hints);
	hints.load = 0x40400000;
	expect_refused(file.bytes, file.len, &hints, -EINVAL,
		       "disk/kernel: is arm64 Image, which goes to 0x40200000 by itself, not to "
		       "0x40400000: leave the load address out (it is for flat binaries)");
}
END_TEST

START_TEST(a_flat_binary_has_a_default_place)
{
	AxImageHints hints = hints_for(AX_IMAGE_FOR_ARM64);
	AxImagePlan plan;

	memset(&file, 0, sizeof(file));
	file.len = 100;
	plan = expect_plan(&file, &hints);
	ck_assert_uint_eq(plan.format, AX_IMAGE_FLAT);
	ck_assert_uint_eq(plan.entry, 0x40080000);
	ck_assert_uint_eq(plan.segments[0].gpa, 0x40080000);
	hints = hints_for(AX_IMAGE_FOR_RISCV64);
	ck_assert_uint_eq(expect_plan(&file, &hints).entry, 0x80200000);
	hints.given = AX_HINT_LOAD;
	hints.load = 0x80001000;
	ck_assert_uint_eq(expect_plan(&file, &hints).entry, 0x80001000);

	hints.given = 0;
	hints.ram = &(const AxRamRange){ UINT64_MAX - 0x1000, 0x1000 };
	ck_assert_uint_eq(expect_plan(&file, &hints).entry, UINT64_MAX - 0x1000);
}
END_TEST

START_TEST(a_file_with_a_name_is_not_taken_for_a_flat_binary)
{
	AxImageHints hints = hints_for(AX_IMAGE_FOR_ARM64);

	expect_refused("#!/bin/sh\n", 10, &hints, -ENOEXEC,
		       "disk/kernel: is a script" ARM64_ACCEPTED);
	expect_refused("\x1f\x8b\x08\0", 4, &hints, -ENOEXEC,
		       "disk/kernel: is a gzip file" ARM64_ACCEPTED ". Unpack it first");
	expect_refused("some words\n", 11, &hints, -ENOEXEC, "disk/kernel: is text" ARM64_ACCEPTED);
	expect_refused("", 0, &hints, -ENOEXEC, "disk/kernel: is empty" ARM64_ACCEPTED);
}
END_TEST

RUN_TESTS("boot-linux", an_arm64_kernel_goes_to_the_second_boundary_in_ram,
	  an_offset_that_leaves_room_for_the_tree_is_taken_as_it_is,
	  an_arm64_kernel_without_a_size_is_an_old_one, a_size_below_the_files_is_the_files,
	  a_riscv64_kernel_goes_to_its_offset_in_ram, the_first_piece_of_ram_with_room_is_taken,
	  a_kernel_that_does_not_fit_says_what_would_do, sums_that_wrap_are_refused,
	  headers_that_we_cannot_start_are_refused, an_image_for_another_machine_is_named,
	  a_load_address_may_be_repeated_but_not_contradicted, a_flat_binary_has_a_default_place,
	  a_file_with_a_name_is_not_taken_for_a_flat_binary)
