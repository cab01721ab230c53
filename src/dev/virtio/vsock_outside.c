/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Virtio socket device: what it asks of the host's sockets, as recordings have it.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>

#include "dev/virtio/outside.h"
#include "dev/virtio/vsock.h"

/* Which connection, in a recording: the guest's port is in the upper half. */
static uint64_t place_of(const struct vsock_conn *conn)
{
	return (uint64_t)conn->guest_port << 32 | conn->host_port;
}

/* A descriptor, or a negative errno: in a recording there is no more to it than which of the two. */
static int take_descriptor(struct vsock *vsock, uint64_t where, int fd)
{
	AxVirtio *virtio = &vsock->virtio;
	int64_t ret = outside_result(virtio, where, fd < 0 ? fd : 0, 0);

	if (!outside_is_replayed(virtio))
		return fd;
	return ret < 0 ? (int)ret : outside_stand_in();
}

int vsock_accept(struct vsock *vsock)
{
	int fd = -EAGAIN;

	if (!outside_is_replayed(&vsock->virtio))
		fd = accept4(vsock->listener.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd == -1)
		fd = errno == ECONNABORTED || errno == EINTR ? -EAGAIN : -errno;
	return take_descriptor(vsock, 0, fd);
}

int vsock_connect(struct vsock *vsock, uint32_t port, const char *path)
{
	int fd = -EAGAIN;

	if (!outside_is_replayed(&vsock->virtio))
		fd = ax_unix_connect(path);
	return take_descriptor(vsock, port, fd);
}

static uint64_t length_of(const struct iovec *iov, unsigned count)
{
	uint64_t len = 0;

	for (unsigned i = 0; i < count; i++)
		len += iov[i].iov_len;
	return len;
}

ssize_t vsock_receive(struct vsock_conn *conn, const struct iovec *iov, unsigned count, int flags)
{
	struct msghdr message = { .msg_iov = (struct iovec *)iov, .msg_iovlen = count };
	AxVirtio *virtio = &conn->vsock->virtio;
	int64_t len = 0;

	if (!outside_is_replayed(virtio)) {
		do {
			len = recvmsg(conn->fd, &message, flags | MSG_DONTWAIT);
		} while (len < 0 && errno == EINTR);
		if (len < 0)
			len = -errno;
	}
	if (!virtio->record)
		return (ssize_t)len;
	len = outside_result(virtio, place_of(conn), len, length_of(iov, count));
	if (len > 0)
		outside_came(virtio, place_of(conn), iov, count, (uint64_t)len);
	return (ssize_t)len;
}

ssize_t vsock_send(struct vsock_conn *conn, const struct virtq_chain *chain,
		   const struct iovec *iov, unsigned count)
{
	struct msghdr message = { .msg_iov = (struct iovec *)iov, .msg_iovlen = count };
	AxVirtio *virtio = &conn->vsock->virtio;
	int64_t len = 0;

	if (!outside_is_replayed(virtio)) {
		do {
			len = sendmsg(conn->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
		} while (len < 0 && errno == EINTR);
		if (len < 0)
			len = -errno;
	}
	if (!virtio->record)
		return (ssize_t)len;
	len = outside_result(virtio, place_of(conn), len, length_of(iov, count));
	if (len > 0)
		outside_went(virtio, place_of(conn), chain, iov, count, (uint64_t)len);
	return (ssize_t)len;
}

void vsock_shutdown(struct vsock_conn *conn, int how)
{
	AxVirtio *virtio = &conn->vsock->virtio;

	outside_told(virtio, place_of(conn), (uint32_t)how);
	if (!outside_is_replayed(virtio))
		shutdown(conn->fd, how);
}

void vsock_describe(const AxVirtio *virtio, char *text, size_t size)
{
	const struct vsock *vsock = (const struct vsock *)virtio;

	snprintf(text, size, VSOCK_DESCRIPTION, (unsigned long long)vsock->cid, vsock->most);
}
