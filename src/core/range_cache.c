/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cache of ranges: what is not on the fast path.
 */
#include <config.h>

#include <stdlib.h>

#include "core/range_cache.h"

#define MOST_MOVES 16 /* of entries, to make room for one */

const struct range range_none = { .base = 0, .length = 0, .name = "none" };

static void clear(struct range_cache *cache)
{
	for (uint32_t i = 0; i <= cache->mask; i++)
		cache->ranges[i] = &range_none;
}

void range_cache_init(struct range_cache *cache)
{
	cache->ranges = cache->first_ranges;
	cache->hashes = cache->first_hashes;
	cache->mask = RANGE_CACHE_LEAST - 1;
	clear(cache);
}

/* Half of it stays empty even when each range is accessed: then two places are enough. */
static uint32_t size_for(size_t count)
{
	uint32_t size = RANGE_CACHE_LEAST;

	while (size < RANGE_CACHE_MOST && size / 2 < count)
		size *= 2;
	return size;
}

void range_cache_reset(struct range_cache *cache, size_t count)
{
	uint32_t size = size_for(count);

	if (size > cache->mask + 1) {
		const struct range **ranges = calloc(size, sizeof(const struct range *));
		uint32_t *hashes = calloc(size, sizeof(*hashes));

		if (ranges && hashes) {
			range_cache_fini(cache);
			cache->ranges = ranges;
			cache->hashes = hashes;
			cache->mask = size - 1;
		} else {
			free(ranges);
			free(hashes);
		}
	}
	clear(cache);
}

void range_cache_enter(struct range_cache *cache, uint32_t hash, const struct range *range)
{
	uint32_t place = range_cache_first(cache, hash);

	if (cache->ranges[place] != &range_none)
		place = range_cache_second(cache, hash);
	/* Whoever has no empty place takes another's, who goes to its own other place. */
	for (unsigned moves = 0; moves < MOST_MOVES; moves++) {
		const struct range *moved = cache->ranges[place];
		uint32_t moved_hash = cache->hashes[place];

		cache->ranges[place] = range;
		cache->hashes[place] = hash;
		if (moved == &range_none)
			return;
		range = moved;
		hash = moved_hash;
		place ^= range_cache_first(cache, hash) ^ range_cache_second(cache, hash);
	}
}

void range_cache_fini(struct range_cache *cache)
{
	if (cache->ranges == cache->first_ranges)
		return;
	free(cache->ranges);
	free(cache->hashes);
	range_cache_init(cache);
}
