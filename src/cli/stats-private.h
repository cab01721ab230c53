/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What counting exits and reporting them share.
 */
#ifndef AXVMM_CLI_STATS_PRIVATE_H
#define AXVMM_CLI_STATS_PRIVATE_H

#include "cli/histogram.h"
#include "cli/stats.h"

/* Addresses that are counted one by one for each vCPU; a power of two. The rest is counted
 * together. */
#define STATS_ADDRESSES 1024

struct stats_address {
	uint64_t count; /* 0: a free place */
	uint64_t address;
	uint32_t kind;
};

struct stats_vcpu {
	struct histogram kvm[AX_EXIT_KINDS];
	struct histogram handler[AX_EXIT_KINDS];
	struct stats_address addresses[STATS_ADDRESSES];
	uint64_t elsewhere; /* exits about addresses that found no place */
};

struct stats {
	uint32_t cpus;
	struct stats_vcpu *vcpus[]; /* mapped: pages that nothing was counted in cost nothing */
};

/* Count @count exits at an address of @kind in a table of @places, a power of two. False when it is
 * full. */
bool stats_count_address(struct stats_address *table, unsigned places, uint32_t kind,
			 uint64_t address, uint64_t count);

#endif
