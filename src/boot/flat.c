/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flat binaries: all bytes go to the load address, which is the entry.
 */
#include <errno.h>

#include "boot/image.h"

static int check_mode(const struct image *image, uint32_t mode, AxError *err)
{
	const AxImageHints *hints = image->hints;

	if (!boot_machine(image->machine)->has_modes && mode != AX_MODE_NATIVE)
		return boot_error(
			err, AX_ERROR_ARGUMENT, 0, -EINVAL, hints->name,
			"an %s CPU has no such modes as real, protected and long: leave the mode "
			"out",
			boot_machine(image->machine)->name);
	/* CS holds a sixteenth of its base */
	if (mode == AX_MODE_REAL && (hints->load >= ONE_MIB || hints->load % 16))
		return boot_error(
			err, AX_ERROR_ARGUMENT, 0, -EINVAL, hints->name,
			"real mode can't begin at 0x%llx: a load address below 0x100000 that is "
			"a multiple of 16 would do",
			(unsigned long long)hints->load);
	return 0;
}

/* Where RAM begins is for the first range to say. */
static uint64_t default_load(const struct image *image)
{
	uint64_t base = image->hints->ram[0].base;
	uint64_t offset = boot_machine(image->machine)->flat_offset;

	return offset <= UINT64_MAX - base ? base + offset : base;
}

int boot_flat_parse(const struct image *image, AxImagePlan *plan, AxError *err)
{
	const AxImageHints *hints = image->hints;
	const AxImageSegment segment = {
		.gpa = hints->given & AX_HINT_LOAD ? hints->load : default_load(image),
		.file_size = image->len,
		.memory_size = image->len,
		.flags = AX_MAP_READ | AX_MAP_WRITE | AX_MAP_EXECUTE,
	};
	uint32_t mode = (hints->given & AX_HINT_MODE) ? hints->mode : AX_MODE_NATIVE;
	int ret;

	if (boot_machine(image->machine)->has_modes && mode == AX_MODE_NATIVE)
		mode = AX_MODE_REAL;
	ret = check_mode(image, mode, err);
	if (ret)
		return ret;
	plan->format = AX_IMAGE_FLAT;
	plan->mode = mode;
	plan->entry = segment.gpa;
	ret = boot_plan_add(image, plan, &segment, 0, err);
	return ret ? ret : boot_plan_finish(image, plan, err);
}
