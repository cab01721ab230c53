/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Notes of ELF files that say how an x86-64 kernel wants to be started, and the start-of-day
 * structures of PVH.
 *
 * Source: System V gABI 4.1, chapter 5, "Note Section"; Xen, docs/misc/pvh.pandoc and
 * public/elfnote.h (XEN_ELFNOTE_PHYS32_ENTRY); public/arch-x86/hvm/start_info.h.
 */
#include <errno.h>
#include <string.h>

#include "boot/bytes.h"
#include "boot/linux_x86.h"

#define NOTE_HEADER	  12
#define NOTE_PHYS32_ENTRY 18

#define START_INFO_MAGIC   0x336ec578u
#define START_INFO_VERSION 1

enum {
	START_INFO_SIZE = 56,
	START_MODULE_SIZE = 32,
	START_MEMORY_SIZE = 24,
};

static uint64_t padded(uint32_t size)
{
	return ((uint64_t)size + 3) & ~3ull;
}

static bool is_named(const uint8_t *note, const char *name, size_t name_size)
{
	return get_le32(note) == name_size && !memcmp(note + NOTE_HEADER, name, name_size);
}

static void read_note(const uint8_t *note, const uint8_t *desc, uint32_t desc_size,
		      struct elf_notes *notes)
{
	if (is_named(note, "Linux", sizeof("Linux")))
		notes->is_linux = true;
	if (!is_named(note, "Xen", sizeof("Xen")) || get_le32(note + 8) != NOTE_PHYS32_ENTRY)
		return;
	/* An address in words of the file's class; its value has 32 bits in either. */
	if (desc_size == 4 || (desc_size == 8 && !get_le32(desc + 4))) {
		notes->has_pvh = true;
		notes->pvh_entry = get_le32(desc);
	}
}

void boot_elf_read_notes(const uint8_t *bytes, size_t len, struct elf_notes *notes)
{
	while (len >= NOTE_HEADER) {
		uint64_t name_size = padded(get_le32(bytes));
		uint32_t desc_size = get_le32(bytes + 4);
		uint64_t size = NOTE_HEADER + name_size + padded(desc_size);

		if (size > len)
			return;
		read_note(bytes, bytes + NOTE_HEADER + name_size, desc_size, notes);
		bytes += size;
		len -= (size_t)size;
	}
}

size_t boot_start_info_size(uint32_t modules, uint32_t memory)
{
	return START_INFO_SIZE + (size_t)modules * START_MODULE_SIZE +
	       (size_t)memory * START_MEMORY_SIZE;
}

void boot_start_info_build(const struct start_info *info, uint64_t gpa, uint8_t *bytes)
{
	uint8_t *module = bytes + START_INFO_SIZE;
	uint8_t *memory = module + (size_t)info->module_count * START_MODULE_SIZE;

	memset(bytes, 0, boot_start_info_size(info->module_count, info->memory_count));
	put_le32(bytes, START_INFO_MAGIC);
	put_le32(bytes + 4, START_INFO_VERSION);
	put_le32(bytes + 12, info->module_count);
	put_le64(bytes + 16, info->module_count ? gpa + START_INFO_SIZE : 0);
	put_le64(bytes + 24, info->command_line);
	put_le64(bytes + 32, info->rsdp);
	put_le64(bytes + 40, gpa + (uint64_t)(memory - bytes));
	put_le32(bytes + 48, info->memory_count);
	for (uint32_t i = 0; i < info->module_count; i++, module += START_MODULE_SIZE) {
		put_le64(module, info->modules[i].base);
		put_le64(module + 8, info->modules[i].size);
	}
	for (uint32_t i = 0; i < info->memory_count; i++, memory += START_MEMORY_SIZE) {
		put_le64(memory, info->memory[i].base);
		put_le64(memory + 8, info->memory[i].size);
		put_le32(memory + 16, info->memory[i].type);
	}
}
