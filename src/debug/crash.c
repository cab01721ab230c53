/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A report on a dead guest: its directory, complete or not there.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "debug/crash.h"

#define PATH_SIZE 4096
#define LINE_SIZE 1024

/* What a report has: the name of each file. */
static const char *const files[] = { "report",	     "exits.jsonl",   "registers",
				     "machine.json", "versions.json", "core" };

static int failed(AxError *err, const char *path, int error)
{
	int ret = error == ENOSPC || error == EDQUOT			? -ENOSPC
		  : error == EACCES || error == EPERM || error == EROFS ? -EACCES
		  : error == ENOMEM					? -ENOMEM
									: -EIO;

	return ax_error_set(err, ret, AX_ERROR_FILE, error,
			    "%.180s: %s; there is no report on the guest", path, strerror(error));
}

static int write_core(AxVm *vm, int dir)
{
	int fd = openat(dir, "core", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600), ret;

	if (fd < 0)
		return -errno;
	ret = crash_write_core(vm, fd);
	/* A file system may find out only now that it is full. */
	if (close(fd) && !ret)
		ret = -errno;
	return ret;
}

static int write_text(AxVm *vm, const AxCrashReport *report, unsigned index, struct crash_out *out)
{
	switch (index) {
	case 0: return crash_write_report(vm, report, out);
	case 1: return crash_write_exits(report->ring, out);
	case 2: return crash_write_registers(vm, out);
	case 3: return crash_write_machine(vm, report, out);
	default: return crash_write_versions(out);
	}
}

static void flush(struct crash_out *out)
{
	const char *at = out->buffer;

	while (out->used && !out->error) {
		ssize_t written = write(out->fd, at, out->used);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0) {
			out->error = written ? -errno : -EIO;
			break;
		}
		at += written;
		out->used -= (size_t)written;
	}
	out->used = 0;
}

void crash_add(struct crash_out *out, const char *format, ...)
{
	size_t room = sizeof(out->buffer) - out->used;
	va_list args;
	int length;

	if (room < LINE_SIZE) {
		flush(out);
		room = sizeof(out->buffer);
	}
	va_start(args, format);
	length = vsnprintf(out->buffer + out->used, room, format, args);
	va_end(args);
	if (length > 0)
		out->used += (size_t)length < room ? (size_t)length : room - 1;
}

static int write_file(AxVm *vm, const AxCrashReport *report, int dir, unsigned index)
{
	struct crash_out out = { .error = 0 };
	int ret;

	out.fd = openat(dir, files[index], O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (out.fd < 0)
		return -errno;
	ret = write_text(vm, report, index, &out);
	flush(&out);
	if (!ret)
		ret = out.error;
	/* A file system may find out only now that it is full. */
	if (close(out.fd) && !ret)
		ret = -errno;
	return ret;
}

/* All that is in it is ours. */
static void remove_directory(const char *path, int dir)
{
	for (unsigned i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		unlinkat(dir, files[i], 0);
	rmdir(path);
}

/* "NAME-20261122T190000Z-PID". False: it is too long. */
static bool name_it(const AxCrashReport *report, char path[PATH_SIZE], char partial[PATH_SIZE])
{
	time_t now = time(NULL);
	struct tm utc;
	char stamp[32], name[128];
	int first, second;

	gmtime_r(&now, &utc);
	strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", &utc);
	snprintf(name, sizeof(name), "%.64s-%s-%ld",
		 report->name && *report->name && !strchr(report->name, '/') ? report->name
									     : "guest",
		 stamp, (long)getpid());
	first = snprintf(path, PATH_SIZE, "%s/%s", report->dir, name);
	second = snprintf(partial, PATH_SIZE, "%s/.%s.partial", report->dir, name);
	return first > 0 && first < PATH_SIZE - 8 && second > 0 && second < PATH_SIZE;
}

static int fill(AxVm *vm, const AxCrashReport *report, const char *partial, AxError *err)
{
	int dir = open(partial, O_RDONLY | O_DIRECTORY | O_CLOEXEC), ret = 0;

	if (dir < 0)
		return failed(err, partial, errno);
	for (unsigned i = 0; !ret && i + 1 < sizeof(files) / sizeof(files[0]); i++)
		ret = write_file(vm, report, dir, i);
	if (!ret)
		ret = write_core(vm, dir);
	if (ret) {
		remove_directory(partial, dir);
		failed(err, partial, -ret);
	}
	close(dir);
	return ret;
}

/* Its name; one more if there is such a report already. */
static int publish(const char *partial, char path[PATH_SIZE], AxError *err)
{
	size_t length = strlen(path);

	for (unsigned i = 1; i < 100; i++) {
		if (!rename(partial, path))
			return 0;
		if (errno != ENOTEMPTY && errno != EEXIST)
			break;
		snprintf(path + length, PATH_SIZE - length, "-%u", i);
	}
	return failed(err, path, errno);
}

int ax_crash_report_write(AxVm *vm, const AxCrashReport *report, char *path, size_t size,
			  AxError *err)
{
	char complete[PATH_SIZE], partial[PATH_SIZE];
	int ret, dir;

	if (!vm || !report || report->size < sizeof(*report) || !report->dir)
		return ax_error_argument(err, -EINVAL,
					 "a report needs a VM, and a directory to be in");
	if (!name_it(report, complete, partial))
		return ax_error_argument(err, -EINVAL, "the directory's name is too long");
	if ((mkdir(report->dir, 0777) && errno != EEXIST) || mkdir(partial, 0700))
		return failed(err, partial, errno);
	ret = fill(vm, report, partial, err);
	if (ret)
		return ret;
	ret = publish(partial, complete, err);
	if (ret) {
		dir = open(partial, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		remove_directory(partial, dir);
		if (dir >= 0)
			close(dir);
		return ret;
	}
	if (path && size)
		snprintf(path, size, "%s", complete);
	return 0;
}
