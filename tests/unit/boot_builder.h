/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Images made in memory, for the tests of src/boot and of loading.
 */
#ifndef AXVMM_TESTS_UNIT_BOOT_BUILDER_H
#define AXVMM_TESTS_UNIT_BOOT_BUILDER_H

#include <check.h>
#include <elf.h>
#include <errno.h>
#include <string.h>

#include <axvmm/boot.h>

#include "tests/fuzz/check_plan.h"

#define MIB (1024ull * 1024)

struct built {
	size_t len;
	uint8_t bytes[0x4000];
};

/* A program header of either class. */
struct built_segment {
	uint32_t type;
	uint32_t flags;
	uint64_t offset;
	uint64_t vaddr;
	uint64_t paddr;
	uint64_t filesz;
	uint64_t memsz;
};

static inline void build_elf64(struct built *file, uint16_t machine, uint64_t entry,
			       const struct built_segment *segments, unsigned count)
{
	Elf64_Ehdr header = {
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
			     EV_CURRENT },
		.e_type = ET_EXEC,
		.e_machine = machine,
		.e_version = EV_CURRENT,
		.e_entry = entry,
		.e_phoff = sizeof(Elf64_Ehdr),
		.e_ehsize = sizeof(Elf64_Ehdr),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = (uint16_t)count,
	};

	memset(file, 0, sizeof(*file));
	memcpy(file->bytes, &header, sizeof(header));
	for (unsigned i = 0; i < count; i++) {
		const struct built_segment *s = &segments[i];
		Elf64_Phdr program = { .p_type = s->type,
				       .p_flags = s->flags,
				       .p_offset = s->offset,
				       .p_vaddr = s->vaddr,
				       .p_paddr = s->paddr,
				       .p_filesz = s->filesz,
				       .p_memsz = s->memsz };

		memcpy(file->bytes + sizeof(header) + i * sizeof(program), &program,
		       sizeof(program));
	}
	file->len = 0x2000;
	for (size_t i = 0x1000; i < file->len; i++)
		file->bytes[i] = (uint8_t)((i ^ i >> 8) | 1);
}

static inline void build_elf32(struct built *file, uint16_t machine, uint32_t entry,
			       const struct built_segment *segments, unsigned count)
{
	Elf32_Ehdr header = {
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS32, ELFDATA2LSB,
			     EV_CURRENT },
		.e_type = ET_EXEC,
		.e_machine = machine,
		.e_version = EV_CURRENT,
		.e_entry = entry,
		.e_phoff = sizeof(Elf32_Ehdr),
		.e_ehsize = sizeof(Elf32_Ehdr),
		.e_phentsize = sizeof(Elf32_Phdr),
		.e_phnum = (uint16_t)count,
	};

	memset(file, 0, sizeof(*file));
	memcpy(file->bytes, &header, sizeof(header));
	for (unsigned i = 0; i < count; i++) {
		const struct built_segment *s = &segments[i];
		Elf32_Phdr program = { .p_type = s->type,
				       .p_flags = s->flags,
				       .p_offset = (uint32_t)s->offset,
				       .p_vaddr = (uint32_t)s->vaddr,
				       .p_paddr = (uint32_t)s->paddr,
				       .p_filesz = (uint32_t)s->filesz,
				       .p_memsz = (uint32_t)s->memsz };

		memcpy(file->bytes + sizeof(header) + i * sizeof(program), &program,
		       sizeof(program));
	}
	file->len = 0x2000;
	for (size_t i = 0x1000; i < file->len; i++)
		file->bytes[i] = (uint8_t)((i ^ i >> 8) | 1);
}

/* A usual image: text, and data with bss behind it, at 1 MiB; entry 0x100010. */
static const struct built_segment usual_segments[] = {
	{ PT_LOAD, PF_R | PF_X, 0x1000, 0x100000, 0x100000, 0x800, 0x800 },
	{ PT_LOAD, PF_R | PF_W, 0x1800, 0x102000, 0x102000, 0x400, 0x3000 },
};

static inline void build_usual_elf64(struct built *file)
{
	build_elf64(file, EM_X86_64, 0x100010, usual_segments, 2);
}

static inline void build_usual_elf32(struct built *file)
{
	build_elf32(file, EM_386, 0x100010, usual_segments, 2);
}

/* A multiboot header at @offset; without address fields when @addresses is NULL. */
static inline void build_multiboot(struct built *file, size_t offset, uint32_t flags,
				   const uint32_t addresses[5])
{
	const uint32_t header[3] = { 0x1badb002, flags, -(0x1badb002 + flags) };

	memcpy(file->bytes + offset, header, sizeof(header));
	if (addresses)
		memcpy(file->bytes + offset + 12, addresses, 20);
}

/* A usual multiboot image that is no ELF: header at 0x20, loaded at 1 MiB, bss behind it. */
static inline void build_usual_multiboot(struct built *file)
{
	const uint32_t addresses[5] = { 0x100020, 0x100000, 0x101000, 0x103000, 0x100040 };

	memset(file, 0, sizeof(*file));
	file->len = 0x1800;
	memset(file->bytes, 0x90, file->len);
	build_multiboot(file, 0x20, 0x10003, addresses);
}

/* What Linux's headers of arm64 and riscv64 say. */
struct built_linux {
	uint64_t text_offset;
	uint64_t image_size;
	uint64_t flags;
	uint32_t version; /* riscv64 */
};

/* An image with Linux's header for @machine, of 8 KiB. */
static inline void build_linux(struct built *file, AxImageMachine machine,
			       const struct built_linux *header)
{
	const bool is_arm64 = machine == AX_IMAGE_FOR_ARM64;

	memset(file, 0, sizeof(*file));
	file->len = 0x2000;
	for (size_t i = 64; i < file->len; i++)
		file->bytes[i] = (uint8_t)((i ^ i >> 8) | 1);
	memcpy(file->bytes, is_arm64 ? "\x0f\0\0\x14" : "\x6f\0\0\x10", 4); /* a jump */
	memcpy(file->bytes + 8, &header->text_offset, 8);
	memcpy(file->bytes + 16, &header->image_size, 8);
	memcpy(file->bytes + 24, &header->flags, 8);
	if (!is_arm64) {
		memcpy(file->bytes + 32, &header->version, 4);
		memcpy(file->bytes + 48, "RISCV\0\0", 8);
	}
	memcpy(file->bytes + 56, is_arm64 ? "ARM\x64" : "RSC\x05", 4);
}

static const struct built_linux usual_arm64 = { 0, 0x6000, 0xa, 0 };
static const struct built_linux usual_riscv64 = { 0x200000, 0x6000, 0, 2 };

static const AxRamRange usual_ram = { 0, 16 * MIB };

static inline AxImageHints usual_hints(void)
{
	AxImageHints hints = AX_IMAGE_HINTS_INIT;

	hints.name = "disk/kernel";
	hints.machine = AX_IMAGE_FOR_X86_64;
	hints.ram = &usual_ram;
	hints.ram_count = 1;
	return hints;
}

static inline AxImageHints flat_hints(AxCpuMode mode, uint64_t load)
{
	AxImageHints hints = usual_hints();

	hints.given = AX_HINT_MODE | AX_HINT_LOAD;
	hints.mode = mode;
	hints.load = load;
	return hints;
}

/* The image is taken, and its plan keeps all promises. */
static inline AxImagePlan expect_plan(const struct built *file, const AxImageHints *hints)
{
	AxImagePlan plan = AX_IMAGE_PLAN_INIT;
	AxError err = AX_ERROR_INIT;
	int ret = ax_image_parse(file->bytes, file->len, hints, &plan, &err);
	const char *breach;

	ck_assert_msg(ret == 0, "%d: %s", ret, err.message);
	breach = check_plan(&plan, file->len, hints);
	ck_assert_msg(!breach, "%s", breach);
	return plan;
}

/* The image is refused, and the message is exactly this. */
static inline void expect_refused(const void *bytes, size_t len, const AxImageHints *hints, int ret,
				  const char *message)
{
	AxImagePlan plan = AX_IMAGE_PLAN_INIT;
	AxError err = AX_ERROR_INIT;

	ck_assert_int_eq(ax_image_parse(bytes, len, hints, &plan, &err), ret);
	ck_assert_str_eq(err.message, message);
	ck_assert_int_eq(err.code, ret == -EINVAL ? AX_ERROR_ARGUMENT : AX_ERROR_IMAGE);
	ck_assert_int_eq(err.os_errno, 0);
	/* the same without anybody who wants to know why */
	ck_assert_int_eq(ax_image_parse(bytes, len, hints, &plan, NULL), ret);
}

#define ARM64_ACCEPTED                                                                        \
	"; accepted: arm64 Image (also by gzip, or as EFI zboot), ELF64 for AArch64, flat binary"
#define RISCV64_ACCEPTED                                                                       \
	"; accepted: riscv64 Image (also by gzip, or as EFI zboot), ELF64 for RISC-V, flat " \
	"binary"
#define X86_ACCEPTED                                                                           \
	"; accepted: Linux bzImage and vmlinux, PVH, ELF64 for x86-64, ELF32 for i386, "       \
	"multiboot 1, flat binary with mode and load address"

/* A program with one suite of one case; the second form with a fixture around each test. */
#define RUN_TESTS(suite_name, ...) RUN_TESTS_WITH(suite_name, NULL, NULL, __VA_ARGS__)
#define RUN_TESTS_WITH(suite_name, before, after, ...)                        \
	int main(void)                                                        \
	{                                                                     \
		const TTest *const tests[] = { __VA_ARGS__ };                 \
		Suite *suite = suite_create(suite_name);                      \
		TCase *cases = tcase_create(suite_name);                      \
		SRunner *runner;                                              \
		int failed;                                                   \
                                                                              \
		tcase_add_checked_fixture(cases, before, after);              \
		for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) \
			tcase_add_test(cases, tests[i]);                      \
		suite_add_tcase(suite, cases);                                \
		runner = srunner_create(suite);                               \
		srunner_run_all(runner, CK_ENV);                              \
		failed = srunner_ntests_failed(runner);                       \
		srunner_free(runner);                                         \
		return failed ? 1 : 0;                                        \
	}

#endif
