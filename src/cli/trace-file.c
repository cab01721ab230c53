/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trace files that are read.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/trace-file.h"

#define FIRST_SIZE (64u << 10)

/* Read, not mapped: a file that somebody cuts meanwhile would end the process. 0 or an errno. */
static int read_all(struct trace_file *file, int fd, size_t size)
{
	file->bytes = malloc(size);
	while (file->bytes) {
		ssize_t len = read(fd, file->bytes + file->len, size - file->len);
		uint8_t *more;

		if (!len)
			return 0;
		if (len < 0 && errno != EINTR)
			return errno;
		if (len > 0)
			file->len += (size_t)len;
		if (file->len < size)
			continue;
		size *= 2;
		more = realloc(file->bytes, size);
		if (!more)
			break;
		file->bytes = more;
	}
	return ENOMEM;
}

static int read_file(struct trace_file *file)
{
	int fd = open(file->path, O_RDONLY | O_CLOEXEC), error;
	size_t size = FIRST_SIZE;
	struct stat status;

	if (fd < 0)
		return errno;
	/* One more, so that the end is seen without more room. */
	if (!fstat(fd, &status) && S_ISREG(status.st_mode))
		size = (size_t)status.st_size + 1;
	error = read_all(file, fd, size);
	close(fd);
	return error;
}

int trace_file_open(struct trace_file *file, const char *path)
{
	AxError err = AX_ERROR_INIT;
	int error;

	*file = (struct trace_file){ .path = path };
	error = read_file(file);
	if (error) {
		cli_message("%s: %s", path, strerror(error));
		return STATUS_HOST;
	}
	if (!ax_trace_open(file->bytes, file->len, &file->reader, &err))
		return STATUS_OK;
	cli_message("%s: %s", path, err.message);
	return STATUS_HOST;
}

void trace_file_close(struct trace_file *file)
{
	ax_trace_close(file->reader);
	free(file->bytes);
	*file = (struct trace_file){ 0 };
}

int trace_file_next(struct trace_file *file, AxTraceEntry *entry)
{
	AxError err = AX_ERROR_INIT;
	int ret = ax_trace_next(file->reader, entry, &err);

	if (ret >= 0)
		return ret;
	cli_message("%s: %s", file->path, err.message);
	return -1;
}

int trace_file_tell_damage(const struct trace_file *file)
{
	char text[256];

	if (!ax_trace_damage(file->reader, text, sizeof(text)))
		return STATUS_OK;
	cli_message("%s: %s", file->path, text);
	return STATUS_DAMAGED;
}
