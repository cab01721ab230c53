/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing every exit and its answer to a file.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/json.h"
#include "cli/trace.h"
#include "cli/trace-exit.h"
#include "cli/writer.h"

#define BUFFER_SIZE (64 * 1024)

/* A line is at most this long: string I/O brings a page of bytes, written as two digits each. */
#define LINE_MAX_SIZE (12 * 1024)

struct vcpu_lines {
	struct json json;
	struct trace *trace;
	char *buffer; /* BUFFER_SIZE bytes, mapped: untouched pages cost nothing */
};

struct trace {
	const char *path;
	const AxMachine *machine;
	pthread_mutex_t lock; /* around writer */
	struct writer writer;
	atomic_bool failed;
	uint64_t start_ns; /* of the first exit that was seen */
	uint32_t cpus;
	struct vcpu_lines vcpus[];
};

static void write_lines(void *opaque, const char *bytes, size_t len)
{
	struct vcpu_lines *lines = opaque;
	struct trace *trace = lines->trace;

	pthread_mutex_lock(&trace->lock);
	if (writer_put(&trace->writer, bytes, len))
		atomic_store(&trace->failed, true);
	pthread_mutex_unlock(&trace->lock);
}

static void free_trace(struct trace *trace)
{
	for (uint32_t i = 0; i < trace->cpus; i++) {
		if (trace->vcpus[i].buffer)
			munmap(trace->vcpus[i].buffer, BUFFER_SIZE);
	}
	pthread_mutex_destroy(&trace->lock);
	free(trace);
}

static struct trace *make_trace(uint32_t cpus)
{
	struct trace *trace = calloc(1, sizeof(*trace) + cpus * sizeof(trace->vcpus[0]));

	if (!trace)
		return NULL;
	trace->cpus = cpus;
	pthread_mutex_init(&trace->lock, NULL);
	for (uint32_t i = 0; i < cpus; i++) {
		struct vcpu_lines *lines = &trace->vcpus[i];
		void *mapped = mmap(NULL, BUFFER_SIZE, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (mapped == MAP_FAILED) {
			free_trace(trace);
			return NULL;
		}
		lines->trace = trace;
		lines->buffer = mapped;
		json_init(&lines->json, lines->buffer, BUFFER_SIZE, write_lines, lines);
	}
	return trace;
}

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
	char first = 0;
	bool trace;

	if (fd < 0)
		return false;
	trace = read(fd, &first, 1) == 1 && first == '{';
	close(fd);
	return trace;
}

int trace_check(const struct run_options *options)
{
	const char *path = options->trace;
	struct stat file;

	if (!path || stat(path, &file))
		return STATUS_OK;
	if (is_file(options->image, &file))
		return cli_usage("--trace %s: that is the image, which would be overwritten", path);
	for (unsigned i = 0; i < options->initrd_count; i++) {
		if (is_file(options->initrd[i], &file))
			return cli_usage(
				"--trace %s: that is an initrd, which would be overwritten", path);
	}
	if (S_ISREG(file.st_mode) && file.st_size && !begins_as_trace(path))
		return cli_usage("--trace %s: this file exists and is no trace: remove it first, "
				 "or is an argument missing?",
				 path);
	return STATUS_OK;
}

struct trace *trace_open(const char *path, uint32_t cpus, const atomic_bool *hurry)
{
	struct trace *trace = make_trace(cpus);
	int fd;

	if (!trace) {
		cli_message("%s: no memory for the trace", path);
		return NULL;
	}
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd < 0) {
		cli_message("%s: the trace cannot be written: %s", path, strerror(errno));
		free_trace(trace);
		return NULL;
	}
	trace->path = path;
	writer_init(&trace->writer, fd, hurry);
	return trace;
}

void trace_set_machine(struct trace *trace, const AxMachine *machine)
{
	trace->machine = machine;
}

bool trace_exit(struct trace *trace, const AxExitRecord *record)
{
	const AxVCpuExitReason *exit = record->exit;
	struct json *json;

	if (exit->vcpu >= trace->cpus || atomic_load(&trace->failed))
		return false;
	json = &trace->vcpus[exit->vcpu].json;
	trace_write_exit(json, record, ax_machine_whose(trace->machine, exit));
	json_newline(json);
	/* Only whole lines are handed on, so that those of several vCPUs do not mix. */
	if (json->used > BUFFER_SIZE - LINE_MAX_SIZE || exit->kind == AX_EXIT_HALT)
		json_flush(json);
	return !atomic_load(&trace->failed);
}

bool trace_close(struct trace *trace)
{
	int error;

	if (!trace)
		return true;
	for (uint32_t i = 0; i < trace->cpus; i++)
		json_flush(&trace->vcpus[i].json);
	error = trace->writer.error;
	/* Some file systems say only now that the disk is full. */
	if (close(trace->writer.fd) && !error)
		error = errno;
	if (error == ECANCELED)
		cli_message("%s: the trace is not complete: its reader does not read", trace->path);
	else if (error)
		cli_message("%s: the trace is not complete: %s", trace->path, strerror(error));
	free_trace(trace);
	return !error;
}
