/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target: a multiboot image; its bytes also make up an information structure, which is then
 * read back as a guest would. The input is the file.
 */
#include "tests/fuzz/fuzz_image.h"

#define INFO_GPA 0x9000
#define TEXT	 64

/* As section 3.3 of the specification has it. */
struct info {
	uint32_t flags, mem_lower, mem_upper, boot_device, cmdline, mods_count, mods_addr, syms[4];
	uint32_t mmap_length, mmap_addr, drives[2], config_table, loader_name, rest[12];
};

AX_STATIC_ASSERT(sizeof(struct info) == 116, size_of_multiboot_info);

static uint8_t block[8192];

/* The string at a guest address: all of it lies in what was built. */
static void check_string(uint32_t gpa, size_t used, const char *expected)
{
	if (gpa < INFO_GPA || gpa - INFO_GPA >= used ||
	    !memchr(block + (gpa - INFO_GPA), 0, used - (gpa - INFO_GPA)))
		fuzz_breach("a string leaves the information structure");
	if (strcmp((const char *)block + (gpa - INFO_GPA), expected) != 0)
		fuzz_breach("a string has changed");
}

static void check_map(const struct info *info, size_t used)
{
	uint64_t before = 0, base, length;

	if (info->mmap_length % 24 || !lies_in(info->mmap_addr, info->mmap_length, INFO_GPA, used))
		fuzz_breach("the memory map leaves the information structure");
	for (uint32_t i = 0; i < info->mmap_length; i += 24) {
		const uint8_t *entry = block + (info->mmap_addr - INFO_GPA) + i;

		memcpy(&base, entry + 4, 8);
		memcpy(&length, entry + 12, 8);
		if (base < before || length == 0 || base + length < base)
			fuzz_breach("the memory map is out of order");
		before = base + length;
	}
}

static void check_info(const AxMultibootInfo *given, const char *text)
{
	struct info info;
	size_t used = 0, needed = 0;
	int ret = ax_multiboot_info_build(given, INFO_GPA, NULL, 0, &needed, NULL);

	if (ret != 0)
		return;
	if (needed > sizeof(block))
		fuzz_breach("the information structure is larger than possible");
	memset(block, 0xa5, sizeof(block));
	ret = ax_multiboot_info_build(given, INFO_GPA, block, needed, &used, NULL);
	if (ret != 0 || used != needed)
		fuzz_breach("the size of the information structure was wrong");
	if (needed < sizeof(block) && block[needed] != 0xa5)
		fuzz_breach("the information structure is larger than it says");
	memcpy(&info, block, sizeof(info));
	check_string(info.cmdline, used, text);
	check_string(info.loader_name, used, text);
	check_map(&info, used);
	for (uint32_t i = 0; i < info.mods_count; i++) {
		uint32_t module[4];

		if (!lies_in(info.mods_addr + 16ull * i, 16, INFO_GPA, used))
			fuzz_breach("the module list leaves the information structure");
		memcpy(module, block + (info.mods_addr - INFO_GPA) + 16 * (size_t)i, 16);
		check_string(module[2], used, text);
	}
	if (ax_multiboot_info_build(given, INFO_GPA, block, needed - 1, &used, NULL) != -ENOSPC)
		fuzz_breach("a buffer that is too small was filled");
}

static void fuzz_info(const uint8_t *data, size_t size)
{
	AxMultibootInfo info = AX_MULTIBOOT_INFO_INIT;
	AxMultibootModule modules[4];
	AxRamRange ram[4];
	char text[TEXT + 1] = { 0 };
	uint64_t end = 0;

	if (size < 8 + sizeof(ram) + TEXT)
		return;
	info.module_count = data[0] % 5;
	info.ram_count = data[1] % 5;
	/* ranges in order, with any gaps: what the caller promises */
	memcpy(ram, data + 8, sizeof(ram));
	for (unsigned i = 0; i < 4; i++) {
		ram[i].base = end + (ram[i].base >> 4);
		ram[i].size = 1 + (ram[i].size >> 4);
		end = ram[i].base + ram[i].size;
	}
	memcpy(text, data + 8 + sizeof(ram), TEXT);
	for (unsigned i = 0; i < 4; i++) {
		memcpy(&modules[i].start, data + i, 4);
		memcpy(&modules[i].end, data + 4 + i, 4);
		modules[i].string = text;
	}
	info.ram = ram;
	info.modules = modules;
	info.command_line = text;
	info.loader_name = text;
	check_info(&info, text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const AxRamRange ram[] = { { 0, 0xa0000 }, { 0x100000, 0x7f00000 } };
	AxImageHints hints = AX_IMAGE_HINTS_INIT;
	AxImagePlan plan;

	hints.machine = AX_IMAGE_FOR_X86_64;
	hints.ram = ram;
	hints.ram_count = 2;
	fuzz_parse(data, size, &hints, &plan);
	fuzz_info(data, size);
	return 0;
}
