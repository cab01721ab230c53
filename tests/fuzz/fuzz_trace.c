/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a trace: entries come in the order of time for each vCPU, what they say is what KVM
 * could say, and reading them twice gives the same. Checksums are made right first, in a second
 * reading: who mutates bytes hardly meets them.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <axvmm/handler.h>
#include <axvmm/trace.h>

#include "core/trace_format.h"

#define CHECK(condition)          \
	do {                      \
		if (!(condition)) \
			abort();  \
	} while (0)

static void check_string(const AxTraceEntry *entry, uint32_t width, uint32_t count,
			 const uint8_t *bytes)
{
	volatile uint8_t sum = 0;

	CHECK(width <= AX_WIDTH_DWORD && count >= 1 && bytes);
	for (size_t i = 0; i < (size_t)count << width; i++)
		sum = (uint8_t)(sum + bytes[i]);
	CHECK(!entry->byte_count || entry->byte_count == (size_t)count << width);
}

static void check_exit(const AxTraceEntry *entry)
{
	const AxVCpuExitReason *exit = entry->record.exit;
	char line[512];

	CHECK(exit->kind < AX_EXIT_KINDS && exit->vcpu == entry->vcpu);
	CHECK(entry->record.handled >= AX_HANDLED && entry->record.handled <= AX_STOP);
	ax_exit_format(exit, line, sizeof(line));
	ax_exit_explain(exit, line, sizeof(line));
	if (exit->kind == AX_EXIT_IO_READ)
		check_string(entry, exit->io_read.width, exit->io_read.count, exit->io_read.bytes);
	if (exit->kind == AX_EXIT_IO_WRITE)
		check_string(entry, exit->io_write.width, exit->io_write.count,
			     exit->io_write.bytes);
	if (exit->kind == AX_EXIT_SYSTEM_DOWN)
		CHECK(exit->system_down.ndata <= 8);
	if (exit->kind == AX_EXIT_INTERNAL_ERROR)
		CHECK(exit->internal_error.ndata <= 8 &&
		      exit->internal_error.insn_size <= AX_INSN_MAX);
}

/* Returns a number for all that was read. */
static uint64_t read_all(AxTraceReader *reader)
{
	AxTraceInfo info = AX_TRACE_INFO_INIT;
	uint64_t sum = 0;
	AxTraceEntry entry;
	AxTraceRange range;
	char damage[256];

	while (ax_trace_next(reader, &entry, NULL) > 0) {
		CHECK(entry.type <= AX_TRACE_END);
		if (entry.type == AX_TRACE_EXIT)
			check_exit(&entry);
		if (entry.whose)
			sum += strlen(entry.whose);
		sum = sum * 31 + entry.type + entry.record.time_ns + entry.lost;
	}
	ax_trace_info(reader, &info);
	CHECK(info.version);
	for (size_t i = 0; ax_trace_range(reader, i, &range); i++)
		CHECK(strlen(range.name) <= UINT8_MAX);
	sum += ax_trace_damage(reader, damage, sizeof(damage));
	return sum;
}

static void read_twice(const uint8_t *bytes, size_t len)
{
	AxTraceReader *reader;
	uint64_t sum;

	if (ax_trace_open(bytes, len, &reader, NULL))
		return;
	sum = read_all(reader);
	CHECK(!ax_trace_rewind(reader, NULL));
	CHECK(read_all(reader) == sum);
	ax_trace_close(reader);
}

static void mend_checksums(uint8_t *bytes, size_t len)
{
	while (len >= TRACE_CHUNK_HEAD) {
		uint64_t size = trace_load(bytes + 12, 4);

		if (size > len - TRACE_CHUNK_HEAD)
			return;
		trace_store(bytes + 16,
			    trace_crc(trace_crc(0, bytes, 16), bytes + TRACE_CHUNK_HEAD, size), 4);
		bytes += TRACE_CHUNK_HEAD + size;
		len -= TRACE_CHUNK_HEAD + size;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);

	CHECK(copy);
	read_twice(data, size);
	if (size)
		memcpy(copy, data, size);
	mend_checksums(copy, size);
	read_twice(copy, size);
	free(copy);
	return 0;
}
