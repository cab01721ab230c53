/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file that is there whole or not at all.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/output.h"

static int fail(struct output *output, int error)
{
	cli_message("%s: %s", output->path, strerror(error));
	free(output->temporary);
	return STATUS_HOST;
}

/* Like fopen(), with the permissions that a new file gets, which mkstemp() does not give. */
static FILE *open_temporary(char *name)
{
	int fd = mkstemp(name);
	mode_t mask = umask(0);
	FILE *stream = NULL;

	umask(mask);
	if (fd < 0)
		return NULL;
	if (!fchmod(fd, 0666 & ~mask))
		stream = fdopen(fd, "w");
	if (stream)
		return stream;
	close(fd);
	unlink(name);
	return NULL;
}

static bool is_same(const struct stat *file, const struct stat *other)
{
	return file->st_dev == other->st_dev && file->st_ino == other->st_ino;
}

/* Describe the folder of @path, and return the name in it. NULL: there is none. */
static const char *find_folder(const char *path, struct stat *folder)
{
	const char *slash = strrchr(path, '/');
	char *name = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
	int ret = name ? stat(name, folder) : -1;

	free(name);
	if (ret)
		return NULL;
	return slash ? slash + 1 : path;
}

bool output_is_same(const char *path, const char *other)
{
	struct stat a, b;
	int lacks = stat(path, &a) != 0, other_lacks = stat(other, &b) != 0;
	const char *name;

	if (lacks != other_lacks)
		return false;
	if (!lacks)
		return S_ISREG(a.st_mode) && is_same(&a, &b);
	name = find_folder(path, &a);
	other = find_folder(other, &b);
	return name && other && is_same(&a, &b) && !strcmp(name, other);
}

int output_open(struct output *output, const char *path)
{
	struct stat status;

	*output = (struct output){ .path = path };
	if (!stat(path, &status) && !S_ISREG(status.st_mode)) {
		output->stream = fopen(path, "w");
		return output->stream ? STATUS_OK : fail(output, errno);
	}
	if (asprintf(&output->temporary, "%s.XXXXXX", path) < 0) {
		output->temporary = NULL;
		return fail(output, ENOMEM);
	}
	output->stream = open_temporary(output->temporary);
	return output->stream ? STATUS_OK : fail(output, errno);
}

int output_close(struct output *output, int status)
{
	bool failed = fflush(output->stream) || ferror(output->stream);
	int error = failed ? errno : 0;

	if (fclose(output->stream) && !failed)
		error = errno;
	if (!error && !status && output->temporary && rename(output->temporary, output->path))
		error = errno;
	if (output->temporary && (error || status))
		unlink(output->temporary);
	if (error)
		return fail(output, error);
	free(output->temporary);
	return status;
}
