/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The translation table walk; see walk.h.
 */
#include <config.h>

#include "arch/arm64/walk.h"

/* TCR_EL1's fields that have no twin for the upper half. */
#define TCR_TBI(half) (UINT64_C(1) << (37 + (half)))
#define TCR_EPD(half) (UINT64_C(1) << ((half) ? 23 : 7))
#define TCR_DS	      (UINT64_C(1) << 59) /* 52-bit addresses with 4 and 16 KiB pages */

#define DESC_VALID (1u << 0)
#define DESC_TABLE (1u << 1) /* at the last level: page */

/* How one half of the address space is translated. */
struct half {
	unsigned page_shift;
	unsigned size_bits; /* of virtual addresses */
	bool has_52_bits;   /* descriptors have the 52-bit formats of TCR.DS */
	int level;	    /* to begin with */
	uint64_t table;
};

/* log2 of the page size by TG0 and by TG1, whose numbers differ; 0: reserved. */
static unsigned page_shift(uint64_t tcr, unsigned half)
{
	static const uint8_t tg0[] = { 12, 16, 14, 0 };
	static const uint8_t tg1[] = { 0, 14, 12, 16 };

	return half ? tg1[tcr >> 30 & 3] : tg0[tcr >> 14 & 3];
}

/* Output address of a descriptor, or of TTBR: 52-bit formats keep the top bits low. */
static uint64_t output(const struct half *half, uint64_t descriptor, unsigned shift)
{
	uint64_t mask = ((UINT64_C(1) << 48) - 1) & ~((UINT64_C(1) << shift) - 1);
	uint64_t address = descriptor & mask;

	if (half->has_52_bits)
		address |= (descriptor & (UINT64_C(3) << 48)) | (descriptor >> 8 & 3) << 50;
	else if (half->page_shift == 16)
		address |= (descriptor >> 12 & 0xf) << 48;
	return address;
}

/* TTBR has bits 51 to 48 in 5 to 2, where addresses have so many; else these are zero. */
static uint64_t table_base(uint64_t ttbr, unsigned shift)
{
	uint64_t mask = ((UINT64_C(1) << 48) - 1) & ~((UINT64_C(1) << shift) - 1);

	return (ttbr & mask) | (shift >= 6 ? (ttbr >> 2 & 0xf) << 48 : 0);
}

static bool set_up_half(const struct a64_regime *regime, unsigned which, struct half *half)
{
	unsigned tsz = regime->tcr >> (which ? 16 : 0) & 0x3f, index_bits, top_bits;

	if (regime->tcr & TCR_EPD(which))
		return false;
	half->page_shift = page_shift(regime->tcr, which);
	if (!half->page_shift)
		return false;
	half->has_52_bits = half->page_shift < 16 && (regime->tcr & TCR_DS);
	/* 52 bits where something allows for them, else 48. Small address spaces: to 2^16. */
	if (tsz < (half->has_52_bits || half->page_shift == 16 ? 12 : 16) || tsz > 48)
		return false;
	half->size_bits = 64 - tsz;
	if (half->size_bits <= half->page_shift)
		return false;
	index_bits = half->page_shift - 3;
	half->level = 4 - (int)((half->size_bits - half->page_shift + index_bits - 1) / index_bits);
	/* The first table is as small as its part of the address needs. */
	top_bits = half->size_bits - (half->page_shift + (unsigned)(3 - half->level) * index_bits);
	half->table = table_base(regime->ttbr[which], top_bits + 3);
	return true;
}

/* All bits above the translated ones are bit 55, but for a byte on top that may be ignored. */
static bool is_canonical(const struct a64_regime *regime, const struct half *half, uint64_t addr)
{
	unsigned which = a64_half(addr);
	unsigned ignored = regime->tcr & TCR_TBI(which) ? 8 : 0;
	int64_t top = (int64_t)(addr << ignored) >> (half->size_bits + ignored);

	return top == (which ? -1 : 0);
}

/* Levels whose descriptors may be blocks: D8.3.1. */
static bool may_be_block(const struct half *half, int level)
{
	if (half->page_shift == 12)
		return level == 1 || level == 2 || (level == 0 && half->has_52_bits);
	return level == 2 || (level == 1 && (half->page_shift == 16 || half->has_52_bits));
}

static bool walk(const struct half *half, bool big_endian, uint64_t addr, a64_read_fn *read,
		 void *opaque, uint64_t *ipa)
{
	unsigned index_bits = half->page_shift - 3;
	uint64_t table = half->table, within = (UINT64_C(1) << half->size_bits) - 1, descriptor;

	for (int level = half->level; level <= 3; level++) {
		unsigned shift = half->page_shift + (unsigned)(3 - level) * index_bits;

		if (!read(opaque, table + ((addr & within) >> shift) * sizeof(descriptor),
			  &descriptor))
			return false;
		if (big_endian)
			descriptor = __builtin_bswap64(descriptor);
		if (!(descriptor & DESC_VALID))
			return false;
		within = (UINT64_C(1) << shift) - 1;
		if (level == 3 || !(descriptor & DESC_TABLE)) {
			bool is_page = level == 3 && (descriptor & DESC_TABLE);

			if (!is_page && (level == 3 || !may_be_block(half, level)))
				return false;
			*ipa = output(half, descriptor, shift) | (addr & within);
			return true;
		}
		table = output(half, descriptor, half->page_shift);
	}
	return false;
}

bool a64_walk(const struct a64_regime *regime, uint64_t addr, a64_read_fn *read, void *opaque,
	      uint64_t *ipa)
{
	struct half half;

	if (!(regime->sctlr & A64_SCTLR_M)) {
		*ipa = addr;
		return true;
	}
	if (!set_up_half(regime, a64_half(addr), &half) || !is_canonical(regime, &half, addr))
		return false;
	return walk(&half, regime->sctlr & A64_SCTLR_EE, addr, read, opaque, ipa);
}
