/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The network device, over a packet socket: configuration, features, sending and receiving, with both
 * kinds of rings.
 */
#include "tests/unit/net_fixture.h"

/* Loop tests: the kinds of rings. */
static const uint64_t rings[] = { DRV_ALL, DRV_SPLIT, DRV_SPLIT & ~VIRTIO_F_EVENT_IDX,
				  DRV_ALL & ~VIRTIO_F_EVENT_IDX };
#define RINGS 4

START_TEST(the_driver_reads_address_link_and_mtu)
{
	struct net_test *test = net_test_new(SOCK_SEQPACKET, 0, 9000);
	struct drv *drv = test->drv;
	uint8_t mac[6];

	ck_assert_uint_eq(drv_in(drv, VIRTIO_MMIO_DEVICE_ID), 1);
	for (unsigned i = 0; i < 6; i++)
		ck_assert_uint_eq(drv_config(drv, i, 1), net_mac[i]);
	ck_assert_uint_eq(drv_config(drv, NET_CONFIG_STATUS, 2), NET_STATUS_LINK_UP);
	ck_assert_uint_eq(drv_config(drv, NET_CONFIG_PAIRS, 2), 1);
	ck_assert_uint_eq(drv_config(drv, NET_CONFIG_MTU, 2), 9000);
	ck_assert(drv_offered(drv) & NET_F_MTU);
	ck_assert(!(drv_offered(drv) & (NET_F_MQ | NET_GUEST_OFFLOADS | NET_HOST_OFFLOADS)));
	ax_virtio_net_mac(drv->virtio, mac);
	ck_assert_mem_eq(mac, net_mac, 6);
	net_test_free(test);
}
END_TEST

static AxVirtio *new_device(AxVirtioNetConfig *config, int *peer, int expect)
{
	AxError err = AX_ERROR_INIT;
	AxVirtio *virtio = NULL;
	AxNet *net = NULL;
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	ck_assert_int_eq(net_datagram_new(pair[0], 0, NULL, NULL, &net, NULL), 0);
	config->net = net;
	ck_assert_int_eq(ax_virtio_net_new(config, &virtio, &err), expect);
	*peer = pair[1];
	if (expect) {
		ck_assert_str_ne(err.message, "");
		ax_net_free(net);
	}
	return virtio;
}

START_TEST(an_address_of_none_is_random_and_local)
{
	AxVirtioNetConfig config = AX_VIRTIO_NET_CONFIG_INIT;
	uint8_t mac[2][6];
	AxHost *host;

	ck_assert_int_eq(ax_host_new(NULL, NULL, &host, NULL), 0);
	config.host = host;
	for (unsigned i = 0; i < 2; i++) {
		int peer;
		AxVirtio *virtio = new_device(&config, &peer, 0);

		ax_virtio_net_mac(virtio, mac[i]);
		ck_assert_uint_eq(mac[i][0] & 3, 2);
		ax_virtio_free(virtio);
		close(peer);
	}
	ck_assert_mem_ne(mac[0], mac[1], 6);
	ax_host_free(host);
}
END_TEST

START_TEST(a_configuration_that_makes_no_sense_is_refused)
{
	AxVirtioNetConfig config = AX_VIRTIO_NET_CONFIG_INIT, bad;
	AxError err = AX_ERROR_INIT;
	AxVirtio *virtio = NULL;
	AxHost *host;
	int peer;

	ck_assert_int_eq(ax_host_new(NULL, NULL, &host, NULL), 0);
	config.host = host;
	ck_assert_int_eq(ax_virtio_net_new(&config, &virtio, &err), -EINVAL);
	bad = config;
	bad.mac[0] = 1;
	new_device(&bad, &peer, -EINVAL);
	close(peer);
	bad = config;
	bad.mtu = 67;
	new_device(&bad, &peer, -EINVAL);
	close(peer);
	bad = config;
	bad.queues = 2;
	new_device(&bad, &peer, -EINVAL);
	close(peer);
	bad = config;
	bad.host = NULL;
	new_device(&bad, &peer, -EINVAL);
	close(peer);
	ax_host_free(host);
}
END_TEST

START_TEST(features_that_miss_what_they_build_on_are_refused)
{
	static const uint64_t missing[] = { NET_F_GUEST_CSUM, NET_F_CSUM, NET_F_CTRL_VQ,
					    NET_F_GUEST_TSO4 | NET_F_GUEST_TSO6,
					    NET_F_HOST_TSO4 | NET_F_HOST_TSO6 };
	struct net_test *test = net_test_new(SOCK_SEQPACKET, NET_HEADER_LEN, 0);

	for (size_t i = 0; i < sizeof(missing) / sizeof(*missing); i++)
		ck_assert(!drv_negotiate(test->drv, DRV_ALL & ~missing[i]));
	ck_assert(drv_negotiate(test->drv, DRV_ALL));
	ck_assert(drv_negotiate(test->drv, VIRTIO_F_VERSION_1));
	net_test_free(test);
}
END_TEST

START_TEST(a_frame_in_pieces_goes_out_whole)
{
	struct net_test *test = net_test_new(SOCK_SEQPACKET, 0, 0);
	struct drv *drv = test->drv;
	uint8_t frame[2000];
	uint64_t gpa;

	drv_start(drv, rings[_i]);
	gpa = drv_alloc(drv, 3 * 4096);
	net_fill(drv_ptr(drv, gpa + 12), 1000, 7);
	for (unsigned indirect = 0; indirect < 2; indirect++) {
		/* The header in two pieces, the second with the first bytes of the frame. */
		struct drv_segment segments[] = { { gpa, 5, false },
						  { gpa + 5, 20, false },
						  { gpa + 25, 1, false },
						  { gpa + 26, 12 + 1000 - 26, false } };

		ck_assert_int_ge(drv_add_chain(drv, TX, segments, 4, indirect), 0);
		drv_kick(drv, TX);
		drv_wait(drv, TX, NULL);
		ck_assert_int_eq(recv(test->peer, frame, sizeof(frame), 0), 1000);
		net_check(frame, 1000, 7);
	}
	net_test_free(test);
}
END_TEST

START_TEST(a_batch_of_frames_makes_few_interrupts)
{
	struct net_test *test = net_test_new(SOCK_SEQPACKET, 0, 0);
	struct drv *drv = test->drv;
	uint8_t frame[2000];

	drv_start(drv, rings[_i]);
	for (unsigned round = 0; round < 50; round++) {
		unsigned pulses = atomic_load(&drv->pulses);

		for (unsigned i = 0; i < 100; i++)
			ck_assert_int_ge(net_send(test, 60 + i, i), 0);
		drv_kick(drv, TX);
		drv_run(drv);
		/* The first is asked for, and with no event index one a call of the device. */
		ck_assert_uint_le(atomic_load(&drv->pulses) - pulses, 2);
		for (unsigned i = 0; i < 100; i++) {
			ck_assert_int_ge(drv_take(drv, TX, NULL), 0);
			ck_assert_int_eq(recv(test->peer, frame, sizeof(frame), MSG_DONTWAIT),
					 60 + i);
			net_check(frame, 60 + i, i);
		}
	}
	net_test_free(test);
}
END_TEST

START_TEST(what_is_no_frame_is_dropped)
{
	struct net_test *test = net_test_new(SOCK_SEQPACKET, 0, 0);
	struct drv *drv = test->drv;
	uint64_t gpa;
	uint8_t frame[100];

	drv_start(drv, rings[_i]);
	/* too short, too long, one that wants a checksum, one to be segmented; a good one between each */
	gpa = drv_alloc(drv, 0x20000);
	drv_add(drv, TX, DRV_OUT(gpa, 11));
	net_send(test, 60, 1);
	drv_add(drv, TX, DRV_OUT(gpa, 12 + 13));
	net_send(test, 60, 2);
	drv_add(drv, TX, DRV_OUT(gpa, 12 + NET_FRAME_MAX + 1));
	net_send(test, 60, 3);
	gpa = drv_alloc(drv, 100);
	*(uint8_t *)drv_ptr(drv, gpa) = 1;
	drv_add(drv, TX, DRV_OUT(gpa, 100));
	gpa = drv_alloc(drv, 100);
	*(uint8_t *)drv_ptr(drv, gpa + 1) = 1;
	drv_add(drv, TX, DRV_OUT(gpa, 100));
	/* nothing to read at all */
	drv_add(drv, TX, DRV_IN(gpa, 100));
	net_send(test, 60, 4);
	drv_kick(drv, TX);
	for (unsigned i = 0; i < 10; i++)
		drv_wait(drv, TX, NULL);
	for (unsigned i = 1; i <= 4; i++) {
		ck_assert_int_eq(recv(test->peer, frame, sizeof(frame), MSG_DONTWAIT), 60);
		net_check(frame, 60, i);
	}
	ck_assert_int_eq(recv(test->peer, frame, sizeof(frame), MSG_DONTWAIT), -1);
	ck_assert(!drv_is_broken(drv));
	net_test_free(test);
}
END_TEST

/* Whatever the device has not taken yet stays in the ring, in order, until there is room. */
START_TEST(a_slow_reader_loses_nothing)
{
	struct net_test *test = net_test_new(SOCK_SEQPACKET, 0, 0);
	struct drv *drv = test->drv;
	unsigned sent = 0, seen = 0, back = 0, small = 4096;
	uint8_t frame[2000];

	setsockopt(test->net->fds[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	drv_start(drv, rings[_i]);
	while (seen < 600) {
		while (sent < 600 && net_send(test, 1000, sent) >= 0)
			sent++;
		drv_kick(drv, TX);
		drv_run(drv);
		while (drv_take(drv, TX, NULL) >= 0)
			back++;
		ck_assert_uint_le(back, sent);
		for (unsigned i = 0; i < 5 && seen < 600; i++) {
			ssize_t got = recv(test->peer, frame, sizeof(frame), MSG_DONTWAIT);

			if (got < 0)
				break;
			ck_assert_int_eq(got, 1000);
			net_check(frame, 1000, seen++);
		}
	}
	drv_run(drv);
	while (drv_take(drv, TX, NULL) >= 0)
		back++;
	ck_assert_uint_eq(back, 600);
	net_test_free(test);
}
END_TEST

START_TEST(a_frame_is_received_with_a_header)
{
	struct net_test *test = net_test_new(SOCK_SEQPACKET, 0, 0);
	struct drv *drv = test->drv;
	static const uint8_t header[12] = { [10] = 1 };
	uint64_t gpa;
	uint32_t len;

	drv_start(drv, rings[_i]);
	gpa = net_give(test, 1600);
	memset(drv_ptr(drv, gpa), 0xee, 1600);
	drv_kick(drv, RX);
	net_inject(test, 1514, 3);
	drv_wait(drv, RX, &len);
	ck_assert_uint_eq(len, 12 + 1514);
	ck_assert_mem_eq(drv_ptr(drv, gpa), header, 12);
	net_check(drv_ptr(drv, gpa + 12), 1514, 3);
	ck_assert_uint_eq(*(uint8_t *)drv_ptr(drv, gpa + 12 + 1514), 0xee);
	net_test_free(test);
}
END_TEST

/* Take one frame of @len bytes from buffers of @size, given in order from @gpa[first] on. */
static unsigned check_merged(struct drv *drv, const uint64_t *gpa, unsigned first, uint32_t size,
			     uint32_t len, unsigned seed)
{
	uint8_t *frame = malloc(len + 12);
	uint32_t got = 0, part;
	unsigned count = 0;

	ck_assert_ptr_nonnull(frame);
	while (got < len + 12) {
		drv_wait(drv, RX, &part);
		ck_assert_uint_eq(part, len + 12 - got < size ? len + 12 - got : size);
		memcpy(frame + got, drv_ptr(drv, gpa[first + count++]), part);
		got += part;
	}
	ck_assert_uint_eq(frame[10], count);
	net_check(frame + 12, len, seed);
	free(frame);
	return count;
}

START_TEST(a_long_frame_is_merged_of_several_buffers)
{
	struct net_test *test = net_test_new(SOCK_SEQPACKET, 0, 65000);
	struct drv *drv = test->drv;
	uint64_t gpa[200];
	unsigned at = 0;

	drv_start(drv, rings[_i]);
	for (unsigned i = 0; i < 200; i++)
		gpa[i] = net_give(test, 1536);
	drv_kick(drv, RX);
	net_inject(test, 60, 1);
	net_inject(test, 65000, 2);
	net_inject(test, 1536 - 12, 3);
	net_inject(test, 1536 - 11, 4);
	at += check_merged(drv, gpa, at, 1536, 60, 1);
	at += check_merged(drv, gpa, at, 1536, 65000, 2);
	at += check_merged(drv, gpa, at, 1536, 1536 - 12, 3);
	at += check_merged(drv, gpa, at, 1536, 1536 - 11, 4);
	ck_assert_uint_eq(at, 1 + 43 + 1 + 2);
	net_test_free(test);
}
END_TEST

START_TEST(a_frame_waits_for_the_buffers_it_needs)
{
	struct net_test *test = net_test_new(SOCK_SEQPACKET, 0, 0);
	struct drv *drv = test->drv;
	uint64_t gpa[10];
	uint32_t len;

	drv_start(drv, rings[_i]);
	for (unsigned i = 0; i < 2; i++)
		gpa[i] = net_give(test, 1000);
	drv_kick(drv, RX);
	net_inject(test, 4000, 5);
	net_inject(test, 100, 6);
	drv_run(drv);
	ck_assert_int_eq(drv_take(drv, RX, &len), -1);
	/* Not enough yet. */
	gpa[2] = net_give(test, 1000);
	ck_assert(drv_kick(drv, RX));
	drv_run(drv);
	ck_assert_int_eq(drv_take(drv, RX, &len), -1);
	for (unsigned i = 3; i < 6; i++)
		gpa[i] = net_give(test, 1000);
	ck_assert(drv_kick(drv, RX));
	ck_assert_uint_eq(check_merged(drv, gpa, 0, 1000, 4000, 5), 5);
	check_merged(drv, gpa, 5, 1000, 100, 6);
	net_test_free(test);
}
END_TEST

START_TEST(without_merging_a_frame_too_long_is_dropped)
{
	struct net_test *test = net_test_new(SOCK_SEQPACKET, 0, 0);
	struct drv *drv = test->drv;
	uint64_t gpa;
	uint32_t len;

	drv_start(drv, rings[_i] & ~NET_F_MRG_RXBUF);
	gpa = net_give(test, 1526);
	net_give(test, 1526);
	drv_kick(drv, RX);
	net_inject(test, 1515, 1);
	net_inject(test, 1514, 2);
	drv_wait(drv, RX, &len);
	ck_assert_uint_eq(len, 1526);
	net_check(drv_ptr(drv, gpa + 12), 1514, 2);
	ck_assert_uint_eq(*(uint8_t *)drv_ptr(drv, gpa + 10), 1);
	drv_run(drv);
	ck_assert_int_eq(drv_take(drv, RX, &len), -1);
	net_test_free(test);
}
END_TEST

START_TEST(without_buffers_frames_wait_outside)
{
	struct net_test *test = net_test_new(SOCK_SEQPACKET, 0, 0);
	struct drv *drv = test->drv;
	uint64_t gpa[1000];

	drv_start(drv, rings[_i]);
	for (unsigned i = 0; i < 20; i++)
		net_inject(test, 100 + i, i);
	drv_run(drv);
	for (unsigned i = 0; i < 20; i++) {
		gpa[i] = net_give(test, 1600);
		ck_assert(drv_kick(drv, RX));
		check_merged(drv, gpa, i, 1600, 100 + i, i);
	}
	/* With room for all there is no notification while the device looks by itself. */
	for (unsigned i = 0; i < 100; i++)
		gpa[i] = net_give(test, 1600);
	drv_kick(drv, RX);
	drv_run(drv);
	ck_assert_int_ge(net_give(test, 1600), 0);
	ck_assert(!drv_kick(drv, RX));
	net_test_free(test);
}
END_TEST

/* Many frames of all lengths through few buffers, which are given again as they come back. */
START_TEST(a_ring_goes_round_many_times)
{
	struct net_test *test = net_test_new(SOCK_SEQPACKET, 0, 9000);
	struct drv *drv = test->drv;
	uint64_t gpa[64];
	unsigned next = 0, order[64], given = 0, taken = 0;

	test->drv->queue_size = 64;
	drv_start(drv, rings[_i]);
	for (unsigned i = 0; i < 24; i++)
		gpa[i] = drv_alloc(drv, 512);
	for (unsigned frame = 0; frame < 2000; frame++) {
		uint32_t len = 60 + (frame * 769) % 9000, got = 0, part, want = len + 12;
		uint8_t bytes[9100];

		for (; given - taken < 24; given++) {
			order[given % 64] = next;
			ck_assert_int_ge(drv_add(drv, RX, DRV_IN(gpa[next], 512)), 0);
			next = (next + 1) % 24;
		}
		drv_kick(drv, RX);
		net_inject(test, len, frame);
		while (got < want) {
			drv_wait(drv, RX, &part);
			memcpy(bytes + got, drv_ptr(drv, gpa[order[taken++ % 64]]), part);
			got += part;
		}
		ck_assert_uint_eq(got, want);
		net_check(bytes + 12, len, frame);
	}
	net_test_free(test);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("virtio_net");
	TCase *tc = tcase_create("net");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, the_driver_reads_address_link_and_mtu);
	tcase_add_test(tc, an_address_of_none_is_random_and_local);
	tcase_add_test(tc, a_configuration_that_makes_no_sense_is_refused);
	tcase_add_test(tc, features_that_miss_what_they_build_on_are_refused);
	tcase_add_loop_test(tc, a_frame_in_pieces_goes_out_whole, 0, RINGS);
	tcase_add_loop_test(tc, a_batch_of_frames_makes_few_interrupts, 0, RINGS);
	tcase_add_loop_test(tc, what_is_no_frame_is_dropped, 0, RINGS);
	tcase_add_loop_test(tc, a_slow_reader_loses_nothing, 0, RINGS);
	tcase_add_loop_test(tc, a_frame_is_received_with_a_header, 0, RINGS);
	tcase_add_loop_test(tc, a_long_frame_is_merged_of_several_buffers, 0, RINGS);
	tcase_add_loop_test(tc, a_frame_waits_for_the_buffers_it_needs, 0, RINGS);
	tcase_add_loop_test(tc, without_merging_a_frame_too_long_is_dropped, 0, RINGS);
	tcase_add_loop_test(tc, without_buffers_frames_wait_outside, 0, RINGS);
	tcase_add_loop_test(tc, a_ring_goes_round_many_times, 0, RINGS);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return drv_suite(suite());
}
