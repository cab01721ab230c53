/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Virtio socket device: the table of connections, and their time limits.
 */
#include <stdlib.h>
#include <unistd.h>

#include "dev/virtio/vsock.h"

/* Host's side of connections that begin there: above what programs listen on. */
#define FIRST_PORT 0x40000000u
#define LAST_PORT  0x7fffffffu

static struct vsock_conn **bucket(const struct vsock *vsock, uint32_t guest_port,
				  uint32_t host_port)
{
	uint32_t mixed = (guest_port * 0x9e3779b1u) ^ (host_port * 0x85ebca6bu);

	return &vsock->hash[(mixed ^ mixed >> 15) & vsock->hash_mask];
}

struct vsock_conn *vsock_conn_new(struct vsock *vsock, int fd)
{
	struct vsock_conn *conn;

	if (vsock->count >= vsock->most)
		return NULL;
	conn = calloc(1, sizeof(*conn));
	if (!conn)
		return NULL;
	conn->vsock = vsock;
	conn->fd = fd;
	conn->deadline = UINT64_MAX;
	TAILQ_INSERT_TAIL(&vsock->conns, conn, all);
	vsock->count++;
	return conn;
}

void vsock_conn_hash(struct vsock_conn *conn)
{
	struct vsock_conn **head = bucket(conn->vsock, conn->guest_port, conn->host_port);

	conn->hash_next = *head;
	*head = conn;
	conn->hashed = true;
}

static void unhash(struct vsock_conn *conn)
{
	struct vsock_conn **at = bucket(conn->vsock, conn->guest_port, conn->host_port);

	if (!conn->hashed)
		return;
	while (*at != conn)
		at = &(*at)->hash_next;
	*at = conn->hash_next;
	conn->hashed = false;
}

struct vsock_conn *vsock_conn_find(const struct vsock *vsock, uint32_t guest_port,
				   uint32_t host_port)
{
	struct vsock_conn *conn = *bucket(vsock, guest_port, host_port);

	while (conn && (conn->guest_port != guest_port || conn->host_port != host_port))
		conn = conn->hash_next;
	return conn;
}

uint32_t vsock_conn_port(struct vsock *vsock, uint32_t guest_port)
{
	uint32_t port;

	/* The table has fewer connections than there are ports. */
	do {
		port = vsock->next_port < FIRST_PORT ? FIRST_PORT : vsock->next_port;
		vsock->next_port = port == LAST_PORT ? FIRST_PORT : port + 1;
	} while (vsock_conn_find(vsock, guest_port, port));
	return port;
}

void vsock_conn_ready(struct vsock_conn *conn)
{
	if (conn->in_turn || conn->state == VSOCK_DEAD)
		return;
	TAILQ_INSERT_TAIL(&conn->vsock->ready, conn, turn);
	conn->in_turn = true;
}

static void leave_guest(struct vsock_conn *conn)
{
	unhash(conn);
	if (conn->in_turn)
		TAILQ_REMOVE(&conn->vsock->ready, conn, turn);
	conn->in_turn = false;
	conn->pending = 0;
}

void vsock_conn_drain(struct vsock_conn *conn)
{
	if (conn->state != VSOCK_ESTABLISHED || !conn->buffer_len) {
		vsock_conn_end(conn);
		return;
	}
	leave_guest(conn);
	vsock_conn_no_limit(conn);
	conn->state = VSOCK_DRAINING; /* and is watched for writing already */
}

void vsock_conn_end(struct vsock_conn *conn)
{
	struct vsock *vsock = conn->vsock;

	if (conn->state == VSOCK_DEAD)
		return;
	leave_guest(conn);
	TAILQ_REMOVE(&vsock->conns, conn, all);
	vsock->count--;
	conn->state = VSOCK_DEAD;
	TAILQ_INSERT_TAIL(&vsock->dead, conn, all);
}

void vsock_conn_close(struct vsock_conn *conn)
{
	ax_watch_free(conn->watch);
	conn->watch = NULL;
	if (conn->fd >= 0)
		close(conn->fd);
	conn->fd = -1;
	free(conn->buffer);
	conn->buffer = NULL;
	conn->buffer_len = 0;
	conn->readable = false;
}

void vsock_conn_refuse(struct vsock_conn *conn)
{
	if (conn->state == VSOCK_DEAD)
		return;
	/* A guest that has not heard of it need not hear of its end. */
	if (!conn->hashed || (conn->state == VSOCK_REQUESTED && !conn->asked)) {
		vsock_conn_end(conn);
		return;
	}
	vsock_conn_close(conn);
	vsock_conn_no_limit(conn);
	conn->state = VSOCK_REFUSED;
	conn->pending = 1u << VSOCK_OP_RST;
	vsock_conn_ready(conn);
}

void vsock_reap(struct vsock *vsock)
{
	struct vsock_conn *conn;

	while ((conn = TAILQ_FIRST(&vsock->dead))) {
		TAILQ_REMOVE(&vsock->dead, conn, all);
		vsock_conn_close(conn);
		free(conn);
	}
	if (!vsock->listening && !vsock->lacking && vsock->count < vsock->most) {
		vsock->listening = true;
		ax_watch_set(vsock->listen_watch, AX_WATCH_READ);
	}
}

void vsock_alarm(struct vsock *vsock, uint64_t deadline)
{
	if (deadline >= vsock->alarm)
		return;
	vsock->alarm = deadline;
	ax_timer_arm(vsock->timer, deadline);
}

void vsock_conn_limit(struct vsock_conn *conn, uint64_t ns)
{
	conn->deadline = ax_host_now(conn->vsock->virtio.host) + ns;
	vsock_alarm(conn->vsock, conn->deadline);
}

void vsock_conn_no_limit(struct vsock_conn *conn)
{
	conn->deadline = UINT64_MAX; /* the timer finds nothing to do */
}

static void look_at_time(struct vsock_conn *conn, uint64_t now)
{
	if (conn->deadline <= now) {
		vsock_conn_refuse(conn);
		return;
	}
	if (conn->state == VSOCK_CONNECTING)
		vsock_host_connect(conn);
	if (conn->deadline != UINT64_MAX)
		vsock_alarm(conn->vsock, conn->deadline);
}

void vsock_timer_fired(void *opaque)
{
	struct vsock *vsock = opaque;
	struct vsock_conn *conn, *next;
	uint64_t now;

	virtio_lock(&vsock->virtio);
	now = ax_host_now(vsock->virtio.host);
	vsock->alarm = UINT64_MAX;
	vsock->lacking = false;
	for (conn = TAILQ_FIRST(&vsock->conns); conn; conn = next) {
		next = TAILQ_NEXT(conn, all);
		look_at_time(conn, now);
	}
	vsock_rx(vsock);
	vsock_reap(vsock);
	virtio_unlock(&vsock->virtio);
}
