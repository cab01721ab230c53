/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target: any bytes with any hints: sniffing, flat binaries, contradictions. The input begins
 * with the hints:
 *   given, mode, machine, number of RAM ranges (a byte each), load address (8 bytes), then base and
 *   size of each range (8 bytes each); the rest is the file.
 */
#include "tests/fuzz/fuzz_image.h"

#define FIXED_PART 12
#define RANGES	   3

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AxImageHints hints = AX_IMAGE_HINTS_INIT;
	AxRamRange ram[RANGES];
	AxImagePlan plan;

	if (size < FIXED_PART + sizeof(ram))
		return 0;
	hints.given = data[0];
	hints.mode = data[1];
	hints.machine = data[2];
	hints.ram_count = data[3] % (RANGES + 1);
	memcpy(&hints.load, data + 4, 8);
	memcpy(ram, data + FIXED_PART, sizeof(ram));
	hints.ram = ram;
	data += FIXED_PART + sizeof(ram);
	size -= FIXED_PART + sizeof(ram);
	if (fuzz_parse(data, size, &hints, &plan) && plan.format == AX_IMAGE_FLAT &&
	    (((hints.given & AX_HINT_LOAD) && plan.entry != hints.load) ||
	     plan.entry != plan.segments[0].gpa || plan.segments[0].file_size != size))
		fuzz_breach("a flat binary that is not loaded whole and entered at its start");
	return 0;
}
