/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Virtio socket device: the Unix sockets of connections.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dev/virtio/vsock.h"

#define ACCEPT_AT_ONCE 16
#define SLICES	       64

static void watch_events(struct vsock_conn *conn, unsigned events)
{
	int ret;

	if (conn->watch) {
		if (events != conn->events)
			ax_watch_set(conn->watch, events);
		conn->events = events;
		return;
	}
	ret = ax_watch_new(conn->vsock->virtio.host, conn->fd, events, vsock_host_event, conn,
			   &conn->watch, NULL);
	conn->events = events;
	if (ret)
		vsock_conn_refuse(conn);
}

void vsock_host_watch(struct vsock_conn *conn)
{
	bool reads = conn->state == VSOCK_GREETING ||
		     (conn->state == VSOCK_ESTABLISHED && !conn->readable && !conn->ended &&
		      !(conn->heard & VSOCK_NO_RECEIVE));

	if (conn->state == VSOCK_DEAD || conn->fd < 0)
		return;
	/* A hang-up would be reported again and again. */
	if (conn->hung_up) {
		ax_watch_free(conn->watch);
		conn->watch = NULL;
		return;
	}
	watch_events(conn, (reads ? AX_WATCH_READ : 0) | (conn->buffer_len ? AX_WATCH_WRITE : 0));
}

void vsock_host_tell(struct vsock_conn *conn, unsigned what)
{
	if (conn->state != VSOCK_ESTABLISHED || (conn->told & what) == what)
		return;
	conn->told |= what;
	conn->pending |= 1u << VSOCK_OP_SHUTDOWN;
	if (conn->told == VSOCK_NEITHER)
		vsock_conn_limit(conn, VSOCK_CLOSE_NS);
	vsock_conn_ready(conn);
}

/* Count bytes that the host's socket has, and let the guest know before it runs out of credit. */
static void forwarded(struct vsock_conn *conn, uint32_t len)
{
	conn->forwarded += len;
	if (conn->state != VSOCK_ESTABLISHED ||
	    conn->forwarded - conn->forwarded_told < VSOCK_BUFFER / 4)
		return;
	conn->pending |= 1u << VSOCK_OP_CREDIT_UPDATE;
	vsock_conn_ready(conn);
}

static void drop_buffer(struct vsock_conn *conn)
{
	free(conn->buffer);
	conn->buffer = NULL;
	conn->buffer_start = conn->buffer_len = 0;
}

/* Nobody will read any more what the guest sends. */
static void reader_is_gone(struct vsock_conn *conn)
{
	conn->broken = true;
	forwarded(conn, conn->buffer_len);
	drop_buffer(conn);
	if (conn->state == VSOCK_DRAINING)
		vsock_conn_end(conn);
	else
		vsock_host_tell(conn, VSOCK_NO_RECEIVE);
}

/* Write some, of @chain or the device's own: bytes written; 0: not now, or never (conn->broken). */
static uint32_t write_some(struct vsock_conn *conn, const struct virtq_chain *chain,
			   struct iovec *iov, unsigned count)
{
	ssize_t written = vsock_send(conn, chain, iov, count);

	if (written >= 0)
		return (uint32_t)written;
	/* EFAULT: the guest's memory went away under a pager; its bytes are lost to the reader. */
	if (written != -EAGAIN && written != -ENOBUFS)
		reader_is_gone(conn);
	return 0;
}

static void flush_buffer(struct vsock_conn *conn)
{
	while (conn->buffer_len) {
		uint32_t first = VSOCK_BUFFER - conn->buffer_start;
		struct iovec iov[2];
		uint32_t written;

		if (first > conn->buffer_len)
			first = conn->buffer_len;
		iov[0] = (struct iovec){ conn->buffer + conn->buffer_start, first };
		iov[1] = (struct iovec){ conn->buffer, conn->buffer_len - first };
		written = write_some(conn, NULL, iov, 2);
		if (!written)
			return;
		conn->buffer_start = (conn->buffer_start + written) % VSOCK_BUFFER;
		conn->buffer_len -= written;
		forwarded(conn, written);
	}
	drop_buffer(conn);
	vsock_host_shutdown(conn);
}

/* Keep what the socket did not take. The credit that we gave is the buffer's size. */
static bool keep(struct vsock_conn *conn, const struct virtq_chain *chain, uint32_t offset,
		 uint32_t len)
{
	if (!conn->buffer) {
		conn->buffer = malloc(VSOCK_BUFFER);
		conn->buffer_start = 0;
	}
	if (!conn->buffer || len > VSOCK_BUFFER - conn->buffer_len)
		return false;
	while (len) {
		uint32_t end = (conn->buffer_start + conn->buffer_len) % VSOCK_BUFFER;
		uint32_t part = VSOCK_BUFFER - end < len ? VSOCK_BUFFER - end : len;

		if (virtq_read(chain, offset, conn->buffer + end, part) != part)
			return false;
		conn->buffer_len += part;
		offset += part;
		len -= part;
	}
	return true;
}

bool vsock_host_write(struct vsock_conn *conn, const struct virtq_chain *chain, uint32_t offset,
		      uint32_t len)
{
	while (len && !conn->broken && !conn->buffer_len) {
		struct iovec iov[SLICES];
		uint64_t got;
		unsigned count =
			virtq_slice(chain->iov, chain->out_count, offset, len, iov, SLICES, &got);
		uint32_t written = count ? write_some(conn, chain, iov, count) : 0;

		if (!written)
			break;
		forwarded(conn, written);
		offset += written;
		len -= written;
	}
	if (conn->broken) {
		forwarded(conn, len);
		return true;
	}
	return !len || keep(conn, chain, offset, len);
}

void vsock_host_shutdown(struct vsock_conn *conn)
{
	if (conn->buffer_len || conn->fd < 0) {
		if (conn->fd >= 0 && (conn->heard & VSOCK_NO_RECEIVE))
			vsock_shutdown(conn, SHUT_RD);
		return;
	}
	if (conn->state == VSOCK_DRAINING) {
		vsock_conn_end(conn);
		return;
	}
	if (conn->heard == VSOCK_NEITHER) {
		vsock_conn_refuse(conn);
		return;
	}
	if (conn->heard & VSOCK_NO_RECEIVE)
		vsock_shutdown(conn, SHUT_RD);
	if (conn->heard & VSOCK_NO_SEND)
		vsock_shutdown(conn, SHUT_WR);
	if ((conn->heard & VSOCK_NO_SEND) && conn->ended)
		vsock_host_tell(conn, VSOCK_NEITHER);
}

/* "CONNECT <port>": true and the port. Section 5.10.4: the highest is none. */
static bool parse_line(const uint8_t *line, uint32_t len, uint32_t *port)
{
	static const char word[] = "CONNECT ";
	const uint32_t skip = sizeof(word) - 1;
	uint64_t value = 0;

	if (len <= skip || memcmp(line, word, skip) != 0)
		return false;
	for (uint32_t i = skip; i < len; i++) {
		if (line[i] < '0' || line[i] > '9')
			return false;
		value = value * 10 + (line[i] - '0');
	}
	*port = (uint32_t)value;
	return value < UINT32_MAX;
}

static void ask_guest(struct vsock_conn *conn, uint32_t port)
{
	conn->guest_port = port;
	conn->host_port = vsock_conn_port(conn->vsock, port);
	vsock_conn_hash(conn);
	conn->state = VSOCK_REQUESTED;
	conn->pending = 1u << VSOCK_OP_REQUEST;
	vsock_conn_limit(conn, AX_VIRTIO_VSOCK_TIMEOUT_NS);
	vsock_conn_ready(conn);
}

static ssize_t receive(struct vsock_conn *conn, uint8_t *bytes, size_t len, int flags)
{
	const struct iovec iov = { bytes, len };

	return vsock_receive(conn, &iov, 1, flags);
}

/* Read the greeting's line and no byte after it: that is the guest's. */
static void greet(struct vsock_conn *conn)
{
	uint32_t room = VSOCK_LINE - conn->line_len;
	uint8_t *end = conn->line + conn->line_len;
	const uint8_t *newline;
	uint32_t port;
	ssize_t len = receive(conn, end, room, MSG_PEEK);

	if (len == -EAGAIN)
		return;
	if (len <= 0) {
		vsock_conn_end(conn);
		return;
	}
	newline = memchr(end, '\n', (size_t)len);
	if (newline)
		len = newline - end + 1;
	len = receive(conn, end, (size_t)len, 0);
	conn->line_len += len > 0 ? (uint32_t)len : 0;
	if (newline && parse_line(conn->line, conn->line_len - 1, &port))
		ask_guest(conn, port);
	else if (newline || conn->line_len == VSOCK_LINE)
		vsock_conn_end(conn);
}

static void hang_up(struct vsock_conn *conn)
{
	conn->hung_up = true;
	switch (conn->state) {
	case VSOCK_GREETING:
	case VSOCK_DRAINING: vsock_conn_end(conn); break;
	case VSOCK_ESTABLISHED:
		reader_is_gone(conn);
		if (conn->ended || (conn->heard & VSOCK_NO_RECEIVE))
			vsock_host_tell(conn, VSOCK_NEITHER);
		else
			conn->readable = true; /* until it has been read to its end */
		vsock_conn_ready(conn);
		break;
	default: break;
	}
}

void vsock_host_event(void *opaque, int fd, unsigned events)
{
	struct vsock_conn *conn = opaque;
	struct vsock *vsock = conn->vsock;

	(void)fd;
	virtio_lock(&vsock->virtio);
	if (conn->state != VSOCK_DEAD && (events & AX_WATCH_WRITE))
		flush_buffer(conn);
	if (conn->state == VSOCK_GREETING && (events & (AX_WATCH_READ | AX_WATCH_HANGUP)))
		greet(conn);
	if (conn->state == VSOCK_ESTABLISHED && (events & AX_WATCH_READ)) {
		conn->readable = true;
		vsock_conn_ready(conn);
	}
	if (events & AX_WATCH_HANGUP)
		hang_up(conn);
	vsock_rx(vsock);
	vsock_host_watch(conn);
	vsock_reap(vsock);
	virtio_unlock(&vsock->virtio);
}

void vsock_host_connect(struct vsock_conn *conn)
{
	struct vsock *vsock = conn->vsock;
	char path[AX_UNIX_PATH_SIZE];

	snprintf(path, sizeof(path), "%.96s_%u", vsock->listener.path, conn->host_port);
	conn->fd = vsock_connect(vsock, conn->host_port, path);
	if (conn->fd == -EAGAIN) {
		vsock_alarm(vsock, ax_host_now(vsock->virtio.host) + VSOCK_RETRY_NS);
		return;
	}
	if (conn->fd < 0) {
		conn->fd = -1;
		vsock_conn_refuse(conn);
		return;
	}
	vsock_conn_no_limit(conn);
	conn->state = VSOCK_ESTABLISHED;
	conn->pending = 1u << VSOCK_OP_RESPONSE;
	vsock_conn_ready(conn);
	vsock_host_watch(conn);
}

void vsock_host_accepted(struct vsock_conn *conn)
{
	char line[VSOCK_LINE];
	int len = snprintf(line, sizeof(line), "OK %u\n", conn->host_port);
	const struct iovec iov = { line, (size_t)len };

	vsock_conn_no_limit(conn);
	conn->state = VSOCK_ESTABLISHED;
	if (conn->hung_up || vsock_send(conn, NULL, &iov, 1) == -EPIPE)
		hang_up(conn); /* what it wrote before it left is still the guest's */
	vsock_host_watch(conn);
}

/* One connection more: false: there is no room for it. */
static bool take(struct vsock *vsock, int fd)
{
	struct vsock_conn *conn = vsock_conn_new(vsock, fd);

	if (!conn)
		return false;
	vsock_conn_limit(conn, AX_VIRTIO_VSOCK_TIMEOUT_NS);
	vsock_host_watch(conn);
	return true;
}

void vsock_host_accept(void *opaque, int fd, unsigned events)
{
	struct vsock *vsock = opaque;

	(void)fd;
	(void)events;
	virtio_lock(&vsock->virtio);
	for (unsigned i = 0; i < ACCEPT_AT_ONCE && vsock->count < vsock->most; i++) {
		int taken = vsock_accept(vsock);

		if (taken == -EAGAIN)
			break;
		if (taken < 0 || !take(vsock, taken)) {
			if (taken >= 0)
				close(taken);
			vsock->lacking = true;
			vsock_alarm(vsock, ax_host_now(vsock->virtio.host) + VSOCK_RETRY_NS);
			break;
		}
	}
	if (vsock->lacking || vsock->count >= vsock->most) {
		vsock->listening = false;
		ax_watch_set(vsock->listen_watch, 0);
	}
	vsock_reap(vsock);
	virtio_unlock(&vsock->virtio);
}
