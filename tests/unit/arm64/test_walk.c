/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stage-1 table walk: every granule, size of the address space and level, against tables that are
 * built here; and tables that make no sense.
 */
#include "arch/arm64/walk.h"
#include "tests/unit/run_fixture.h"

#define VALID 1u
#define TABLE 3u
#define PAGE  3u
#define BLOCK 1u

/* Physical memory that holds descriptors: a few words, looked up by address. */
static struct word {
	uint64_t address, value;
} words[16];
static unsigned word_count, reads;

static bool read_word(void *opaque, uint64_t ipa, uint64_t *value)
{
	ck_assert_ptr_eq(opaque, words);
	ck_assert_uint_eq(ipa % 8, 0);
	reads++;
	for (unsigned i = 0; i < word_count; i++) {
		if (words[i].address == ipa) {
			*value = words[i].value;
			return true;
		}
	}
	return false;
}

static void put(uint64_t address, uint64_t value)
{
	ck_assert_uint_lt(word_count, COUNT(words));
	words[word_count++] = (struct word){ address, value };
}

static void setup(void)
{
	word_count = 0;
	reads = 0;
}

/* log2 of the page, as TG0 and TG1 have it. */
static uint64_t tg0(unsigned shift)
{
	return (uint64_t)(shift == 12 ? 0 : shift == 16 ? 1 : 2) << 14;
}

static uint64_t tg1(unsigned shift)
{
	return (uint64_t)(shift == 12 ? 2 : shift == 16 ? 3 : 1) << 30;
}

static struct a64_regime regime(unsigned shift, unsigned bits)
{
	return (struct a64_regime){
		.sctlr = A64_SCTLR_M,
		.tcr = tg0(shift) | tg1(shift) | (64 - bits) | (uint64_t)(64 - bits) << 16,
		.ttbr = { 0x10000000, 0x20000000 },
	};
}

static bool walk(const struct a64_regime *regime, uint64_t addr, uint64_t *ipa)
{
	*ipa = 0xdead;
	return a64_walk(regime, addr, read_word, words, ipa);
}

#define TABLES 0x40000000 /* level n's table: TABLES + n * 0x100000 */

/* Where the table of @level is; the first is TTBR's. */
static uint64_t table_of(const struct a64_regime *regime, uint64_t addr, int level, int first)
{
	return level == first ? regime->ttbr[a64_half(addr)]
			      : TABLES + (uint64_t)(level + 1) * 0x100000;
}

/* Bits of @addr that index the table of @level. */
static uint64_t index_of(uint64_t addr, unsigned shift, unsigned bits, int level)
{
	unsigned low = shift + (unsigned)(3 - level) * (shift - 3);
	uint64_t within = bits == 64 ? addr : addr & ((UINT64_C(1) << bits) - 1);

	return within >> low &
	       (level < 0 || low + shift - 3 > bits ? UINT64_MAX
						    : (UINT64_C(1) << (shift - 3)) - 1);
}

/* Tables down to @last, whose descriptor is @leaf. */
static void build(const struct a64_regime *regime, uint64_t addr, unsigned shift, unsigned bits,
		  int first, int last, uint64_t leaf)
{
	for (int level = first; level <= last; level++)
		put(table_of(regime, addr, level, first) + 8 * index_of(addr, shift, bits, level),
		    level == last ? leaf : table_of(regime, addr, level + 1, first) | TABLE);
}

static const struct shape {
	unsigned shift, bits;
	int first;
} shapes[] = {
	{ 12, 48, 0 }, { 12, 40, 0 }, { 12, 39, 1 }, { 12, 31, 1 }, { 12, 30, 2 }, { 12, 22, 2 },
	{ 12, 21, 3 }, { 12, 16, 3 }, { 14, 48, 0 }, { 14, 47, 1 }, { 14, 36, 2 }, { 14, 25, 3 },
	{ 16, 52, 1 }, { 16, 48, 1 }, { 16, 42, 2 }, { 16, 29, 3 },
};

START_TEST(pages_are_found_in_both_halves)
{
	const struct shape *shape = &shapes[_i];
	struct a64_regime r = regime(shape->shift, shape->bits);
	uint64_t inside = UINT64_C(0x000a5a5a5a5a5a5a) & ((UINT64_C(1) << shape->bits) - 1);
	uint64_t low_bits = (UINT64_C(1) << shape->shift) - 1, ipa;

	for (unsigned half = 0; half < 2; half++) {
		uint64_t top = half ? ~((UINT64_C(1) << shape->bits) - 1) : 0;

		setup();
		build(&r, top | inside, shape->shift, shape->bits, shape->first, 3,
		      0x88880000 | PAGE);
		ck_assert(walk(&r, top | inside, &ipa));
		ck_assert_uint_eq(ipa, 0x88880000 | (inside & low_bits));
		ck_assert_uint_eq(reads, (unsigned)(4 - shape->first));
		/* Bits between the halves belong to none. */
		ck_assert(!walk(&r, (top | inside) ^ UINT64_C(1) << 54, &ipa));
		ck_assert(!walk(&r, (top | inside) ^ UINT64_C(1) << 63, &ipa));
		/* A tag is ignored where TCR says so. */
		r.tcr |= UINT64_C(3) << 37;
		ck_assert(walk(&r, (top | inside) ^ UINT64_C(1) << 63, &ipa));
		ck_assert(!walk(&r, (top | inside) ^ UINT64_C(1) << 54, &ipa));
		r.tcr &= ~(UINT64_C(3) << 37);
	}
}
END_TEST

/* Which levels may hold blocks: D8.3.1. 52-bit formats add one. */
START_TEST(blocks_are_found_where_they_may_be)
{
	static const int first_block[3] = { 1, 2, 1 };
	static const unsigned page_shifts[3] = { 12, 14, 16 };
	unsigned shift = page_shifts[_i];
	const uint64_t addr = UINT64_C(0x00005a5a5a5a5a5a);
	uint64_t ipa;

	for (int level = shift == 16 ? 1 : 0; level < 3; level++) {
		struct a64_regime r = regime(shift, 48);
		unsigned low = shift + (unsigned)(3 - level) * (shift - 3);
		uint64_t base = UINT64_C(0x0000ffffffffffff) >> low << low;

		setup();
		build(&r, addr, shift, 48, shift == 16 ? 1 : 0, level, base | 0x7fc | BLOCK);
		if (shift == 16)
			base &= ~UINT64_C(0xf000) | ((UINT64_C(1) << low) - 1);
		ck_assert_int_eq(walk(&r, addr, &ipa), level >= first_block[_i]);
		if (level >= first_block[_i])
			ck_assert_uint_eq(ipa & ((UINT64_C(1) << 48) - 1),
					  base | (addr & ((UINT64_C(1) << low) - 1)));
	}
}
END_TEST

START_TEST(addresses_of_52_bits_come_together)
{
	struct a64_regime r = regime(16, 48);
	uint64_t ipa;

	/* 64 KiB pages: bits 51 to 48 in 15 to 12; TTBR's in 5 to 2. */
	r.ttbr[0] = 0x10000000 | 0x9 << 2;
	put(UINT64_C(0x9000010000000), 0x40000000 | 0x7 << 12 | TABLE);
	put(UINT64_C(0x7000040000000), 0x50000000 | TABLE);
	put(0x50000000, 0x60000000 | 0xf << 12 | PAGE);
	ck_assert(walk(&r, 0x1234, &ipa));
	ck_assert_uint_eq(ipa, UINT64_C(0xf000060001234));

	/* 4 KiB pages with TCR.DS: bits 49 and 48 in place, 51 and 50 in 9 and 8; level -1. */
	setup();
	r = regime(12, 52);
	r.tcr |= UINT64_C(1) << 59;
	put(0x10000000, 0x40000000 | TABLE);
	put(0x40000000, UINT64_C(0x3000041000000) | 0x3 << 8 | TABLE);
	put(UINT64_C(0xf000041000000), 0x42000000 | TABLE);
	put(0x42000000, 0x43000000 | TABLE);
	put(0x43000000 + 8, UINT64_C(0x1000060000000) | 0x2 << 8 | PAGE);
	ck_assert(walk(&r, 0x1234, &ipa));
	ck_assert_uint_eq(ipa, UINT64_C(0x9000060000234));
	ck_assert_uint_eq(reads, 5);
}
END_TEST

START_TEST(without_mmu_addresses_are_physical)
{
	struct a64_regime r = regime(12, 39);
	uint64_t ipa;

	r.sctlr = 0;
	ck_assert(walk(&r, UINT64_C(0x123456789abcdef0), &ipa));
	ck_assert_uint_eq(ipa, UINT64_C(0x123456789abcdef0));
	ck_assert_uint_eq(reads, 0);
}
END_TEST

START_TEST(big_endian_tables_are_read)
{
	struct a64_regime r = regime(12, 21);
	uint64_t ipa;

	r.sctlr |= A64_SCTLR_EE;
	put(0x10000000, __builtin_bswap64(0x77777000 | PAGE));
	ck_assert(walk(&r, 0x10, &ipa));
	ck_assert_uint_eq(ipa, 0x77777010);
}
END_TEST

START_TEST(what_makes_no_sense_is_not_mapped)
{
	struct a64_regime r = regime(12, 39);
	uint64_t ipa;

	/* No RAM, an invalid descriptor, a reserved one at the last level. */
	ck_assert(!walk(&r, 0x1000, &ipa));
	put(0x10000000, ~UINT64_C(1));
	ck_assert(!walk(&r, 0x1000, &ipa));
	r = regime(12, 21);
	setup();
	put(0x10000000, 0x1000 | BLOCK);
	ck_assert(!walk(&r, 0x10, &ipa));
	/* Walks that are switched off; granules that are reserved; sizes that are none. */
	r = regime(12, 39);
	r.tcr |= 1 << 7 | 1 << 23;
	ck_assert(!walk(&r, 0x1000, &ipa));
	ck_assert(!walk(&r, ~UINT64_C(0), &ipa));
	r.tcr = regime(12, 39).tcr | 3 << 14;
	ck_assert(!walk(&r, 0x1000, &ipa));
	r.tcr = regime(12, 39).tcr & ~(UINT64_C(3) << 30);
	ck_assert(!walk(&r, ~UINT64_C(0), &ipa));
	for (unsigned tsz = 0; tsz < 64; tsz++) {
		setup();
		put(0x10000000, 0x1000 | TABLE);
		r.tcr = tg0(12) | tsz;
		walk(&r, 0, &ipa);
		ck_assert_uint_le(reads, 5);
		ck_assert(tsz >= 16 && tsz <= 48 ? reads : !reads);
	}
}
END_TEST

/* A table that is its own next: the walk ends. */
START_TEST(loops_of_tables_end)
{
	struct a64_regime r = regime(12, 48);
	uint64_t ipa;

	put(0x10000000, 0x10000000 | TABLE);
	ck_assert(walk(&r, 0x123, &ipa));
	ck_assert_uint_eq(ipa, 0x10000123);
	ck_assert_uint_eq(reads, 4);
}
END_TEST

static void add_tests(TCase *cases)
{
	tcase_add_checked_fixture(cases, setup, NULL);
	tcase_add_loop_test(cases, pages_are_found_in_both_halves, 0, COUNT(shapes));
	tcase_add_loop_test(cases, blocks_are_found_where_they_may_be, 0, 3);
	tcase_add_test(cases, addresses_of_52_bits_come_together);
	tcase_add_test(cases, without_mmu_addresses_are_physical);
	tcase_add_test(cases, big_endian_tables_are_read);
	tcase_add_test(cases, what_makes_no_sense_is_not_mapped);
	tcase_add_test(cases, loops_of_tables_end);
}

RUN_SUITE("walk", add_tests)
