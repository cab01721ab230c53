/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vhost-user: messages and their answers.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "dev/virtio/vhost_user.h"

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* A message that is on its way: until when, and about what. */
struct exchange {
	struct vhost_user *user;
	enum vhost_user_request request;
	uint64_t end;
	AxError *err;
};

static int failed(const struct exchange *exchange, const char *what, int os_errno)
{
	return ax_error_set(exchange->err, -EIO, AX_ERROR_FILE, os_errno,
			    "%s: vhost-user message %d: %s%s%s", exchange->user->name,
			    exchange->request, what, os_errno ? ": " : "",
			    os_errno ? strerror(os_errno) : "");
}

static int wait_for(const struct exchange *exchange, short events)
{
	struct pollfd wait = { .fd = exchange->user->fd, .events = events };
	uint64_t now = now_ms();

	if (now >= exchange->end)
		return ax_error_set(exchange->err, -ETIMEDOUT, AX_ERROR_FILE, 0,
				    "%s: vhost-user message %d: no answer within %d seconds",
				    exchange->user->name, exchange->request,
				    VHOST_USER_WAIT_MS / 1000);
	if (poll(&wait, 1, (int)(exchange->end - now)) < 0 && errno != EINTR)
		return failed(exchange, "poll", errno);
	return 0;
}

static int send_bytes(const struct exchange *exchange, struct msghdr *message, size_t len)
{
	ssize_t sent;
	int ret;

	for (;;) {
		sent = sendmsg(exchange->user->fd, message, MSG_DONTWAIT | MSG_NOSIGNAL);
		/* Messages are much shorter than what a socket takes at once. */
		if (sent >= 0)
			return (size_t)sent == len ? 0 : failed(exchange, "sent in part", 0);
		if (errno != EAGAIN && errno != EINTR)
			return failed(exchange, "it has ended", errno);
		ret = wait_for(exchange, POLLOUT);
		if (ret)
			return ret;
	}
}

static int send_message(const struct exchange *exchange, uint32_t flags, const void *payload,
			uint32_t size, const int *fds, unsigned fd_count)
{
	struct vhost_user_header header = { exchange->request, VHOST_USER_VERSION | flags, size };
	struct iovec iov[2] = { { &header, sizeof(header) }, { (void *)payload, size } };
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int) * VHOST_USER_REGIONS)];
	} control = { 0 };
	struct msghdr message = { .msg_iov = iov, .msg_iovlen = size ? 2 : 1 };

	if (fd_count) {
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(sizeof(int) * fd_count);
		control.header.cmsg_len = CMSG_LEN(sizeof(int) * fd_count);
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		memcpy(CMSG_DATA(&control.header), fds, sizeof(int) * fd_count);
	}
	return send_bytes(exchange, &message, sizeof(header) + size);
}

/* All of it; descriptors that come along are dropped by the kernel. */
static int receive_bytes(const struct exchange *exchange, void *buffer, size_t len)
{
	uint8_t *at = buffer;

	while (len) {
		ssize_t got = recv(exchange->user->fd, at, len, MSG_DONTWAIT);
		int ret;

		if (got > 0) {
			at += got;
			len -= (size_t)got;
			continue;
		}
		if (got == 0)
			return failed(exchange, "it has ended", 0);
		if (errno != EAGAIN && errno != EINTR)
			return failed(exchange, "it has ended", errno);
		ret = wait_for(exchange, POLLIN);
		if (ret)
			return ret;
	}
	return 0;
}

static int receive_answer(const struct exchange *exchange, void *answer, uint32_t size)
{
	struct vhost_user_header header;
	int ret = receive_bytes(exchange, &header, sizeof(header));

	if (ret)
		return ret;
	if (header.request != (uint32_t)exchange->request || header.size != size ||
	    (header.flags & (3u | VHOST_USER_REPLY)) != (VHOST_USER_VERSION | VHOST_USER_REPLY))
		return failed(exchange, "an answer that is none", 0);
	return receive_bytes(exchange, answer, size);
}

static struct exchange begin(struct vhost_user *user, enum vhost_user_request request, AxError *err)
{
	return (struct exchange){ user, request, now_ms() + VHOST_USER_WAIT_MS, err };
}

int vhost_user_send(struct vhost_user *user, enum vhost_user_request request, const void *payload,
		    uint32_t size, const int *fds, unsigned fd_count, AxError *err)
{
	struct exchange exchange = begin(user, request, err);
	bool wait = user->protocol & VHOST_USER_PROTOCOL_F_REPLY_ACK;
	uint64_t result = 0;
	int ret;

	ret = send_message(&exchange, wait ? VHOST_USER_NEED_REPLY : 0, payload, size, fds,
			   fd_count);
	if (ret || !wait)
		return ret;
	ret = receive_answer(&exchange, &result, sizeof(result));
	if (!ret && result)
		ret = failed(&exchange, "it refuses", 0);
	return ret;
}

int vhost_user_ask(struct vhost_user *user, enum vhost_user_request request, const void *payload,
		   uint32_t size, void *answer, uint32_t answer_size, AxError *err)
{
	struct exchange exchange = begin(user, request, err);
	int ret = send_message(&exchange, 0, payload, size, NULL, 0);

	return ret ? ret : receive_answer(&exchange, answer, answer_size);
}

static int ask_u64(struct vhost_user *user, enum vhost_user_request request, uint64_t *value,
		   AxError *err)
{
	return vhost_user_ask(user, request, NULL, 0, value, sizeof(*value), err);
}

static int ask_queues(struct vhost_user *user, AxError *err)
{
	uint64_t queues = 0;
	int ret;

	user->queues = VHOST_USER_RINGS;
	if (!(user->protocol & VHOST_USER_PROTOCOL_F_MQ))
		return 0;
	ret = ask_u64(user, VHOST_USER_GET_QUEUE_NUM, &queues, err);
	if (!ret && queues < VHOST_USER_RINGS)
		user->queues = (uint32_t)queues;
	return ret;
}

int vhost_user_open(struct vhost_user *user, AxError *err)
{
	const uint64_t needed = VIRTIO_F_VERSION_1 | VHOST_USER_F_PROTOCOL_FEATURES;
	const uint64_t wanted = VHOST_USER_PROTOCOL_F_MQ | VHOST_USER_PROTOCOL_F_REPLY_ACK;
	uint64_t features = 0, protocol = 0;
	int ret = ask_u64(user, VHOST_USER_GET_FEATURES, &features, err);

	if (ret)
		return ret;
	if ((features & needed) != needed)
		return ax_error_set(err, -ENOTSUP, AX_ERROR_UNSUPPORTED, 0,
				    "%s has features 0x%" PRIx64 ", and not all of 0x%" PRIx64,
				    user->name, features, needed);
	ret = ask_u64(user, VHOST_USER_GET_PROTOCOL_FEATURES, &protocol, err);
	if (ret)
		return ret;
	protocol &= wanted;
	ret = vhost_user_send(user, VHOST_USER_SET_PROTOCOL_FEATURES, &protocol, sizeof(protocol),
			      NULL, 0, err);
	if (ret)
		return ret;
	user->features = features & ~VHOST_USER_F_PROTOCOL_FEATURES;
	user->protocol = protocol;
	ret = vhost_user_send(user, VHOST_USER_SET_OWNER, NULL, 0, NULL, 0, err);
	return ret ? ret : ask_queues(user, err);
}

bool vhost_user_is_quiet(struct vhost_user *user, AxError *err)
{
	struct exchange exchange = { .user = user, .err = err };
	uint8_t byte;
	ssize_t got = recv(user->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return true;
	if (got > 0)
		failed(&exchange, "it sent something that nobody asked for", 0);
	else
		ax_error_set(err, -EIO, AX_ERROR_FILE, got ? errno : 0, "%s has ended", user->name);
	return false;
}
