/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing a run's exits and their answers to a file.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <axvmm/memory.h>

#include "cli/cli.h"
#include "cli/output.h"
#include "cli/trace.h"
#include "cli/writer.h"

struct trace {
	char *path;
	struct writer writer;
	void (*failed)(void *opaque);
	void *opaque;
	AxTrace *running;     /* of the machine that runs now; NULL: none does */
	AxTraceCounts counts; /* of those before */
};

/* Whether @path leads to the file that @trace describes. */
static bool is_file(const char *path, const struct stat *trace)
{
	struct stat file;

	return path && !stat(path, &file) && file.st_dev == trace->st_dev &&
	       file.st_ino == trace->st_ino;
}

/* Whether the file at @path begins as a trace does. */
static bool begins_as_trace(const char *path)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	char first[4];
	bool trace;

	if (fd < 0)
		return false;
	trace = read(fd, first, sizeof(first)) == sizeof(first) && !memcmp(first, "AXtc", 4);
	close(fd);
	return trace;
}

bool trace_would_overwrite(const char *path)
{
	struct stat file;

	return !stat(path, &file) && S_ISREG(file.st_mode) && file.st_size &&
	       !begins_as_trace(path);
}

int trace_check(const struct run_options *options)
{
	const char *path = options->trace;
	struct stat file;

	if (path && options->record && output_is_same(path, options->record))
		return cli_usage("--trace %s: that is the file of --record", path);
	if (!path || stat(path, &file))
		return STATUS_OK;
	if (is_file(options->image, &file))
		return cli_usage("--trace %s: that is the image, which would be overwritten", path);
	for (unsigned i = 0; i < options->initrd_count; i++) {
		if (is_file(options->initrd[i], &file))
			return cli_usage(
				"--trace %s: that is an initrd, which would be overwritten", path);
	}
	if (trace_would_overwrite(path))
		return cli_usage("--trace %s: this file exists and is no trace: remove it first, "
				 "or is an argument missing?",
				 path);
	return STATUS_OK;
}

struct trace *trace_open(const char *path, bool waits, const atomic_bool *hurry,
			 void (*failed)(void *opaque), void *opaque)
{
	struct trace *trace = calloc(1, sizeof(*trace));
	int flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, fd, saved;

	if (!trace)
		return NULL;
	trace->path = strdup(path);
	fd = trace->path ? open(path, waits ? flags : flags | O_NONBLOCK, 0666) : -1;
	if (fd < 0) {
		saved = errno;
		free(trace->path);
		free(trace);
		errno = saved;
		return NULL;
	}
	trace->failed = failed;
	trace->opaque = opaque;
	writer_init(&trace->writer, fd, hurry);
	return trace;
}

/* On the trace's thread; the first bytes on that of trace_attach(). */
static int write_bytes(void *opaque, const void *bytes, size_t len)
{
	struct trace *trace = opaque;

	if (!writer_put(&trace->writer, bytes, len))
		return 0;
	if (trace->failed)
		trace->failed(trace->opaque);
	return -trace->writer.error;
}

/* Names of places on the board and of RAM, behind those of the devices themselves. */
static size_t describe(AxMachine *machine, AxTraceRange *ranges, size_t room)
{
	AxMachinePlace place = AX_MACHINE_PLACE_INIT;
	size_t count = 0;
	AxRamInfo ram;

	for (unsigned i = 0; count < room && ax_machine_place(machine, i, &place); i++)
		ranges[count++] = (AxTraceRange){ place.space == AX_SPACE_PORT ? AX_TRACE_PORTS
									       : AX_TRACE_MMIO,
						  place.base, place.length, place.name };
	for (unsigned i = 0; count < room && ax_ram_info(ax_machine_vm(machine), i, &ram); i++)
		ranges[count++] =
			(AxTraceRange){ AX_TRACE_MMIO, ram.base, ram.size,
					ram.flags & AX_RAM_READONLY ? "read-only RAM" : "RAM" };
	return count;
}

int trace_attach(struct trace *trace, AxMachine *machine, AxError *err)
{
	AxTraceConfig config = AX_TRACE_CONFIG_INIT;
	AxTraceRange ranges[64];

	config.write = write_bytes;
	config.opaque = trace;
	config.ranges = ranges;
	config.range_count = describe(machine, ranges, sizeof(ranges) / sizeof(ranges[0]));
	return ax_trace_start(ax_machine_vm(machine), &config, &trace->running, err);
}

void trace_detach(struct trace *trace)
{
	AxTraceCounts counts = AX_TRACE_COUNTS_INIT;

	if (!trace || !trace->running)
		return;
	/* Without memory it goes on, and with what is freed behind this: the next moment has some. What could
	 * not be written the writer knows. */
	while (ax_trace_stop(trace->running, &counts, NULL) == -ENOMEM)
		nanosleep(&(struct timespec){ .tv_nsec = 100000000 }, NULL);
	trace->running = NULL;
	trace->counts.exits += counts.exits;
	trace->counts.lost += counts.lost;
	trace->counts.bytes += counts.bytes;
}

bool trace_is_running(const struct trace *trace)
{
	return trace && trace->running;
}

int trace_error(const struct trace *trace)
{
	return trace->writer.error;
}

static AxTraceCounts total(const struct trace *trace)
{
	AxTraceCounts counts = AX_TRACE_COUNTS_INIT;

	if (trace->running)
		ax_trace_counts(trace->running, &counts);
	counts.exits += trace->counts.exits;
	counts.lost += trace->counts.lost;
	counts.bytes += trace->counts.bytes;
	return counts;
}

void trace_put_status(const struct trace *trace, struct json *json)
{
	AxTraceCounts counts = total(trace);

	json_key(json, "file");
	json_string(json, trace->path);
	json_key(json, "exits");
	json_number(json, counts.exits);
	json_key(json, "lost");
	json_number(json, counts.lost);
	json_key(json, "bytes");
	json_number(json, counts.bytes);
}

static void judge(const struct trace *trace, int error, const AxTraceCounts *counts,
		  char verdict[TRACE_VERDICT_SIZE])
{
	verdict[0] = '\0';
	if (error)
		snprintf(verdict, TRACE_VERDICT_SIZE,
			 "%s: the trace is not complete: %s; %" PRIu64 " exits are in it, %" PRIu64
			 " are not",
			 trace->path,
			 error == ECANCELED ? "its reader does not read" : strerror(error),
			 counts->exits, counts->lost);
	else if (counts->lost)
		snprintf(verdict, TRACE_VERDICT_SIZE,
			 "%s: %" PRIu64 " exits are missing in the trace, where it says so: they "
			 "came faster than they could be written",
			 trace->path, counts->lost);
}

bool trace_close(struct trace *trace, char verdict[TRACE_VERDICT_SIZE])
{
	AxTraceCounts counts;
	int error;

	verdict[0] = '\0';
	if (!trace)
		return true;
	trace_detach(trace);
	counts = total(trace);
	error = trace->writer.error;
	/* Some file systems say only now that the disk is full. */
	if (close(trace->writer.fd) && !error)
		error = errno;
	judge(trace, error, &counts, verdict);
	free(trace->path);
	free(trace);
	return !error;
}
