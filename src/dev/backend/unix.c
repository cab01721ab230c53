/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unix stream sockets with names in the file system, non-blocking and closed on exec.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "dev/backend/unix.h"

_Static_assert(sizeof(((struct sockaddr_un *)0)->sun_path) == AX_UNIX_PATH_SIZE, "unix(7)");

static bool address_of(struct sockaddr_un *address, const char *path)
{
	size_t len = strnlen(path, sizeof(address->sun_path));

	if (!len || len == sizeof(address->sun_path))
		return false;
	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(address->sun_path, path, len);
	return true;
}

static int stream_socket(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	return fd < 0 ? -errno : fd;
}

int ax_unix_connect(const char *path)
{
	struct sockaddr_un address;
	int fd, ret;

	if (!address_of(&address, path))
		return -EINVAL;
	fd = stream_socket();
	if (fd < 0)
		return fd;
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	ret = -errno;
	close(fd);
	return ret;
}

static int listen_error(AxError *err, int os_errno, const char *path)
{
	int ret = os_errno == EACCES || os_errno == EPERM || os_errno == EROFS	   ? -EACCES
		  : os_errno == ENOENT || os_errno == ENOTDIR			   ? -ENOENT
		  : os_errno == ENOMEM || os_errno == EMFILE || os_errno == ENFILE ? -ENOMEM
										   : -EIO;

	return ax_error_set(err, ret, ret == -ENOMEM ? AX_ERROR_RESOURCE : AX_ERROR_FILE, os_errno,
			    "cannot listen on the Unix socket %s: %s", path, strerror(os_errno));
}

/* The name is taken: remove a socket that nobody listens on. */
static int remove_stale(const char *path, AxError *err)
{
	struct stat st;
	int fd;

	if (lstat(path, &st))
		return errno == ENOENT ? 0 : listen_error(err, errno, path);
	if (!S_ISSOCK(st.st_mode))
		return ax_error_set(err, -EEXIST, AX_ERROR_FILE, EADDRINUSE,
				    "%s exists and is no socket: name another path", path);
	fd = ax_unix_connect(path);
	if (fd != -ECONNREFUSED) {
		if (fd >= 0)
			close(fd);
		return ax_error_set(err, -EEXIST, AX_ERROR_FILE, EADDRINUSE,
				    "somebody uses the socket %s already: name another path", path);
	}
	if (unlink(path) && errno != ENOENT)
		return listen_error(err, errno, path);
	return 0;
}

static int bind_and_listen(struct ax_unix_listener *listener, const struct sockaddr_un *address,
			   int backlog, AxError *err)
{
	struct stat st;
	int ret;

	if (bind(listener->fd, (const struct sockaddr *)address, sizeof(*address))) {
		if (errno != EADDRINUSE)
			return listen_error(err, errno, listener->path);
		ret = remove_stale(listener->path, err);
		if (ret)
			return ret;
		if (bind(listener->fd, (const struct sockaddr *)address, sizeof(*address)))
			return listen_error(err, errno, listener->path);
	}
	if (lstat(listener->path, &st))
		return listen_error(err, errno, listener->path);
	listener->device = st.st_dev;
	listener->inode = st.st_ino;
	if (listen(listener->fd, backlog))
		return listen_error(err, errno, listener->path);
	return 0;
}

int ax_unix_listen(struct ax_unix_listener *listener, const char *path, int backlog, AxError *err)
{
	struct sockaddr_un address;
	int ret;

	*listener = (struct ax_unix_listener){ .fd = -1 };
	if (!address_of(&address, path))
		return ax_error_argument(err, -EINVAL,
					 "a Unix socket's path has 1 to %d bytes, not \"%.60s\"",
					 AX_UNIX_PATH_SIZE - 1, path);
	memcpy(listener->path, address.sun_path, sizeof(listener->path));
	listener->fd = stream_socket();
	if (listener->fd < 0)
		return listen_error(err, -listener->fd, path);
	ret = bind_and_listen(listener, &address, backlog, err);
	if (ret)
		ax_unix_listen_end(listener);
	return ret;
}

void ax_unix_listen_end(struct ax_unix_listener *listener)
{
	struct stat st;

	if (listener->fd < 0)
		return;
	if (listener->inode && !lstat(listener->path, &st) && st.st_dev == listener->device &&
	    st.st_ino == listener->inode)
		unlink(listener->path);
	close(listener->fd);
	listener->fd = -1;
}
