/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Character devices that nobody comes to: nothing, two descriptors, a file.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dev/backend/char.h"

static const struct char_type plain = { .peers = false };

int ax_chardev_new_null(const AxCharDevConfig *config, AxCharDev **out, AxError *err)
{
	return char_new(config, &plain, out, err);
}

/* How bytes go to somebody else's descriptor. */
static int out_of(int fd, enum char_out *out, AxError *err)
{
	struct stat status;

	*out = CHAR_OUT_NOWHERE;
	if (fd < 0)
		return 0;
	if (fstat(fd, &status))
		return ax_error_argument(err, -EINVAL, "descriptor %d is not open", fd);
	if (S_ISREG(status.st_mode))
		*out = CHAR_OUT_FILE;
	else if (S_ISSOCK(status.st_mode))
		*out = CHAR_OUT_SOCKET;
	else
		*out = isatty(fd) ? CHAR_OUT_TERMINAL : CHAR_OUT_PIPE;
	return 0;
}

int ax_chardev_new_fds(const AxCharDevConfig *config, const AxCharFds *fds, AxCharDev **out,
		       AxError *err)
{
	AxCharFds known = AX_CHAR_FDS_INIT;
	enum char_out how;
	AxCharDev *dev = NULL;
	int ret;

	ret = ax_dev_config(&known, sizeof(known), fds, sizeof(known), "AxCharFds", err);
	if (!ret)
		ret = out_of(known.out, &how, err);
	if (!ret)
		ret = char_new(config, &plain, &dev, err);
	if (ret)
		return ret;
	dev->fds = known;
	dev->fd_in = known.in < 0 ? -1 : known.in;
	dev->fd_out = known.out < 0 ? -1 : known.out;
	dev->out = how;
	dev->present = true;
	dev->counters.opened = 1;
	*out = dev;
	return 0;
}

static int open_error(const char *path, int os_errno, AxError *err)
{
	int ret = os_errno == EACCES || os_errno == EPERM || os_errno == EROFS ? -EACCES
		  : os_errno == ENOENT || os_errno == ENOTDIR		       ? -ENOENT
									       : -EIO;

	return ax_error_set(err, ret, AX_ERROR_FILE, os_errno, "%s: %s", path, strerror(os_errno));
}

int ax_chardev_new_file(const AxCharDevConfig *config, const char *path, uint32_t flags,
			AxCharDev **out, AxError *err)
{
	int how = (flags & AX_CHAR_FILE_APPEND) ? O_APPEND : O_TRUNC;
	AxCharDev *dev = NULL;
	int ret;

	if (flags & ~AX_CHAR_FILE_APPEND)
		return ax_error_argument(err, -EINVAL, "unknown flags 0x%x of a file", flags);
	ret = char_new(config, &plain, &dev, err);
	if (!ret)
		ret = char_set_path(dev, path, err);
	if (ret)
		goto fail;
	dev->own_fd = true;
	/* A pipe's other end is not waited for: O_NONBLOCK. */
	dev->fd_out =
		open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | how, 0666);
	if (dev->fd_out < 0) {
		ret = open_error(path, errno, err);
		goto fail;
	}
	ret = out_of(dev->fd_out, &dev->out, err);
	if (ret)
		goto fail;
	if (dev->out != CHAR_OUT_FILE)
		dev->out = CHAR_OUT_NONBLOCK;
	dev->present = true;
	dev->counters.opened = 1;
	*out = dev;
	return 0;

fail:
	ax_chardev_free(dev);
	return ret;
}
