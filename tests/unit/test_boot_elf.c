/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ELF images: what is taken, and every reason for a refusal.
 */
#include "tests/unit/boot_builder.h"

static struct built file;

START_TEST(elf64_becomes_a_long_mode_plan)
{
	AxImageHints hints = usual_hints();
	AxImagePlan plan;

	build_usual_elf64(&file);
	plan = expect_plan(&file, &hints);
	ck_assert_uint_eq(plan.format, AX_IMAGE_ELF64);
	ck_assert_uint_eq(plan.machine, AX_IMAGE_FOR_X86_64);
	ck_assert_uint_eq(plan.mode, AX_MODE_LONG);
	ck_assert_uint_eq(plan.multiboot_flags, 0);
	ck_assert_uint_eq(plan.entry, 0x100010);
	ck_assert_uint_eq(plan.segment_count, 2);
	ck_assert_uint_eq(plan.segments[0].gpa, 0x100000);
	ck_assert_uint_eq(plan.segments[0].file_offset, 0x1000);
	ck_assert_uint_eq(plan.segments[0].file_size, 0x800);
	ck_assert_uint_eq(plan.segments[0].memory_size, 0x800);
	ck_assert_uint_eq(plan.segments[0].flags, AX_MAP_READ | AX_MAP_EXECUTE);
	ck_assert_uint_eq(plan.segments[1].gpa, 0x102000);
	ck_assert_uint_eq(plan.segments[1].file_offset, 0x1800);
	ck_assert_uint_eq(plan.segments[1].file_size, 0x400);
	ck_assert_uint_eq(plan.segments[1].memory_size, 0x3000);
	ck_assert_uint_eq(plan.segments[1].flags, AX_MAP_READ | AX_MAP_WRITE);
}
END_TEST

START_TEST(elf32_becomes_a_protected_mode_plan)
{
	AxImageHints hints = usual_hints();
	AxImagePlan plan;

	build_usual_elf32(&file);
	plan = expect_plan(&file, &hints);
	ck_assert_uint_eq(plan.format, AX_IMAGE_ELF32);
	ck_assert_uint_eq(plan.machine, AX_IMAGE_FOR_X86_64);
	ck_assert_uint_eq(plan.mode, AX_MODE_PROTECTED);
	ck_assert_uint_eq(plan.entry, 0x100010);
	ck_assert_uint_eq(plan.segment_count, 2);
	ck_assert_uint_eq(plan.segments[1].gpa, 0x102000);
	ck_assert_uint_eq(plan.segments[1].file_offset, 0x1800);
	ck_assert_uint_eq(plan.segments[1].file_size, 0x400);
	ck_assert_uint_eq(plan.segments[1].memory_size, 0x3000);
	ck_assert_uint_eq(plan.segments[1].flags, AX_MAP_READ | AX_MAP_WRITE);
}
END_TEST

START_TEST(other_machines_take_their_own_elf_in_native_mode)
{
	const AxRamRange ram = { 0x80000000, 16 * MIB };
	const struct built_segment segment = {
		PT_LOAD, PF_X, 0x1000, 0x80200000, 0x80200000, 8, 8
	};
	AxImageHints hints = usual_hints();
	AxImagePlan plan;

	hints.ram = &ram;
	hints.machine = AX_IMAGE_FOR_ARM64;
	build_elf64(&file, EM_AARCH64, 0x80200000, &segment, 1);
	plan = expect_plan(&file, &hints);
	ck_assert_uint_eq(plan.machine, AX_IMAGE_FOR_ARM64);
	ck_assert_uint_eq(plan.mode, AX_MODE_NATIVE);
	ck_assert_uint_eq(plan.segments[0].flags, AX_MAP_EXECUTE);

	hints.machine = AX_IMAGE_FOR_RISCV64;
	expect_refused(file.bytes, file.len, &hints, -ENOEXEC,
		       "disk/kernel: is ELF64 for AArch64" RISCV64_ACCEPTED);
	build_elf64(&file, EM_RISCV, 0x80200000, &segment, 1);
	plan = expect_plan(&file, &hints);
	ck_assert_uint_eq(plan.machine, AX_IMAGE_FOR_RISCV64);
	ck_assert_uint_eq(plan.format, AX_IMAGE_ELF64);

	hints.machine = AX_IMAGE_FOR_ARM64;
	build_usual_elf64(&file);
	expect_refused(file.bytes, file.len, &hints, -ENOEXEC,
		       "disk/kernel: is ELF64 for x86-64" ARM64_ACCEPTED);
}
END_TEST

START_TEST(beyond_4_gib_is_for_machines_without_that_limit)
{
	const AxRamRange ram = { 0x100000000, 16 * MIB };
	const struct built_segment segment = {
		PT_LOAD, PF_X, 0x1000, 1ull << 32, 1ull << 32, 8, 8
	};
	AxImageHints hints = usual_hints();

	hints.ram = &ram;
	hints.machine = AX_IMAGE_FOR_ARM64;
	build_elf64(&file, EM_AARCH64, 0x100000000, &segment, 1);
	expect_plan(&file, &hints);

	hints.machine = AX_IMAGE_FOR_X86_64;
	build_elf64(&file, EM_X86_64, 0x100000000, &segment, 1);
	expect_refused(file.bytes, file.len, &hints, -ENOEXEC,
		       "disk/kernel: segment 0, 0x8 bytes at 0x100000000, ends beyond the "
		       "first 4 GiB; "
		       "link it to another address");
}
END_TEST

START_TEST(this_build_is_the_default_machine)
{
	AxImageHints hints = usual_hints();
	AxImagePlan plan = AX_IMAGE_PLAN_INIT;
	int ret;

	build_usual_elf64(&file);
	hints.machine = AX_IMAGE_FOR_THIS;
	ret = ax_image_parse(file.bytes, file.len, &hints, &plan, NULL);
	ck_assert_uint_ne(plan.machine, AX_IMAGE_FOR_THIS);
	ck_assert_int_eq(ret, plan.machine == AX_IMAGE_FOR_X86_64 ? 0 : -ENOEXEC);
}
END_TEST

START_TEST(a_virtual_entry_is_translated_by_its_segment)
{
	const struct built_segment segments[] = {
		{ PT_LOAD, PF_R, 0x1000, 0xffffffff80100000, 0x100000, 0x10, 0x10 },
		{ PT_LOAD, PF_X, 0x1000, 0xffffffff80200000, 0x300000, 0x100, 0x100 },
	};
	AxImageHints hints = usual_hints();

	build_elf64(&file, EM_X86_64, 0xffffffff80200040, segments, 2);
	ck_assert_uint_eq(expect_plan(&file, &hints).entry, 0x300040);
	build_elf64(&file, EM_X86_64, 0xffffffff802000ff, segments, 2);
	ck_assert_uint_eq(expect_plan(&file, &hints).entry, 0x3000ff);
	/* already physical, as Linux has it */
	build_elf64(&file, EM_X86_64, 0x300040, segments, 2);
	ck_assert_uint_eq(expect_plan(&file, &hints).entry, 0x300040);
	build_elf64(&file, EM_X86_64, 0xffffffff80200100, segments, 2);
	expect_refused(file.bytes, file.len, &hints, -ENOEXEC,
		       "disk/kernel: its entry point 0xffffffff80200100 is in no segment "
		       "(the first is at "
		       "0x100000): link it with the entry inside");
}
END_TEST

START_TEST(segments_are_sorted_and_empty_ones_left_out)
{
	const struct built_segment segments[] = {
		{ PT_LOAD, PF_W, 0x1000, 0x300000, 0x300000, 0, 0x1000 },
		{ PT_NOTE, PF_R, 0x1000, 0x300000, 0x300000, 8, 8 },
		{ PT_LOAD, PF_R, 0x1000, 0x300000, 0x300000, 0, 0 },
		{ PT_LOAD, PF_X, 0x1000, 0x100000, 0x100000, 8, 8 },
		{ PT_LOAD, PF_R, 0x1000, 0x200000, 0x200000, 8, 8 },
	};
	AxImageHints hints = usual_hints();
	AxImagePlan plan;

	build_elf64(&file, EM_X86_64, 0x100000, segments, 5);
	plan = expect_plan(&file, &hints);
	ck_assert_uint_eq(plan.segment_count, 3);
	ck_assert_uint_eq(plan.segments[0].gpa, 0x100000);
	ck_assert_uint_eq(plan.segments[1].gpa, 0x200000);
	ck_assert_uint_eq(plan.segments[2].gpa, 0x300000);
	ck_assert_uint_eq(plan.segments[2].file_size, 0);
}
END_TEST

/* Build with one segment, expect the refusal. */
static void refuse_segment(uint64_t entry, struct built_segment segment, int ret,
			   const char *message)
{
	AxImageHints hints = usual_hints();

	build_elf64(&file, EM_X86_64, entry, &segment, 1);
	expect_refused(file.bytes, file.len, &hints, ret, message);
}

START_TEST(segments_outside_ram_say_what_would_do)
{
	const AxRamRange high = { 0x200000, 16 * MIB };
	const AxRamRange two[] = { { 0, 0x80000 }, { 0x100000, 0x100000 } };
	const struct built_segment long_one = {
		PT_LOAD, 7, 0x1000, 0x100000, 0x100000, 8, 0x100001
	};
	AxImageHints hints = usual_hints();

	refuse_segment(0x1000000,
		       (struct built_segment){ PT_LOAD, 7, 0x1000, 0x1000000, 0x1000000, 8, 8 },
		       -ENOEXEC,
		       "disk/kernel: segment 0, 0x8 bytes at 0x1000000, is outside RAM: RAM is "
		       "0x1000000 "
		       "bytes at 0x0; at least 17 MiB or another load address would do");
	refuse_segment(0xffff000,
		       (struct built_segment){ PT_LOAD, 7, 0x1000, 0xfff000, 0xfff000, 8, 0x1001 },
		       -ENOEXEC,
		       "disk/kernel: segment 0, 0x1001 bytes at 0xfff000, is outside RAM: RAM is "
		       "0x1000000 "
		       "bytes at 0x0; at least 17 MiB or another load address would do");

	build_elf64(&file, EM_X86_64, 0x100000, &long_one, 1);
	hints.ram = &high;
	expect_refused(file.bytes, file.len, &hints, -ENOEXEC,
		       "disk/kernel: segment 0, 0x100001 bytes at 0x100000, is outside "
		       "RAM: RAM is "
		       "0x1000000 bytes at 0x200000; link it to another address");
	hints.ram = two;
	hints.ram_count = 2;
	expect_refused(file.bytes, file.len, &hints, -ENOEXEC,
		       "disk/kernel: segment 0, 0x100001 bytes at 0x100000, is outside "
		       "RAM: RAM there is "
		       "0x100000 bytes at 0x100000; at least 3 MiB or another load "
		       "address would do");
}
END_TEST

START_TEST(segments_that_wrap_are_refused)
{
	AxImageHints hints = usual_hints();
	const struct built_segment segment = { PT_LOAD, 7, 0x1000, 0, UINT64_MAX - 4, 8, 8 };
	const struct built_segment segment32 = { PT_LOAD, 7, 0x1000, 0, 0xfffffffc, 8, 8 };

	refuse_segment(0, segment, -ENOEXEC,
		       "disk/kernel: segment 0, 0x8 bytes at 0xfffffffffffffffb, ends "
		       "beyond the first 4 "
		       "GiB; link it to another address");
	build_elf32(&file, EM_386, 0, &segment32, 1);
	expect_refused(file.bytes, file.len, &hints, -ENOEXEC,
		       "disk/kernel: segment 0, 0x8 bytes at 0xfffffffc, ends beyond the "
		       "first 4 GiB; link "
		       "it to another address");
	hints.machine = AX_IMAGE_FOR_RISCV64;
	build_elf64(&file, EM_RISCV, 0, &segment, 1);
	expect_refused(file.bytes, file.len, &hints, -ENOEXEC,
		       "disk/kernel: segment 0, 0x8 bytes at 0xfffffffffffffffb, wraps "
		       "around the address "
		       "space; link it to another address");
}
END_TEST

START_TEST(segments_outside_the_file_are_cut_off)
{
	refuse_segment(0x100000, (struct built_segment){ PT_LOAD, 7, 0x1fff, 0, 0x100000, 2, 2 },
		       -ENOEXEC,
		       "disk/kernel: segment 0, 0x2 bytes at offset 0x1fff, is cut off: "
		       "the file has only "
		       "0x2000 bytes");
	refuse_segment(0x100000, (struct built_segment){ PT_LOAD, 7, 0x2001, 0, 0x100000, 0, 2 },
		       -ENOEXEC,
		       "disk/kernel: segment 0, 0x0 bytes at offset 0x2001, is cut off: "
		       "the file has only "
		       "0x2000 bytes");
	refuse_segment(0x100000,
		       (struct built_segment){ PT_LOAD, 7, UINT64_MAX, 0, 0x100000, 2, 2 },
		       -ENOEXEC,
		       "disk/kernel: segment 0, 0x2 bytes at offset 0xffffffffffffffff, is "
		       "cut off: the "
		       "file has only 0x2000 bytes");
	refuse_segment(0x100000, (struct built_segment){ PT_LOAD, 7, 0x1000, 0, 0x100000, 9, 8 },
		       -ENOEXEC,
		       "disk/kernel: segment 0 is damaged: 0x9 bytes in the file for 0x8 "
		       "bytes of memory");
}
END_TEST

START_TEST(overlapping_segments_are_refused)
{
	const struct built_segment segments[] = {
		{ PT_LOAD, PF_X, 0x1000, 0x101000, 0x101000, 8, 8 },
		{ PT_LOAD, PF_R, 0x1000, 0x100000, 0x100000, 8, 0x1001 },
	};
	AxImageHints hints = usual_hints();

	build_elf64(&file, EM_X86_64, 0x101000, segments, 2);
	expect_refused(file.bytes, file.len, &hints, -ENOEXEC,
		       "disk/kernel: segments overlap: 0x1001 bytes at 0x100000 and 0x8 "
		       "bytes at 0x101000; "
		       "link them apart");
}
END_TEST

START_TEST(the_number_of_segments_has_a_limit)
{
	struct built_segment segments[AX_IMAGE_SEGMENTS_MAX + 1];
	AxImageHints hints = usual_hints();

	for (unsigned i = 0; i <= AX_IMAGE_SEGMENTS_MAX; i++)
		segments[i] = (struct built_segment){ PT_LOAD, 7, 0x1800, 0, 0x100000 + i * 0x1000,
						      8,       8 };
	build_elf64(&file, EM_X86_64, 0x100000, segments, AX_IMAGE_SEGMENTS_MAX);
	ck_assert_uint_eq(expect_plan(&file, &hints).segment_count, AX_IMAGE_SEGMENTS_MAX);
	build_elf64(&file, EM_X86_64, 0x100000, segments, AX_IMAGE_SEGMENTS_MAX + 1);
	expect_refused(file.bytes, file.len, &hints, -ENOSPC,
		       "disk/kernel: has more than 32 segments to load: link it to fewer");
	build_elf64(&file, EM_X86_64, 0x100000, segments, 1);
	((Elf64_Ehdr *)file.bytes)->e_phnum = PN_XNUM;
	expect_refused(file.bytes, file.len, &hints, -ENOSPC,
		       "disk/kernel: is ELF64 for x86-64 with 65535 or more program "
		       "headers: link it to at "
		       "most 32 segments");
}
END_TEST

START_TEST(no_segment_to_load_is_no_program)
{
	AxImageHints hints = usual_hints();

	build_elf64(&file, EM_X86_64, 0x100000, NULL, 0);
	((Elf64_Ehdr *)file.bytes)->e_phentsize = 0; /* as tools leave it */
	expect_refused(file.bytes, file.len, &hints, -ENOEXEC,
		       "disk/kernel: is ELF64 with no segment to load: it has no program in it");
}
END_TEST

static void refuse_file(const char *message)
{
	AxImageHints hints = usual_hints();

	expect_refused(file.bytes, file.len, &hints, -ENOEXEC, message);
}

/* One field of the usual ELF64's header set to a value. */
#define REFUSE_FIELD(field, value, message)                  \
	do {                                                 \
		build_usual_elf64(&file);                    \
		((Elf64_Ehdr *)file.bytes)->field = (value); \
		refuse_file("disk/kernel: " message);        \
	} while (0)

START_TEST(files_that_are_no_executable_are_named)
{
	REFUSE_FIELD(e_type, ET_REL,
		     "is a relocatable object file (ELF64 for x86-64)" X86_ACCEPTED
		     ". Link it first");
	REFUSE_FIELD(e_type, ET_DYN,
		     "is position-independent (ELF64 for x86-64)" X86_ACCEPTED
		     ". Link it to a fixed address: -static -no-pie");
	REFUSE_FIELD(e_type, ET_CORE, "is a core dump (ELF64 for x86-64)" X86_ACCEPTED);
	REFUSE_FIELD(e_type, 77, "is of type 77 (ELF64 for x86-64)" X86_ACCEPTED);
}
END_TEST

START_TEST(elf_for_other_machines_is_named)
{
	AxImageHints hints = usual_hints();

	REFUSE_FIELD(e_machine, EM_AARCH64, "is ELF64 for AArch64" X86_ACCEPTED);
	REFUSE_FIELD(e_machine, EM_RISCV, "is ELF64 for RISC-V" X86_ACCEPTED);
	REFUSE_FIELD(e_machine, EM_386, "is ELF64 for i386" X86_ACCEPTED);
	REFUSE_FIELD(e_machine, 40000, "is ELF64 for machine 40000" X86_ACCEPTED);
	build_usual_elf32(&file);
	((Elf32_Ehdr *)file.bytes)->e_machine = EM_X86_64;
	expect_refused(file.bytes, file.len, &hints, -ENOEXEC,
		       "disk/kernel: is ELF32 for x86-64" X86_ACCEPTED);
	((Elf32_Ehdr *)file.bytes)->e_machine = EM_PPC << 8;
	file.bytes[EI_DATA] = ELFDATA2MSB;
	expect_refused(file.bytes, file.len, &hints, -ENOEXEC,
		       "disk/kernel: is big-endian ELF32 for PowerPC" X86_ACCEPTED);
}
END_TEST

START_TEST(damaged_headers_are_refused)
{
	REFUSE_FIELD(e_ident[EI_CLASS], 3,
		     "is ELF of class 3, neither 32 nor 64 bit: it is damaged");
	REFUSE_FIELD(e_ident[EI_DATA], 0,
		     "is ELF64 for x86-64 with byte order 0 and versions 1 and 1, not 1, 1 "
		     "and 1: it is "
		     "damaged");
	REFUSE_FIELD(e_ident[EI_VERSION], 2,
		     "is ELF64 for x86-64 with byte order 1 and versions 2 and 1, not 1, 1 "
		     "and 1: it is "
		     "damaged");
	REFUSE_FIELD(e_version, 9,
		     "is ELF64 for x86-64 with byte order 1 and versions 1 and 9, not 1, 1 "
		     "and 1: it is "
		     "damaged");
	REFUSE_FIELD(e_phentsize, 55,
		     "is ELF64 for x86-64 with program headers of 55 bytes, not 56: it is "
		     "damaged");
	REFUSE_FIELD(e_phoff, 0x1fff,
		     "is ELF64 for x86-64 with 2 program headers at offset 0x1fff, but cut "
		     "off after 0x2000 "
		     "bytes");
	REFUSE_FIELD(e_phoff, UINT64_MAX,
		     "is ELF64 for x86-64 with 2 program headers at offset "
		     "0xffffffffffffffff, but cut off "
		     "after 0x2000 bytes");
}
END_TEST

START_TEST(truncated_files_are_cut_off)
{
	AxImageHints hints = usual_hints();

	build_usual_elf64(&file);
	expect_refused(file.bytes, 4, &hints, -ENOEXEC,
		       "disk/kernel: is ELF, but cut off after 4 bytes");
	expect_refused(file.bytes, 63, &hints, -ENOEXEC,
		       "disk/kernel: is ELF64, but cut off after 63 bytes: its header has 64");
	expect_refused(file.bytes, 64, &hints, -ENOEXEC,
		       "disk/kernel: is ELF64 for x86-64 with 2 program headers at offset "
		       "0x40, but cut off "
		       "after 0x40 bytes");
	build_usual_elf32(&file);
	expect_refused(file.bytes, 51, &hints, -ENOEXEC,
		       "disk/kernel: is ELF32, but cut off after 51 bytes: its header has 52");
}
END_TEST

START_TEST(programs_of_an_operating_system_are_refused)
{
	const struct built_segment segments[] = {
		{ PT_LOAD, 7, 0x1000, 0x100000, 0x100000, 8, 8 },
		{ PT_INTERP, PF_R, 0x1000, 0x100000, 0x100000, 8, 8 },
	};
	AxImageHints hints = usual_hints();

	build_elf64(&file, EM_X86_64, 0x100000, segments, 2);
	expect_refused(file.bytes, file.len, &hints, -ENOEXEC,
		       "disk/kernel: is a dynamically linked program (ELF64 for "
		       "x86-64)" X86_ACCEPTED ". Link it with -static");
}
END_TEST

START_TEST(a_multiboot_2_header_in_elf_is_named)
{
	const uint32_t header[4] = { 0xe85250d6, 0, 16, -(0xe85250d6 + 16) };
	AxImageHints hints = usual_hints();

	build_usual_elf64(&file);
	memcpy(file.bytes + 0x1100, header, sizeof(header));
	expect_refused(file.bytes, file.len, &hints, -ENOEXEC,
		       "disk/kernel: is multiboot 2 (ELF64 for x86-64)" X86_ACCEPTED);
	file.bytes[0x1100 + 12]++; /* a wrong checksum: chance */
	expect_plan(&file, &hints);
}
END_TEST

RUN_TESTS("boot-elf", elf64_becomes_a_long_mode_plan, elf32_becomes_a_protected_mode_plan,
	  other_machines_take_their_own_elf_in_native_mode,
	  beyond_4_gib_is_for_machines_without_that_limit, this_build_is_the_default_machine,
	  a_virtual_entry_is_translated_by_its_segment, segments_are_sorted_and_empty_ones_left_out,
	  segments_outside_ram_say_what_would_do, segments_that_wrap_are_refused,
	  segments_outside_the_file_are_cut_off, overlapping_segments_are_refused,
	  the_number_of_segments_has_a_limit, no_segment_to_load_is_no_program,
	  files_that_are_no_executable_are_named, elf_for_other_machines_is_named,
	  damaged_headers_are_refused, truncated_files_are_cut_off,
	  programs_of_an_operating_system_are_refused, a_multiboot_2_header_in_elf_is_named)
