/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Summing up a trace.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/exit-address.h"
#include "cli/trace-summary.h"

#define FIRST_SPAN_NS 1000

static int find_device(struct trace_summary *summary, const char *name)
{
	struct trace_device *devices = summary->devices;

	if (summary->device_count && !strcmp(devices[summary->last_device].name, name))
		return summary->last_device;
	for (int i = 0; i < summary->device_count; i++) {
		if (!strncmp(devices[i].name, name, sizeof(devices[i].name) - 1))
			return summary->last_device = i;
	}
	if (summary->device_count == TRACE_DEVICES)
		return TRACE_DEVICES - 1;
	if (summary->device_count == TRACE_DEVICES - 1)
		name = "(others)";
	strncpy(devices[summary->device_count].name, name, sizeof(devices[0].name) - 1);
	return summary->last_device = summary->device_count++;
}

static int count_device(struct trace_summary *summary, const AxTraceEntry *entry)
{
	struct trace_device *device;
	int index;

	if (!entry->whose)
		return -1;
	index = find_device(summary, entry->whose);
	device = &summary->devices[index];
	switch (entry->record.exit->kind) {
	case AX_EXIT_IO_READ:
	case AX_EXIT_MMIO_READ:
	case AX_EXIT_SYS_REG_READ: device->reads++; break;
	case AX_EXIT_IO_WRITE:
	case AX_EXIT_MMIO_WRITE:
	case AX_EXIT_SYS_REG_WRITE: device->writes++; break;
	default: device->others++; break;
	}
	device->kvm_ns += entry->record.kvm_ns;
	device->handler_ns += entry->record.handler_ns;
	histogram_add(&device->handler, entry->record.handler_ns);
	return index;
}

/* False: there are too many. */
static bool count_address(struct trace_summary *summary, uint32_t kind, uint64_t address,
			  int device)
{
	/* Fibonacci hashing: neighbours are spread, whatever they are multiples of. */
	uint64_t hash = (address * AX_EXIT_KINDS + kind) * 0x9e3779b97f4a7c15;
	unsigned place = (unsigned)(hash >> 32) & (TRACE_ADDRESSES - 1);

	for (unsigned tried = 0; tried < 64; tried++) {
		struct trace_address *entry = &summary->addresses[place];

		if (!entry->count)
			*entry = (struct trace_address){ 0, address, kind, device };
		if (entry->kind == kind && entry->address == address) {
			entry->count++;
			return true;
		}
		place = (place + 1) & (TRACE_ADDRESSES - 1);
	}
	return false;
}

/* Each two spans become one. */
static void widen(struct trace_summary *summary)
{
	for (unsigned i = 0; i < TRACE_SPANS / 2; i++) {
		for (unsigned kind = 0; kind < AX_EXIT_KINDS; kind++)
			summary->spans[i][kind] =
				summary->spans[2 * i][kind] + summary->spans[2 * i + 1][kind];
	}
	memset(summary->spans[TRACE_SPANS / 2], 0, sizeof(summary->spans) / 2);
	summary->span_ns *= 2;
}

static void count_time(struct trace_summary *summary, const AxExitRecord *record)
{
	uint64_t entered = record->time_ns - record->kvm_ns;
	uint64_t done = record->time_ns + record->handler_ns, at;

	if (!summary->exits)
		summary->first_ns = summary->last_ns = entered;
	if (done > summary->last_ns)
		summary->last_ns = done;
	at = record->time_ns > summary->first_ns ? record->time_ns - summary->first_ns : 0;
	/* Nobody's trace is longer than that. */
	if (at >> 62)
		return;
	while (at / summary->span_ns >= TRACE_SPANS)
		widen(summary);
	summary->spans[at / summary->span_ns][record->exit->kind]++;
}

static void count_exit(struct trace_summary *summary, const AxTraceEntry *entry)
{
	const AxExitRecord *record = &entry->record;
	uint32_t kind = record->exit->kind;
	uint64_t address;
	int device;

	count_time(summary, record);
	summary->exits++;
	summary->kvm_ns += record->kvm_ns;
	summary->handler_ns += record->handler_ns;
	summary->kvm_sum[kind] += record->kvm_ns;
	summary->handler_sum[kind] += record->handler_ns;
	histogram_add(&summary->kvm[kind], record->kvm_ns);
	histogram_add(&summary->handler[kind], record->handler_ns);
	device = count_device(summary, entry);
	if (exit_address(record->exit, &address) && !count_address(summary, kind, address, device))
		summary->elsewhere++;
}

static void begin(struct trace_summary *summary, const struct trace_file *file)
{
	AxTraceInfo info = AX_TRACE_INFO_INIT;

	ax_trace_info(file->reader, &info);
	if (!summary->begins++) {
		summary->arch = info.arch;
		summary->vcpus = info.vcpus;
		summary->realtime_ns = info.realtime_ns;
		strncpy(summary->version, info.version, sizeof(summary->version) - 1);
	}
	summary->complete = info.complete;
}

static int busier_first(const void *a, const void *b)
{
	const struct trace_address *left = a, *right = b;

	if (left->count != right->count)
		return left->count < right->count ? 1 : -1;
	if (left->address != right->address)
		return left->address < right->address ? -1 : 1;
	return left->kind < right->kind ? -1 : left->kind > right->kind;
}

int trace_summary_make(struct trace_file *file, struct trace_summary **out)
{
	struct trace_summary *summary = calloc(1, sizeof(*summary));
	AxTraceEntry entry;
	int ret;

	*out = summary;
	if (!summary) {
		cli_message("there is no memory left");
		return STATUS_HOST;
	}
	summary->path = file->path;
	summary->span_ns = FIRST_SPAN_NS;
	while ((ret = trace_file_next(file, &entry)) > 0) {
		if (entry.type == AX_TRACE_BEGIN)
			begin(summary, file);
		else if (entry.type == AX_TRACE_EXIT)
			count_exit(summary, &entry);
		else if (entry.type == AX_TRACE_GAP)
			summary->gaps++;
		if (entry.type == AX_TRACE_GAP)
			summary->lost += entry.lost;
	}
	qsort(summary->addresses, TRACE_ADDRESSES, sizeof(summary->addresses[0]), busier_first);
	return ret < 0 ? STATUS_HOST : STATUS_OK;
}

void trace_summary_free(struct trace_summary *summary)
{
	free(summary);
}

unsigned trace_summary_kinds(const struct trace_summary *summary, uint32_t kinds[AX_EXIT_KINDS])
{
	unsigned count = 0;

	for (uint32_t kind = 0; kind < AX_EXIT_KINDS; kind++) {
		unsigned place = count;

		if (!summary->kvm[kind].count)
			continue;
		for (; place && summary->kvm[kinds[place - 1]].count < summary->kvm[kind].count;
		     place--)
			kinds[place] = kinds[place - 1];
		kinds[place] = kind;
		count++;
	}
	return count;
}
