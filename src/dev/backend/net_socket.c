/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ax_net_open_socket(): a net over a socket of the embedder's, or over one that it listens on.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "dev/backend/net.h"
#include "dev/dev.h"

static int connect_error(const char *path, int os_errno, AxError *err)
{
	int ret = os_errno == ENOENT || os_errno == ECONNREFUSED ? -ENOENT
		  : os_errno == EACCES || os_errno == EPERM	 ? -EACCES
								 : -EIO;

	return ax_error_set(err, ret, AX_ERROR_FILE, os_errno, "%s: %s%s", path, strerror(os_errno),
			    ret == -ENOENT ? " (is passt, or what else is to be there, running?)"
					   : "");
}

/* A descriptor, or a negative errno. */
static int connect_to(const char *path, AxError *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t len = strlen(path);
	int fd, ret;

	if (!len || len >= sizeof(address.sun_path))
		return ax_error_argument(err, -EINVAL,
					 "a unix socket's path has 1 to %zu bytes, not %zu",
					 sizeof(address.sun_path) - 1, len);
	memcpy(address.sun_path, path, len + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return ax_error_set(err, -EIO, AX_ERROR_RESOURCE, errno, "a socket: %s",
				    strerror(errno));
	if (!connect(fd, (struct sockaddr *)&address, sizeof(address)))
		return fd;
	ret = connect_error(path, errno, err);
	close(fd);
	return ret;
}

static int check(const AxNetSocketConfig *config, AxError *err)
{
	if (!config->path && config->fd < 0)
		return ax_error_argument(err, -EINVAL,
					 "a network's socket: neither path nor fd is given");
	if (config->path && config->fd >= 0)
		return ax_error_argument(err, -EINVAL,
					 "a network's socket: both path and fd are given");
	return 0;
}

static int open_fd(int fd, const AxNetSocketConfig *config, AxNet **out, AxError *err)
{
	int type = 0;
	socklen_t len = sizeof(type);

	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len))
		return ax_error_set(err, -EINVAL, AX_ERROR_ARGUMENT, errno,
				    "descriptor %d is no socket: %s", fd, strerror(errno));
	switch (type) {
	case SOCK_STREAM: return net_stream_new(fd, config->lost, config->lost_opaque, out, err);
	case SOCK_DGRAM:
	case SOCK_SEQPACKET:
		return net_datagram_new(fd, 0, config->lost, config->lost_opaque, out, err);
	default:
		return ax_error_argument(err, -EINVAL,
					 "descriptor %d is a socket of type %d, which carries no "
					 "frames",
					 fd, type);
	}
}

int ax_net_open_socket(const AxNetSocketConfig *given, AxNet **out, AxError *err)
{
	AxNetSocketConfig config = AX_NET_SOCKET_CONFIG_INIT;
	int fd, ret;

	ret = ax_dev_config(&config, sizeof(config), given, sizeof(config), "AxNetSocketConfig",
			    err);
	if (!ret)
		ret = check(&config, err);
	if (ret)
		return ret;
	fd = config.path ? connect_to(config.path, err) : config.fd;
	if (fd < 0)
		return fd;
	ret = open_fd(fd, &config, out, err);
	if (ret && config.path)
		close(fd);
	return ret;
}
