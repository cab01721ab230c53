/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A vCPU's cache of ranges by address: the fast path's whole lookup, but for the first access to
 * each place. Every address has two places in it (a cuckoo hash table, demand-filled), and the
 * table grows with the number of registered ranges, so that what is accessed in turn does not push
 * each other out.
 */
#ifndef AXVMM_CORE_RANGE_CACHE_H
#define AXVMM_CORE_RANGE_CACHE_H

#include "core/range.h"

/*
 * Pieces of an address space of this many bytes have an entry each: registers that are used
 * together share theirs, devices that stand side by side do not.
 */
#define MMIO_PIECE_BITS 9 /* as far apart as virtio-mmio devices are */
#define PORT_PIECE_BITS 3

#define RANGE_CACHE_LEAST 32u
#define RANGE_CACHE_MOST  65536u /* a hash has no more bits */

struct range_cache {
	const struct range **ranges; /* mask + 1 of them, never NULL: &range_none */
	uint32_t mask;
	uint32_t *hashes; /* of the piece for which each was entered */
	const struct range *first_ranges[RANGE_CACHE_LEAST];
	uint32_t first_hashes[RANGE_CACHE_LEAST];
};

/* In the place of an unset entry: contains no address. */
extern const struct range range_none;

static inline uint32_t range_cache_hash(enum range_space space, uint64_t addr)
{
	uint32_t piece =
		(uint32_t)(addr >> (space == RANGE_PORT ? PORT_PIECE_BITS : MMIO_PIECE_BITS));

	/* 2^32 divided by the golden ratio spreads addresses at regular distances: TAOCP 6.4. */
	return piece * 0x9e3779b1u;
}

/* The two places of a hash. */
static inline uint32_t range_cache_first(const struct range_cache *cache, uint32_t hash)
{
	return hash >> 16 & cache->mask;
}

static inline uint32_t range_cache_second(const struct range_cache *cache, uint32_t hash)
{
	return hash >> 8 & cache->mask;
}

/* An empty cache of the least size. */
void range_cache_init(struct range_cache *cache);

/*
 * Empty it, and make it as large as @count ranges deserve. Without memory for that it stays as large
 * as it is.
 */
void range_cache_reset(struct range_cache *cache, size_t count);

/* Enter a range, for addresses with @hash. What has no room any more is forgotten. */
void range_cache_enter(struct range_cache *cache, uint32_t hash, const struct range *range);

/* Free what belongs to it. */
void range_cache_fini(struct range_cache *cache);

#endif
