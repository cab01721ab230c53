/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counting exits: how many of each kind, what they cost, and which addresses they were about. Each
 * vCPU counts for itself, without a lock and without an allocation; the report adds them up.
 */
#ifndef AXVMM_CLI_STATS_H
#define AXVMM_CLI_STATS_H

#include <stdio.h>

#include <axvmm/machine.h>
#include <axvmm/trace.h>

struct stats;

/* For @cpus vCPUs with ids from 0; NULL when there is no memory. */
struct stats *stats_new(uint32_t cpus);
void stats_free(struct stats *stats);

/* Count an exit. Thread: its vCPU's. */
void stats_count(struct stats *stats, const AxExitRecord *record);

/* How many exits there were. Thread: any, with no vCPU running; so do the reports. */
uint64_t stats_total(const struct stats *stats);

/* The short table: count, share and medians of each kind. */
void stats_print_summary(const struct stats *stats, FILE *out);

/* Everything: per kind count, share, minimum, median and 99th percentile; then the busiest
 * addresses. */
void stats_print_full(const struct stats *stats, const AxMachine *machine, FILE *out);

#endif
