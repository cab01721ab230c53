/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loading bzImage, vmlinux and PVH kernels: what lies where, and what is refused.
 */
#include "boot/bytes.h"
#include "tests/unit/x86_64/load_fixture.h"

#define KERNEL 0x1000000

static struct built file;
static uint8_t initrd[5000];

static void build_bzimage(void)
{
	uint8_t *b = file.bytes;

	memset(&file, 0, sizeof(file));
	file.len = 1024 + 4096;
	b[0x1f1] = 1;
	put_le16(b + 0x1fe, 0xaa55);
	b[0x201] = 0x6a;
	memcpy(b + 0x202, (const uint8_t[4]){ 'H', 'd', 'r', 'S' }, 4);
	put_le16(b + 0x206, 0x20f);
	put_le32(b + 0x22c, 0x7fffffff);
	put_le16(b + 0x236, 3);
	put_le32(b + 0x238, 40);
	put_le64(b + 0x258, KERNEL);
	put_le32(b + 0x260, 0x300000);
	memset(b + 1024, 0x90, 4096);
}

static void build_with_note(const char *owner, uint32_t type)
{
	static const struct built_segment segments[] = {
		{ PT_LOAD, PF_R | PF_X, 0x1000, 0x100000, 0x100000, 0x800, 0x800 },
		{ PT_NOTE, PF_R, 0x400, 0, 0, 0x20, 0x20 },
	};
	uint8_t *note = file.bytes + 0x400;

	build_elf64(&file, EM_X86_64, 0x100010, segments, 2);
	put_le32(note, (uint32_t)strlen(owner) + 1);
	put_le32(note + 4, 4);
	put_le32(note + 8, type);
	memcpy(note + 12, owner, strlen(owner) + 1);
	put_le32(note + 12 + ((strlen(owner) + 4) & ~3ul), 0x100020);
}

static AxLoadModule module_of(size_t len)
{
	AxLoadModule module = { .source = source_of(initrd, len) };

	module.source.name = "initrd";
	for (size_t i = 0; i < sizeof(initrd); i++)
		initrd[i] = (uint8_t)(i * 7 + 1);
	return module;
}

START_TEST(a_bzimage_finds_its_zero_page)
{
	AxLoadOptions options = AX_LOAD_OPTIONS_INIT;
	AxLoadModule modules[2];
	const uint8_t *page;
	uint64_t at;

	build_bzimage();
	start(64 * MIB);
	modules[0] = module_of(5000);
	modules[1] = module_of(9);
	options.command_line = "console=ttyS0";
	options.modules = modules;
	options.module_count = 2;
	options.acpi_rsdp = 0xe0000;
	load(file.bytes, file.len, &options);
	ck_assert_uint_eq(setup.mode, AX_MODE_LONG);
	ck_assert_uint_eq(setup.entry, KERNEL + 0x200);
	ck_assert_uint_ne(setup.page_table, 0);
	ck_assert(is_filled(KERNEL, 4096, 0x90));
	ck_assert_uint_lt(reg("rsi"), 0xa0000);
	page = ram(reg("rsi"), 4096);
	ck_assert_uint_eq(get_le32(page + 0x238), 40);
	ck_assert_str_eq((char *)ram(get_le32(page + 0x228), 64), "console=ttyS0");
	at = get_le32(page + 0x218);
	ck_assert_uint_eq(get_le32(page + 0x21c), 5000 + 12);
	ck_assert_uint_ge(at, KERNEL + 0x300000);
	ck_assert_uint_le(at + 5012, 64 * MIB);
	ck_assert_int_eq(memcmp(ram(at, 5000), initrd, 5000), 0);
	ck_assert_int_eq(memcmp(ram(at + 5000, 9), initrd, 9), 0);
	ck_assert_uint_eq(get_le64(page + 0x70), 0xe0000);
	ck_assert_uint_eq(page[0x1e8], 3);
}
END_TEST

START_TEST(what_does_not_fit_is_said)
{
	AxLoadOptions options = AX_LOAD_OPTIONS_INIT;
	AxLoadModule module = module_of(5000);
	static uint8_t big[16 << 20];

	build_bzimage();
	start(20 * MIB);
	options.command_line = "a command line of more than forty bytes is one";
	refuse(file.bytes, file.len, &options, -ENOSPC, AX_ERROR_IMAGE,
	       "guest: a command line of 46 bytes is too long: this kernel takes 40");
	options.command_line = NULL;
	options.modules = &module;
	options.module_count = 1;
	module.source.bytes = big;
	module.source.len = sizeof(big);
	refuse(file.bytes, file.len, &options, -ENOSPC, AX_ERROR_IMAGE,
	       "initrd: the initrd of 16777216 bytes does not fit beside the kernel into 20 MiB of "
	       "RAM; 36 MiB would do");
}
END_TEST

START_TEST(an_initrd_goes_above_4_gib_where_it_must)
{
	AxLoadOptions options = AX_LOAD_OPTIONS_INIT;
	AxLoadModule module = module_of(5000);
	static uint8_t big[8 << 20];
	const uint8_t *page;

	build_bzimage();
	start(20 * MIB);
	ck_assert_int_eq(ax_ram_add(vm, 1ull << 32, 16 * MIB, 0, NULL), 0);
	module.source.bytes = big;
	module.source.len = sizeof(big);
	put_le32(file.bytes + 0x260, 0x3f0000);
	options.modules = &module;
	options.module_count = 1;
	memset(big, 0x5a, sizeof(big));
	put_le64(file.bytes + 0x258, 8 * MIB);
	put_le32(file.bytes + 0x260, 0xb00000);
	load(file.bytes, file.len, &options);
	page = ram(reg("rsi"), 4096);
	ck_assert_uint_eq(get_le32(page + 0x0c0), 1);
	ck_assert(is_filled((1ull << 32) | get_le32(page + 0x218), sizeof(big), 0x5a));
	/* A kernel that does not reach so far has no room for it. */
	put_le16(file.bytes + 0x236, 1);
	refuse(file.bytes, file.len, &options, -ENOSPC, AX_ERROR_IMAGE,
	       "initrd: the initrd of 8388608 bytes does not fit beside the kernel into 36 MiB of "
	       "RAM; 28 MiB would do");
}
END_TEST

START_TEST(pvh_finds_its_start_information)
{
	AxLoadOptions options = AX_LOAD_OPTIONS_INIT;
	AxLoadModule module = module_of(5000);
	const uint8_t *info;

	build_with_note("Xen", 18);
	start(16 * MIB);
	options.command_line = "word";
	options.modules = &module;
	options.module_count = 1;
	options.acpi_rsdp = 0xe0000;
	load(file.bytes, file.len, &options);
	ck_assert_uint_eq(setup.mode, AX_MODE_PROTECTED);
	ck_assert_uint_eq(setup.entry, 0x100020);
	info = ram(reg("rbx"), 56);
	ck_assert_uint_eq(get_le32(info), 0x336ec578);
	ck_assert_str_eq((char *)ram(get_le64(info + 24), 8), "word");
	ck_assert_uint_eq(get_le64(info + 32), 0xe0000);
	ck_assert_int_eq(memcmp(ram(get_le64(ram(get_le64(info + 16), 16)), 5000), initrd, 5000),
			 0);
	ck_assert_uint_eq(get_le32(info + 48), 3);
}
END_TEST

START_TEST(a_vmlinux_is_entered_as_a_bzimage)
{
	build_with_note("Linux", 0x101);
	start(16 * MIB);
	load(file.bytes, file.len, NULL);
	ck_assert_uint_eq(setup.mode, AX_MODE_LONG);
	ck_assert_uint_eq(setup.entry, 0x100010);
	ck_assert_int_eq(memcmp(ram(reg("rsi"), 4096) + 0x202, "HdrS", 4), 0);
}
END_TEST

RUN_TESTS_WITH("load linux", reset, finish, a_bzimage_finds_its_zero_page,
	       what_does_not_fit_is_said, an_initrd_goes_above_4_gib_where_it_must,
	       pvh_finds_its_start_information, a_vmlinux_is_entered_as_a_bzimage)
