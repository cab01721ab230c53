/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A net over a datagram or seqpacket socket: one frame in each datagram. Nothing is known of the other
 * side: frames may have any length.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "dev/backend/net.h"
#include "dev/dev.h"

/* A datagram socket whose other side is closed for now refuses; that side may come back. */
static bool is_end(int os_errno)
{
	return os_errno != ECONNREFUSED && os_errno != EMSGSIZE && !net_again(os_errno);
}

static unsigned datagram_send(AxNet *net, unsigned pair, const struct net_frame *frames,
			      unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		struct msghdr message = { .msg_iov = (struct iovec *)frames[i].iov,
					  .msg_iovlen = frames[i].count };

		if (sendmsg(net->fds[pair], &message, MSG_NOSIGNAL) >= 0)
			continue;
		if (net_again(errno))
			return i;
		if (is_end(errno)) {
			net_gone(net, "the socket of the network failed: %s", strerror(errno));
			return count;
		}
	}
	return count;
}

static ssize_t datagram_receive(AxNet *net, unsigned pair, const struct iovec *iov, unsigned count)
{
	struct msghdr message = { .msg_iov = (struct iovec *)iov, .msg_iovlen = count };
	ssize_t got = recvmsg(net->fds[pair], &message, 0);

	if (got > 0)
		return got;
	if (!got) {
		int type = 0;
		socklen_t len = sizeof(type);

		/* An empty datagram; on a socket with connections that is its end. */
		if (!getsockopt(net->fds[pair], SOL_SOCKET, SO_TYPE, &type, &len) &&
		    type == SOCK_DGRAM)
			return 0;
		net_gone(net, "the other side of the network's socket closed it");
		return -EPIPE;
	}
	if (!is_end(errno))
		return -EAGAIN;
	net_gone(net, "the socket of the network failed: %s", strerror(errno));
	return -EPIPE;
}

static const struct net_ops datagram_ops = {
	.send = datagram_send,
	.receive = datagram_receive,
};

int net_datagram_new(int fd, uint32_t header_len, AxNetLostFn *lost, void *lost_opaque, AxNet **out,
		     AxError *err)
{
	AxNet *net;
	int ret = net_set_flags(fd, err);

	if (ret)
		return ret;
	net = net_new(&datagram_ops, lost, lost_opaque);
	if (!net)
		return ax_dev_error_nomem(err, "a network");
	snprintf(net->name, sizeof(net->name), "socket");
	net->fds[0] = fd;
	net->header_len = header_len;
	*out = net;
	return 0;
}
