/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A unix socket as a character device: one that listens, or one that connects.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dev/backend/char.h"
#include "dev/backend/unix.h"

#define BACKLOG	   4
#define CONNECT_NS 1000000000u

struct char_unix {
	bool connects;
	struct ax_unix_listener listener; /* fd -1: it connects */
	AxWatch *watch;			  /* while nobody is there */
};

static void on_client(void *opaque, int fd, unsigned events)
{
	AxCharDev *dev = opaque;
	struct char_unix *kind = dev->kind;
	int client;

	(void)events;
	/* Others wait for their turn. */
	if (dev->fd_in >= 0) {
		ax_watch_set(kind->watch, 0);
		return;
	}
	client = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (client >= 0) {
		ax_watch_set(kind->watch, 0);
		char_opened(dev, client, CHAR_OUT_SOCKET);
	} else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
		/* No descriptor is left, or the like: not at once again. */
		ax_watch_set(kind->watch, 0);
		char_look_later(dev, CHAR_LOOK_NS);
	}
}

static void unix_look(AxCharDev *dev)
{
	struct char_unix *kind = dev->kind;
	int fd;

	if (!kind->connects) {
		ax_watch_set(kind->watch, AX_WATCH_READ);
		return;
	}
	fd = ax_unix_connect(dev->path);
	if (fd >= 0)
		char_opened(dev, fd, CHAR_OUT_SOCKET);
	else
		char_look_later(dev, CONNECT_NS);
}

static void unix_gone(AxCharDev *dev)
{
	struct char_unix *kind = dev->kind;

	if (kind->connects)
		char_look_later(dev, CONNECT_NS);
	else
		ax_watch_set(kind->watch, AX_WATCH_READ);
}

static void unix_free(AxCharDev *dev)
{
	struct char_unix *kind = dev->kind;

	ax_watch_free(kind->watch);
	ax_unix_listen_end(&kind->listener);
	free(kind);
}

static const struct char_type unix_type = {
	.peers = true,
	.look = unix_look,
	.gone = unix_gone,
	.free = unix_free,
};

static int connect_now(AxCharDev *dev, const char *path, AxError *err)
{
	int fd = ax_unix_connect(path);
	int ret;

	if (fd >= 0) {
		char_opened(dev, fd, CHAR_OUT_SOCKET);
		return 0;
	}
	ret = fd == -ECONNREFUSED || fd == -ENOENT ? -ENOENT : fd == -EACCES ? -EACCES : -EIO;
	if (fd == -EINVAL)
		ret = -EINVAL;
	return ax_error_set(err, ret, AX_ERROR_FILE, -fd, "can't connect to the unix socket %s: %s",
			    path, strerror(-fd));
}

static int listen_now(AxCharDev *dev, struct char_unix *kind, const char *path, AxError *err)
{
	int ret = ax_unix_listen(&kind->listener, path, BACKLOG, err);

	if (!ret)
		ret = ax_watch_new(dev->host, kind->listener.fd, 0, on_client, dev, &kind->watch,
				   err);
	if (!ret)
		ax_watch_set(kind->watch, AX_WATCH_READ);
	return ret;
}

int ax_chardev_new_unix(const AxCharDevConfig *config, const char *path, uint32_t flags,
			AxCharDev **out, AxError *err)
{
	struct char_unix *kind;
	AxCharDev *dev = NULL;
	int ret;

	if (flags & ~AX_CHAR_UNIX_CONNECT)
		return ax_error_argument(err, -EINVAL, "unknown flags 0x%x of a socket", flags);
	ret = char_new(config, &unix_type, &dev, err);
	if (ret)
		return ret;
	kind = calloc(1, sizeof(*kind));
	if (!kind) {
		ax_chardev_free(dev);
		return ax_dev_error_nomem(err, "a unix socket");
	}
	kind->listener.fd = -1;
	kind->connects = flags & AX_CHAR_UNIX_CONNECT;
	dev->kind = kind;
	dev->own_fd = true;
	dev->out = CHAR_OUT_SOCKET;
	ret = char_set_path(dev, path, err);
	if (!ret)
		ret = kind->connects ? connect_now(dev, path, err)
				     : listen_now(dev, kind, path, err);
	if (ret) {
		ax_chardev_free(dev);
		return ret;
	}
	*out = dev;
	return 0;
}
