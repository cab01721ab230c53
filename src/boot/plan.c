/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What holds for the segments of every format: in the file, in RAM, apart from each other.
 */
#include <errno.h>
#include <stdio.h>

#include "boot/image.h"

typedef unsigned long long ull;

static bool range_contains(const AxRamRange *ram, uint64_t base, uint64_t size)
{
	return base >= ram->base && base - ram->base <= ram->size &&
	       size <= ram->size - (base - ram->base);
}

/* "RAM is 0x100000 bytes at 0x0": the piece that @base lies in, else the first. */
static void describe_ram(const AxImageHints *hints, uint64_t base, char *text, size_t size)
{
	const AxRamRange *shown = &hints->ram[0];

	for (unsigned i = 0; i < hints->ram_count; i++) {
		if (range_contains(&hints->ram[i], base, 1))
			shown = &hints->ram[i];
	}
	snprintf(text, size, "RAM%s is 0x%llx bytes at 0x%llx",
		 hints->ram_count > 1 ? " there" : "", (ull)shown->size, (ull)shown->base);
}

static int check_ram(const struct image *image, const AxImageSegment *segment, unsigned index,
		     AxError *err)
{
	const AxImageHints *hints = image->hints;
	uint64_t end = segment->gpa + segment->memory_size;
	char ram[64];

	for (unsigned i = 0; i < hints->ram_count; i++) {
		if (range_contains(&hints->ram[i], segment->gpa, segment->memory_size))
			return 0;
	}
	describe_ram(hints, segment->gpa, ram, sizeof(ram));
	if (segment->gpa >= hints->ram[0].base)
		return boot_damaged(
			image, err,
			"segment %u, 0x%llx bytes at 0x%llx, is outside RAM: %s; at least "
			"%llu MiB or another load address would do",
			index, (ull)segment->memory_size, (ull)segment->gpa, ram,
			(ull)((end - hints->ram[0].base - 1) / ONE_MIB + 1));
	return boot_damaged(
		image, err,
		"segment %u, 0x%llx bytes at 0x%llx, is outside RAM: %s; link it to another "
		"address",
		index, (ull)segment->memory_size, (ull)segment->gpa, ram);
}

int boot_plan_add(const struct image *image, AxImagePlan *plan, const AxImageSegment *segment,
		  unsigned index, AxError *err)
{
	uint64_t limit = boot_machine(image->machine)->limit;
	int ret;

	if (segment->file_size > segment->memory_size)
		return boot_damaged(
			image, err,
			"segment %u is damaged: 0x%llx bytes in the file for 0x%llx bytes of "
			"memory",
			index, (ull)segment->file_size, (ull)segment->memory_size);
	if (segment->file_offset > image->len ||
	    segment->file_size > image->len - segment->file_offset)
		return boot_damaged(
			image, err,
			"segment %u, 0x%llx bytes at offset 0x%llx, is cut off: the file has "
			"only 0x%llx bytes",
			index, (ull)segment->file_size, (ull)segment->file_offset, (ull)image->len);
	if (segment->memory_size == 0)
		return 0;
	if (segment->gpa > limit || segment->memory_size > limit - segment->gpa)
		return boot_damaged(
			image, err,
			"segment %u, 0x%llx bytes at 0x%llx, %s; link it to another address", index,
			(ull)segment->memory_size, (ull)segment->gpa,
			limit == FOUR_GIB ? "ends beyond the first 4 GiB"
					  : "wraps around the address space");
	ret = check_ram(image, segment, index, err);
	if (ret)
		return ret;
	if (plan->segment_count == AX_IMAGE_SEGMENTS_MAX)
		return boot_error(err, AX_ERROR_IMAGE, 0, -ENOSPC, image->hints->name,
				  "has more than %d segments to load: link it to fewer",
				  AX_IMAGE_SEGMENTS_MAX);
	plan->segments[plan->segment_count++] = *segment;
	return 0;
}

static void sort(AxImagePlan *plan)
{
	for (unsigned i = 1; i < plan->segment_count; i++) {
		AxImageSegment moved = plan->segments[i];
		unsigned place = i;

		for (; place > 0 && plan->segments[place - 1].gpa > moved.gpa; place--)
			plan->segments[place] = plan->segments[place - 1];
		plan->segments[place] = moved;
	}
}

int boot_plan_finish(const struct image *image, AxImagePlan *plan, AxError *err)
{
	bool entry_found = false;

	if (plan->segment_count == 0)
		return boot_damaged(image, err,
				    "is %s with no segment to load: it has no program in it",
				    ax_image_format_name(plan->format));
	sort(plan);
	for (unsigned i = 0; i < plan->segment_count; i++) {
		const AxImageSegment *segment = &plan->segments[i];

		if (i > 0 && segment->gpa - segment[-1].gpa < segment[-1].memory_size)
			return boot_damaged(
				image, err,
				"segments overlap: 0x%llx bytes at 0x%llx and 0x%llx bytes at "
				"0x%llx; link them apart",
				(ull)segment[-1].memory_size, (ull)segment[-1].gpa,
				(ull)segment->memory_size, (ull)segment->gpa);
		if (plan->entry >= segment->gpa &&
		    plan->entry - segment->gpa < segment->memory_size)
			entry_found = true;
	}
	if (!entry_found)
		return boot_damaged(
			image, err,
			"its entry point 0x%llx is in no segment (the first is at 0x%llx): link "
			"it with the entry inside",
			(ull)plan->entry, (ull)plan->segments[0].gpa);
	return 0;
}
