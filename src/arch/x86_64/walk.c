/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The walk through page tables; see walk.h.
 */
#include <config.h>

#include "arch/x86_64/walk.h"

#define ENTRY_PRESENT (1u << 0)
#define ENTRY_LARGE   (1u << 7)

/* Address bits of an entry of 8 bytes: 51 to 12 (SDM 3A, table 4-15; M is 52). */
#define WIDE_ADDRESS ((UINT64_C(1) << 52) - 4096)

/* One way to translate. */
struct mode {
	unsigned levels;
	unsigned index_bits;
	unsigned entry_size;
	unsigned largest; /* the highest level, from 0, whose entries may be pages */
};

static struct mode mode_of(const struct x86_paging *paging)
{
	if (paging->efer & X86_WALK_EFER_LMA)
		return (struct mode){ paging->cr4 & X86_WALK_CR4_LA57 ? 5 : 4, 9, 8, 2 };
	if (paging->cr4 & X86_WALK_CR4_PAE)
		return (struct mode){ 3, 9, 8, 1 };
	return (struct mode){ 2, 10, 4, paging->cr4 & X86_WALK_CR4_PSE ? 1 : 0 };
}

/* Bits above the translated ones are all the highest of those: SDM volume 1, 3.3.7.1. */
static bool is_canonical(uint64_t addr, unsigned bits)
{
	int64_t top = (int64_t)addr >> (bits - 1);

	return top == 0 || top == -1;
}

/* Where the page begins that an entry names, which is not the last level's. */
static uint64_t large_page(const struct mode *mode, uint64_t entry, uint64_t within)
{
	/* PSE-36: bits 39 to 32 are in bits 20 to 13 (SDM 3A, table 4-4). */
	if (mode->entry_size == 4)
		return (entry & 0xffc00000) | (entry >> 13 & 0xff) << 32;
	return entry & WIDE_ADDRESS & ~within;
}

bool x86_walk(const struct x86_paging *paging, uint64_t addr, x86_walk_read_fn *read, void *opaque,
	      uint64_t *gpa)
{
	struct mode mode = mode_of(paging);
	bool is_long = paging->efer & X86_WALK_EFER_LMA;
	uint64_t table, entry = 0;

	if (!(paging->cr0 & X86_WALK_CR0_PG)) {
		*gpa = addr & UINT32_MAX;
		return true;
	}
	if (!is_long)
		addr &= UINT32_MAX;
	else if (!is_canonical(addr, 12 + 9 * mode.levels))
		return false;
	/* PAE's table of four entries is aligned to 32 bytes. */
	table = paging->cr3 & (mode.levels == 3 ? 0xffffffe0 : WIDE_ADDRESS);
	if (!is_long)
		table &= UINT32_MAX;
	for (unsigned level = mode.levels; level-- > 0;) {
		unsigned shift = 12 + level * mode.index_bits;
		uint64_t index = addr >> shift & ((1u << mode.index_bits) - 1);
		uint64_t within = (UINT64_C(1) << shift) - 1;

		if (!read(opaque, table + index * mode.entry_size, &entry, mode.entry_size) ||
		    !(entry & ENTRY_PRESENT))
			return false;
		if (!level || ((entry & ENTRY_LARGE) && level <= mode.largest)) {
			uint64_t page =
				level ? large_page(&mode, entry, within) : entry & WIDE_ADDRESS;

			*gpa = page | (addr & within);
			return true;
		}
		table = entry & WIDE_ADDRESS;
	}
	return false;
}
