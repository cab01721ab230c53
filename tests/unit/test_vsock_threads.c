/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Virtio socket device: the guest's resets on one thread, the device on another, and a program of the
 * host on a third.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "tests/unit/vsock_fixture.h"

#define ROUNDS 150

static atomic_bool over;

static void *run_loop(void *opaque)
{
	struct guest *guest = opaque;

	while (!atomic_load(&over))
		ax_loop_dispatch(guest->drv->host, 1, NULL);
	return NULL;
}

/* Connects again and again, writes, and leaves. */
static void *run_program(void *opaque)
{
	static const uint8_t bytes[10000];
	struct guest *guest = opaque;
	struct sockaddr_un address = host_address(guest, -1);

	while (!atomic_load(&over)) {
		int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

		if (!connect(fd, (struct sockaddr *)&address, sizeof(address))) {
			(void)!send(fd, "CONNECT 7\n", 10, MSG_NOSIGNAL);
			(void)!send(fd, bytes, sizeof(bytes), MSG_NOSIGNAL);
			(void)!poll(&(struct pollfd){ fd, POLLIN, 0 }, 1, 2);
		}
		close(fd);
	}
	return NULL;
}

/* Accept what is asked for, as far as it comes soon. */
static void answer(struct guest *guest, uint64_t tx)
{
	uint32_t len;

	for (unsigned i = 0; i < 20; i++) {
		int token = drv_take(guest->drv, VSOCK_RX, &len);
		const struct vsock_header *header;
		struct vsock_header reply;

		if (token < 0) {
			usleep(100);
			continue;
		}
		header = drv_ptr(guest->drv, guest->rx_of[token]);
		reply = guest_header(header->op == VSOCK_OP_REQUEST ? VSOCK_OP_RESPONSE
								    : VSOCK_OP_CREDIT_UPDATE,
				     header->dst_port, header->src_port);
		memcpy(drv_ptr(guest->drv, tx), &reply, sizeof(reply));
		guest_give_rx(guest, guest->rx_of[token]);
		drv_notify(guest->drv, VSOCK_RX);
		if (drv_add(guest->drv, VSOCK_TX, DRV_OUT(tx, sizeof(reply))) >= 0)
			drv_notify(guest->drv, VSOCK_TX);
		while (drv_take(guest->drv, VSOCK_TX, &len) < 0)
			usleep(100);
	}
}

START_TEST(a_guest_resets_while_programs_come_and_go)
{
	struct guest *guest = guest_new(0);
	uint64_t rx = drv_alloc(guest->drv, 8 * RX_BUFFER), tx = drv_alloc(guest->drv, 4096);
	AxVirtioCounters counters = AX_VIRTIO_COUNTERS_INIT;
	pthread_t loop, program;

	atomic_store(&over, false);
	ck_assert_int_eq(pthread_create(&loop, NULL, run_loop, guest), 0);
	ck_assert_int_eq(pthread_create(&program, NULL, run_program, guest), 0);
	for (unsigned round = 0; round < ROUNDS; round++) {
		drv_start(guest->drv, DRV_ALL);
		for (unsigned i = 0; i < 8; i++)
			guest_give_rx(guest, rx + i * RX_BUFFER);
		drv_notify(guest->drv, VSOCK_RX);
		answer(guest, tx);
	}
	atomic_store(&over, true);
	ck_assert_int_eq(pthread_join(program, NULL), 0);
	ck_assert_int_eq(pthread_join(loop, NULL), 0);
	ck_assert_int_eq(ax_virtio_counters(guest->drv->virtio, &counters), 0);
	ck_assert_uint_gt(counters.chains, ROUNDS);
	guest_free(guest);
}
END_TEST

RUN_CORE_TESTS("vsock threads", a_guest_resets_while_programs_come_and_go)
