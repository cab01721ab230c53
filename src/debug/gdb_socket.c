/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stub's sockets: where it listens, and its one peer.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "debug/gdb.h"

#define DRAIN_MAX 64 /* times what gdb->input holds */
#define ACCEPT_NS 200000000u

void gdb_log(struct AxGdb *gdb, const char *format, ...)
{
	char line[256];
	va_list args;

	if (!gdb->config.log)
		return;
	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	gdb->config.log(gdb->config.opaque, line);
}

/* Everything that the socket takes now. */
static void flush(struct AxGdb *gdb)
{
	while (gdb->queued) {
		ssize_t sent = send(gdb->fd, gdb->queue, gdb->queued, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent <= 0)
			break;
		memmove(gdb->queue, gdb->queue + sent, gdb->queued - (size_t)sent);
		gdb->queued -= (size_t)sent;
	}
}

void gdb_watch(struct AxGdb *gdb)
{
	unsigned events = 0;

	if (gdb->fd < 0)
		return;
	/* While vCPUs are being held, or there is no VM, what comes waits in the socket. */
	if (gdb->input_at == gdb->input_end &&
	    (gdb->state == GDB_STOPPED || gdb->state == GDB_RUNNING))
		events |= AX_WATCH_READ;
	if (gdb->queued)
		events |= AX_WATCH_WRITE;
	ax_watch_set(gdb->watch, events);
}

void gdb_send_raw(struct AxGdb *gdb, const char *bytes, size_t length)
{
	if (gdb->fd < 0)
		return;
	/* Who asks and never reads would have it grow for ever. */
	if (length > sizeof(gdb->queue) - gdb->queued) {
		gdb_log(gdb, "gdb does not read its answers: the connection is closed");
		gdb_close(gdb);
		return;
	}
	memcpy(gdb->queue + gdb->queued, bytes, length);
	gdb->queued += length;
	flush(gdb);
	gdb_watch(gdb);
}

void gdb_send(struct AxGdb *gdb)
{
	gdb->last_length = rsp_frame(&gdb->out, gdb->last);
	gdb_send_raw(gdb, gdb->last, gdb->last_length);
}

void gdb_send_again(struct AxGdb *gdb)
{
	gdb_send_raw(gdb, gdb->last, gdb->last_length);
}

void gdb_close(struct AxGdb *gdb)
{
	if (gdb->fd < 0)
		return;
	flush(gdb);
	/* What has not been read would have the peer lose what it was sent last. One that never ends its
	 * sending has itself to blame. */
	for (unsigned i = 0; i < DRAIN_MAX; i++) {
		if (recv(gdb->fd, gdb->input, sizeof(gdb->input), MSG_DONTWAIT) <= 0)
			break;
	}
	ax_watch_free(gdb->watch);
	gdb->watch = NULL;
	close(gdb->fd);
	gdb->fd = -1;
	gdb_release(gdb);
}

static void on_peer(void *opaque, int fd, unsigned events)
{
	struct AxGdb *gdb = opaque;
	ssize_t count;

	if (events & AX_WATCH_WRITE) {
		flush(gdb);
		gdb_watch(gdb);
	}
	if ((events & AX_WATCH_READ) && gdb->input_at == gdb->input_end) {
		count = recv(fd, gdb->input, sizeof(gdb->input), MSG_DONTWAIT);
		if (!count || (count < 0 && errno != EAGAIN && errno != EINTR)) {
			gdb_close(gdb);
			return;
		}
		gdb->input_at = 0;
		gdb->input_end = count > 0 ? (size_t)count : 0;
		gdb_input(gdb);
		return;
	}
	if (events & AX_WATCH_HANGUP)
		gdb_close(gdb);
}

static void take_peer(struct AxGdb *gdb, int fd)
{
	int one = 1;

	if (ax_watch_new(gdb->host, fd, 0, on_peer, gdb, &gdb->watch, NULL)) {
		close(fd);
		return;
	}
	/* Of no matter to a socket of another family. */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	gdb->fd = fd;
	gdb->acks = true;
	gdb->queued = 0;
	gdb->last_length = 0;
	gdb->input_at = 0;
	gdb->input_end = 0;
	memset(&gdb->in, 0, sizeof(gdb->in));
	gdb->interrupted = true;
	gdb->waits = false;
	if (gdb->state == GDB_STOPPED)
		gdb_stopped(gdb);
	else
		gdb_begin_stop(gdb);
	gdb_watch(gdb);
}

static void listen_again(void *opaque)
{
	struct AxGdb *gdb = opaque;

	ax_watch_set(gdb->listen_watch, AX_WATCH_READ);
}

static void on_connection(void *opaque, int listen_fd, unsigned events)
{
	struct AxGdb *gdb = opaque;
	int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)events;
	if (fd < 0) {
		/* Without a descriptor for it the loop would spin: it waits. */
		if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
			ax_watch_set(gdb->listen_watch, 0);
			ax_timer_arm(gdb->listen_later, ax_host_now(gdb->host) + ACCEPT_NS);
		}
		return;
	}
	if (gdb->fd >= 0) {
		gdb_log(gdb, "a second gdb was sent away");
		close(fd);
		return;
	}
	take_peer(gdb, fd);
}

static int socket_error(AxError *err, const char *address, int os_errno)
{
	int ret = os_errno == EADDRINUSE ? -EEXIST : os_errno == EACCES ? -EACCES : -EIO;

	return ax_error_set(err, ret, AX_ERROR_FILE, os_errno, "gdb's address %s: %s%s", address,
			    strerror(os_errno),
			    os_errno == EADDRINUSE ? "; remove the file if nobody listens there"
						   : "");
}

static int bind_and_listen(struct AxGdb *gdb, int family, const struct sockaddr *name,
			   socklen_t size, const char *address, AxError *err)
{
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), one = 1, error;

	if (fd < 0)
		return socket_error(err, address, errno);
	if (family != AF_UNIX)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	/* Before anybody can connect: on Linux the socket's mode is that of its file. */
	if (family == AF_UNIX)
		fchmod(fd, 0600);
	if (bind(fd, name, size) || listen(fd, 1)) {
		error = errno;
		close(fd);
		return socket_error(err, address, error);
	}
	gdb->listen_fd = fd;
	gdb->listen_later = ax_timer_new(gdb->host, listen_again, gdb);
	if (!gdb->listen_later)
		return -ENOMEM;
	return ax_watch_new(gdb->host, fd, AX_WATCH_READ, on_connection, gdb, &gdb->listen_watch,
			    err);
}

static int listen_unix(struct AxGdb *gdb, const char *path, AxError *err)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int ret;

	if (!*path || strlen(path) >= sizeof(name.sun_path))
		return ax_error_argument(
			err, -EINVAL, "gdb's address unix:%s: a path of 1 to %zu bytes is needed",
			path, sizeof(name.sun_path) - 1);
	memcpy(name.sun_path, path, strlen(path) + 1);
	ret = bind_and_listen(gdb, AF_UNIX, (struct sockaddr *)&name, sizeof(name), path, err);
	if (ret)
		return ret;
	gdb->path = strdup(path);
	gdb->address = strdup(path);
	return gdb->path && gdb->address ? 0 : -ENOMEM;
}

static bool is_loopback(const struct sockaddr_storage *name)
{
	if (name->ss_family == AF_INET)
		return ntohl(((const struct sockaddr_in *)name)->sin_addr.s_addr) >> 24 == 127;
	return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)name)->sin6_addr);
}

/* "ADDRESS:PORT" or "[ADDRESS]:PORT" into @name. False: it is none. */
static bool parse_tcp(const char *text, struct sockaddr_storage *name, socklen_t *size)
{
	const char *colon = strrchr(text, ':');
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)name;
	struct sockaddr_in *four = (struct sockaddr_in *)name;
	char host[INET6_ADDRSTRLEN + 2], *end;
	unsigned long port;
	size_t length;

	if (!colon || colon[1] < '0' || colon[1] > '9')
		return false;
	length = (size_t)(colon - text);
	port = strtoul(colon + 1, &end, 10);
	if (*end || port > UINT16_MAX || length >= sizeof(host))
		return false;
	memset(name, 0, sizeof(*name));
	memcpy(host, text, length);
	host[length] = 0;
	if (length > 2 && host[0] == '[' && host[length - 1] == ']') {
		host[length - 1] = 0;
		six->sin6_family = AF_INET6;
		six->sin6_port = htons((uint16_t)port);
		*size = sizeof(*six);
		return inet_pton(AF_INET6, host + 1, &six->sin6_addr) == 1;
	}
	four->sin_family = AF_INET;
	four->sin_port = htons((uint16_t)port);
	*size = sizeof(*four);
	return inet_pton(AF_INET, host, &four->sin_addr) == 1;
}

/* With the port that it became. */
static int note_address(struct AxGdb *gdb, const struct sockaddr_storage *name)
{
	union {
		struct sockaddr any;
		struct sockaddr_in four;
		struct sockaddr_in6 six;
	} bound = { .six = { .sin6_family = AF_UNSPEC } };
	socklen_t size = sizeof(bound);
	char host[INET6_ADDRSTRLEN], text[INET6_ADDRSTRLEN + 16];
	bool is_six = name->ss_family == AF_INET6;

	if (getsockname(gdb->listen_fd, &bound.any, &size))
		return -EIO;
	inet_ntop(bound.any.sa_family,
		  is_six ? (const void *)&bound.six.sin6_addr : (const void *)&bound.four.sin_addr,
		  host, sizeof(host));
	/* The port is at the same place in both. */
	snprintf(text, sizeof(text), is_six ? "[%s]:%u" : "%s:%u", host,
		 ntohs(bound.four.sin_port));
	gdb->address = strdup(text);
	return gdb->address ? 0 : -ENOMEM;
}

static int listen_tcp(struct AxGdb *gdb, const char *text, AxError *err)
{
	static const char remote[] = ",remote";
	struct sockaddr_storage name;
	size_t length = strlen(text);
	bool is_remote = length > sizeof(remote) - 1 &&
			 !strcmp(text + length - (sizeof(remote) - 1), remote);
	char plain[128];
	socklen_t size;
	int ret;

	snprintf(plain, sizeof(plain), "%.*s",
		 (int)(is_remote ? length - (sizeof(remote) - 1) : length), text);
	if (length >= sizeof(plain) || !parse_tcp(plain, &name, &size))
		return ax_error_argument(err, -EINVAL,
					 "gdb's address tcp:%s: no address and port; "
					 "tcp:127.0.0.1:1234 and tcp:[::1]:0 are some",
					 text);
	if (!is_remote && !is_loopback(&name))
		return ax_error_argument(
			err, -EINVAL,
			"gdb's address tcp:%s can be reached from elsewhere, where "
			"anybody may change the guest; if that is wanted: "
			"tcp:%s,remote",
			text, text);
	ret = bind_and_listen(gdb, name.ss_family, (struct sockaddr *)&name, size, plain, err);
	return ret ? ret : note_address(gdb, &name);
}

int gdb_listen(struct AxGdb *gdb, const char *address, AxError *err)
{
	int ret = -EINVAL;

	if (!strncmp(address, "unix:", 5))
		ret = listen_unix(gdb, address + 5, err);
	else if (!strncmp(address, "tcp:", 4))
		ret = listen_tcp(gdb, address + 4, err);
	else
		ax_error_argument(err, ret,
				  "gdb's address %s: unix:PATH and tcp:ADDRESS:PORT are known",
				  address);
	if (ret == -ENOMEM)
		ax_error_set(err, ret, AX_ERROR_RESOURCE, 0, "no memory for a stub for gdb");
	return ret;
}

void gdb_unlisten(struct AxGdb *gdb)
{
	ax_timer_free(gdb->listen_later);
	ax_watch_free(gdb->listen_watch);
	if (gdb->listen_fd >= 0)
		close(gdb->listen_fd);
	if (gdb->path)
		unlink(gdb->path);
}
