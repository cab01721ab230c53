/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A trace as text for people, and as JSON lines.
 */
#include <inttypes.h>
#include <time.h>

#include <axvmm/handler.h>

#include "cli/cli.h"
#include "cli/number.h"
#include "cli/trace-exit.h"
#include "cli/trace-file.h"

/* A string of so many bytes is shown; JSON has all of it. */
#define BYTES_SHOWN 32

static void show_begin(const struct trace_file *file, FILE *out)
{
	AxTraceInfo info = AX_TRACE_INFO_INIT;
	char when[32] = "";
	struct tm utc;
	time_t time;

	ax_trace_info(file->reader, &info);
	time = (time_t)(info.realtime_ns / 1000000000);
	if (gmtime_r(&time, &utc))
		strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S UTC", &utc);
	fprintf(out, "trace of process %" PRIu32 ", %s, axvmm %s, %s, %" PRIu32 " vCPU%s\n",
		info.process, when, info.version, info.arch ? info.arch : "unknown architecture",
		info.vcpus, info.vcpus == 1 ? "" : "s");
}

static bool has_answer(uint32_t kind)
{
	return kind == AX_EXIT_IO_READ || kind == AX_EXIT_MMIO_READ ||
	       kind == AX_EXIT_SYS_REG_READ || kind == AX_EXIT_HYPERCALL;
}

static void show_bytes(const AxTraceEntry *entry, FILE *out)
{
	fputs(" bytes=", out);
	for (size_t i = 0; i < entry->byte_count && i < BYTES_SHOWN; i++)
		fprintf(out, "%02x", entry->bytes[i]);
	if (entry->byte_count > BYTES_SHOWN)
		fputs("...", out);
}

static void show_exit(const AxTraceEntry *entry, FILE *out)
{
	const AxExitRecord *record = &entry->record;
	char kvm[NUMBER_TEXT_SIZE], handler[NUMBER_TEXT_SIZE], line[512];

	ax_exit_format(record->exit, line, sizeof(line));
	fputs(line, out);
	if (entry->byte_count)
		show_bytes(entry, out);
	else if (has_answer(record->exit->kind))
		fprintf(out, " answer=0x%" PRIx64, record->answer);
	if (entry->whose)
		fprintf(out, " (%s)", entry->whose);
	if (record->handled == AX_STOP)
		fputs(" stop", out);
	else if (record->handled != AX_HANDLED)
		fputs(" unhandled", out);
	fprintf(out, "  kvm %s, handler %s\n", format_duration(record->kvm_ns, kvm),
		format_duration(record->handler_ns, handler));
}

int trace_show(struct trace_file *file, FILE *out)
{
	uint64_t start = 0;
	AxTraceEntry entry;
	int ret;

	while ((ret = trace_file_next(file, &entry)) > 0) {
		uint64_t at = entry.record.time_ns > start ? entry.record.time_ns - start : 0;

		if (entry.type == AX_TRACE_BEGIN) {
			start = entry.record.time_ns;
			show_begin(file, out);
			continue;
		}
		if (entry.type != AX_TRACE_END)
			fprintf(out, "%5" PRIu64 ".%09" PRIu64 "  ", at / 1000000000,
				at % 1000000000);
		if (entry.type == AX_TRACE_GAP)
			fprintf(out, "vcpu=%" PRIu32 ": %" PRIu64 " exits are missing\n",
				entry.vcpu, entry.lost);
		else if (entry.type == AX_TRACE_EXIT)
			show_exit(&entry, out);
	}
	return ret < 0 ? STATUS_HOST : STATUS_OK;
}

static void write_json(void *opaque, const char *bytes, size_t len)
{
	fwrite(bytes, 1, len, opaque);
}

static void gap_to_json(struct json *json, const AxTraceEntry *entry)
{
	json_open(json, '{');
	json_key(json, "time_ns");
	json_number(json, entry->record.time_ns);
	json_key(json, "vcpu");
	json_number(json, entry->vcpu);
	json_key(json, "lost");
	json_number(json, entry->lost);
	json_close(json, '}');
}

int trace_to_json(struct trace_file *file, FILE *out)
{
	AxTraceEntry entry;
	struct json json;
	char buffer[16384];
	int ret;

	json_init(&json, buffer, sizeof(buffer), write_json, out);
	while ((ret = trace_file_next(file, &entry)) > 0) {
		if (entry.type == AX_TRACE_GAP)
			gap_to_json(&json, &entry);
		else if (entry.type == AX_TRACE_EXIT)
			trace_write_exit(&json, &entry.record, entry.whose);
		else
			continue;
		json_newline(&json);
	}
	json_flush(&json);
	return ret < 0 ? STATUS_HOST : STATUS_OK;
}
