/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counting exits.
 */
#include <stdlib.h>
#include <sys/mman.h>

#include "cli/exit-address.h"
#include "cli/stats-private.h"

struct stats *stats_new(uint32_t cpus)
{
	struct stats *stats = calloc(1, sizeof(*stats) + cpus * sizeof(stats->vcpus[0]));

	if (!stats)
		return NULL;
	stats->cpus = cpus;
	for (uint32_t i = 0; i < cpus; i++) {
		void *mapped = mmap(NULL, sizeof(struct stats_vcpu), PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (mapped == MAP_FAILED) {
			stats_free(stats);
			return NULL;
		}
		stats->vcpus[i] = mapped;
	}
	return stats;
}

void stats_free(struct stats *stats)
{
	if (!stats)
		return;
	for (uint32_t i = 0; i < stats->cpus; i++) {
		if (stats->vcpus[i])
			munmap(stats->vcpus[i], sizeof(struct stats_vcpu));
	}
	free(stats);
}

bool stats_count_address(struct stats_address *table, unsigned places, uint32_t kind,
			 uint64_t address, uint64_t count)
{
	/* Fibonacci hashing: neighbours are spread, whatever they are multiples of. */
	uint64_t hash = (address * AX_EXIT_KINDS + kind) * 0x9e3779b97f4a7c15;
	unsigned place = (unsigned)(hash >> 32) & (places - 1);

	for (unsigned tried = 0; tried < places; tried++) {
		struct stats_address *entry = &table[place];

		if (!entry->count) {
			entry->kind = kind;
			entry->address = address;
		}
		if (entry->kind == kind && entry->address == address) {
			entry->count += count;
			return true;
		}
		place = (place + 1) & (places - 1);
	}
	return false;
}

void stats_count(struct stats *stats, const AxExitRecord *record)
{
	const AxVCpuExitReason *exit = record->exit;
	struct stats_vcpu *vcpu;
	uint64_t address;

	if (exit->vcpu >= stats->cpus || exit->kind >= AX_EXIT_KINDS)
		return;
	vcpu = stats->vcpus[exit->vcpu];
	histogram_add(&vcpu->kvm[exit->kind], record->kvm_ns);
	histogram_add(&vcpu->handler[exit->kind], record->handler_ns);
	if (!exit_address(exit, &address))
		return;
	if (!stats_count_address(vcpu->addresses, STATS_ADDRESSES, exit->kind, address, 1))
		vcpu->elsewhere++;
}

uint64_t stats_total(const struct stats *stats)
{
	uint64_t total = 0;

	for (uint32_t i = 0; i < stats->cpus; i++) {
		for (unsigned kind = 0; kind < AX_EXIT_KINDS; kind++)
			total += stats->vcpus[i]->kvm[kind].count;
	}
	return total;
}
