/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a trace amounts to, as tables of text.
 */
#include <inttypes.h>

#include "cli/exit-address.h"
#include "cli/number.h"
#include "cli/trace-summary.h"

#define TOP_ADDRESSES 20

static const char *share(uint64_t part, uint64_t total, char text[NUMBER_TEXT_SIZE])
{
	unsigned percent = total ? (unsigned)((double)part * 100 / (double)total + 0.5) : 0;

	if (part && !percent)
		return "<1 %";
	snprintf(text, NUMBER_TEXT_SIZE, "%u %%", percent);
	return text;
}

static void print_percentiles(const struct histogram *histogram, FILE *out)
{
	static const unsigned percents[] = { 50, 90, 99 };
	char text[NUMBER_TEXT_SIZE];

	for (unsigned i = 0; i < sizeof(percents) / sizeof(percents[0]); i++)
		fprintf(out, "%10s",
			format_duration(histogram_percentile(histogram, percents[i]), text));
	fprintf(out, "%10s", format_duration(histogram->count ? histogram->max : 0, text));
}

static void print_kinds(const struct trace_summary *summary, FILE *out)
{
	uint32_t kinds[AX_EXIT_KINDS];
	unsigned count = trace_summary_kinds(summary, kinds);
	char text[NUMBER_TEXT_SIZE];

	fprintf(out, "%-18s%10s%7s%40s%40s\n", "", "", "",
		"----------- in KVM and guest ----------",
		"------------- in handlers -------------");
	fprintf(out, "%-18s%10s%7s%10s%10s%10s%10s%10s%10s%10s%10s\n", "exit", "count", "share",
		"median", "p90", "p99", "max", "median", "p90", "p99", "max");
	for (unsigned i = 0; i < count; i++) {
		uint32_t kind = kinds[i];

		fprintf(out, "%-18s%10" PRIu64 "%7s", ax_exit_name(kind), summary->kvm[kind].count,
			share(summary->kvm[kind].count, summary->exits, text));
		print_percentiles(&summary->kvm[kind], out);
		print_percentiles(&summary->handler[kind], out);
		fputc('\n', out);
	}
}

static void print_devices(const struct trace_summary *summary, FILE *out)
{
	char text[NUMBER_TEXT_SIZE];

	if (!summary->device_count)
		return;
	fprintf(out, "\n%-24s%10s%7s%10s%10s%12s%10s%10s%10s%10s\n", "device", "exits", "share",
		"reads", "writes", "in handler", "median", "p90", "p99", "max");
	for (int i = 0; i < summary->device_count; i++) {
		const struct trace_device *device = &summary->devices[i];

		fprintf(out, "%-24s%10" PRIu64 "%7s%10" PRIu64 "%10" PRIu64, device->name,
			device->handler.count, share(device->handler.count, summary->exits, text),
			device->reads, device->writes);
		fprintf(out, "%12s", format_duration(device->handler_ns, text));
		print_percentiles(&device->handler, out);
		fputc('\n', out);
	}
}

static void print_addresses(const struct trace_summary *summary, FILE *out)
{
	char text[NUMBER_TEXT_SIZE];

	if (summary->addresses[0].count)
		fputs("\ntop addresses\n", out);
	for (unsigned i = 0; i < TOP_ADDRESSES && summary->addresses[i].count; i++) {
		const struct trace_address *entry = &summary->addresses[i];

		fprintf(out, "%-18s%10" PRIu64 "%7s  %s 0x%" PRIx64, ax_exit_name(entry->kind),
			entry->count, share(entry->count, summary->exits, text),
			exit_address_space(entry->kind), entry->address);
		if (entry->device >= 0)
			fprintf(out, " (%s)", summary->devices[entry->device].name);
		fputc('\n', out);
	}
	if (summary->elsewhere)
		fprintf(out,
			"%" PRIu64 " exits were at more addresses than are counted one by one\n",
			summary->elsewhere);
}

void trace_summary_print(const struct trace_summary *summary, FILE *out)
{
	char text[3][NUMBER_TEXT_SIZE];

	fprintf(out,
		"%" PRIu64 " exit%s of %" PRIu32
		" vCPU%s in %s: %s in KVM and guest, %s in handlers\n",
		summary->exits, summary->exits == 1 ? "" : "s", summary->vcpus,
		summary->vcpus == 1 ? "" : "s",
		format_duration(summary->last_ns - summary->first_ns, text[0]),
		format_duration(summary->kvm_ns, text[1]),
		format_duration(summary->handler_ns, text[2]));
	if (summary->begins > 1)
		fprintf(out, "%u traces: the guest rebooted\n", summary->begins);
	if (summary->lost)
		fprintf(out, "%" PRIu64 " exits are missing, in %" PRIu64 " gap%s\n", summary->lost,
			summary->gaps, summary->gaps == 1 ? "" : "s");
	print_kinds(summary, out);
	print_devices(summary, out);
	print_addresses(summary, out);
}
