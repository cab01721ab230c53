/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target: kernels for x86-64: bzImages, and ELF files whose notes say PVH or Linux. The input begins
 * with the size of RAM in units of 64 KiB (2 bytes), the number of modules, and a byte that is odd where
 * the file is made a bzImage by its magic numbers; the rest is the file.
 */
#include "boot/bytes.h"
#include "boot/linux_x86.h"
#include "tests/fuzz/fuzz_image.h"

#define PREFIX	   4
#define BOOT_FLAG  0x1fe
#define MAGIC	   0x202
#define PREFERRED  0x258
#define INIT_SIZE  0x260
#define RAM_UNIT   0x10000ull
#define MODULES	   4u
#define INFO_PLACE 0x1000

static const uint8_t magic[4] = { 'H', 'd', 'r', 'S' };

/* What the kernel will find: built from the file's header in a buffer of exactly its size. */
static void build_zero_page(const struct image *image, const AxRamRange *ram)
{
	struct memory_piece pieces[MEMORY_PIECES_MAX];
	struct boot_params params = { .command_line = 0x9000, .memory = pieces };
	uint8_t *page = malloc(BOOT_PARAMS_SIZE);
	struct bzimage header;

	if (!page)
		return;
	if (boot_bzimage_read(image, &header, NULL))
		fuzz_breach("a header that was taken, and then not");
	if (header.header_end > image->len || header.header_end > BOOT_PARAMS_E820 ||
	    header.header_end < BOOT_SETUP_HEADER)
		fuzz_breach("a header that is no part of the file");
	if (!header.command_line_max || !header.initrd_end_max)
		fuzz_breach("a limit that lets nothing in");
	params.memory_count = boot_memory_map(ram, 1, pieces);
	boot_params_build(&params, image->bytes + BOOT_SETUP_HEADER,
			  header.header_end - BOOT_SETUP_HEADER, page);
	if (memcmp(page + MAGIC, magic, sizeof(magic)) != 0)
		fuzz_breach("a zero page without its header");
	free(page);
}

static void build_start_info(const AxRamRange *ram, uint32_t module_count)
{
	struct memory_piece pieces[MEMORY_PIECES_MAX];
	AxRamRange modules[MODULES] = { { 0x200000, 1 } };
	struct start_info info = { .modules = modules,
				   .module_count = module_count,
				   .memory = pieces };
	uint8_t *bytes;

	info.memory_count = boot_memory_map(ram, 1, pieces);
	bytes = malloc(boot_start_info_size(module_count, info.memory_count));
	if (bytes)
		boot_start_info_build(&info, INFO_PLACE, bytes);
	free(bytes);
}

static void parse(const uint8_t *bytes, size_t len, const AxRamRange *ram, uint32_t modules)
{
	AxImageHints hints = AX_IMAGE_HINTS_INIT;
	struct image image = {
		.bytes = bytes, .len = len, .hints = &hints, .machine = AX_IMAGE_FOR_X86_64
	};
	AxImagePlan plan;

	hints.machine = AX_IMAGE_FOR_X86_64;
	hints.ram = ram;
	hints.ram_count = 1;
	hints.name = "input";
	if (!fuzz_parse(bytes, len, &hints, &plan))
		return;
	switch (plan.format) {
	case AX_IMAGE_BZIMAGE:
		if (plan.segments[0].gpa != get_le64(bytes + PREFERRED) ||
		    plan.entry != plan.segments[0].gpa + BZIMAGE_ENTRY_OFFSET)
			fuzz_breach("a kernel that is not where its header wants it");
		if (plan.segments[0].memory_size < get_le32(bytes + INIT_SIZE))
			fuzz_breach("a kernel with too little memory");
		build_zero_page(&image, ram);
		break;
	case AX_IMAGE_PVH: build_start_info(ram, modules); break;
	default: break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AxRamRange ram = { 0, 0 };
	uint8_t *bytes;
	size_t len;

	if (size <= PREFIX)
		return 0;
	len = size - PREFIX;
	ram.size = (get_le16(data) + 1) * RAM_UNIT;
	/* Of exactly the file's size, so that a byte behind it is an error. */
	bytes = malloc(len);
	if (!bytes)
		return 0;
	memcpy(bytes, data + PREFIX, len);
	if ((data[3] & 1) && len >= MAGIC + sizeof(magic)) {
		put_le16(bytes + BOOT_FLAG, 0xaa55);
		memcpy(bytes + MAGIC, magic, sizeof(magic));
	}
	parse(bytes, len, &ram, data[2] % (MODULES + 1));
	free(bytes);
	return 0;
}
