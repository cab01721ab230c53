/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The entries of a trace, one after the other: the earliest of all vCPUs' next records, its times in
 * nanoseconds, whose it is.
 */
#include <config.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/trace_reader.h"

__extension__ typedef unsigned __int128 uint128;

static uint64_t scale(uint64_t counter, uint64_t ns, uint64_t per_counter)
{
	return per_counter ? (uint64_t)((uint128)counter * ns / per_counter) : counter;
}

/* The pair that the interval around @counter begins with; there are two at least. */
static const struct trace_pair *interval(const struct trace_pair *pairs, size_t count,
					 uint64_t counter)
{
	size_t low = 0, high = count - 1;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (pairs[middle].counter <= counter)
			low = middle;
		else
			high = middle;
	}
	return &pairs[low];
}

/* CLOCK_MONOTONIC when the counter showed @counter. Before the first pair and behind the last one the
 * next interval's pace is taken. */
static uint64_t to_ns(const AxTraceReader *reader, uint64_t counter)
{
	const struct trace_pair *pairs = reader->pairs.entries, *at = pairs;
	uint64_t ns = 1000000000, ticks = reader->info.counter_hz, passed;

	if (!reader->pairs.count)
		return scale(counter, ns, ticks);
	if (reader->pairs.count > 1) {
		at = interval(pairs, reader->pairs.count, counter);
		ns = at[1].ns - at[0].ns;
		ticks = at[1].counter - at[0].counter;
	}
	if (counter >= at->counter)
		return at->ns + scale(counter - at->counter, ns, ticks);
	passed = scale(at->counter - counter, ns, ticks);
	return passed < at->ns ? at->ns - passed : 0;
}

/* Take the next record out: false when the vCPU has no more. */
static bool advance(AxTraceReader *reader, struct trace_cursor *cursor)
{
	const struct trace_piece *pieces = reader->pieces.entries;

	for (;;) {
		size_t used =
			trace_unpack(&cursor->pack, cursor->at, cursor->left, &cursor->record);

		if (used) {
			cursor->at += used;
			cursor->left -= used;
			cursor->key = cursor->record.times[cursor->record.is_gap ? 0 : 1];
			return true;
		}
		if (cursor->left)
			trace_note_damage(reader, pieces[cursor->piece].at - TRACE_CHUNK_HEAD);
		if (cursor->left || cursor->at)
			cursor->piece++;
		if (cursor->piece == cursor->end)
			return false;
		cursor->at = reader->bytes + pieces[cursor->piece].at + 8;
		cursor->left = pieces[cursor->piece].len - 8;
		cursor->pack = (struct trace_pack){ .last = trace_load(cursor->at - 8, 8) };
	}
}

static bool is_before(const struct trace_cursor *a, const struct trace_cursor *b)
{
	/* At the same time the one with the lower number. */
	return a->key != b->key ? a->key < b->key : a < b;
}

static void sift_down(AxTraceReader *reader, size_t place)
{
	struct trace_cursor **heap = reader->heap, *moved = heap[place];

	for (;;) {
		size_t child = 2 * place + 1;

		if (child + 1 < reader->heap_count && is_before(heap[child + 1], heap[child]))
			child++;
		if (child >= reader->heap_count || is_before(moved, heap[child]))
			break;
		heap[place] = heap[child];
		place = child;
	}
	heap[place] = moved;
}

/* How many vCPUs have pieces. */
static size_t count_vcpus(const AxTraceReader *reader)
{
	const struct trace_piece *pieces = reader->pieces.entries;
	size_t count = 0;

	for (size_t i = 0; i < reader->pieces.count; i++)
		count += !i || pieces[i].vcpu != pieces[i - 1].vcpu;
	return count;
}

int trace_set_cursors(AxTraceReader *reader)
{
	const struct trace_piece *pieces = reader->pieces.entries;
	size_t count = count_vcpus(reader);
	struct trace_cursor *cursor;

	if (!count)
		return 0;
	reader->cursors = calloc(count, sizeof(*reader->cursors));
	reader->heap = calloc(count, sizeof(struct trace_cursor *));
	if (!reader->cursors || !reader->heap)
		return -ENOMEM;
	cursor = reader->cursors;
	for (size_t i = 0; i < reader->pieces.count; cursor++) {
		cursor->piece = i;
		while (i < reader->pieces.count && pieces[i].vcpu == pieces[cursor->piece].vcpu)
			i++;
		cursor->end = i;
		if (advance(reader, cursor))
			reader->heap[reader->heap_count++] = cursor;
	}
	reader->cursor_count = count;
	for (size_t i = reader->heap_count / 2; i-- > 0;)
		sift_down(reader, i);
	return 0;
}

/* The space and the address that an exit is about: false when it has none. */
static bool address_of(const AxVCpuExitReason *exit, uint32_t *space, uint64_t *addr)
{
	*space = AX_TRACE_MMIO;
	switch (exit->kind) {
	case AX_EXIT_MMIO_READ: *addr = exit->mmio_read.addr; return true;
	case AX_EXIT_MMIO_WRITE: *addr = exit->mmio_write.addr; return true;
	case AX_EXIT_NESTED_PAGE_FAULT:
		*addr = exit->nested_page_fault.addr;
		return exit->nested_page_fault.addr_known;
	default: break;
	}
	*space = AX_TRACE_PORTS;
	switch (exit->kind) {
	case AX_EXIT_IO_READ: *addr = exit->io_read.port; return true;
	case AX_EXIT_IO_WRITE: *addr = exit->io_write.port; return true;
	default: break;
	}
	*space = AX_TRACE_SYS_REGS;
	switch (exit->kind) {
	case AX_EXIT_SYS_REG_READ: *addr = exit->sys_reg_read.addr; return true;
	case AX_EXIT_SYS_REG_WRITE: *addr = exit->sys_reg_write.addr; return true;
	default: return false;
	}
}

/* The first one wins: the VM's own registrations come before the other names. */
static const char *find_name(const AxTraceReader *reader, uint32_t space, uint64_t addr)
{
	const AxTraceRange *ranges = reader->ranges.entries;

	for (size_t i = 0; i < reader->ranges.count; i++) {
		if (ranges[i].space == space && addr - ranges[i].base < ranges[i].length)
			return ranges[i].name;
	}
	return NULL;
}

const char *ax_trace_whose(const AxTraceReader *reader, const AxVCpuExitReason *exit)
{
	uint32_t space;
	uint64_t addr;

	return address_of(exit, &space, &addr) ? find_name(reader, space, addr) : NULL;
}

/* The same, remembered: most exits are about few addresses. */
static const char *whose(AxTraceReader *reader, const AxVCpuExitReason *exit)
{
	struct trace_name *kept;
	uint32_t space;
	uint64_t addr;

	if (!address_of(exit, &space, &addr))
		return NULL;
	kept = &reader->kept[(addr * 3 + space) % TRACE_NAMES_KEPT];
	if (!kept->valid || kept->space != space || kept->addr != addr)
		*kept = (struct trace_name){ true, space, addr, find_name(reader, space, addr) };
	return kept->name;
}

/* The bytes of port accesses, of which a single element has none of its own in the file. */
static void fill_bytes(AxTraceReader *reader, const struct trace_record *record,
		       AxTraceEntry *entry)
{
	AxVCpuExitReason *exit = &reader->exit;

	if (!trace_has_bytes(exit->kind))
		return;
	if (record->byte_count)
		memcpy(reader->data, record->bytes, record->byte_count);
	else
		trace_store(reader->data,
			    exit->kind == AX_EXIT_IO_READ ? record->answer : exit->io_write.data,
			    8);
	if (exit->kind == AX_EXIT_IO_READ)
		exit->io_read.bytes = reader->data;
	else
		exit->io_write.bytes = reader->data;
	entry->bytes = record->byte_count ? reader->data : NULL;
	entry->byte_count = record->byte_count;
}

static void fill_entry(AxTraceReader *reader, const struct trace_cursor *cursor,
		       AxTraceEntry *entry)
{
	const struct trace_piece *pieces = reader->pieces.entries;
	const struct trace_record *record = &cursor->record;
	AxExitRecord *out = &entry->record;
	uint64_t entered;

	entry->vcpu = pieces[cursor->piece].vcpu;
	if (record->is_gap) {
		entry->type = AX_TRACE_GAP;
		entry->lost = record->answer;
		out->time_ns = to_ns(reader, record->times[0]);
		out->kvm_ns = to_ns(reader, record->times[1]) - out->time_ns;
		return;
	}
	entry->type = AX_TRACE_EXIT;
	reader->exit = record->exit;
	reader->exit.vcpu = entry->vcpu;
	entered = to_ns(reader, record->times[0]);
	out->exit = &reader->exit;
	out->answer = record->answer;
	out->handled = record->handled;
	out->time_ns = to_ns(reader, record->times[1]);
	out->kvm_ns = out->time_ns - entered;
	out->handler_ns = to_ns(reader, record->times[2]) - out->time_ns;
	fill_bytes(reader, record, entry);
	entry->whose = whose(reader, &reader->exit);
}

static void take_first(AxTraceReader *reader, AxTraceEntry *entry)
{
	struct trace_cursor *cursor = reader->heap[0];

	fill_entry(reader, cursor, entry);
	if (!advance(reader, cursor))
		reader->heap[0] = reader->heap[--reader->heap_count];
	if (reader->heap_count)
		sift_down(reader, 0);
}

/* What comes next when all records have been given: the end of this trace, or the next one. */
static int after_records(AxTraceReader *reader, AxTraceEntry *entry, AxError *err)
{
	int ret;

	if (!reader->ended && reader->info.complete) {
		reader->ended = true;
		entry->type = AX_TRACE_END;
		entry->lost = reader->lost;
		return 1;
	}
	if (reader->broken || reader->next >= reader->len)
		return 0;
	ret = trace_index(reader, err);
	/* A header that makes no sense ends the file. */
	if (ret == -ENOEXEC) {
		trace_note_damage(reader, reader->next);
		reader->next = reader->len;
		return 0;
	}
	return ret ? ret : ax_trace_next(reader, entry, err);
}

int ax_trace_next(AxTraceReader *reader, AxTraceEntry *entry, AxError *err)
{
	*entry = (AxTraceEntry)AX_TRACE_ENTRY_INIT;
	if (!reader->begun) {
		reader->begun = true;
		entry->type = AX_TRACE_BEGIN;
		entry->record.time_ns = reader->info.start_ns;
		return 1;
	}
	if (reader->heap_count) {
		take_first(reader, entry);
		return 1;
	}
	return after_records(reader, entry, err);
}
