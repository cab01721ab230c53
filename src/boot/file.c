/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An image file's bytes.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "boot/image.h"

static int host_failed(const char *path, const char *what, AxError *err)
{
	int os_errno = errno;

	switch (os_errno) {
	case ENOENT:
	case ENOTDIR:
		return boot_error(err, AX_ERROR_FILE, os_errno, -ENOENT, path,
				  "no such file: check the path");
	case EACCES:
	case EPERM:
		return boot_error(
			err, AX_ERROR_FILE, os_errno, -EACCES, path,
			"no permission to read it: check the file's mode and its directories'");
	case ENOMEM:
		return boot_error(err, AX_ERROR_FILE, os_errno, -ENOMEM, path, "no memory to %s it",
				  what);
	default:
		return boot_error(err, AX_ERROR_FILE, os_errno, -EIO, path, "cannot %s it: %s",
				  what, strerror(os_errno));
	}
}

static int refuse(const char *path, const char *found, AxError *err)
{
	return boot_error(err, AX_ERROR_FILE, 0, -ENOEXEC, path,
			  "is %s; a regular file with something in it is needed", found);
}

static int check_kind(const char *path, const struct stat *status, AxError *err)
{
	if (S_ISDIR(status->st_mode))
		return refuse(path, "a directory", err);
	if (S_ISFIFO(status->st_mode))
		return refuse(path, "a pipe", err);
	if (S_ISBLK(status->st_mode) || S_ISCHR(status->st_mode))
		return refuse(path, "a device", err);
	if (!S_ISREG(status->st_mode))
		return refuse(path, "no regular file", err);
	if (status->st_size == 0)
		return refuse(path, "empty", err);
	return 0;
}

static int map_descriptor(int fd, const char *path, AxImageSource *file, AxError *err)
{
	struct stat status;
	void *bytes;
	int ret;

	if (fstat(fd, &status))
		return host_failed(path, "examine", err);
	ret = check_kind(path, &status, err);
	if (ret)
		return ret;
	bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (bytes == MAP_FAILED)
		return host_failed(path, "map", err);
	file->name = path;
	file->bytes = bytes;
	file->len = (size_t)status.st_size;
	return 0;
}

int ax_image_file_open(const char *path, AxImageSource *file, AxError *err)
{
	int fd, ret;

	if (!path || !file || file->size < sizeof(*file))
		return boot_error(err, AX_ERROR_ARGUMENT, 0, -EINVAL, "ax_image_file_open",
				  "an argument is missing, or its size is not set");
	/* without O_NONBLOCK a pipe would wait for somebody to write */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return host_failed(path, "open", err);
	ret = map_descriptor(fd, path, file, err);
	if (ret) {
		close(fd);
		return ret;
	}
	file->flags = AX_SOURCE_FILE;
	file->fd = fd;
	return 0;
}

void ax_image_file_close(AxImageSource *file)
{
	if (!file || !file->bytes)
		return;
	munmap((void *)file->bytes, file->len);
	if (file->flags & AX_SOURCE_FILE)
		close(file->fd);
	file->flags = 0;
	file->fd = -1;
	file->bytes = NULL;
	file->len = 0;
}
