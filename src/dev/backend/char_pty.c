/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pseudo-terminal as a character device.
 *
 * Nothing tells when somebody opens the other end: it is looked at every CHAR_LOOK_NS while nobody has
 * it open. Before the first one has, Linux reports no hang-up: so it is opened and closed once here.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "dev/backend/char.h"

#define NAME_SIZE 64

struct char_pty {
	int master;
	char *link; /* ours to remove; NULL */
};

static void pty_look(AxCharDev *dev)
{
	struct char_pty *pty = dev->kind;
	struct pollfd pollfd = { .fd = pty->master };

	if (!poll(&pollfd, 1, 0) || !(pollfd.revents & POLLHUP))
		char_opened(dev, pty->master, CHAR_OUT_PTY);
	else
		char_look_later(dev, CHAR_LOOK_NS);
}

static void pty_gone(AxCharDev *dev)
{
	/* What the last one has not read the next one will. */
	char_look_later(dev, CHAR_LOOK_NS);
}

/*
 * The other end has no byte that was not read. FIONREAD there knows nothing of bytes that Linux has yet to
 * move from one of its buffers into the next; poll() waits for that first.
 */
static bool pty_is_drained(AxCharDev *dev)
{
	struct char_pty *pty = dev->kind;
	struct pollfd pollfd = { .fd = pty->master };
	bool drained;

	/* Nobody will read it. */
	if (poll(&pollfd, 1, 0) > 0 && (pollfd.revents & POLLHUP))
		return true;
	pollfd.fd = open(dev->path, O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (pollfd.fd < 0)
		return true;
	pollfd.events = POLLIN;
	drained = !poll(&pollfd, 1, 0);
	close(pollfd.fd);
	return drained;
}

static void remove_link(struct char_pty *pty, const char *path)
{
	char target[NAME_SIZE];
	ssize_t len = readlink(pty->link, target, sizeof(target));

	/* Somebody else's by now? */
	if (len > 0 && (size_t)len == strlen(path) && !memcmp(target, path, (size_t)len))
		unlink(pty->link);
}

static void pty_free(AxCharDev *dev)
{
	struct char_pty *pty = dev->kind;

	if (pty->link && dev->path)
		remove_link(pty, dev->path);
	if (pty->master >= 0)
		close(pty->master);
	free(pty->link);
	free(pty);
}

static const struct char_type pty_type = {
	.peers = true,
	.keeps_fd = true,
	.look = pty_look,
	.gone = pty_gone,
	.is_drained = pty_is_drained,
	.free = pty_free,
};

static int refuse(AxError *err, const char *what)
{
	return ax_error_set(err, -EIO, AX_ERROR_FILE, errno, "%s: %s", what, strerror(errno));
}

/* Keys and bytes go through unchanged, whoever opens it. */
static int make_raw(const char *path, AxError *err)
{
	int other = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
	struct termios termios;
	int ret = 0;

	if (other < 0)
		return refuse(err, path);
	if (tcgetattr(other, &termios)) {
		ret = refuse(err, path);
	} else {
		cfmakeraw(&termios);
		if (tcsetattr(other, TCSANOW, &termios))
			ret = refuse(err, path);
	}
	close(other);
	return ret;
}

static int open_master(AxCharDev *dev, struct char_pty *pty, AxError *err)
{
	char name[NAME_SIZE];
	int ret;

	pty->master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
	if (pty->master < 0 || grantpt(pty->master) || unlockpt(pty->master) ||
	    ptsname_r(pty->master, name, sizeof(name)))
		return refuse(err, "a pseudo-terminal can't be had");
	ret = char_set_path(dev, name, err);
	return ret ? ret : make_raw(name, err);
}

static int make_link(AxCharDev *dev, struct char_pty *pty, const char *link, AxError *err)
{
	char target[NAME_SIZE];

	pty->link = strdup(link);
	if (!pty->link)
		return ax_dev_error_nomem(err, "a pseudo-terminal");
	/* Of a symbolic link alone; another's content stays. */
	if (readlink(link, target, sizeof(target)) >= 0)
		unlink(link);
	if (!symlink(dev->path, link))
		return 0;
	free(pty->link);
	pty->link = NULL;
	if (errno == EEXIST)
		return ax_error_set(err, -EEXIST, AX_ERROR_FILE, errno,
				    "%s is there, and is no symbolic link", link);
	return refuse(err, link);
}

int ax_chardev_new_pty(const AxCharDevConfig *config, const char *link, AxCharDev **out,
		       AxError *err)
{
	struct char_pty *pty;
	AxCharDev *dev = NULL;
	int ret;

	ret = char_new(config, &pty_type, &dev, err);
	if (ret)
		return ret;
	pty = calloc(1, sizeof(*pty));
	if (!pty) {
		ax_chardev_free(dev);
		return ax_dev_error_nomem(err, "a pseudo-terminal");
	}
	pty->master = -1;
	dev->kind = pty;
	dev->own_fd = true;
	dev->out = CHAR_OUT_PTY;
	ret = open_master(dev, pty, err);
	if (!ret && link)
		ret = make_link(dev, pty, link, err);
	if (ret) {
		ax_chardev_free(dev);
		return ret;
	}
	char_look_later(dev, CHAR_LOOK_NS);
	*out = dev;
	return 0;
}
