/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a multiboot guest is told. Source: Multiboot Specification 0.6.96, section 3.3.
 *
 * One block: the information structure, the memory map, the module list, the strings.
 */
#include <errno.h>
#include <string.h>

#include "boot/bytes.h"
#include "boot/image.h"

#define INFO_SIZE      116
#define MAP_ENTRY_SIZE 24 /* with its own size field */
#define MODULE_SIZE    16

#define INFO_MEMORY	 (1u << 0)
#define INFO_CMDLINE	 (1u << 2)
#define INFO_MODULES	 (1u << 3)
#define INFO_MAP	 (1u << 6)
#define INFO_LOADER_NAME (1u << 9)

enum {
	OFFSET_FLAGS = 0,
	OFFSET_MEM_LOWER = 4,
	OFFSET_MEM_UPPER = 8,
	OFFSET_CMDLINE = 16,
	OFFSET_MODS_COUNT = 20,
	OFFSET_MODS_ADDR = 24,
	OFFSET_MMAP_LENGTH = 44,
	OFFSET_MMAP_ADDR = 48,
	OFFSET_LOADER_NAME = 64
};

enum { MAP_AVAILABLE = 1, MAP_RESERVED = 2 };

/* A PC has adapter memory and ROM here, whatever it is in a VM. */
#define HOLE_START 0xa0000ull
#define HOLE_END   ONE_MIB

/* The block as it grows. Nothing is written where bytes is NULL or beyond size; used counts on. */
struct block {
	uint8_t *bytes;
	size_t size;
	size_t used;
	uint32_t gpa;
};

/* Room for @len bytes: their place in the buffer, NULL without room, and their guest address. */
static uint8_t *reserve(struct block *block, size_t len, uint32_t *gpa)
{
	size_t at = block->used;

	block->used += len;
	if (gpa)
		*gpa = block->gpa + (uint32_t)at;
	if (!block->bytes || block->used > block->size)
		return NULL;
	memset(block->bytes + at, 0, len);
	return block->bytes + at;
}

static uint32_t put_string(struct block *block, const char *string)
{
	size_t len = strlen(string) + 1;
	uint32_t gpa;
	uint8_t *p = reserve(block, len, &gpa);

	if (p)
		memcpy(p, string, len);
	return gpa;
}

static void put_map_entry(struct block *block, uint64_t base, uint64_t end, uint32_t type)
{
	uint8_t *p;

	if (base >= end)
		return;
	p = reserve(block, MAP_ENTRY_SIZE, NULL);
	if (!p)
		return;
	put_le32(p, MAP_ENTRY_SIZE - 4);
	put_le64(p + 4, base);
	put_le64(p + 12, end - base);
	put_le32(p + 20, type);
}

static uint64_t lower(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t higher(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* The map, and its length in bytes. */
static uint32_t put_map(struct block *block, const AxMultibootInfo *info)
{
	size_t start = block->used;

	for (uint32_t i = 0; i < info->ram_count; i++) {
		uint64_t base = info->ram[i].base;
		uint64_t end = base + info->ram[i].size;

		put_map_entry(block, base, lower(end, HOLE_START), MAP_AVAILABLE);
		put_map_entry(block, higher(base, HOLE_START), lower(end, HOLE_END), MAP_RESERVED);
		put_map_entry(block, higher(base, HOLE_END), end, MAP_AVAILABLE);
	}
	return (uint32_t)(block->used - start);
}

/* KiB of RAM from @base without a gap, up to @limit. */
static uint32_t kib_from(const AxMultibootInfo *info, uint64_t base, uint64_t limit)
{
	uint64_t end = base;

	for (uint32_t i = 0; i < info->ram_count; i++) {
		const AxRamRange *ram = &info->ram[i];

		if (ram->base <= end && ram->base + ram->size > end)
			end = ram->base + ram->size;
	}
	return (uint32_t)((lower(end, limit) - base) / 1024);
}

static int refuse(AxError *err, int ret, const char *what, uint32_t found, uint32_t limit)
{
	return boot_error(err, AX_ERROR_ARGUMENT, 0, ret, "multiboot information",
			  "%u %s, but %u are the most", found, what, limit);
}

static int check_string(const char *string, const char *what, AxError *err)
{
	if (string && strnlen(string, AX_COMMAND_LINE_MAX) == AX_COMMAND_LINE_MAX)
		return boot_error(err, AX_ERROR_ARGUMENT, 0, -ENOSPC, "multiboot information",
				  "%s of %zu bytes, but at most %d are possible", what,
				  strlen(string), AX_COMMAND_LINE_MAX - 1);
	return 0;
}

static int check_info(const AxMultibootInfo *info, AxGuestPhysAddr gpa, AxError *err)
{
	int ret;

	if (info->ram_count == 0 || info->ram_count > AX_RAM_RANGES_MAX || !info->ram)
		return refuse(err, -EINVAL, "ranges of RAM", info->ram_count, AX_RAM_RANGES_MAX);
	if (info->module_count > AX_LOAD_MODULES_MAX)
		return refuse(err, -ENOSPC, "modules", info->module_count, AX_LOAD_MODULES_MAX);
	if (gpa % 4 || gpa >= FOUR_GIB || (info->module_count && !info->modules))
		return boot_error(
			err, AX_ERROR_ARGUMENT, 0, -EINVAL, "multiboot information",
			"address 0x%llx is no multiple of 4 below 4 GiB, or modules are missing",
			(unsigned long long)gpa);
	for (uint32_t i = 0; i < info->ram_count; i++) {
		if (info->ram[i].size > UINT64_MAX - info->ram[i].base)
			return boot_error(err, AX_ERROR_ARGUMENT, 0, -EINVAL,
					  "multiboot information", "RAM range %u wraps", i);
	}
	for (uint32_t i = 0; i < info->module_count; i++) {
		if (info->modules[i].end < info->modules[i].start)
			return boot_error(err, AX_ERROR_ARGUMENT, 0, -EINVAL,
					  "multiboot information",
					  "module %u ends before it starts", i);
		ret = check_string(info->modules[i].string, "a module's string", err);
		if (ret)
			return ret;
	}
	ret = check_string(info->command_line, "a command line", err);
	return ret ? ret : check_string(info->loader_name, "a loader name", err);
}

static uint32_t put_modules(struct block *block, const AxMultibootInfo *info)
{
	uint32_t gpa, string;
	uint8_t *list = reserve(block, (size_t)info->module_count * MODULE_SIZE, &gpa);

	for (uint32_t i = 0; i < info->module_count; i++) {
		const AxMultibootModule *module = &info->modules[i];

		string = put_string(block, module->string ? module->string : "");
		if (!list)
			continue;
		put_le32(list + i * MODULE_SIZE, module->start);
		put_le32(list + i * MODULE_SIZE + 4, module->end);
		put_le32(list + i * MODULE_SIZE + 8, string);
	}
	return gpa;
}

static void put_info(struct block *block, const AxMultibootInfo *info)
{
	uint32_t flags = INFO_MEMORY | INFO_CMDLINE | INFO_MAP;
	uint32_t map, map_length, modules = 0, cmdline, loader = 0;
	uint8_t *p = reserve(block, INFO_SIZE, NULL);

	reserve(block, 0, &map);
	map_length = put_map(block, info);
	if (info->module_count) {
		flags |= INFO_MODULES;
		modules = put_modules(block, info);
	}
	cmdline = put_string(block, info->command_line ? info->command_line : "");
	if (info->loader_name) {
		flags |= INFO_LOADER_NAME;
		loader = put_string(block, info->loader_name);
	}
	if (!p)
		return;
	put_le32(p + OFFSET_FLAGS, flags);
	put_le32(p + OFFSET_MEM_LOWER, kib_from(info, 0, HOLE_START));
	put_le32(p + OFFSET_MEM_UPPER, kib_from(info, HOLE_END, FOUR_GIB));
	put_le32(p + OFFSET_CMDLINE, cmdline);
	put_le32(p + OFFSET_MODS_COUNT, info->module_count);
	put_le32(p + OFFSET_MODS_ADDR, modules);
	put_le32(p + OFFSET_MMAP_LENGTH, map_length);
	put_le32(p + OFFSET_MMAP_ADDR, map);
	put_le32(p + OFFSET_LOADER_NAME, loader);
}

int ax_multiboot_info_build(const AxMultibootInfo *info, AxGuestPhysAddr gpa, void *buffer,
			    size_t size, size_t *used, AxError *err)
{
	struct block block = { .bytes = buffer, .size = size, .gpa = (uint32_t)gpa };
	int ret;

	if (!boot_sized(info, sizeof(*info)) || !used)
		return boot_error(err, AX_ERROR_ARGUMENT, 0, -EINVAL, "ax_multiboot_info_build",
				  "an argument is missing, or its size is not set");
	ret = check_info(info, gpa, err);
	if (ret)
		return ret;
	put_info(&block, info);
	if (block.used > FOUR_GIB - gpa)
		return boot_error(err, AX_ERROR_ARGUMENT, 0, -EINVAL, "multiboot information",
				  "%zu bytes at 0x%llx end beyond 4 GiB", block.used,
				  (unsigned long long)gpa);
	*used = block.used;
	if (buffer && block.used > size)
		return boot_error(err, AX_ERROR_ARGUMENT, 0, -ENOSPC, "multiboot information",
				  "needs %zu bytes, and the buffer has %zu", block.used, size);
	return 0;
}
