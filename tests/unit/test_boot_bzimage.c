/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Linux's bzImage, ELF kernels with notes, and the bytes that x86-64 kernels find in memory.
 */
#include "boot/bytes.h"
#include "boot/linux_x86.h"
#include "tests/unit/boot_builder.h"

#define SETUP_SIZE 1024
#define LOAD	   0x1000000

static struct built file;

/* One setup sector, then a kernel of 4 KiB. */
static void build_bzimage(void)
{
	uint8_t *b = file.bytes;

	memset(&file, 0, sizeof(file));
	file.len = SETUP_SIZE + 4096;
	b[0x1f1] = 1;
	put_le16(b + 0x1fe, 0xaa55);
	b[0x200] = 0xeb;
	b[0x201] = 0x6a;
	memcpy(b + 0x202, (const uint8_t[4]){ 'H', 'd', 'r', 'S' }, 4);
	put_le16(b + 0x206, 0x20f);
	b[0x211] = 1;
	put_le32(b + 0x22c, 0x7fffffff);
	put_le16(b + 0x236, 3);
	put_le32(b + 0x238, 2047);
	put_le64(b + 0x258, LOAD);
	put_le32(b + 0x260, 0x300000);
}

static AxImageHints hints_x86(void)
{
	AxImageHints hints = usual_hints();

	hints.machine = AX_IMAGE_FOR_X86_64;
	return hints;
}

static void refuse_bzimage(const char *message)
{
	static const AxRamRange ram = { 0, 128 * MIB };
	AxImageHints hints = hints_x86();
	AxImagePlan plan = AX_IMAGE_PLAN_INIT;
	AxError err = AX_ERROR_INIT;

	hints.ram = &ram;
	hints.ram_count = 1;
	ck_assert_int_eq(ax_image_parse(file.bytes, file.len, &hints, &plan, &err), -ENOEXEC);
	ck_assert_msg(strstr(err.message, message) != NULL, "%s", err.message);
}

static AxImagePlan plan_of_file(uint64_t memory)
{
	AxRamRange ram = { 0, memory };
	AxImageHints hints = hints_x86();
	AxImagePlan plan = AX_IMAGE_PLAN_INIT;
	AxError err = AX_ERROR_INIT;
	int ret;

	hints.ram = &ram;
	hints.ram_count = 1;
	ret = ax_image_parse(file.bytes, file.len, &hints, &plan, &err);
	ck_assert_msg(ret == 0, "%s", err.message);
	ck_assert_ptr_null(check_plan(&plan, file.len, &hints));
	return plan;
}

START_TEST(a_bzimage_goes_where_it_wants_to_be)
{
	AxImagePlan plan;

	build_bzimage();
	plan = plan_of_file(128 * MIB);
	ck_assert_uint_eq(plan.format, AX_IMAGE_BZIMAGE);
	ck_assert_uint_eq(plan.mode, AX_MODE_LONG);
	ck_assert_uint_eq(plan.entry, LOAD + 0x200);
	ck_assert_uint_eq(plan.segment_count, 1);
	ck_assert_uint_eq(plan.segments[0].gpa, LOAD);
	ck_assert_uint_eq(plan.segments[0].file_offset, SETUP_SIZE);
	ck_assert_uint_eq(plan.segments[0].file_size, 4096);
	ck_assert_uint_eq(plan.segments[0].memory_size, 0x300000);
	ck_assert_str_eq(ax_image_format_name(plan.format), "bzImage");
	/* One that tells the size of what is in it, and ends with it. */
	put_le32(file.bytes + 0x1f4, 4096 / 16);
	put_le32(file.bytes + 0x248, 0x100);
	put_le32(file.bytes + 0x24c, 0xf00);
	plan = plan_of_file(128 * MIB);
	ck_assert_uint_eq(plan.segments[0].file_size, 4096);
	/* Its last 16 bytes need not be all there. */
	file.len -= 15;
	put_le32(file.bytes + 0x24c, 0xf00 - 15);
	plan = plan_of_file(128 * MIB);
	ck_assert_uint_eq(plan.segments[0].file_size, 4096 - 15);
}
END_TEST

START_TEST(what_is_wrong_with_a_bzimage_is_said)
{
	build_bzimage();
	put_le16(file.bytes + 0x206, 0x20b);
	refuse_bzimage("boot protocol 2.11, without a 64-bit entry");
	build_bzimage();
	put_le16(file.bytes + 0x236, 2);
	refuse_bzimage("a 32-bit Linux bzImage");
	build_bzimage();
	file.len = 0x207;
	refuse_bzimage("cut off after 519 bytes");
	build_bzimage();
	file.len = 0x263;
	refuse_bzimage("its header has 612");
	build_bzimage();
	file.bytes[0x1f1] = 200;
	refuse_bzimage("its kernel begins at 102912");
	build_bzimage();
	put_le32(file.bytes + 0x248, 0x100);
	put_le32(file.bytes + 0x24c, 0xf01);
	refuse_bzimage("its payload, 0xf01 bytes at 0x500, is not in its 0x1400 bytes");
	put_le32(file.bytes + 0x248, UINT32_MAX);
	put_le32(file.bytes + 0x24c, UINT32_MAX);
	refuse_bzimage("its payload, 0xffffffff bytes at 0x1000003ff, is not in");
	build_bzimage();
	put_le32(file.bytes + 0x1f4, 4096 / 16 + 1);
	refuse_bzimage("cut off after 5120 bytes: its kernel has 4112 from 1024 on");
	put_le32(file.bytes + 0x1f4, UINT32_MAX);
	refuse_bzimage("cut off after 5120 bytes: its kernel has 68719476720 from 1024 on");
	build_bzimage();
	file.bytes[0x201] = 0x61;
	refuse_bzimage("header ends at 611");
	build_bzimage();
	put_le32(file.bytes + 0x260, 0x7100000);
	refuse_bzimage("at least 129 MiB");
	build_bzimage();
	put_le64(file.bytes + 0x258, UINT64_MAX - 4095);
	refuse_bzimage("ends beyond the first 4 GiB");
	put_le64(file.bytes + 0x258, 128 * MIB - 4096);
	refuse_bzimage("is outside RAM");
}
END_TEST

START_TEST(the_header_tells_its_limits)
{
	const AxImageHints hints = { .size = sizeof(hints), .name = "x" };
	struct image image = { .hints = &hints, .machine = AX_IMAGE_FOR_X86_64 };
	struct bzimage header;

	build_bzimage();
	image.bytes = file.bytes;
	image.len = file.len;
	ck_assert_int_eq(boot_bzimage_read(&image, &header, NULL), 0);
	ck_assert_uint_eq(header.command_line_max, 2047);
	ck_assert_uint_eq(header.initrd_end_max, UINT64_MAX);
	ck_assert_uint_eq(header.header_end, 0x26c);
	put_le16(file.bytes + 0x236, 1);
	put_le32(file.bytes + 0x238, 0);
	file.bytes[0x201] = 0xff;
	ck_assert_int_eq(boot_bzimage_read(&image, &header, NULL), 0);
	ck_assert_uint_eq(header.command_line_max, 255);
	ck_assert_uint_eq(header.initrd_end_max, 0x80000000);
	ck_assert_uint_eq(header.header_end, 0x2d0);
}
END_TEST

/* A note behind the usual ELF's headers, with its program header. */
static void add_note(const char *owner, uint32_t type, const void *desc, uint32_t desc_size)
{
	static const struct built_segment segments[] = {
		{ PT_LOAD, PF_R | PF_X, 0x1000, 0x100000, 0x100000, 0x800, 0x800 },
		{ PT_NOTE, PF_R, 0x400, 0, 0, 0x100, 0x100 },
	};
	uint8_t *note = file.bytes + 0x400;

	build_elf64(&file, EM_X86_64, 0x100010, segments, 2);
	put_le32(note, (uint32_t)strlen(owner) + 1);
	put_le32(note + 4, desc_size);
	put_le32(note + 8, type);
	memcpy(note + 12, owner, strlen(owner) + 1);
	memcpy(note + 12 + ((strlen(owner) + 4) & ~3ul), desc, desc_size);
}

START_TEST(notes_say_how_a_kernel_starts)
{
	static const uint8_t entry[8] = { 0x40, 0, 0x10 }, far[8] = { 0x40, 0, 0x10, 0, 1 };
	AxImagePlan plan;

	add_note("Xen", 18, entry, 8);
	plan = plan_of_file(128 * MIB);
	ck_assert_uint_eq(plan.format, AX_IMAGE_PVH);
	ck_assert_uint_eq(plan.mode, AX_MODE_PROTECTED);
	ck_assert_uint_eq(plan.entry, 0x100040);
	add_note("Xen", 18, entry, 4);
	ck_assert_uint_eq(plan_of_file(128 * MIB).entry, 0x100040);
	add_note("Xen", 18, far, 8);
	ck_assert_uint_eq(plan_of_file(128 * MIB).format, AX_IMAGE_ELF64);
	add_note("Xen", 17, entry, 8);
	ck_assert_uint_eq(plan_of_file(128 * MIB).format, AX_IMAGE_ELF64);
	add_note("Linux", 0x101, entry, 4);
	plan = plan_of_file(128 * MIB);
	ck_assert_uint_eq(plan.format, AX_IMAGE_VMLINUX);
	ck_assert_uint_eq(plan.mode, AX_MODE_LONG);
	ck_assert_uint_eq(plan.entry, 0x100010);
}
END_TEST

START_TEST(damaged_notes_end_the_list)
{
	uint8_t bytes[64] = { 0 };
	struct elf_notes notes = { false };

	memset(bytes, 0xff, sizeof(bytes));
	for (size_t len = 0; len <= sizeof(bytes); len++)
		boot_elf_read_notes(bytes, len, &notes);
	memset(bytes, 0, sizeof(bytes));
	boot_elf_read_notes(bytes, sizeof(bytes), &notes);
	put_le32(bytes, 4);
	put_le32(bytes + 4, 8);
	put_le32(bytes + 8, 18);
	memcpy(bytes + 12, "Xen", 4);
	boot_elf_read_notes(bytes, 23, &notes);
	ck_assert(!notes.has_pvh && !notes.is_linux);
	boot_elf_read_notes(bytes, 24, &notes);
	ck_assert(notes.has_pvh);
}
END_TEST

START_TEST(the_memory_map_is_a_pcs)
{
	const AxRamRange ram[] = { { 0, 0xc0000000 }, { 1ull << 32, 0x40000000 } };
	const AxRamRange small = { 0, 0x90000 };
	struct memory_piece pieces[MEMORY_PIECES_MAX];

	ck_assert_uint_eq(boot_memory_map(ram, 2, pieces), 4);
	ck_assert_uint_eq(pieces[0].size, 0xa0000);
	ck_assert_uint_eq(pieces[1].base, 0xa0000);
	ck_assert_uint_eq(pieces[1].type, MEMORY_RESERVED);
	ck_assert_uint_eq(pieces[2].base, 0x100000);
	ck_assert_uint_eq(pieces[2].size, 0xbff00000);
	ck_assert_uint_eq(pieces[3].base, 1ull << 32);
	ck_assert_uint_eq(boot_memory_map(&small, 1, pieces), 1);
	ck_assert_uint_eq(pieces[0].size, 0x90000);
}
END_TEST

START_TEST(the_zero_page_tells_it_all)
{
	const struct memory_piece memory[] = { { 0, 0xa0000, 1 }, { 0x100000, 0x7f00000, 1 } };
	struct boot_params params = { .command_line = 0x120000020,
				      .initrd = 0x140000000,
				      .initrd_size = 0x200000010,
				      .rsdp = 0xe0000,
				      .memory = memory,
				      .memory_count = 2 };
	uint8_t page[BOOT_PARAMS_SIZE];

	build_bzimage();
	file.bytes[0x211] = 0x81;
	memset(page, 0xee, sizeof(page));
	boot_params_build(&params, file.bytes + 0x1f1, 0x26c - 0x1f1, page);
	ck_assert_uint_eq(get_le32(page + 0x228), 0x20000020);
	ck_assert_uint_eq(get_le32(page + 0x0c8), 1);
	ck_assert_uint_eq(get_le32(page + 0x218), 0x40000000);
	ck_assert_uint_eq(get_le32(page + 0x0c0), 1);
	ck_assert_uint_eq(get_le32(page + 0x21c), 0x10);
	ck_assert_uint_eq(get_le32(page + 0x0c4), 2);
	ck_assert_uint_eq(get_le64(page + 0x070), 0xe0000);
	ck_assert_uint_eq(page[0x210], 0xff);
	ck_assert_uint_eq(page[0x211], 1);
	ck_assert_uint_eq(page[0x1e8], 2);
	ck_assert_uint_eq(page[0x1ef], 0);
	ck_assert_uint_eq(get_le64(page + 0x2d0 + 20), 0x100000);
	ck_assert_uint_eq(get_le64(page + 0x2d0 + 28), 0x7f00000);
	ck_assert_uint_eq(get_le32(page + 0x2d0 + 36), 1);
	ck_assert_uint_eq(get_le64(page + 0x258), LOAD);
	ck_assert_uint_eq(page[0x26c], 0);
	params.initrd_size = 0;
	boot_params_build(&params, NULL, 0, page);
	ck_assert_int_eq(memcmp(page + 0x202, "HdrS", 4), 0);
	ck_assert_uint_eq(get_le32(page + 0x218), 0);
	ck_assert_uint_eq(get_le16(page + 0x1fe), 0xaa55);
}
END_TEST

START_TEST(pvh_tells_it_all)
{
	const struct memory_piece memory[] = { { 0, 0xa0000, 1 }, { 0xa0000, 0x60000, 2 } };
	const AxRamRange modules[] = { { 0x2000000, 0x123 } };
	const struct start_info info = { .command_line = 0x9000,
					 .rsdp = 0xe0000,
					 .modules = modules,
					 .module_count = 1,
					 .memory = memory,
					 .memory_count = 2 };
	uint8_t bytes[56 + 32 + 48];

	ck_assert_uint_eq(boot_start_info_size(1, 2), sizeof(bytes));
	boot_start_info_build(&info, 0xa000, bytes);
	ck_assert_uint_eq(get_le32(bytes), 0x336ec578);
	ck_assert_uint_eq(get_le32(bytes + 4), 1);
	ck_assert_uint_eq(get_le32(bytes + 12), 1);
	ck_assert_uint_eq(get_le64(bytes + 16), 0xa000 + 56);
	ck_assert_uint_eq(get_le64(bytes + 24), 0x9000);
	ck_assert_uint_eq(get_le64(bytes + 32), 0xe0000);
	ck_assert_uint_eq(get_le64(bytes + 40), 0xa000 + 88);
	ck_assert_uint_eq(get_le32(bytes + 48), 2);
	ck_assert_uint_eq(get_le64(bytes + 56), 0x2000000);
	ck_assert_uint_eq(get_le64(bytes + 64), 0x123);
	ck_assert_uint_eq(get_le64(bytes + 88 + 24), 0xa0000);
	ck_assert_uint_eq(get_le32(bytes + 88 + 40), 2);
}
END_TEST

RUN_TESTS("bzimage", a_bzimage_goes_where_it_wants_to_be, what_is_wrong_with_a_bzimage_is_said,
	  the_header_tells_its_limits, notes_say_how_a_kernel_starts, damaged_notes_end_the_list,
	  the_memory_map_is_a_pcs, the_zero_page_tells_it_all, pvh_tells_it_all)
