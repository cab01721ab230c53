/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target: images with Linux's header, for arm64 and riscv64. The input begins with the start of
 * RAM in units of 4 KiB and its size in units of 4 KiB (4 bytes each); the rest is the file, whose
 * magic numbers are put in: both machines look at the same file.
 */
#include "tests/fuzz/fuzz_image.h"

#define PREFIX	    8
#define MAGIC	    56
#define HEADER_SIZE 64
#define BOUNDARY    0x200000

static const uint8_t arm64_magic[4] = { 'A', 'R', 'M', 0x64 };
static const uint8_t riscv64_magic[4] = { 'R', 'S', 'C', 5 };

static void parse_as(uint8_t *bytes, size_t len, uint32_t machine, const AxRamRange *ram)
{
	AxImageHints hints = AX_IMAGE_HINTS_INIT;
	uint64_t text_offset, image_size;
	AxImagePlan plan;

	memcpy(bytes + MAGIC, machine == AX_IMAGE_FOR_ARM64 ? arm64_magic : riscv64_magic,
	       sizeof(arm64_magic));
	hints.machine = machine;
	hints.ram = ram;
	hints.ram_count = 1;
	if (!fuzz_parse(bytes, len, &hints, &plan))
		return;
	if (plan.format == AX_IMAGE_ELF64)
		return;
	if (plan.format != (machine == AX_IMAGE_FOR_ARM64 ? AX_IMAGE_ARM64 : AX_IMAGE_RISCV64))
		fuzz_breach("a Linux header that is not seen");
	memcpy(&text_offset, bytes + 8, 8);
	memcpy(&image_size, bytes + 16, 8);
	if (machine == AX_IMAGE_FOR_ARM64 && image_size == 0)
		text_offset = 0x80000;
	if ((plan.entry - text_offset) % BOUNDARY)
		fuzz_breach("an image that is not where its header wants it");
	if (plan.segments[0].memory_size < image_size || plan.segments[0].file_size != len)
		fuzz_breach("an image with too little memory");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AxRamRange ram = { 0, 0 };
	uint32_t pages[2];
	uint8_t *bytes;

	if (size < PREFIX + HEADER_SIZE)
		return 0;
	memcpy(pages, data, sizeof(pages));
	ram.base = (uint64_t)pages[0] << 12;
	ram.size = ((uint64_t)pages[1] + 1) << 12;
	size -= PREFIX;
	bytes = malloc(size);
	if (!bytes)
		return 0;
	memcpy(bytes, data + PREFIX, size);
	parse_as(bytes, size, AX_IMAGE_FOR_ARM64, &ram);
	parse_as(bytes, size, AX_IMAGE_FOR_RISCV64, &ram);
	free(bytes);
	return 0;
}
