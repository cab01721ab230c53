/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a trace: its chunks, and what it says of itself. Every byte is untrusted.
 */
#include <config.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/trace_reader.h"

struct chunk {
	uint32_t type;
	uint32_t vcpu;
	const uint8_t *at; /* what follows its head */
	uint32_t len;
	bool intact;
};

void trace_note_damage(AxTraceReader *reader, size_t at)
{
	if (!reader->damaged++)
		reader->damaged_at = at;
}

static bool break_off(AxTraceReader *reader, size_t at, const char *why)
{
	reader->broken = why;
	reader->broken_at = at;
	return false;
}

/* The chunk at @at. False: there is none, at the end or because the file is broken. */
static bool chunk_at(AxTraceReader *reader, size_t at, struct chunk *chunk)
{
	const uint8_t *head = reader->bytes + at;
	size_t left = reader->len - at;

	if (!left)
		return false;
	if (left < TRACE_CHUNK_HEAD)
		return break_off(reader, at, "the file ends in the middle of a chunk");
	chunk->len = (uint32_t)trace_load(head + 12, 4);
	if (trace_load(head, 4) != TRACE_MAGIC || trace_load(head + 4, 2) != TRACE_VERSION ||
	    chunk->len > TRACE_LENGTH_MAX)
		return break_off(reader, at, "no chunk begins");
	if (chunk->len > left - TRACE_CHUNK_HEAD)
		return break_off(reader, at, "the file ends in the middle of a chunk");
	chunk->type = (uint32_t)trace_load(head + 6, 2);
	chunk->vcpu = (uint32_t)trace_load(head + 8, 4);
	chunk->at = head + TRACE_CHUNK_HEAD;
	chunk->intact = trace_crc(trace_crc(0, head, 16), chunk->at, chunk->len) ==
			(uint32_t)trace_load(head + 16, 4);
	return true;
}

/* What is shown to people: a terminal would obey control characters. */
static void copy_text(char *to, const uint8_t *from, size_t len)
{
	for (size_t i = 0; i < len; i++)
		to[i] = from[i] < ' ' || from[i] == 0x7f ? '?' : (char)from[i];
	to[len] = '\0';
}

static bool take_header(AxTraceReader *reader, const struct chunk *chunk)
{
	const uint8_t *at = chunk->at;
	AxTraceInfo *info = &reader->info;
	size_t version;

	if (chunk->len < TRACE_HEADER_SIZE || chunk->len - TRACE_HEADER_SIZE < at[40])
		return false;
	version = at[40];
	copy_text(reader->version, at + TRACE_HEADER_SIZE, version);
	info->arch = trace_arch_name((uint32_t)trace_load(at, 4));
	info->vcpus = (uint32_t)trace_load(at + 4, 4);
	info->process = (uint32_t)trace_load(at + 8, 4);
	info->start_ns = trace_load(at + 16, 8);
	info->realtime_ns = trace_load(at + 24, 8);
	info->counter_hz = trace_load(at + 32, 8);
	return true;
}

/* 0; -EBADMSG; -ENOMEM. */
static int take_range(AxTraceReader *reader, const uint8_t *at, size_t name_len)
{
	AxTraceRange *range;
	char *name;

	if (at[0] > AX_TRACE_SYS_REGS || memchr(at + 2, '\0', name_len))
		return -EBADMSG;
	if (!list_reserve(&reader->ranges, sizeof(*range)))
		return -ENOMEM;
	name = malloc(name_len + 1);
	if (!name)
		return -ENOMEM;
	copy_text(name, at + 2, name_len);
	range = (AxTraceRange *)reader->ranges.entries + reader->ranges.count++;
	range->space = at[0];
	range->base = trace_load(at + 2 + name_len, 8);
	range->length = trace_load(at + 10 + name_len, 8);
	range->name = name;
	return 0;
}

static int take_ranges(AxTraceReader *reader, const struct chunk *chunk)
{
	const uint8_t *at = chunk->at, *end = at + chunk->len;
	int ret = 0;

	while (!ret && at != end) {
		size_t left = (size_t)(end - at);

		if (left < TRACE_RANGE_SIZE || left - TRACE_RANGE_SIZE < at[1])
			return -EBADMSG;
		ret = take_range(reader, at, at[1]);
		at += TRACE_RANGE_SIZE + at[1];
	}
	return ret;
}

/* What does not grow says nothing. */
static int take_clock(AxTraceReader *reader, const struct chunk *chunk)
{
	struct trace_pair pair, *pairs;

	if (chunk->len < TRACE_CLOCK_SIZE)
		return -EBADMSG;
	pair.counter = trace_load(chunk->at, 8);
	pair.ns = trace_load(chunk->at + 8, 8);
	if (!list_reserve(&reader->pairs, sizeof(pair)))
		return -ENOMEM;
	pairs = reader->pairs.entries;
	if (reader->pairs.count) {
		const struct trace_pair *last = &pairs[reader->pairs.count - 1];

		if (pair.counter <= last->counter || pair.ns <= last->ns)
			return 0;
	}
	pairs[reader->pairs.count++] = pair;
	return 0;
}

static int take_exits(AxTraceReader *reader, const struct chunk *chunk)
{
	struct trace_piece *piece;

	if (chunk->len < 8)
		return -EBADMSG;
	if (!list_reserve(&reader->pieces, sizeof(*piece)))
		return -ENOMEM;
	piece = (struct trace_piece *)reader->pieces.entries + reader->pieces.count++;
	piece->at = (size_t)(chunk->at - reader->bytes);
	piece->len = chunk->len;
	piece->vcpu = chunk->vcpu;
	return 0;
}

/* Types that are not known are passed over: a later version may have more. */
static int take_chunk(AxTraceReader *reader, const struct chunk *chunk)
{
	if (!chunk->intact)
		return -EBADMSG;
	switch (chunk->type) {
	case TRACE_CHUNK_RANGES: return take_ranges(reader, chunk);
	case TRACE_CHUNK_CLOCK: return take_clock(reader, chunk);
	case TRACE_CHUNK_EXITS: return take_exits(reader, chunk);
	case TRACE_CHUNK_END:
		if (chunk->len < TRACE_END_SIZE)
			return -EBADMSG;
		reader->info.complete = true;
		reader->lost = trace_load(chunk->at + 8, 8);
		return 0;
	default: return 0;
	}
}

static int by_vcpu(const void *a, const void *b)
{
	const struct trace_piece *left = a, *right = b;

	if (left->vcpu != right->vcpu)
		return left->vcpu < right->vcpu ? -1 : 1;
	return left->at < right->at ? -1 : left->at > right->at;
}

static void forget(AxTraceReader *reader)
{
	AxTraceRange *ranges = reader->ranges.entries;

	for (size_t i = 0; i < reader->ranges.count; i++)
		free((void *)(uintptr_t)ranges[i].name);
	list_free(&reader->ranges);
	list_free(&reader->pairs);
	list_free(&reader->pieces);
	free(reader->cursors);
	free(reader->heap);
	reader->cursors = NULL;
	reader->heap = NULL;
	reader->cursor_count = reader->heap_count = 0;
	reader->info = (AxTraceInfo)AX_TRACE_INFO_INIT;
	reader->info.version = reader->version;
	reader->begun = reader->ended = false;
	memset(reader->kept, 0, sizeof(reader->kept));
}

static int refuse(const AxTraceReader *reader, AxError *err)
{
	uint64_t version;

	if (reader->len < TRACE_CHUNK_HEAD || trace_load(reader->bytes, 4) != TRACE_MAGIC)
		return ax_error_set(err, -ENOEXEC, AX_ERROR_FILE, 0,
				    "this is no trace of axvmm's: it does not begin as one");
	version = trace_load(reader->bytes + 4, 2);
	if (version != TRACE_VERSION)
		return ax_error_set(err, -ENOEXEC, AX_ERROR_FILE, 0,
				    "this trace has version %" PRIu64
				    ", of which this library knows nothing: it knows %d",
				    version, TRACE_VERSION);
	return ax_error_set(err, -ENOEXEC, AX_ERROR_FILE, 0,
			    "this trace is damaged at its beginning");
}

static int no_memory(AxError *err)
{
	return ax_error_nomem(err, "the places in a trace");
}

/* The counter's frequency, where the header does not say. */
static void measure(AxTraceReader *reader)
{
	const struct trace_pair *pairs = reader->pairs.entries;
	size_t count = reader->pairs.count;
	double hz;

	if (reader->info.counter_hz || count < 2)
		return;
	hz = (double)(pairs[count - 1].counter - pairs[0].counter) * 1e9 /
	     (double)(pairs[count - 1].ns - pairs[0].ns);
	/* Nothing counts that fast. */
	if (hz < 1e18)
		reader->info.counter_hz = (uint64_t)hz;
}

int trace_index(AxTraceReader *reader, AxError *err)
{
	size_t at = reader->next;
	struct chunk chunk;
	int ret;

	forget(reader);
	if (!chunk_at(reader, at, &chunk) || !chunk.intact || chunk.type != TRACE_CHUNK_HEADER ||
	    !take_header(reader, &chunk))
		return refuse(reader, err);
	at += TRACE_CHUNK_HEAD + chunk.len;
	while (chunk_at(reader, at, &chunk) &&
	       (chunk.type != TRACE_CHUNK_HEADER || !chunk.intact)) {
		ret = take_chunk(reader, &chunk);
		if (ret == -ENOMEM)
			return no_memory(err);
		if (ret)
			trace_note_damage(reader, at);
		at += TRACE_CHUNK_HEAD + chunk.len;
	}
	reader->next = reader->broken ? reader->len : at;
	if (reader->pieces.count)
		qsort(reader->pieces.entries, reader->pieces.count, sizeof(struct trace_piece),
		      by_vcpu);
	measure(reader);
	reader->info.range_count = reader->ranges.count;
	return trace_set_cursors(reader) ? no_memory(err) : 0;
}

int ax_trace_open(const void *bytes, size_t len, AxTraceReader **out, AxError *err)
{
	AxTraceReader *reader = calloc(1, sizeof(*reader));
	int ret;

	if (!reader)
		return no_memory(err);
	reader->bytes = bytes;
	reader->len = len;
	ret = trace_index(reader, err);
	if (ret)
		ax_trace_close(reader);
	else
		*out = reader;
	return ret;
}

void ax_trace_close(AxTraceReader *reader)
{
	if (!reader)
		return;
	forget(reader);
	free(reader);
}

int ax_trace_rewind(AxTraceReader *reader, AxError *err)
{
	reader->next = 0;
	reader->damaged = 0;
	reader->broken = NULL;
	return trace_index(reader, err);
}

void ax_trace_info(const AxTraceReader *reader, AxTraceInfo *info)
{
	size_t size = info->size < sizeof(*info) ? info->size : sizeof(*info);
	AxTraceInfo whole = reader->info;

	whole.size = info->size;
	memcpy(info, &whole, size);
}

bool ax_trace_range(const AxTraceReader *reader, size_t index, AxTraceRange *range)
{
	if (index >= reader->ranges.count)
		return false;
	*range = ((const AxTraceRange *)reader->ranges.entries)[index];
	return true;
}

bool ax_trace_damage(const AxTraceReader *reader, char *buffer, size_t size)
{
	if (reader->broken)
		snprintf(buffer, size, "%s at byte %zu: what stands before is whole%s",
			 reader->broken, reader->broken_at,
			 reader->damaged ? ", but for some chunks" : "");
	else if (reader->damaged)
		snprintf(buffer, size,
			 "%" PRIu64 " chunk%s damaged and left out, the first one at byte %zu",
			 reader->damaged, reader->damaged == 1 ? " is" : "s are",
			 reader->damaged_at);
	else if (!reader->info.complete)
		snprintf(buffer, size,
			 "it has no end: it is still being written, or its writer "
			 "was killed");
	return reader->broken || reader->damaged || !reader->info.complete;
}
