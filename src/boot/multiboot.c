/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The multiboot header. Source: Multiboot Specification 0.6.96, section 3.1.
 */
#include <errno.h>
#include <stdio.h>

#include "boot/bytes.h"
#include "boot/image.h"

#define HEADER_MAGIC  0x1badb002u
#define HEADER_SEARCH 8192 /* the whole header lies in these first bytes of the file */
#define HEADER_SIZE   12   /* magic, flags, checksum */
#define HEADER_ADDRESSES \
	32 /* with header_addr, load_addr, load_end_addr, bss_end_addr, entry_addr */

#define FLAG_VIDEO     (1u << 2)
#define FLAG_ADDRESSES (1u << 16)
#define FLAGS_REQUIRED 0xffffu /* a loader that does not know one of these must refuse the image */
#define FLAGS_KNOWN    3u      /* page-aligned modules, memory information */

/* Multiboot2 Specification 2.0, section 3.1.1. */
#define HEADER2_MAGIC  0xe85250d6u
#define HEADER2_SEARCH 32768
#define HEADER2_SIZE   16

bool boot_multiboot_found(const struct image *image, size_t *header)
{
	size_t end = image->len < HEADER_SEARCH ? image->len : HEADER_SEARCH;

	for (size_t at = 0; at + HEADER_SIZE <= end; at += 4) {
		const uint8_t *p = image->bytes + at;

		if (get_le32(p) == HEADER_MAGIC &&
		    get_le32(p) + get_le32(p + 4) + get_le32(p + 8) == 0) {
			*header = at;
			return true;
		}
	}
	return false;
}

bool boot_multiboot2_found(const struct image *image)
{
	size_t end = image->len < HEADER2_SEARCH ? image->len : HEADER2_SEARCH;

	for (size_t at = 0; at + HEADER2_SIZE <= end; at += 8) {
		const uint8_t *p = image->bytes + at;

		if (get_le32(p) == HEADER2_MAGIC &&
		    get_le32(p) + get_le32(p + 4) + get_le32(p + 8) + get_le32(p + 12) == 0)
			return true;
	}
	return false;
}

static int check_flags(const struct image *image, uint32_t flags, AxError *err)
{
	uint32_t unknown = flags & FLAGS_REQUIRED & ~FLAGS_KNOWN;

	if (!unknown)
		return 0;
	return boot_damaged(
		image, err,
		"its multiboot header requires what is not there: flags 0x%x%s; flags 0x3 (page-"
		"aligned modules, memory information) would be accepted",
		unknown, unknown & FLAG_VIDEO ? " (bit 2: a video mode)" : "");
}

/* The header itself says where the file goes: section 3.1.3. */
static int parse_addresses(const struct image *image, size_t header, AxImagePlan *plan,
			   AxError *err)
{
	const uint8_t *p = image->bytes + header;
	AxImageSegment segment = { .flags = AX_MAP_READ | AX_MAP_WRITE | AX_MAP_EXECUTE };
	uint32_t header_addr, load, load_end, bss_end;
	int ret;

	if (header + HEADER_ADDRESSES > image->len || header + HEADER_ADDRESSES > HEADER_SEARCH)
		return boot_damaged(
			image, err,
			"its multiboot header at offset 0x%zx is cut off: %d bytes of it have to "
			"lie in the file's first %d",
			header, HEADER_ADDRESSES, HEADER_SEARCH);
	header_addr = get_le32(p + 12);
	load = get_le32(p + 16);
	load_end = get_le32(p + 20);
	bss_end = get_le32(p + 24);
	plan->entry = get_le32(p + 28);

	if (load > header_addr || header_addr - load > header)
		return boot_damaged(
			image, err,
			"its multiboot header at offset 0x%zx belongs at 0x%x, which does not fit "
			"a load address of 0x%x",
			header, header_addr, load);
	segment.gpa = load;
	segment.file_offset = header - (header_addr - load);
	if (load_end == 0) {
		segment.file_size = image->len - segment.file_offset;
	} else if (load_end >= load) {
		segment.file_size = load_end - load;
	} else {
		return boot_damaged(
			image, err,
			"its multiboot header ends the data at 0x%x, before the load address 0x%x",
			load_end, load);
	}
	segment.memory_size = segment.file_size;
	if (bss_end != 0) {
		if (bss_end < load || bss_end - load < segment.file_size)
			return boot_damaged(
				image, err,
				"its multiboot header ends the bss at 0x%x, before the data's end "
				"at 0x%llx",
				bss_end, (unsigned long long)load + segment.file_size);
		segment.memory_size = bss_end - load;
	}
	ret = boot_plan_add(image, plan, &segment, 0, err);
	return ret ? ret : boot_plan_finish(image, plan, err);
}

int boot_multiboot_parse(const struct image *image, size_t header, AxImagePlan *plan, AxError *err)
{
	uint32_t flags = get_le32(image->bytes + header + 4);
	int ret = check_flags(image, flags, err);

	if (ret)
		return ret;
	plan->format = AX_IMAGE_MULTIBOOT;
	plan->mode = AX_MODE_PROTECTED;
	plan->multiboot_flags = flags;
	if (flags & FLAG_ADDRESSES)
		return parse_addresses(image, header, plan, err);
	if (boot_elf_found(image))
		return boot_elf_parse_multiboot(image, plan, err);
	return boot_damaged(
		image, err,
		"its multiboot header has no load addresses (flag bit 16) and the file is not ELF: "
		"nothing says where it goes");
}
