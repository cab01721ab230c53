/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A network device with a driver, and this test as what is on the other side of its socket.
 */
#ifndef AXVMM_TESTS_UNIT_NET_FIXTURE_H
#define AXVMM_TESTS_UNIT_NET_FIXTURE_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <axvmm/net.h>

#include "dev/backend/net.h"
#include "dev/virtio/net.h"
#include "tests/unit/virtio_driver.h"

#define RX 0
#define TX 1

static const uint8_t net_mac[6] = { 0x02, 0, 0, 0, 0, 1 };

struct net_test {
	struct drv *drv;
	AxNet *net; /* the device's */
	int peer;
	unsigned lost;
	char message[AX_ERROR_MESSAGE_SIZE];
};

static inline void net_lost(void *opaque, const char *message)
{
	struct net_test *test = opaque;

	test->lost++;
	snprintf(test->message, sizeof(test->message), "%s", message);
}

/* A device over @net. */
static inline void net_test_attach(struct net_test *test, AxNet *net, uint16_t mtu)
{
	AxVirtioNetConfig config = AX_VIRTIO_NET_CONFIG_INIT;
	AxError err = AX_ERROR_INIT;
	AxVirtio *virtio = NULL;

	test->drv = drv_new();
	test->net = net;
	config.host = test->drv->host;
	config.net = net;
	config.mtu = mtu;
	memcpy(config.mac, net_mac, sizeof(net_mac));
	ck_assert_msg(!ax_virtio_net_new(&config, &virtio, &err), "%s", err.message);
	drv_attach(test->drv, virtio);
}

/* Over a socket of @type: SOCK_STREAM, or SOCK_SEQPACKET, with a header in each frame if asked for. */
static inline struct net_test *net_test_new(int type, uint32_t header_len, uint16_t mtu)
{
	struct net_test *test = calloc(1, sizeof(*test));
	AxNet *net = NULL;
	int pair[2];

	ck_assert_ptr_nonnull(test);
	ck_assert_int_eq(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, pair), 0);
	test->peer = pair[1];
	if (type == SOCK_STREAM)
		ck_assert_int_eq(net_stream_new(pair[0], net_lost, test, &net, NULL), 0);
	else
		ck_assert_int_eq(net_datagram_new(pair[0], header_len, net_lost, test, &net, NULL),
				 0);
	if (header_len)
		net->features = NET_GUEST_OFFLOADS | NET_HOST_OFFLOADS;
	net_test_attach(test, net, mtu);
	return test;
}

static inline void net_test_free(struct net_test *test)
{
	if (test->peer >= 0)
		close(test->peer);
	drv_free(test->drv);
	free(test);
}

/* Bytes of a frame: told by @seed, so that the two sides can compare. */
static inline void net_fill(uint8_t *frame, size_t len, unsigned seed)
{
	for (size_t i = 0; i < len; i++)
		frame[i] = (uint8_t)(seed * 31 + i + (i >> 8));
}

static inline void net_check(const uint8_t *frame, size_t len, unsigned seed)
{
	for (size_t i = 0; i < len; i++) {
		if (frame[i] != (uint8_t)(seed * 31 + i + (i >> 8)))
			ck_abort_msg("byte %zu of frame %u is %u", i, seed, frame[i]);
	}
}

/* Give the device a buffer of @len bytes for receiving: where it is. */
static inline uint64_t net_give(struct net_test *test, uint32_t len)
{
	uint64_t gpa = drv_alloc(test->drv, len);

	ck_assert_int_ge(drv_add(test->drv, RX, DRV_IN(gpa, len)), 0);
	return gpa;
}

/* Have the driver send a frame, after a header of zeros: its token. */
static inline int net_send(struct net_test *test, size_t len, unsigned seed)
{
	uint64_t gpa = drv_alloc(test->drv, NET_HEADER_LEN + len);

	net_fill((uint8_t *)drv_ptr(test->drv, gpa) + NET_HEADER_LEN, len, seed);
	return drv_add(test->drv, TX, DRV_OUT(gpa, (uint32_t)(NET_HEADER_LEN + len)));
}

/* A frame from the other side to the device, in one packet. */
static inline void net_inject(struct net_test *test, size_t len, unsigned seed)
{
	uint8_t *frame = malloc(len);

	ck_assert_ptr_nonnull(frame);
	net_fill(frame, len, seed);
	ck_assert_int_eq(send(test->peer, frame, len, MSG_NOSIGNAL), (ssize_t)len);
	free(frame);
}

#endif
