/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Linux's bzImage for x86-64, started by the 64-bit entry of its boot protocol.
 *
 * Source: Linux, Documentation/arch/x86/boot.rst, "The Real-Mode Kernel Header" and "64-bit Boot
 * Protocol"; zero-page.rst.
 */
#include <errno.h>
#include <string.h>

#include "boot/bytes.h"
#include "boot/linux_x86.h"

/* Offsets in the file, and, from 0x1f1 on, in the zero page. */
enum {
	SETUP_SECTS = 0x1f1,
	SYSSIZE = 0x1f4,
	BOOT_FLAG = 0x1fe,
	JUMP_OFFSET = 0x201,
	MAGIC = 0x202,
	VERSION = 0x206,
	TYPE_OF_LOADER = 0x210,
	LOADFLAGS = 0x211,
	RAMDISK_IMAGE = 0x218,
	RAMDISK_SIZE = 0x21c,
	CMD_LINE_PTR = 0x228,
	INITRD_ADDR_MAX = 0x22c,
	KERNEL_ALIGNMENT = 0x230,
	XLOADFLAGS = 0x236,
	CMDLINE_SIZE = 0x238,
	PAYLOAD_OFFSET = 0x248,
	PAYLOAD_LENGTH = 0x24c,
	PREF_ADDRESS = 0x258,
	INIT_SIZE = 0x260,
	HEADER_NEEDED = 0x264,
};

/* The zero page's own. */
enum {
	ACPI_RSDP_ADDR = 0x070,
	EXT_RAMDISK_IMAGE = 0x0c0,
	EXT_RAMDISK_SIZE = 0x0c4,
	EXT_CMD_LINE_PTR = 0x0c8,
	E820_ENTRIES = 0x1e8,
	E820_ENTRY_SIZE = 20,
};

#define SECTOR		     512
#define PARAGRAPH	     16
#define DEFAULT_SETUP_SECTS  4
#define BOOT_FLAG_VALUE	     0xaa55
#define VERSION_64_BIT	     0x020c
#define LOADER_UNDEFINED     0xff
#define LOADED_HIGH	     0x01
#define CAN_USE_HEAP	     0x80
#define XLF_KERNEL_64	     (1u << 0)
#define XLF_ABOVE_4G	     (1u << 1)
#define VMLINUX_ALIGNMENT    0x200000
#define COMMAND_LINE_DEFAULT 255

static const uint8_t magic[4] = { 'H', 'd', 'r', 'S' };

bool boot_bzimage_found(const struct image *image)
{
	return image->machine == AX_IMAGE_FOR_X86_64 && image->len >= MAGIC + sizeof(magic) &&
	       !memcmp(image->bytes + MAGIC, magic, sizeof(magic)) &&
	       get_le16(image->bytes + BOOT_FLAG) == BOOT_FLAG_VALUE;
}

static int check_protocol(const struct image *image, AxError *err)
{
	const uint8_t *bytes = image->bytes;
	unsigned version;

	if (image->len < VERSION + 2)
		return boot_damaged(image, err, "is a Linux bzImage, but cut off after %zu bytes",
				    image->len);
	version = get_le16(bytes + VERSION);
	if (version < VERSION_64_BIT)
		return boot_refused(
			image, err, "A 64-bit kernel of Linux 3.8 or later would do",
			"a Linux bzImage of boot protocol %u.%u, without a 64-bit entry",
			version >> 8, version & 0xff);
	if (image->len < HEADER_NEEDED)
		return boot_damaged(image, err,
				    "is a Linux bzImage, but cut off after %zu bytes: its header "
				    "has %d",
				    image->len, HEADER_NEEDED);
	if (!(get_le16(bytes + XLOADFLAGS) & XLF_KERNEL_64))
		return boot_refused(image, err, "A kernel for x86-64 (CONFIG_64BIT) would do",
				    "a 32-bit Linux bzImage");
	return 0;
}

/* The compressed kernel, and the code around it, are whole. A header that tells no size is believed. */
static int check_size(const struct image *image, struct bzimage *header, AxError *err)
{
	uint64_t size = (uint64_t)get_le32(image->bytes + SYSSIZE) * PARAGRAPH;

	header->payload = header->setup_size + (uint64_t)get_le32(image->bytes + PAYLOAD_OFFSET);
	header->payload_size = get_le32(image->bytes + PAYLOAD_LENGTH);
	if (header->payload_size &&
	    (header->payload > image->len || header->payload_size > image->len - header->payload))
		return boot_damaged(image, err,
				    "is a Linux bzImage, but its payload, 0x%llx bytes at 0x%llx, "
				    "is not in its 0x%zx bytes: copy it again",
				    (unsigned long long)header->payload_size,
				    (unsigned long long)header->payload, image->len);
	/* In whole paragraphs: the last one need not be full. */
	if (size >= image->len - header->setup_size + PARAGRAPH)
		return boot_damaged(image, err,
				    "is a Linux bzImage, but cut off after %zu bytes: its kernel "
				    "has %llu from %zu on",
				    image->len, (unsigned long long)size, header->setup_size);
	return 0;
}

int boot_bzimage_read(const struct image *image, struct bzimage *header, AxError *err)
{
	const uint8_t *bytes = image->bytes;
	unsigned sectors;
	int ret = check_protocol(image, err);

	if (ret)
		return ret;
	sectors = bytes[SETUP_SECTS] ? bytes[SETUP_SECTS] : DEFAULT_SETUP_SECTS;
	header->setup_size = (sectors + 1) * SECTOR;
	if (header->setup_size + BZIMAGE_ENTRY_OFFSET >= image->len)
		return boot_damaged(image, err,
				    "is a Linux bzImage, but cut off after %zu bytes: its kernel "
				    "begins at %zu",
				    image->len, header->setup_size);
	ret = check_size(image, header, err);
	if (ret)
		return ret;
	/* Where the jump over the header leads to: the fields that were read lie before it. */
	header->header_end = MAGIC + (size_t)bytes[JUMP_OFFSET];
	if (header->header_end < HEADER_NEEDED)
		return boot_damaged(image, err,
				    "is a Linux bzImage whose header ends at %zu, not at %d or "
				    "behind: it is damaged",
				    header->header_end, HEADER_NEEDED);
	if (header->header_end > BOOT_PARAMS_E820)
		header->header_end = BOOT_PARAMS_E820;
	header->load = get_le64(bytes + PREF_ADDRESS);
	header->memory = get_le32(bytes + INIT_SIZE);
	if (header->memory < image->len - header->setup_size)
		header->memory = image->len - header->setup_size;
	header->command_line_max = get_le32(bytes + CMDLINE_SIZE);
	if (!header->command_line_max)
		header->command_line_max = COMMAND_LINE_DEFAULT;
	header->initrd_end_max = (uint64_t)get_le32(bytes + INITRD_ADDR_MAX) + 1;
	if (get_le16(bytes + XLOADFLAGS) & XLF_ABOVE_4G)
		header->initrd_end_max = UINT64_MAX;
	return 0;
}

int boot_bzimage_parse(const struct image *image, AxImagePlan *plan, AxError *err)
{
	AxImageSegment segment = { .flags = AX_MAP_READ | AX_MAP_WRITE | AX_MAP_EXECUTE };
	struct bzimage header = { 0 };
	int ret = boot_bzimage_read(image, &header, err);

	if (ret)
		return ret;
	/* A relocatable kernel that lies lower moves itself up to this address. */
	segment.gpa = header.load;
	segment.file_offset = header.setup_size;
	segment.file_size = image->len - header.setup_size;
	segment.memory_size = header.memory;
	plan->format = AX_IMAGE_BZIMAGE;
	plan->mode = AX_MODE_LONG;
	ret = boot_plan_add(image, plan, &segment, 0, err);
	if (ret)
		return ret;
	plan->entry = segment.gpa + BZIMAGE_ENTRY_OFFSET;
	return boot_plan_finish(image, plan, err);
}

/* What adapters and firmware have on a PC. */
#define ADAPTERS_START 0xa0000ull
#define ADAPTERS_END   ONE_MIB

static unsigned add_piece(struct memory_piece *pieces, unsigned count, uint64_t base, uint64_t end,
			  uint32_t type)
{
	if (base >= end)
		return count;
	pieces[count] = (struct memory_piece){ base, end - base, type };
	return count + 1;
}

static uint64_t lower(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t higher(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

unsigned boot_memory_map(const AxRamRange *ram, unsigned ram_count, struct memory_piece *pieces)
{
	unsigned count = 0;
	bool reserved = false;

	for (unsigned i = 0; i < ram_count; i++) {
		uint64_t base = ram[i].base, end = base + ram[i].size;

		count = add_piece(pieces, count, base, lower(end, ADAPTERS_START), MEMORY_RAM);
		if (!reserved && end > ADAPTERS_START && base < ADAPTERS_END) {
			count = add_piece(pieces, count, ADAPTERS_START, ADAPTERS_END,
					  MEMORY_RESERVED);
			reserved = true;
		}
		count = add_piece(pieces, count, higher(base, ADAPTERS_END), end, MEMORY_RAM);
	}
	return count;
}

/* As a bzImage's header says it, for a kernel that has none. */
static void put_header(uint8_t *bytes)
{
	put_le16(bytes + BOOT_FLAG, BOOT_FLAG_VALUE);
	memcpy(bytes + MAGIC, magic, sizeof(magic));
	put_le16(bytes + VERSION, VERSION_64_BIT);
	bytes[LOADFLAGS] = LOADED_HIGH;
	put_le32(bytes + KERNEL_ALIGNMENT, VMLINUX_ALIGNMENT);
}

void boot_params_build(const struct boot_params *params, const uint8_t *header, size_t header_len,
		       uint8_t bytes[BOOT_PARAMS_SIZE])
{
	uint8_t *entry = bytes + BOOT_PARAMS_E820;

	memset(bytes, 0, BOOT_PARAMS_SIZE);
	if (header)
		memcpy(bytes + BOOT_SETUP_HEADER, header, header_len);
	else
		put_header(bytes);
	bytes[TYPE_OF_LOADER] = LOADER_UNDEFINED;
	bytes[LOADFLAGS] &= (uint8_t)~CAN_USE_HEAP;
	put_le32(bytes + CMD_LINE_PTR, (uint32_t)params->command_line);
	put_le32(bytes + EXT_CMD_LINE_PTR, (uint32_t)(params->command_line >> 32));
	put_le32(bytes + RAMDISK_IMAGE, params->initrd_size ? (uint32_t)params->initrd : 0);
	put_le32(bytes + EXT_RAMDISK_IMAGE,
		 params->initrd_size ? (uint32_t)(params->initrd >> 32) : 0);
	put_le32(bytes + RAMDISK_SIZE, (uint32_t)params->initrd_size);
	put_le32(bytes + EXT_RAMDISK_SIZE, (uint32_t)(params->initrd_size >> 32));
	put_le64(bytes + ACPI_RSDP_ADDR, params->rsdp);
	bytes[E820_ENTRIES] = (uint8_t)params->memory_count;
	for (unsigned i = 0; i < params->memory_count; i++, entry += E820_ENTRY_SIZE) {
		put_le64(entry, params->memory[i].base);
		put_le64(entry + 8, params->memory[i].size);
		put_le32(entry + 16, params->memory[i].type);
	}
}
