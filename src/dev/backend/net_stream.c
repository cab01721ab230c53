/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A net over a stream socket: each frame after its length, 4 bytes, big endian (passt, and QEMU's
 * stream networks).
 *
 * Sending gathers several frames in one system call, straight from where they are. When the socket
 * takes a part of a frame only, the rest is copied, and goes out before anything else: the stream never
 * loses its frames' boundaries. Receiving reads as much as is there, and gives frame by frame.
 */
#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "dev/backend/net.h"
#include "dev/dev.h"

#define LENGTH_SIZE   4u
#define IOV_MOST      1024u /* of one system call: UIO_MAXIOV */
#define END_LIMIT_MS  500
#define RECEIVE_BYTES (4u * (NET_FRAME_MAX + LENGTH_SIZE))

struct stream {
	uint32_t rest, rest_sent; /* of a frame that went out in part: rest[rest_sent .. rest) */
	uint32_t from, to;	  /* what was received and not given yet */
	uint32_t lengths[IOV_MOST / 2];
	struct iovec iov[IOV_MOST];
	uint8_t rest_bytes[NET_FRAME_MAX + LENGTH_SIZE];
	uint8_t received[RECEIVE_BYTES];
};

/* For a moment, the kernel's memory included: a stream drops nothing. */
static bool again(int os_errno)
{
	return net_again(os_errno) || os_errno == ENOBUFS || os_errno == ENOMEM;
}

/* Send what is left of a frame: whether all of it is out. */
static bool send_rest(AxNet *net, struct stream *stream)
{
	while (stream->rest_sent < stream->rest) {
		ssize_t sent = send(net->fds[0], stream->rest_bytes + stream->rest_sent,
				    stream->rest - stream->rest_sent, MSG_NOSIGNAL);

		if (sent < 0) {
			if (!again(errno))
				net_gone(net, "%s ended: %s", net->name, strerror(errno));
			return false;
		}
		stream->rest_sent += (uint32_t)sent;
	}
	stream->rest = stream->rest_sent = 0;
	return true;
}

/* Put as many frames as fit in one call's vector: how many. */
static unsigned gather(struct stream *stream, const struct net_frame *frames, unsigned count,
		       struct msghdr *message)
{
	unsigned used = 0, i;

	for (i = 0; i < count && i < IOV_MOST / 2; i++) {
		const struct net_frame *frame = &frames[i];

		if (used + 1 + frame->count > IOV_MOST)
			break;
		stream->lengths[i] = htobe32((uint32_t)frame->len);
		stream->iov[used++] =
			(struct iovec){ &stream->lengths[i], sizeof(stream->lengths[i]) };
		memcpy(&stream->iov[used], frame->iov, frame->count * sizeof(*frame->iov));
		used += frame->count;
	}
	*message = (struct msghdr){ .msg_iov = stream->iov, .msg_iovlen = used };
	return i;
}

/* Keep the part of a frame, with its length before it, from @offset on. */
static void keep_rest(struct stream *stream, const struct net_frame *frame, size_t offset)
{
	uint32_t length = htobe32((uint32_t)frame->len);
	size_t at = sizeof(length);

	memcpy(stream->rest_bytes, &length, sizeof(length));
	for (unsigned i = 0; i < frame->count; i++) {
		memcpy(stream->rest_bytes + at, frame->iov[i].iov_base, frame->iov[i].iov_len);
		at += frame->iov[i].iov_len;
	}
	stream->rest = (uint32_t)at;
	stream->rest_sent = (uint32_t)offset;
}

/* @sent bytes of these frames went out: how many are done with, one that went in part among them. */
static unsigned account(struct stream *stream, const struct net_frame *frames, unsigned count,
			size_t sent)
{
	for (unsigned i = 0; i < count; i++) {
		size_t whole = frames[i].len + LENGTH_SIZE;

		if (sent >= whole) {
			sent -= whole;
			continue;
		}
		if (!sent)
			return i;
		keep_rest(stream, &frames[i], sent);
		return i + 1;
	}
	return count;
}

static unsigned stream_send(AxNet *net, unsigned pair, const struct net_frame *frames,
			    unsigned count)
{
	struct stream *stream = net->more;
	unsigned done = 0;

	(void)pair;
	while (send_rest(net, stream) && done < count) {
		struct msghdr message;
		unsigned part = gather(stream, frames + done, count - done, &message);
		ssize_t sent = sendmsg(net->fds[0], &message, MSG_NOSIGNAL);

		if (sent < 0 && again(errno))
			break;
		if (sent < 0) {
			net_gone(net, "%s ended: %s", net->name, strerror(errno));
			break;
		}
		done += account(stream, frames + done, part, (size_t)sent);
	}
	net->unsent = stream->rest_sent < stream->rest && !net->gone;
	return net->gone ? count : done;
}

/* Have at least @need bytes: 0, -EAGAIN, -EPIPE. They fit. */
static int fill(AxNet *net, struct stream *stream, uint32_t need)
{
	while (stream->to - stream->from < need) {
		ssize_t got;

		if (stream->from) {
			memmove(stream->received, stream->received + stream->from,
				stream->to - stream->from);
			stream->to -= stream->from;
			stream->from = 0;
		}
		got = recv(net->fds[0], stream->received + stream->to,
			   sizeof(stream->received) - stream->to, 0);
		if (got > 0) {
			stream->to += (uint32_t)got;
			continue;
		}
		if (got < 0 && again(errno))
			return -EAGAIN;
		if (got < 0)
			net_gone(net, "%s ended: %s", net->name, strerror(errno));
		else
			net_gone(net, "%s ended: it closed its socket", net->name);
		return -EPIPE;
	}
	return 0;
}

static void scatter(const struct iovec *iov, unsigned count, const uint8_t *from, size_t len)
{
	for (unsigned i = 0; i < count && len; i++) {
		size_t part = iov[i].iov_len < len ? iov[i].iov_len : len;

		memcpy(iov[i].iov_base, from, part);
		from += part;
		len -= part;
	}
}

static ssize_t stream_receive(AxNet *net, unsigned pair, const struct iovec *iov, unsigned count)
{
	struct stream *stream = net->more;
	uint32_t len;
	int ret;

	(void)pair;
	if (net->gone)
		return -EPIPE;
	ret = fill(net, stream, LENGTH_SIZE);
	if (ret)
		return ret;
	memcpy(&len, stream->received + stream->from, sizeof(len));
	len = be32toh(len);
	if (len > NET_FRAME_MAX) {
		net_gone(net,
			 "%s sent a frame of %u bytes, more than %u: what it speaks is not known",
			 net->name, len, NET_FRAME_MAX);
		return -EPIPE;
	}
	ret = fill(net, stream, LENGTH_SIZE + len);
	if (ret)
		return ret;
	scatter(iov, count, stream->received + stream->from + LENGTH_SIZE, len);
	stream->from += LENGTH_SIZE + len;
	return len;
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/*
 * Wait until the other side has closed too, as passt does at once when it ends: it may listen on ports
 * of the host, which are free for the next VM when this returns. Not for ever.
 */
static void wait_for_end(AxNet *net, struct stream *stream)
{
	struct pollfd wait = { .fd = net->fds[0], .events = POLLIN };
	int64_t end = now_ms() + END_LIMIT_MS, left;

	while ((left = end - now_ms()) > 0 && poll(&wait, 1, (int)left) > 0) {
		ssize_t got = recv(net->fds[0], stream->received, sizeof(stream->received), 0);

		if (!got || (got < 0 && !again(errno)))
			return;
	}
}

static void stream_close(AxNet *net)
{
	if (net->fds[0] >= 0 && !net->gone && !shutdown(net->fds[0], SHUT_WR) && net->process)
		wait_for_end(net, net->more);
}

static const struct net_ops stream_ops = {
	.send = stream_send,
	.receive = stream_receive,
	.close = stream_close,
};

int net_stream_new(int fd, AxNetLostFn *lost, void *lost_opaque, AxNet **out, AxError *err)
{
	AxNet *net;
	int ret = net_set_flags(fd, err);

	if (ret)
		return ret;
	net = net_new(&stream_ops, lost, lost_opaque);
	if (net)
		net->more = calloc(1, sizeof(struct stream));
	if (!net || !net->more) {
		free(net);
		return ax_dev_error_nomem(err, "a network");
	}
	snprintf(net->name, sizeof(net->name), "socket");
	net->fds[0] = fd;
	net->hangup_ends = true;
	*out = net;
	return 0;
}
