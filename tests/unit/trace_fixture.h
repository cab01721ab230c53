/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A trace that is written into memory, and read from there.
 */
#ifndef AXVMM_TESTS_UNIT_TRACE_FIXTURE_H
#define AXVMM_TESTS_UNIT_TRACE_FIXTURE_H

#include <axvmm/trace.h>

#include "core/trace_format.h"
#include "tests/unit/run_fixture.h"

/* What a trace has written; written to by its thread while it runs. */
struct memory_file {
	uint8_t *bytes;
	size_t len;
	size_t room; /* then -ENOSPC; 0: no limit */
};

static inline int memory_write(void *opaque, const void *bytes, size_t len)
{
	struct memory_file *file = opaque;

	if (file->room && file->len + len > file->room)
		return -ENOSPC;
	file->bytes = realloc(file->bytes, file->len + len);
	ck_assert_ptr_nonnull(file->bytes);
	memcpy(file->bytes + file->len, bytes, len);
	file->len += len;
	return 0;
}

static inline AxTraceConfig memory_config(struct memory_file *file)
{
	AxTraceConfig config = AX_TRACE_CONFIG_INIT;

	config.write = memory_write;
	config.opaque = file;
	return config;
}

static inline AxTraceReader *open_memory(const struct memory_file *file)
{
	AxTraceReader *reader = NULL;
	AxError err = AX_ERROR_INIT;

	ck_assert_msg(!ax_trace_open(file->bytes, file->len, &reader, &err), "%s", err.message);
	return reader;
}

/* The next entry, which has to be of this type. */
static inline AxTraceEntry next_entry(AxTraceReader *reader, uint32_t type)
{
	AxTraceEntry entry;

	ck_assert_int_eq(ax_trace_next(reader, &entry, NULL), 1);
	ck_assert_uint_eq(entry.type, type);
	return entry;
}

static inline void ck_no_more(AxTraceReader *reader)
{
	AxTraceEntry entry;

	ck_assert_int_eq(ax_trace_next(reader, &entry, NULL), 0);
}

#endif
