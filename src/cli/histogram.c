/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A histogram of durations.
 */
#include "cli/histogram.h"

static unsigned bucket_of(uint64_t value)
{
	unsigned octave, step;

	if (value < HISTOGRAM_STEPS)
		return (unsigned)value;
	octave = 63u - (unsigned)__builtin_clzll(value) - HISTOGRAM_STEPS_LOG2;
	step = (unsigned)(value >> octave) - HISTOGRAM_STEPS;
	if ((octave + 1) * HISTOGRAM_STEPS + step >= HISTOGRAM_BUCKETS)
		return HISTOGRAM_BUCKETS - 1;
	return (octave + 1) * HISTOGRAM_STEPS + step;
}

static uint64_t middle_of(unsigned bucket)
{
	unsigned octave;

	if (bucket < 2 * HISTOGRAM_STEPS)
		return bucket;
	octave = bucket / HISTOGRAM_STEPS - 1;
	return ((uint64_t)(HISTOGRAM_STEPS + bucket % HISTOGRAM_STEPS) << octave) +
	       (1ULL << octave) / 2;
}

void histogram_add(struct histogram *histogram, uint64_t value)
{
	if (!histogram->count || value < histogram->min)
		histogram->min = value;
	if (!histogram->count || value > histogram->max)
		histogram->max = value;
	histogram->count++;
	histogram->buckets[bucket_of(value)]++;
}

void histogram_merge(struct histogram *histogram, const struct histogram *from)
{
	if (!from->count)
		return;
	if (!histogram->count || from->min < histogram->min)
		histogram->min = from->min;
	if (!histogram->count || from->max > histogram->max)
		histogram->max = from->max;
	histogram->count += from->count;
	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
		histogram->buckets[i] += from->buckets[i];
}

uint64_t histogram_percentile(const struct histogram *histogram, unsigned percent)
{
	/* Counted from 1: the smallest rank that is not below the share. */
	uint64_t rank = histogram->count - histogram->count * (100 - percent) / 100;
	uint64_t seen, value;
	unsigned i = 0;

	if (!histogram->count)
		return 0;
	for (seen = histogram->buckets[0]; seen < rank && i + 1 < HISTOGRAM_BUCKETS;)
		seen += histogram->buckets[++i];
	value = middle_of(i);
	if (value < histogram->min)
		return histogram->min;
	return value > histogram->max ? histogram->max : value;
}
