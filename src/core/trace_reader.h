/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A trace that is being read: what trace_reader.c and trace_next.c share.
 *
 * A file holds one trace behind the other. One is looked through as a whole first: where the chunks of
 * each vCPU are, what the counter's numbers mean, whose addresses are. Then its records are taken, of
 * all vCPUs in the order of time.
 */
#ifndef AXVMM_CORE_TRACE_READER_H
#define AXVMM_CORE_TRACE_READER_H

#include "core/list.h"
#include "core/trace_pack.h"

/* Exits of a vCPU: what follows a chunk's head. */
struct trace_piece {
	size_t at;
	uint32_t len;
	uint32_t vcpu;
};

/* What the counter showed at what time. Both grow from one to the next. */
struct trace_pair {
	uint64_t counter;
	uint64_t ns;
};

/* A vCPU whose next record has been taken out. */
struct trace_cursor {
	size_t piece, end; /* of the sorted list */
	const uint8_t *at; /* in its piece */
	size_t left;
	struct trace_pack pack;
	struct trace_record record;
	uint64_t key; /* records come in the order of it */
};

/* Names that were found for addresses. */
#define TRACE_NAMES_KEPT 256

struct trace_name {
	bool valid;
	uint32_t space;
	uint64_t addr;
	const char *name;
};

struct AxTraceReader {
	const uint8_t *bytes;
	size_t len;
	size_t next; /* where the next trace begins, or nothing follows */

	/* Of the trace that is being read. */
	AxTraceInfo info;
	char version[256];
	struct list ranges; /* AxTraceRange, their names allocated */
	struct list pairs;  /* struct trace_pair */
	struct list pieces; /* struct trace_piece, by vCPU and place */
	struct trace_cursor *cursors;
	size_t cursor_count;
	struct trace_cursor **heap; /* those with a record, the earliest first */
	size_t heap_count;
	uint64_t lost; /* as its end says */
	bool begun, ended;
	struct trace_name kept[TRACE_NAMES_KEPT];

	/* Of the entry that was given last. */
	AxVCpuExitReason exit;
	uint8_t data[TRACE_BYTES_MAX + 8];

	/* What is wrong. */
	uint64_t damaged;   /* pieces that were skipped, in whole or from some record on */
	size_t damaged_at;  /* the first of them */
	const char *broken; /* why nothing behind broken_at can be read; NULL: all was */
	size_t broken_at;
};

/* trace_reader.c: look through the trace that begins at reader->next. 0, -ENOEXEC or -ENOMEM. */
int trace_index(AxTraceReader *reader, AxError *err);

/* Count a piece that is damaged. */
void trace_note_damage(AxTraceReader *reader, size_t at);

/* trace_next.c: put cursors on the pieces. 0 or -ENOMEM. */
int trace_set_cursors(AxTraceReader *reader);

#endif
