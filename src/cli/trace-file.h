/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trace files that are read, and what subcommands of "axvmm trace" do with them.
 */
#ifndef AXVMM_CLI_TRACE_FILE_H
#define AXVMM_CLI_TRACE_FILE_H

#include <stdio.h>

#include <axvmm/trace.h>

struct trace_file {
	const char *path;
	uint8_t *bytes;
	size_t len;
	AxTraceReader *reader;
};

/* Read the file, a pipe too. STATUS_OK, or another status after a message; close it then, too. */
int trace_file_open(struct trace_file *file, const char *path);
void trace_file_close(struct trace_file *file);

/* The next entry: 1, 0 at the end, -1 after a message. */
int trace_file_next(struct trace_file *file, AxTraceEntry *entry);

/* Say on standard error what is wrong with it, if anything is, as far as it has been read. STATUS_OK, or
 * STATUS_DAMAGED then. */
int trace_file_tell_damage(const struct trace_file *file);

/* Once through it. STATUS_OK, or another status after a message. */
int trace_show(struct trace_file *file, FILE *out);
int trace_to_json(struct trace_file *file, FILE *out);
int trace_to_perfetto(struct trace_file *file, FILE *out);

#endif
