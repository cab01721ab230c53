/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Understanding KVM's binary statistics. See stats.h.
 */
#include <config.h>

#include <string.h>

#include "core/stats.h"

/* api.rst 4.133: fields of a descriptor's flags. */
#define FLAG_KIND(flags) ((flags)&0xf)
#define FLAG_UNIT(flags) ((flags) >> 4 & 0xf)
#define FLAG_BASE(flags) ((flags) >> 8 & 0xf)

_Static_assert(sizeof(struct kvm_stats_header) == 24, "header of the binary statistics");
_Static_assert(sizeof(struct kvm_stats_desc) == 16, "descriptor of the binary statistics");

bool stats_check_header(const struct kvm_stats_header *header, struct stats_layout *layout,
			const char **why)
{
	*layout = (struct stats_layout){ header->name_size, header->num_desc, header->id_offset,
					 header->desc_offset, header->data_offset };
	*why = NULL;
	/* Where flags are set the rest may mean something else. */
	if (header->flags)
		*why = "flags that are not known";
	else if (!header->name_size || header->name_size > STATS_NAME_MAX)
		*why = "a size of names that makes no sense";
	else if (header->num_desc > STATS_COUNT_MAX)
		*why = "too many statistics";
	else if (header->id_offset < sizeof(*header) || header->desc_offset < sizeof(*header) ||
		 header->data_offset < sizeof(*header) || header->id_offset > STATS_OFFSET_MAX ||
		 header->desc_offset > STATS_OFFSET_MAX || header->data_offset > STATS_OFFSET_MAX)
		*why = "a block at a place that makes no sense";
	return !*why;
}

size_t stats_desc_size(const struct stats_layout *layout)
{
	return sizeof(struct kvm_stats_desc) + layout->name_size;
}

bool stats_take_name(char *to, const uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		to[i] = (char)bytes[i];
		if (!bytes[i])
			return true;
		if (bytes[i] < 0x20 || bytes[i] > 0x7e)
			return false;
	}
	return false;
}

bool stats_check_desc(const struct stats_layout *layout, const uint8_t *bytes,
		      struct stats_row *row, uint32_t *values, const char **why)
{
	struct kvm_stats_desc desc;
	uint64_t end;

	memcpy(&desc, bytes, sizeof(desc));
	*why = NULL;
	if (!stats_take_name(row->name, bytes + sizeof(desc), layout->name_size) || !row->name[0])
		*why = "a name without an end, or with bytes that are no name's";
	else if (!desc.size)
		*why = "a statistic without a value";
	else if (desc.offset % sizeof(uint64_t))
		*why = "a value at an odd place";
	else if (FLAG_BASE(desc.flags) > 1)
		*why = "a base of exponents that is not known";
	if (*why)
		return false;
	end = (uint64_t)desc.offset / sizeof(uint64_t) + desc.size;
	if (end > STATS_VALUES_MAX) {
		*why = "too many values";
		return false;
	}
	row->kind = FLAG_KIND(desc.flags);
	row->unit = FLAG_UNIT(desc.flags);
	row->base = FLAG_BASE(desc.flags) ? 2 : 10;
	row->exponent = desc.exponent;
	row->bucket_size = row->kind == AX_STAT_LINEAR_HISTOGRAM ? desc.bucket_size : 0;
	row->first = desc.offset / (uint32_t)sizeof(uint64_t);
	row->count = desc.size;
	if (*values < end)
		*values = (uint32_t)end;
	return true;
}
