/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The network device with its host's loop on one thread and the driver, as a vCPU, on another: frames
 * both ways, and resets in the middle of them.
 */
#include <pthread.h>

#include "tests/unit/net_fixture.h"

#define ROUNDS 30
#define FRAMES 60

static atomic_bool stop;

static void *dispatch(void *opaque)
{
	AxHost *host = opaque;

	while (!atomic_load(&stop))
		(void)ax_loop_dispatch(host, 10, NULL);
	return NULL;
}

/* The other side: sends back what it gets. */
static void *echo(void *opaque)
{
	const int *peer = opaque;
	uint8_t frame[2000];

	for (;;) {
		ssize_t got = recv(*peer, frame, sizeof(frame), 0);

		if (got <= 0)
			return NULL;
		(void)!send(*peer, frame, (size_t)got, MSG_NOSIGNAL | MSG_DONTWAIT);
	}
}

/* Frames out, and half of them in again: the rest is on its way. */
static void exchange(struct net_test *test, uint64_t memory)
{
	struct drv *drv = test->drv;
	unsigned sent = 0, back = 0;

	for (unsigned i = 0; i < FRAMES; i++)
		drv_add(drv, RX, DRV_IN(memory + 0x800 * (uint64_t)i, 2048));
	drv_kick(drv, RX);
	for (unsigned i = 0; i < FRAMES; i++)
		sent += drv_add(drv, TX, DRV_OUT(memory + 0x40000, 500)) >= 0;
	drv_kick(drv, TX);
	ck_assert_uint_eq(sent, FRAMES);
	for (unsigned i = 0; back < FRAMES / 2 && i < 5000; i++) {
		uint32_t len;

		while (drv_take(drv, RX, &len) >= 0) {
			ck_assert_uint_eq(len, 500);
			back++;
		}
		while (drv_take(drv, TX, NULL) >= 0)
			;
		(void)drv_wait_irq(drv, 1);
	}
	ck_assert_uint_ge(back, FRAMES / 2);
}

START_TEST(resets_in_the_middle_do_no_harm)
{
	struct net_test *test = net_test_new(SOCK_SEQPACKET, 0, 0);
	struct drv *drv = test->drv;
	uint64_t memory = drv_alloc(drv, 0x41000), base = drv->next;
	pthread_t loop, peer;

	atomic_store(&stop, false);
	ck_assert_int_eq(pthread_create(&loop, NULL, dispatch, drv->host), 0);
	ck_assert_int_eq(pthread_create(&peer, NULL, echo, &test->peer), 0);
	for (unsigned round = 0; round < ROUNDS; round++) {
		/* What was on its way when the last driver went may come to this one. */
		drv->next = base;
		drv_start(drv, _i ? DRV_ALL : DRV_SPLIT);
		exchange(test, memory);
		if (round % 3 == 2)
			drv_reset(drv);
	}
	atomic_store(&stop, true);
	shutdown(test->peer, SHUT_RDWR);
	pthread_join(peer, NULL);
	pthread_join(loop, NULL);
	net_test_free(test);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("virtio_net_threads");
	TCase *tc = tcase_create("net");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, resets_in_the_middle_do_no_harm, 0, 2);
	suite_add_tcase(s, tc);
	return drv_suite(s);
}
