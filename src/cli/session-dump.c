/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --dump-fdt, --dump-acpi: what the guest would be told of its machine, in a file. It is written
 * beside its place and renamed, so that there is all of it or what was there before.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/session-private.h"

static int cannot_write(const char *path, int error)
{
	cli_message("%s: %s", path, strerror(error));
	return STATUS_HOST;
}

/* All bytes to @fd: 0, or an errno. */
static int put(int fd, const void *bytes, size_t len)
{
	atomic_bool hurry = false;
	struct writer writer;

	writer_init(&writer, fd, &hurry);
	return writer_put(&writer, bytes, len);
}

/* What is no regular file, such as /dev/stdout, cannot be replaced. */
static int write_directly(const char *path, const void *bytes, size_t len)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int error;

	if (fd < 0)
		return cannot_write(path, errno);
	error = put(fd, bytes, len);
	if (close(fd) && !error)
		error = errno;
	return error ? cannot_write(path, error) : STATUS_OK;
}

/* The mode that open() would give a new file. */
static mode_t new_mode(void)
{
	mode_t mask = umask(0);

	umask(mask);
	return 0666 & ~mask;
}

static int write_file(const char *path, const void *bytes, size_t len)
{
	struct stat status;
	size_t size = strlen(path) + 8;
	char *temporary;
	int fd, error = 0;

	if (!stat(path, &status) && !S_ISREG(status.st_mode))
		return write_directly(path, bytes, len);
	temporary = malloc(size);
	if (!temporary)
		return cannot_write(path, ENOMEM);
	snprintf(temporary, size, "%s.XXXXXX", path);
	fd = mkstemp(temporary);
	if (fd < 0) {
		error = errno;
		free(temporary);
		return cannot_write(path, error);
	}
	error = put(fd, bytes, len);
	if (!error && fchmod(fd, new_mode()))
		error = errno;
	if (close(fd) && !error)
		error = errno;
	if (!error && rename(temporary, path))
		error = errno;
	if (error)
		unlink(temporary);
	free(temporary);
	return error ? cannot_write(path, error) : STATUS_OK;
}

typedef int get_fn(const AxMachine *machine, const void **bytes, size_t *len, AxError *err);

/* @who: which machines have it. */
static int dump(const char *option, const char *path, get_fn *get, const AxMachine *machine,
		const char *who)
{
	AxError err = AX_ERROR_INIT;
	const void *bytes;
	size_t len;

	if (!path)
		return STATUS_OK;
	if (get(machine, &bytes, &len, &err))
		return cli_usage("%s %s: %s; %s", option, path, err.message, who);
	return write_file(path, bytes, len);
}

static int check_path(const struct run_options *options, const char *option, const char *path)
{
	const char *other = path ? source_option_of(options, path) : NULL;

	if (!other)
		return STATUS_OK;
	return cli_usage("%s %s: that is the file of %s, which would be overwritten", option, path,
			 other);
}

int session_dump(const struct run_options *options, const AxMachine *machine)
{
	int status = check_path(options, "--dump-fdt", options->dump_fdt);

	if (!status)
		status = check_path(options, "--dump-acpi", options->dump_acpi);
	if (status)
		return status;
	status = dump("--dump-fdt", options->dump_fdt, ax_machine_device_tree, machine,
		      "machines of arm64 and riscv64 have one");

	if (!status)
		status = dump(
			"--dump-acpi", options->dump_acpi, ax_machine_acpi_tables, machine,
			"those of x86-64 have some with --irqchip kernel or split, and so when "
			"they boot Linux");
	return status;
}
