/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What ax_image_parse() promises of every plan, as boot.h says it; checked by unit tests and by the
 * fuzz targets, and written without looking at the parser.
 */
#ifndef AXVMM_TESTS_FUZZ_CHECK_PLAN_H
#define AXVMM_TESTS_FUZZ_CHECK_PLAN_H

#include <axvmm/boot.h>

/* base .. base + size lies in outer_base .. outer_base + outer_size; nothing can wrap here. */
static inline bool lies_in(uint64_t base, uint64_t size, uint64_t outer_base, uint64_t outer_size)
{
	unsigned __int128 end = (unsigned __int128)base + size;
	unsigned __int128 outer_end = (unsigned __int128)outer_base + outer_size;

	return base >= outer_base && end <= outer_end;
}

static inline bool lies_in_ram(const AxImageHints *hints, uint64_t base, uint64_t size)
{
	for (uint32_t i = 0; i < hints->ram_count; i++) {
		if (lies_in(base, size, hints->ram[i].base, hints->ram[i].size))
			return true;
	}
	return false;
}

static inline const char *check_segment(const AxImagePlan *plan, const AxImageSegment *segment,
					size_t file_size, const AxImageHints *hints)
{
	if (segment->memory_size == 0)
		return "a segment has no size";
	if (segment->file_size > segment->memory_size)
		return "a segment has more bytes in the file than in memory";
	if (!lies_in(segment->file_offset, segment->file_size, 0, file_size))
		return "a segment leaves the file";
	if (!lies_in_ram(hints, segment->gpa, segment->memory_size))
		return "a segment leaves RAM";
	if (plan->machine == AX_IMAGE_FOR_X86_64 &&
	    !lies_in(segment->gpa, segment->memory_size, 0, 1ull << 32))
		return "a segment leaves the first 4 GiB";
	if (segment->reserved || segment->flags > 7)
		return "a segment has unknown flags";
	return NULL;
}

static inline bool mode_fits(const AxImagePlan *plan)
{
	if (plan->machine != AX_IMAGE_FOR_X86_64)
		return plan->mode == AX_MODE_NATIVE;
	switch (plan->format) {
	case AX_IMAGE_FLAT: return plan->mode >= AX_MODE_REAL && plan->mode <= AX_MODE_LONG;
	case AX_IMAGE_ELF64:
	case AX_IMAGE_BZIMAGE:
	case AX_IMAGE_VMLINUX: return plan->mode == AX_MODE_LONG;
	default: return plan->mode == AX_MODE_PROTECTED;
	}
}

/* NULL when @plan, made from @file_size bytes, keeps the promise; else what it breaks. */
static inline const char *check_plan(const AxImagePlan *plan, size_t file_size,
				     const AxImageHints *hints)
{
	bool entry_found = false;
	const char *breach;

	if (plan->size != sizeof(*plan) || plan->reserved)
		return "the plan's size was changed";
	if (plan->format < AX_IMAGE_FLAT || plan->format > AX_IMAGE_VMLINUX)
		return "the format is none";
	if ((plan->format == AX_IMAGE_ARM64 && plan->machine != AX_IMAGE_FOR_ARM64) ||
	    (plan->format == AX_IMAGE_RISCV64 && plan->machine != AX_IMAGE_FOR_RISCV64))
		return "a Linux image for another machine";
	if (plan->format >= AX_IMAGE_BZIMAGE && plan->machine != AX_IMAGE_FOR_X86_64)
		return "a Linux image for another machine";
	if (plan->machine < AX_IMAGE_FOR_X86_64 || plan->machine > AX_IMAGE_FOR_RISCV64)
		return "the machine is none";
	if (hints->machine != AX_IMAGE_FOR_THIS && plan->machine != hints->machine)
		return "the machine is not the one asked for";
	if (!mode_fits(plan))
		return "the mode does not fit the format";
	if (plan->multiboot_flags && plan->format != AX_IMAGE_MULTIBOOT)
		return "multiboot flags without multiboot";
	if (plan->segment_count == 0 || plan->segment_count > AX_IMAGE_SEGMENTS_MAX)
		return "the number of segments is beyond its limits";
	for (uint32_t i = 0; i < plan->segment_count; i++) {
		const AxImageSegment *segment = &plan->segments[i];

		breach = check_segment(plan, segment, file_size, hints);
		if (breach)
			return breach;
		if (i > 0 && segment[-1].gpa + segment[-1].memory_size > segment->gpa)
			return "segments overlap or are out of order";
		if (lies_in(plan->entry, 1, segment->gpa, segment->memory_size))
			entry_found = true;
	}
	return entry_found ? NULL : "the entry is in no segment";
}

#endif
