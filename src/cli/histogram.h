/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A histogram of durations: logarithmic in octaves, linear inside each, so that any value is kept
 * to within one part in 32 of itself in a fixed table.
 */
#ifndef AXVMM_CLI_HISTOGRAM_H
#define AXVMM_CLI_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_STEPS_LOG2 4
#define HISTOGRAM_STEPS	     (1 << HISTOGRAM_STEPS_LOG2) /* of an octave */
/* Values below HISTOGRAM_STEPS have a bucket each; 2^40 ns (18 minutes) and more share the last. */
#define HISTOGRAM_BUCKETS ((40 - HISTOGRAM_STEPS_LOG2) * HISTOGRAM_STEPS + HISTOGRAM_STEPS)

/* All zero: empty. */
struct histogram {
	uint64_t count;
	uint64_t min; /* min and max are meaningless when empty */
	uint64_t max;
	uint32_t buckets[HISTOGRAM_BUCKETS];
};

void histogram_add(struct histogram *histogram, uint64_t value);

/* Add what @from has counted. */
void histogram_merge(struct histogram *histogram, const struct histogram *from);

/* The value below which @percent of those counted lie, as the middle of its bucket; 0 when empty.
 */
uint64_t histogram_percentile(const struct histogram *histogram, unsigned percent);

#endif
