/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the exits of a run cost, as tables.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/exit-address.h"
#include "cli/number.h"
#include "cli/stats-private.h"

#define TOP_ADDRESSES 10

/* One kind, all vCPUs together. */
struct row {
	uint32_t kind;
	struct histogram kvm;
	struct histogram handler;
};

static int more_exits_first(const void *a, const void *b)
{
	const struct row *left = a, *right = b;

	if (left->kvm.count != right->kvm.count)
		return left->kvm.count < right->kvm.count ? 1 : -1;
	return left->kind < right->kind ? -1 : 1;
}

/* AX_EXIT_KINDS rows, the busiest first; NULL when there is no memory. */
static struct row *make_rows(const struct stats *stats)
{
	struct row *rows = calloc(AX_EXIT_KINDS, sizeof(*rows));

	for (uint32_t kind = 0; rows && kind < AX_EXIT_KINDS; kind++) {
		rows[kind].kind = kind;
		for (uint32_t i = 0; i < stats->cpus; i++) {
			histogram_merge(&rows[kind].kvm, &stats->vcpus[i]->kvm[kind]);
			histogram_merge(&rows[kind].handler, &stats->vcpus[i]->handler[kind]);
		}
	}
	if (rows)
		qsort(rows, AX_EXIT_KINDS, sizeof(*rows), more_exits_first);
	return rows;
}

/* "88 %", and "<1 %" for what is there but rounds to nothing. */
static const char *share(uint64_t part, uint64_t total, char text[NUMBER_TEXT_SIZE])
{
	unsigned percent = total ? (unsigned)((double)part * 100 / (double)total + 0.5) : 0;

	if (part && !percent)
		return "<1 %";
	snprintf(text, NUMBER_TEXT_SIZE, "%u %%", percent);
	return text;
}

static const char *percentile(const struct histogram *histogram, unsigned percent,
			      char text[NUMBER_TEXT_SIZE])
{
	return format_duration(histogram_percentile(histogram, percent), text);
}

void stats_print_summary(const struct stats *stats, FILE *out)
{
	uint64_t total = stats_total(stats);
	struct row *rows = make_rows(stats);
	char text[3][NUMBER_TEXT_SIZE];

	if (!rows)
		return;
	fprintf(out, "%-18s%8s%7s%17s%21s\n", "exit", "count", "share", "in KVM (median)",
		"in handler (median)");
	for (unsigned i = 0; i < AX_EXIT_KINDS && rows[i].kvm.count; i++) {
		fprintf(out, "%-18s%8" PRIu64 "%7s%17s%21s\n", ax_exit_name(rows[i].kind),
			rows[i].kvm.count, share(rows[i].kvm.count, total, text[0]),
			percentile(&rows[i].kvm, 50, text[1]),
			percentile(&rows[i].handler, 50, text[2]));
	}
	free(rows);
}

static void print_costs(const struct histogram *histogram, FILE *out)
{
	char text[3][NUMBER_TEXT_SIZE];

	fprintf(out, "%11s%11s%11s",
		format_duration(histogram->count ? histogram->min : 0, text[0]),
		percentile(histogram, 50, text[1]), percentile(histogram, 99, text[2]));
}

static void print_kinds(const struct row *rows, uint64_t total, FILE *out)
{
	char text[NUMBER_TEXT_SIZE];

	fprintf(out, "%-18s%10s%7s%33s%33s\n", "", "", "", "---------- in KVM ---------",
		"------- in handlers -------");
	fprintf(out, "%-18s%10s%7s%11s%11s%11s%11s%11s%11s\n", "exit", "count", "share", "min",
		"median", "p99", "min", "median", "p99");
	for (unsigned i = 0; i < AX_EXIT_KINDS && rows[i].kvm.count; i++) {
		fprintf(out, "%-18s%10" PRIu64 "%7s", ax_exit_name(rows[i].kind), rows[i].kvm.count,
			share(rows[i].kvm.count, total, text));
		print_costs(&rows[i].kvm, out);
		print_costs(&rows[i].handler, out);
		fputc('\n', out);
	}
}

static int busier_first(const void *a, const void *b)
{
	const struct stats_address *left = a, *right = b;

	if (left->count != right->count)
		return left->count < right->count ? 1 : -1;
	return left->address < right->address ? -1 : left->address > right->address;
}

/* The whole of an address: what space it is in, and whose it is. */
static void print_address(const struct stats_address *entry, const AxMachine *machine,
			  uint64_t total, FILE *out)
{
	AxVCpuExitReason exit = { .kind = entry->kind };
	const char *space = exit_address_space(entry->kind);
	char text[NUMBER_TEXT_SIZE];
	const char *whose;

	switch (entry->kind) {
	case AX_EXIT_IO_READ: exit.io_read.port = (AxPort)entry->address; break;
	case AX_EXIT_IO_WRITE: exit.io_write.port = (AxPort)entry->address; break;
	case AX_EXIT_MMIO_READ: exit.mmio_read.addr = entry->address; break;
	case AX_EXIT_MMIO_WRITE: exit.mmio_write.addr = entry->address; break;
	case AX_EXIT_NESTED_PAGE_FAULT:
		exit.nested_page_fault.addr = entry->address;
		exit.nested_page_fault.addr_known = true;
		break;
	default: break;
	}
	whose = ax_machine_whose(machine, &exit);
	fprintf(out, "%-18s%10" PRIu64 "%7s  %s 0x%" PRIx64 "%s%s%s\n", ax_exit_name(entry->kind),
		entry->count, share(entry->count, total, text), space, entry->address,
		whose ? " (" : "", whose ? whose : "", whose ? ")" : "");
}

/* All vCPUs' addresses in one table, which has room for them. */
static struct stats_address *merge_addresses(const struct stats *stats, unsigned *places)
{
	struct stats_address *merged;

	*places = STATS_ADDRESSES;
	while (*places < STATS_ADDRESSES * stats->cpus)
		*places *= 2;
	merged = calloc(*places, sizeof(*merged));
	for (uint32_t i = 0; merged && i < stats->cpus; i++) {
		const struct stats_address *table = stats->vcpus[i]->addresses;

		for (unsigned j = 0; j < STATS_ADDRESSES; j++) {
			if (table[j].count)
				stats_count_address(merged, *places, table[j].kind,
						    table[j].address, table[j].count);
		}
	}
	return merged;
}

static void print_addresses(const struct stats *stats, const AxMachine *machine, uint64_t total,
			    FILE *out)
{
	uint64_t elsewhere = 0;
	unsigned places;
	struct stats_address *table = merge_addresses(stats, &places);

	if (!table)
		return;
	qsort(table, places, sizeof(*table), busier_first);
	if (table[0].count)
		fputs("top addresses\n", out);
	for (unsigned i = 0; i < TOP_ADDRESSES && table[i].count; i++)
		print_address(&table[i], machine, total, out);
	free(table);

	for (uint32_t i = 0; i < stats->cpus; i++)
		elsewhere += stats->vcpus[i]->elsewhere;
	if (elsewhere)
		fprintf(out,
			"%" PRIu64 " exits were at more addresses than are counted one by one\n",
			elsewhere);
}

void stats_print_full(const struct stats *stats, const AxMachine *machine, FILE *out)
{
	uint64_t total = stats_total(stats);
	struct row *rows = make_rows(stats);

	if (!rows)
		return;
	fprintf(out, "%" PRIu64 " exit%s of %" PRIu32 " vCPU%s\n", total, total == 1 ? "" : "s",
		stats->cpus, stats->cpus == 1 ? "" : "s");
	print_kinds(rows, total, out);
	print_addresses(stats, machine, total, out);
	free(rows);
}
