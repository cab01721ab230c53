/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Images that begin with Linux's header for arm64 or riscv64: kernels, U-Boot, and others that start
 * as Linux does. They say how far above a 2 MiB boundary they want to be; which boundary is ours to
 * choose.
 *
 * Source: Documentation/arch/arm64/booting.rst, "Call the kernel image";
 * Documentation/arch/riscv/boot-image-header.rst, and boot.rst, "Kernel location".
 */
#include <errno.h>
#include <string.h>

#include "boot/bytes.h"
#include "boot/image.h"

enum {
	TEXT_OFFSET = 8,
	IMAGE_SIZE = 16,
	FLAGS = 24,
	RISCV_VERSION = 32,
	MAGIC = 56,
	HEADER_SIZE = 64,
	FLAG_BIG_ENDIAN = 1,
};

#define ALIGNMENT (2 * ONE_MIB)

/* Of an image without a size, as Linux was before 3.17. */
#define OLD_TEXT_OFFSET 0x80000

/*
 * What the device tree may need where RAM begins. An arm64 image that would lie there goes to the
 * next boundary, as QEMU has it.
 */
#define DEVICE_TREE_ROOM 0x10000

static const struct header {
	uint32_t machine;
	uint32_t format;
	uint8_t magic[4];
	const char *name;
} headers[] = {
	{ AX_IMAGE_FOR_ARM64, AX_IMAGE_ARM64, { 'A', 'R', 'M', 0x64 }, "an arm64 Image" },
	{ AX_IMAGE_FOR_RISCV64, AX_IMAGE_RISCV64, { 'R', 'S', 'C', 0x05 }, "a riscv64 Image" },
};

static const struct header *find_header(const struct image *image)
{
	if (image->len < MAGIC + sizeof(headers[0].magic))
		return NULL;
	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		if (headers[i].machine == image->machine &&
		    !memcmp(image->bytes + MAGIC, headers[i].magic, sizeof(headers[i].magic)))
			return &headers[i];
	}
	return NULL;
}

bool boot_linux_found(const struct image *image)
{
	return find_header(image) != NULL;
}

uint64_t boot_linux_size(const struct image *image)
{
	return get_le64(image->bytes + IMAGE_SIZE);
}

/* The image's address when it goes into @ram; false when that wraps. */
static bool place_in(const AxRamRange *ram, uint64_t text_offset, uint64_t room, uint64_t *gpa)
{
	uint64_t base;

	if (ram->base > UINT64_MAX - (ALIGNMENT - 1))
		return false;
	base = (ram->base + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
	if (text_offset > UINT64_MAX - base)
		return false;
	*gpa = base + text_offset;
	if (*gpa - ram->base >= room)
		return true;
	if (*gpa > UINT64_MAX - ALIGNMENT)
		return false;
	*gpa += ALIGNMENT;
	return true;
}

static bool fits(const AxRamRange *ram, uint64_t gpa, uint64_t size)
{
	return gpa - ram->base <= ram->size && size <= ram->size - (gpa - ram->base);
}

/* The first piece of RAM that takes it. */
static int place(const struct image *image, const char *name, uint64_t text_offset, uint64_t size,
		 uint64_t *gpa, AxError *err)
{
	const AxRamRange *ram = image->hints->ram;
	uint64_t room = image->machine == AX_IMAGE_FOR_ARM64 ? DEVICE_TREE_ROOM : 0, needed;

	for (uint32_t i = 0; i < image->hints->ram_count; i++) {
		if (place_in(&ram[i], text_offset, room, gpa) && fits(&ram[i], *gpa, size))
			return 0;
	}
	if (!place_in(ram, text_offset, room, gpa) || size > UINT64_MAX - *gpa)
		return boot_damaged(
			image, err,
			"is %s that wants 0x%llx bytes of memory, and to lie 0x%llx bytes above a "
			"multiple of 2 MiB: that wraps around the address space",
			name, (unsigned long long)size, (unsigned long long)text_offset);
	needed = *gpa - ram->base + size;
	return boot_damaged(image, err,
			    "is %s that takes 0x%llx bytes from 0x%llx on, but RAM is 0x%llx bytes "
			    "at 0x%llx: at least %llu MiB would do",
			    name, (unsigned long long)size, (unsigned long long)*gpa,
			    (unsigned long long)ram->size, (unsigned long long)ram->base,
			    (unsigned long long)((needed - 1) / ONE_MIB + 1));
}

static int check_header(const struct image *image, const struct header *header, AxError *err)
{
	if (image->len < HEADER_SIZE)
		return boot_damaged(image, err,
				    "is %s, but cut off after %zu bytes: its header has %d",
				    header->name, image->len, HEADER_SIZE);
	if (get_le64(image->bytes + FLAGS) & FLAG_BIG_ENDIAN)
		return boot_refused(image, err, NULL, "a big-endian %s",
				    ax_image_format_name(header->format));
	if (header->format == AX_IMAGE_RISCV64 && get_le16(image->bytes + RISCV_VERSION + 2) != 0)
		return boot_refused(image, err, NULL, "%s with a header of version %u.%u",
				    header->name, get_le16(image->bytes + RISCV_VERSION + 2),
				    get_le16(image->bytes + RISCV_VERSION));
	return 0;
}

int boot_linux_parse(const struct image *image, AxImagePlan *plan, AxError *err)
{
	const struct header *header = find_header(image);
	AxImageSegment segment = {
		.file_size = image->len,
		.flags = AX_MAP_READ | AX_MAP_WRITE | AX_MAP_EXECUTE,
	};
	uint64_t text_offset;
	int ret;

	ret = check_header(image, header, err);
	if (ret)
		return ret;
	text_offset = get_le64(image->bytes + TEXT_OFFSET);
	segment.memory_size = get_le64(image->bytes + IMAGE_SIZE);
	if (segment.memory_size == 0 && header->format == AX_IMAGE_ARM64)
		text_offset = OLD_TEXT_OFFSET;
	if (segment.memory_size < image->len)
		segment.memory_size = image->len;

	plan->format = header->format;
	plan->mode = AX_MODE_NATIVE;
	ret = place(image, header->name, text_offset, segment.memory_size, &segment.gpa, err);
	if (ret)
		return ret;
	plan->entry = segment.gpa;
	ret = boot_plan_add(image, plan, &segment, 0, err);
	return ret ? ret : boot_plan_finish(image, plan, err);
}
