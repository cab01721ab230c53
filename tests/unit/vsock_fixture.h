/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest's side of a virtio socket device, on the driver of virtio_driver.h, and programs of the
 * host: packets in, packets out, Unix sockets in a folder of the test's own.
 */
#ifndef AXVMM_TESTS_UNIT_VSOCK_FIXTURE_H
#define AXVMM_TESTS_UNIT_VSOCK_FIXTURE_H

#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "dev/virtio/vsock.h"
#include "tests/temporary.h"
#include "tests/unit/core_fixture.h"
#include "tests/unit/virtio_driver.h"

#define GUEST_CID   3u
#define RX_BUFFERS  64u
#define RX_BUFFER   4096u
#define TX_BUFFERS  16u
#define GUEST_ALLOC (256u << 10)

/* The guest. */
struct guest {
	struct drv *drv;
	char folder[TEMPORARY_SIZE];
	char path[80];
	uint64_t rx, tx;     /* buffers */
	uint64_t rx_of[256]; /* token: where its buffer is */
	uint64_t tx_of[256];
	uint64_t tx_free[TX_BUFFERS];
	unsigned tx_free_count;
	struct vsock_header header; /* of the packet that came last */
	uint8_t payload[RX_BUFFER];
};

static inline void guest_give_rx(struct guest *guest, uint64_t gpa)
{
	int token = drv_add(guest->drv, VSOCK_RX, DRV_IN(gpa, RX_BUFFER));

	ck_assert_int_ge(token, 0);
	guest->rx_of[token] = gpa;
}

static inline void guest_start(struct guest *guest, uint64_t features, unsigned rx_buffers)
{
	drv_start(guest->drv, features);
	guest->rx = drv_alloc(guest->drv, RX_BUFFERS * RX_BUFFER);
	guest->tx = drv_alloc(guest->drv, TX_BUFFERS * (VSOCK_PACKET + 4096));
	for (unsigned i = 0; i < rx_buffers; i++)
		guest_give_rx(guest, guest->rx + i * RX_BUFFER);
	drv_notify(guest->drv, VSOCK_RX);
	guest->tx_free_count = 0;
	for (unsigned i = 0; i < TX_BUFFERS; i++)
		guest->tx_free[guest->tx_free_count++] = guest->tx + i * (VSOCK_PACKET + 4096);
	drv_run(guest->drv);
}

static inline void guest_config(struct guest *guest, AxVirtioVsockConfig *config)
{
	ck_assert(temporary_folder(guest->folder, "vsock"));
	snprintf(guest->path, sizeof(guest->path), "%s/v", guest->folder);
	config->host = guest->drv->host;
	config->cid = GUEST_CID;
	config->path = guest->path;
}

static inline struct guest *guest_new(uint32_t connections)
{
	AxVirtioVsockConfig config = AX_VIRTIO_VSOCK_CONFIG_INIT;
	struct guest *guest = calloc(1, sizeof(*guest));
	AxError err = AX_ERROR_INIT;
	AxVirtio *virtio = NULL;

	ck_assert_ptr_nonnull(guest);
	guest->drv = drv_new();
	guest_config(guest, &config);
	config.connections = connections;
	ck_assert_msg(!ax_virtio_vsock_new(&config, &virtio, &err), "%s", err.message);
	drv_attach(guest->drv, virtio);
	return guest;
}

static inline void guest_free(struct guest *guest)
{
	struct stat st;

	drv_free(guest->drv);
	ck_assert_int_ne(lstat(guest->path, &st), 0);
	ck_assert_int_eq(rmdir(guest->folder), 0);
	free(guest);
}

/* Take back transmitted buffers. */
static inline void guest_reclaim(struct guest *guest)
{
	uint32_t len;
	int token;

	while ((token = drv_take(guest->drv, VSOCK_TX, &len)) >= 0)
		guest->tx_free[guest->tx_free_count++] = guest->tx_of[token];
}

/* Send a packet as it is. */
static inline void guest_send_raw(struct guest *guest, const struct vsock_header *header,
				  const void *payload, uint32_t len)
{
	struct drv_segment segments[2];
	uint64_t gpa;
	int token;

	guest_reclaim(guest);
	while (!guest->tx_free_count) {
		drv_run(guest->drv);
		guest_reclaim(guest);
	}
	gpa = guest->tx_free[--guest->tx_free_count];
	memcpy(drv_ptr(guest->drv, gpa), header, sizeof(*header));
	if (len)
		memcpy((uint8_t *)drv_ptr(guest->drv, gpa) + sizeof(*header), payload, len);
	segments[0] = (struct drv_segment){ gpa, sizeof(*header), false };
	segments[1] = (struct drv_segment){ gpa + sizeof(*header), len, false };
	token = drv_add_chain(guest->drv, VSOCK_TX, segments, len ? 2 : 1, false);
	ck_assert_int_ge(token, 0);
	guest->tx_of[token] = gpa;
	drv_kick(guest->drv, VSOCK_TX);
}

static inline struct vsock_header guest_header(unsigned op, uint32_t guest_port, uint32_t host_port)
{
	return (struct vsock_header){
		.src_cid = GUEST_CID,
		.dst_cid = VSOCK_CID_HOST,
		.src_port = guest_port,
		.dst_port = host_port,
		.type = VSOCK_TYPE_STREAM,
		.op = (uint16_t)op,
		.buf_alloc = GUEST_ALLOC,
	};
}

/* Send a packet without payload. */
static inline void guest_say(struct guest *guest, unsigned op, uint32_t guest_port,
			     uint32_t host_port)
{
	struct vsock_header header = guest_header(op, guest_port, host_port);

	guest_send_raw(guest, &header, NULL, 0);
}

/* The next packet from the device, if there is one now; its buffer is given again. */
static inline bool guest_take(struct guest *guest)
{
	uint32_t len;
	int token = drv_take(guest->drv, VSOCK_RX, &len);
	const uint8_t *bytes;

	if (token < 0)
		return false;
	ck_assert_uint_ge(len, sizeof(guest->header));
	bytes = drv_ptr(guest->drv, guest->rx_of[token]);
	memcpy(&guest->header, bytes, sizeof(guest->header));
	ck_assert_uint_eq(guest->header.len, len - sizeof(guest->header));
	memcpy(guest->payload, bytes + sizeof(guest->header), guest->header.len);
	ck_assert_uint_eq(guest->header.dst_cid, GUEST_CID);
	guest_give_rx(guest, guest->rx_of[token]);
	drv_kick(guest->drv, VSOCK_RX);
	return true;
}

/* Wait for a packet and expect this of it. */
static inline void guest_expect(struct guest *guest, unsigned op, uint32_t guest_port,
				uint32_t host_port)
{
	time_t end = time(NULL) + 10;

	while (!guest_take(guest)) {
		ck_assert_msg(time(NULL) < end, "no packet %u came", op);
		ck_assert_int_ge(ax_loop_dispatch(guest->drv->host, 10, NULL), 0);
	}
	ck_assert_uint_eq(guest->header.op, op);
	ck_assert_uint_eq(guest->header.dst_port, guest_port);
	if (host_port)
		ck_assert_uint_eq(guest->header.src_port, host_port);
}

static inline void guest_expect_nothing(struct guest *guest)
{
	drv_run(guest->drv);
	ck_assert_msg(!guest_take(guest), "a packet %u came", guest->header.op);
}

/* Programs of the host. */

static inline struct sockaddr_un host_address(struct guest *guest, int port)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (port < 0)
		snprintf(address.sun_path, sizeof(address.sun_path), "%s", guest->path);
	else
		snprintf(address.sun_path, sizeof(address.sun_path), "%s_%d", guest->path, port);
	return address;
}

/* Listen for the guest at @port. */
static inline int host_listen(struct guest *guest, int port, int backlog)
{
	struct sockaddr_un address = host_address(guest, port);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(fd, backlog), 0);
	return fd;
}

static inline void host_unlisten(struct guest *guest, int fd, int port)
{
	struct sockaddr_un address = host_address(guest, port);

	close(fd);
	ck_assert_int_eq(unlink(address.sun_path), 0);
}

/* Connect to the device and write @line. */
static inline int host_connect(struct guest *guest, const char *line)
{
	struct sockaddr_un address = host_address(guest, -1);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(send(fd, line, strlen(line), MSG_NOSIGNAL), (ssize_t)strlen(line));
	return fd;
}

/* What there is to read, waiting for some: bytes; 0: the end; -1: nothing within ten seconds. */
static inline ssize_t host_read(struct guest *guest, int fd, void *buffer, size_t len)
{
	time_t end = time(NULL) + 10;
	ssize_t got;

	while ((got = recv(fd, buffer, len, 0)) < 0 && errno == EAGAIN && time(NULL) < end)
		ck_assert_int_ge(ax_loop_dispatch(guest->drv->host, 10, NULL), 0);
	return got;
}

static inline void host_expect(struct guest *guest, int fd, const char *text)
{
	char buffer[256] = "";
	ssize_t got = host_read(guest, fd, buffer, sizeof(buffer) - 1);

	ck_assert_msg(got == (ssize_t)strlen(text) && !strcmp(buffer, text), "got %zd \"%s\"", got,
		      buffer);
}

/* A connection that the guest made to a program at @port: the program's end. */
static inline int guest_connect(struct guest *guest, int listener, uint32_t guest_port,
				uint32_t port)
{
	int fd;

	guest_say(guest, VSOCK_OP_REQUEST, guest_port, port);
	guest_expect(guest, VSOCK_OP_RESPONSE, guest_port, port);
	ck_assert_uint_eq(guest->header.buf_alloc, VSOCK_BUFFER);
	fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	return fd;
}

/* A connection that a program made to the guest's @guest_port: its end; the host's port. */
static inline int guest_accept(struct guest *guest, uint32_t guest_port, uint32_t *host_port)
{
	char line[32];
	int fd;

	snprintf(line, sizeof(line), "CONNECT %u\n", guest_port);
	fd = host_connect(guest, line);
	guest_expect(guest, VSOCK_OP_REQUEST, guest_port, 0);
	*host_port = guest->header.src_port;
	guest_say(guest, VSOCK_OP_RESPONSE, guest_port, *host_port);
	snprintf(line, sizeof(line), "OK %u\n", *host_port);
	host_expect(guest, fd, line);
	return fd;
}

#endif
