/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cache of ranges that the fast path looks into.
 */
#include <stdlib.h>

#include "core/range_cache.h"
#include "tests/unit/core_fixture.h"
#include "tests/unit/fake_libc.h"

static struct range_cache cache;

/* As fast_range() does. */
static const struct range *look_up(uint64_t addr)
{
	uint32_t hash = range_cache_hash(RANGE_MMIO, addr);
	const struct range *first = cache.ranges[range_cache_first(&cache, hash)];
	const struct range *second = cache.ranges[range_cache_second(&cache, hash)];

	if (range_fits(first, addr, AX_WIDTH_BYTE))
		return first;
	return range_fits(second, addr, AX_WIDTH_BYTE) ? second : NULL;
}

static void enter(const struct range *range, uint64_t addr)
{
	range_cache_enter(&cache, range_cache_hash(RANGE_MMIO, addr), range);
}

/* Ranges of a page each at random places, sorted or not. */
static struct range *some_ranges(size_t count, unsigned seed)
{
	struct range *ranges = calloc(count, sizeof(*ranges));

	ck_assert_ptr_nonnull(ranges);
	for (size_t i = 0; i < count; i++) {
		ranges[i].base = ((i << 8) + (size_t)rand_r(&seed) % 256) << 12;
		ranges[i].length = 0x1000;
		ranges[i].room[AX_WIDTH_BYTE] = 0x1000;
	}
	return ranges;
}

START_TEST(an_empty_cache_knows_nothing)
{
	range_cache_init(&cache);
	ck_assert_ptr_null(look_up(0));
	ck_assert_ptr_null(look_up(UINT64_MAX));
	ck_assert(!range_fits(&range_none, 0, RANGE_NO_WIDTH));
	range_cache_fini(&cache);
}
END_TEST

START_TEST(what_is_entered_is_found_until_a_reset)
{
	struct range *ranges = some_ranges(1, 1);

	range_cache_init(&cache);
	enter(ranges, ranges->base);
	ck_assert_ptr_eq(look_up(ranges->base), ranges);
	ck_assert_ptr_eq(look_up(ranges->base + 0x1ff), ranges);
	ck_assert_ptr_null(look_up(ranges->base + 0x1000));
	range_cache_reset(&cache, 1);
	ck_assert_ptr_null(look_up(ranges->base));
	range_cache_fini(&cache);
	free(ranges);
}
END_TEST

/* As many as it was made for: nearly nobody is without a place. */
START_TEST(ranges_do_not_push_each_other_out)
{
	static const size_t counts[] = { 16, 64, 1000, 10000 };

	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		size_t count = counts[i], found = 0;
		struct range *ranges = some_ranges(count, 7);

		range_cache_init(&cache);
		range_cache_reset(&cache, count);
		for (size_t j = 0; j < count; j++)
			enter(&ranges[j], ranges[j].base);
		for (size_t j = 0; j < count; j++)
			found += look_up(ranges[j].base) == &ranges[j];
		ck_assert_uint_ge(found, count - count / 50);
		range_cache_fini(&cache);
		free(ranges);
	}
}
END_TEST

START_TEST(too_many_ranges_are_forgotten_not_confused)
{
	struct range *ranges = some_ranges(500, 3);
	size_t found = 0;

	range_cache_init(&cache);
	for (size_t i = 0; i < 500; i++) {
		const struct range *range;

		enter(&ranges[i], ranges[i].base);
		range = look_up(ranges[i / 2].base);
		ck_assert(!range || range == &ranges[i / 2]);
	}
	for (size_t i = 0; i < 500; i++)
		found += look_up(ranges[i].base) != NULL;
	ck_assert_uint_le(found, RANGE_CACHE_LEAST);
	ck_assert_uint_ge(found, RANGE_CACHE_LEAST / 2);
	range_cache_fini(&cache);
	free(ranges);
}
END_TEST

START_TEST(without_memory_it_stays_small)
{
	struct range *ranges = some_ranges(1, 1);

	range_cache_init(&cache);
	enter(ranges, ranges->base);
	fake_libc_fail(LIBC_MALLOC, 1, ENOMEM);
	range_cache_reset(&cache, 1000);
	ck_assert(fake_libc_failed(LIBC_MALLOC));
	ck_assert_uint_eq(cache.mask, RANGE_CACHE_LEAST - 1);
	ck_assert_ptr_null(look_up(ranges->base));
	range_cache_reset(&cache, 1000);
	ck_assert_uint_eq(cache.mask, 2048 - 1);
	enter(ranges, ranges->base);
	ck_assert_ptr_eq(look_up(ranges->base), ranges);
	range_cache_fini(&cache);
	free(ranges);
}
END_TEST

RUN_CORE_TESTS("range_cache", an_empty_cache_knows_nothing, what_is_entered_is_found_until_a_reset,
	       ranges_do_not_push_each_other_out, too_many_ranges_are_forgotten_not_confused,
	       without_memory_it_stays_small)
