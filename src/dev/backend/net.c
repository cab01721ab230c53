/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all kinds of nets share.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dev/backend/net.h"

AxNet *net_new(const struct net_ops *ops, AxNetLostFn *lost, void *lost_opaque)
{
	AxNet *net = calloc(1, sizeof(*net));

	if (!net)
		return NULL;
	net->ops = ops;
	net->pairs = 1;
	net->lost = lost;
	net->lost_opaque = lost_opaque;
	for (unsigned i = 0; i < AX_NET_QUEUES_MAX; i++)
		net->fds[i] = -1;
	return net;
}

void net_gone(AxNet *net, const char *format, ...)
{
	va_list args;

	if (net->gone)
		return;
	net->gone = true;
	va_start(args, format);
	vsnprintf(net->message, sizeof(net->message), format, args);
	va_end(args);
}

int net_set_flags(int fd, AxError *err)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) || fcntl(fd, F_SETFD, FD_CLOEXEC))
		return ax_error_set(err, -EIO, AX_ERROR_ARGUMENT, errno,
				    "descriptor %d cannot be made non-blocking: %s", fd,
				    strerror(errno));
	return 0;
}

bool net_again(int os_errno)
{
	return os_errno == EAGAIN || os_errno == EINTR;
}

const char *ax_net_name(const AxNet *net)
{
	return net->name;
}

void ax_net_free(AxNet *net)
{
	if (!net)
		return;
	if (net->ops->close)
		net->ops->close(net);
	for (unsigned i = 0; i < AX_NET_QUEUES_MAX; i++) {
		if (net->fds[i] >= 0)
			close(net->fds[i]);
	}
	free(net->more);
	free(net);
}
