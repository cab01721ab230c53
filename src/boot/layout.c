/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding room in guest RAM for what a boot needs beside the image.
 */
#include "boot/image.h"

void boot_layout_init(struct layout *layout, const AxRamRange *ram, unsigned ram_count)
{
	layout->ram = ram;
	layout->ram_count = ram_count;
	layout->taken_count = 0;
}

void boot_layout_take(struct layout *layout, uint64_t base, uint64_t size)
{
	layout->taken[layout->taken_count++] = (AxRamRange){ base, size };
}

/* What is taken of base .. base + size, if anything; no end of either wraps. */
static const AxRamRange *taken_in(const struct layout *layout, uint64_t base, uint64_t size)
{
	for (unsigned i = 0; i < layout->taken_count; i++) {
		const AxRamRange *taken = &layout->taken[i];

		if (taken->base < base + size && base < taken->base + taken->size)
			return taken;
	}
	return NULL;
}

static uint64_t ram_end(const AxRamRange *ram, uint64_t limit)
{
	uint64_t end = ram->base + ram->size;

	return end < limit ? end : limit;
}

bool boot_layout_low(struct layout *layout, uint64_t size, uint64_t align, uint64_t from,
		     uint64_t limit, uint64_t *base)
{
	for (unsigned i = 0; i < layout->ram_count; i++) {
		const AxRamRange *ram = &layout->ram[i];
		uint64_t end = ram_end(ram, limit);
		uint64_t low = ram->base > from ? ram->base : from;
		const AxRamRange *taken;

		for (;;) {
			if (low > UINT64_MAX - (align - 1))
				break;
			low = (low + align - 1) & ~(align - 1);
			if (low > end || size > end - low)
				break;
			taken = taken_in(layout, low, size);
			if (!taken) {
				boot_layout_take(layout, low, size);
				*base = low;
				return true;
			}
			low = taken->base + taken->size;
		}
	}
	return false;
}

bool boot_layout_high(struct layout *layout, uint64_t size, uint64_t align, uint64_t limit,
		      uint64_t *base)
{
	for (unsigned i = layout->ram_count; i-- > 0;) {
		const AxRamRange *ram = &layout->ram[i];
		uint64_t end = ram_end(ram, limit);
		const AxRamRange *taken;
		uint64_t high;

		for (;;) {
			if (end < size)
				break;
			high = (end - size) & ~(align - 1);
			if (high < ram->base)
				break;
			taken = taken_in(layout, high, size);
			if (!taken) {
				boot_layout_take(layout, high, size);
				*base = high;
				return true;
			}
			end = taken->base;
		}
	}
	return false;
}
