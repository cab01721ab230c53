/* SPDX-License-Identifier: Apache-2.0 */
/*
 * KVM's binary statistics, api.rst 4.133: a header, a block of descriptors, a block of data. What
 * the bytes say is checked once, here, as if a stranger had sent them: pure.
 */
#ifndef AXVMM_CORE_STATS_H
#define AXVMM_CORE_STATS_H

#include <axvmm/stats.h>

#include "sys/sys.h"

/* Far more than any kernel has: whoever says more is not believed. */
#define STATS_NAME_MAX	 256	   /* bytes, with the NUL; Linux 6.12 has 48 */
#define STATS_COUNT_MAX	 4096	   /* statistics; it has about 50 */
#define STATS_VALUES_MAX (1 << 16) /* of all together */
#define STATS_OFFSET_MAX (1 << 24) /* of each block, in bytes */

/* Where the blocks are. */
struct stats_layout {
	uint32_t name_size; /* of each name, and of the identification */
	uint32_t count;
	uint32_t id_offset;
	uint32_t desc_offset;
	uint32_t data_offset;
};

/* One descriptor's own. */
struct stats_row {
	char name[STATS_NAME_MAX];
	uint32_t kind, unit, base;
	int32_t exponent;
	uint32_t bucket_size;
	uint32_t first; /* of its values, in the data block */
	uint32_t count;
};

/* False: these are no statistics; *why says what is wrong with them. */
bool stats_check_header(const struct kvm_stats_header *header, struct stats_layout *layout,
			const char **why);

/* Bytes of a descriptor with its name. */
size_t stats_desc_size(const struct stats_layout *layout);

/*
 * One descriptor: stats_desc_size() bytes. *values: how many the data block holds as far as is known,
 * which grows. False: *why.
 */
bool stats_check_desc(const struct stats_layout *layout, const uint8_t *bytes,
		      struct stats_row *row, uint32_t *values, const char **why);

/* Printable ASCII that ends within @size bytes: copied. */
bool stats_take_name(char *to, const uint8_t *bytes, size_t size);

#endif
