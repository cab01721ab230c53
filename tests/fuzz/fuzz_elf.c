/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target: an ELF image, for each machine. The input is the file.
 */
#include "tests/fuzz/fuzz_image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const AxRamRange ram[] = {
		{ 0, 0xa0000 },
		{ 0x100000, 0x7f00000 },
		{ 0x80000000, 0x8000000 },
		{ 0x100000000, 0x10000000 },
	};
	AxImageHints hints = AX_IMAGE_HINTS_INIT;
	AxImagePlan plan;

	hints.ram = ram;
	hints.ram_count = 4;
	for (uint32_t machine = AX_IMAGE_FOR_X86_64; machine <= AX_IMAGE_FOR_RISCV64; machine++) {
		hints.machine = machine;
		fuzz_parse(data, size, &hints, &plan);
	}
	return 0;
}
