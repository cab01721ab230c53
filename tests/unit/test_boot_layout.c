/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding free places in RAM, compared with trying every address.
 */
#include <stdlib.h>

#include "boot/image.h"
#include "tests/unit/boot_builder.h"

START_TEST(the_lowest_place_is_taken_once)
{
	const AxRamRange ram = { 0x1000, 0x4000 };
	struct layout layout;
	uint64_t base;

	boot_layout_init(&layout, &ram, 1);
	ck_assert(boot_layout_low(&layout, 0x1000, 0x1000, 0, UINT64_MAX, &base));
	ck_assert_uint_eq(base, 0x1000);
	ck_assert(boot_layout_low(&layout, 1, 0x1000, 0, UINT64_MAX, &base));
	ck_assert_uint_eq(base, 0x2000);
	ck_assert(boot_layout_low(&layout, 1, 1, 0, UINT64_MAX, &base));
	ck_assert_uint_eq(base, 0x2001);
	ck_assert(!boot_layout_low(&layout, 0x2001, 1, 0x3000, UINT64_MAX, &base));
	ck_assert(boot_layout_low(&layout, 0x2000, 1, 0x3000, 0x5000, &base));
	ck_assert_uint_eq(base, 0x3000);
}
END_TEST

START_TEST(the_highest_place_is_taken_once)
{
	const AxRamRange ram[] = { { 0, 0x4000 }, { 0x8000, 0x2000 } };
	struct layout layout;
	uint64_t base;

	boot_layout_init(&layout, ram, 2);
	ck_assert(boot_layout_high(&layout, 0x800, 0x1000, UINT64_MAX, &base));
	ck_assert_uint_eq(base, 0x9000);
	ck_assert(boot_layout_high(&layout, 0x1000, 0x1000, UINT64_MAX, &base));
	ck_assert_uint_eq(base, 0x8000);
	ck_assert(boot_layout_high(&layout, 0x1000, 0x1000, 0x3fff, &base));
	ck_assert_uint_eq(base, 0x2000);
	ck_assert(boot_layout_high(&layout, 0x2000, 0x1000, UINT64_MAX, &base));
	ck_assert_uint_eq(base, 0);
	ck_assert(!boot_layout_high(&layout, 0x1001, 0x1000, UINT64_MAX, &base));
}
END_TEST

START_TEST(addresses_at_the_end_of_the_space_do_not_wrap)
{
	const AxRamRange ram = { UINT64_MAX - 0x1fff, 0x1fff };
	struct layout layout;
	uint64_t base;

	boot_layout_init(&layout, &ram, 1);
	ck_assert(!boot_layout_low(&layout, 1, 1ull << 63, UINT64_MAX, UINT64_MAX, &base));
	ck_assert(!boot_layout_low(&layout, UINT64_MAX, 1, 0, UINT64_MAX, &base));
	ck_assert(!boot_layout_high(&layout, UINT64_MAX, 1, UINT64_MAX, &base));
	ck_assert(boot_layout_low(&layout, 0x1000, 0x1000, 0, UINT64_MAX, &base));
	ck_assert_uint_eq(base, UINT64_MAX - 0x1fff);
	ck_assert(boot_layout_high(&layout, 0xfff, 1, UINT64_MAX, &base));
	ck_assert_uint_eq(base, UINT64_MAX - 0xfff);
}
END_TEST

/* The same with eyes closed: a place is good when all of its bytes are RAM and free. */
static bool is_good(const struct layout *layout, uint64_t base, uint64_t size, uint64_t from,
		    uint64_t limit)
{
	bool in_ram = false;

	for (unsigned i = 0; i < layout->ram_count; i++)
		in_ram |= lies_in(base, size, layout->ram[i].base, layout->ram[i].size);
	for (unsigned i = 0; i < layout->taken_count; i++) {
		const AxRamRange *taken = &layout->taken[i];

		if (base < taken->base + taken->size && taken->base < base + size)
			return false;
	}
	return in_ram && base >= from && base + size <= limit;
}

START_TEST(both_ways_find_what_trying_all_addresses_finds)
{
	srand(1);
	for (unsigned round = 0; round < 20000; round++) {
		AxRamRange ram[2] = { { (uint64_t)rand() % 64, 1 + (uint64_t)rand() % 64 } };
		struct layout before, after;
		uint64_t size = 1 + (uint64_t)rand() % 24, align = 1ull << rand() % 5;
		uint64_t from = (uint64_t)rand() % 64, limit = (uint64_t)rand() % 256;
		uint64_t low = UINT64_MAX, high = UINT64_MAX, base = UINT64_MAX;

		ram[1].base = ram[0].base + ram[0].size + (uint64_t)rand() % 32;
		ram[1].size = 1 + (uint64_t)rand() % 64;
		boot_layout_init(&before, ram, 1 + (unsigned)rand() % 2);
		for (int i = rand() % 6; i > 0; i--)
			boot_layout_take(&before, (uint64_t)rand() % 200,
					 1 + (uint64_t)rand() % 16);
		for (uint64_t i = 0; i < 256; i += align) {
			if (is_good(&before, i, size, from, limit) && low == UINT64_MAX)
				low = i;
			if (is_good(&before, i, size, 0, limit))
				high = i;
		}
		after = before;
		ck_assert_int_eq(boot_layout_low(&after, size, align, from, limit, &base),
				 low != UINT64_MAX);
		ck_assert_uint_eq(base, low);
		ck_assert_uint_eq(after.taken_count, before.taken_count + (low != UINT64_MAX));
		after = before;
		base = UINT64_MAX;
		ck_assert_int_eq(boot_layout_high(&after, size, align, limit, &base),
				 high != UINT64_MAX);
		ck_assert_uint_eq(base, high);
	}
}
END_TEST

RUN_TESTS("boot-layout", the_lowest_place_is_taken_once, the_highest_place_is_taken_once,
	  addresses_at_the_end_of_the_space_do_not_wrap,
	  both_ways_find_what_trying_all_addresses_finds)
