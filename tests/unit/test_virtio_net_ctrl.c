/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The network device: control queue, link, reset, saved state, drivers that break the rules.
 */
#include <fcntl.h>

#include "tests/unit/net_fixture.h"

#define CTRL 2
#define NONE 0x55

/* Execute a command: the device's answer, or NONE. */
static uint8_t command_on(struct net_test *test, unsigned queue, uint8_t class, uint8_t number,
			  const void *data, uint32_t len)
{
	struct drv *drv = test->drv;
	uint64_t gpa = drv_alloc(drv, 3 + len);
	uint8_t *bytes = drv_ptr(drv, gpa);
	struct drv_segment segments[] = { { gpa, 2, false },
					  { gpa + 3, len, false },
					  { gpa + 2, 1, true } };
	uint32_t written;

	bytes[0] = class;
	bytes[1] = number;
	bytes[2] = NONE;
	memcpy(bytes + 3, data, len);
	if (!len)
		segments[1] = segments[2];
	ck_assert_int_ge(drv_add_chain(drv, queue, segments, len ? 3 : 2, false), 0);
	drv_kick(drv, queue);
	drv_wait(drv, queue, &written);
	ck_assert_uint_eq(written, 1);
	return bytes[2];
}

static uint8_t command(struct net_test *test, uint8_t class, uint8_t number, const void *data,
		       uint32_t len)
{
	return command_on(test, CTRL, class, number, data, len);
}

START_TEST(filters_are_accepted_when_they_make_sense)
{
	struct net_test *test = net_test_new(SOCK_SEQPACKET, 0, 0);
	static const uint8_t tables[4 + 6 + 4 + 12] = { [0] = 1, [10] = 2 };

	drv_start(test->drv, _i ? DRV_ALL : DRV_SPLIT);
	for (uint8_t mode = 0; mode <= 5; mode++) {
		ck_assert_uint_eq(command(test, 0, mode, "\1", 1), 0);
		ck_assert_uint_eq(command(test, 0, mode, "\0", 1), 0);
		ck_assert_uint_eq(command(test, 0, mode, "\2", 1), 1);
		ck_assert_uint_eq(command(test, 0, mode, "\0\0", 2), 1);
		ck_assert_uint_eq(command(test, 0, mode, "", 0), 1);
	}
	ck_assert_uint_eq(command(test, 0, 6, "\1", 1), 1);
	ck_assert_uint_eq(command(test, 1, 0, tables, sizeof(tables)), 0);
	ck_assert_uint_eq(command(test, 1, 0, tables, sizeof(tables) - 1), 1);
	ck_assert_uint_eq(command(test, 1, 0, tables, 10), 1);
	ck_assert_uint_eq(command(test, 1, 0, "\377\377\377\377\0\0\0\0", 8), 1);
	/* VLAN, announce, several queues, offloads and what there never was: not offered */
	ck_assert_uint_eq(command(test, 2, 0, "\1\0", 2), 1);
	ck_assert_uint_eq(command(test, 3, 0, "", 0), 1);
	ck_assert_uint_eq(command(test, 4, 0, "\1\0", 2), 1);
	ck_assert_uint_eq(command(test, 5, 0, "\0\0\0\0\0\0\0\0", 8), 1);
	ck_assert_uint_eq(command(test, 99, 0, "\1", 1), 1);
	net_test_free(test);
}
END_TEST

START_TEST(the_driver_changes_the_address)
{
	struct net_test *test = net_test_new(SOCK_SEQPACKET, 0, 0);
	uint8_t mac[6];

	drv_start(test->drv, DRV_ALL);
	ck_assert_uint_eq(command(test, 1, 1, "\2\11\22\33\44\55", 6), 0);
	ck_assert_uint_eq(command(test, 1, 1, "\2\11\22\33\44", 5), 1);
	ck_assert_uint_eq(command(test, 1, 2, "\2\11\22\33\44\55", 6), 1);
	ax_virtio_net_mac(test->drv->virtio, mac);
	ck_assert_mem_eq(mac, "\2\11\22\33\44\55", 6);
	ck_assert_uint_eq(drv_config(test->drv, 1, 1), 011);
	net_test_free(test);
}
END_TEST

/* A net that remembers what it is told, beside what the socket's does. */
static uint64_t told_offloads;
static unsigned told_pairs;
static bool told_fails;

static int tell_offloads(AxNet *net, uint64_t offloads)
{
	(void)net;
	told_offloads = offloads;
	return told_fails ? -EIO : 0;
}

static int tell_pairs(AxNet *net, unsigned pairs)
{
	(void)net;
	told_pairs = pairs;
	return told_fails ? -EIO : 0;
}

/* Three pairs of queues and headers, as a tap has them; one socket for all. */
static struct net_test *new_tap_like(void)
{
	struct net_test *test = calloc(1, sizeof(*test));
	static struct net_ops ops;
	AxNet *net = NULL;
	int pair[2];

	ck_assert_ptr_nonnull(test);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	test->peer = pair[1];
	ck_assert_int_eq(net_datagram_new(pair[0], NET_HEADER_LEN, net_lost, test, &net, NULL), 0);
	ops = *net->ops;
	ops.set_offloads = tell_offloads;
	ops.set_pairs = tell_pairs;
	net->ops = &ops;
	net->features = NET_GUEST_OFFLOADS | NET_HOST_OFFLOADS;
	net->pairs = 3;
	for (unsigned i = 1; i < 3; i++)
		net->fds[i] = dup(pair[0]);
	told_fails = false;
	net_test_attach(test, net, 0);
	return test;
}

START_TEST(offloads_go_to_the_net_as_the_driver_wants_them)
{
	struct net_test *test = new_tap_like();
	uint64_t offloads = NET_F_GUEST_CSUM;

	drv_start(test->drv, DRV_ALL);
	ck_assert_uint_eq(told_offloads, NET_GUEST_OFFLOADS);
	ck_assert_uint_eq(command_on(test, 6, 5, 0, &offloads, 8), 0);
	ck_assert_uint_eq(told_offloads, NET_F_GUEST_CSUM);
	offloads = NET_F_MAC;
	ck_assert_uint_eq(command_on(test, 6, 5, 0, &offloads, 8), 1);
	ck_assert_uint_eq(command_on(test, 6, 5, 1, &offloads, 8), 1);
	drv_reset(test->drv);
	ck_assert_uint_eq(told_offloads, 0);
	/* Without some: those are not possible later, either. */
	drv_start(test->drv, DRV_ALL & ~(NET_F_GUEST_TSO6 | NET_F_GUEST_ECN));
	ck_assert_uint_eq(told_offloads, NET_F_GUEST_CSUM | NET_F_GUEST_TSO4);
	offloads = NET_F_GUEST_CSUM | NET_F_GUEST_TSO6;
	ck_assert_uint_eq(command_on(test, 6, 5, 0, &offloads, 8), 1);
	told_fails = true;
	offloads = 0;
	ck_assert_uint_eq(command_on(test, 6, 5, 0, &offloads, 8), 1);
	net_test_free(test);
}
END_TEST

START_TEST(pairs_of_queues_are_used_when_the_driver_says_so)
{
	struct net_test *test = new_tap_like();
	struct drv *drv = test->drv;
	uint8_t frame[100] = { 0 };
	uint64_t gpa;

	ck_assert_uint_eq(drv_config(drv, NET_CONFIG_PAIRS, 2), 3);
	drv_start(drv, DRV_ALL);
	ck_assert_uint_eq(told_pairs, 1);
	/* The second pair sends nothing yet. */
	gpa = drv_alloc(drv, 100);
	drv_add(drv, 3, DRV_OUT(gpa, 100));
	drv_notify(drv, 3);
	drv_run(drv);
	ck_assert_int_eq(drv_take(drv, 3, NULL), -1);
	ck_assert_uint_eq(command_on(test, 6, 4, 0, "\0\0", 2), 1);
	ck_assert_uint_eq(command_on(test, 6, 4, 0, "\4\0", 2), 1);
	ck_assert_uint_eq(command_on(test, 6, 4, 0, "\2\0", 2), 0);
	ck_assert_uint_eq(told_pairs, 2);
	/* It does now, without another notification. */
	drv_wait(drv, 3, NULL);
	ck_assert_int_eq(recv(test->peer, frame, sizeof(frame), MSG_DONTWAIT), 100);
	/* A receiving queue holds chains; it gives them back when it is not used any more. */
	gpa = drv_alloc(drv, 2000);
	drv_add(drv, 2, DRV_IN(gpa, 2000));
	drv_notify(drv, 2);
	drv_run(drv);
	ck_assert_uint_eq(drv->virtio->queues[2].in_flight, 1);
	ck_assert_uint_eq(command_on(test, 6, 4, 0, "\1\0", 2), 0);
	ck_assert_uint_eq(drv->virtio->queues[2].in_flight, 0);
	/* And again. */
	ck_assert_uint_eq(command_on(test, 6, 4, 0, "\3\0", 2), 0);
	drv_run(drv);
	ck_assert_uint_eq(drv->virtio->queues[2].in_flight, 1);
	told_fails = true;
	ck_assert_uint_eq(command_on(test, 6, 4, 0, "\1\0", 2), 1);
	net_test_free(test);
}
END_TEST

START_TEST(without_mq_control_is_queue_2)
{
	struct net_test *test = new_tap_like();

	drv_start(test->drv, DRV_ALL & ~NET_F_MQ);
	ck_assert_uint_eq(command(test, 0, 0, "\1", 1), 0);
	ck_assert_uint_eq(command(test, 4, 0, "\2\0", 2), 1);
	net_test_free(test);
}
END_TEST

START_TEST(headers_go_through_where_the_net_takes_them)
{
	struct net_test *test = new_tap_like();
	struct drv *drv = test->drv;
	uint8_t frame[300];
	uint64_t gpa;
	uint32_t len;

	drv_start(drv, DRV_ALL);
	gpa = drv_alloc(drv, 300);
	net_fill(drv_ptr(drv, gpa), 300, 9);
	drv_add(drv, TX, DRV_OUT(gpa, 300));
	drv_kick(drv, TX);
	drv_wait(drv, TX, NULL);
	ck_assert_int_eq(recv(test->peer, frame, sizeof(frame), MSG_DONTWAIT), 300);
	net_check(frame, 300, 9);
	/* But for the number of buffers, which is ours. */
	gpa = net_give(test, 2000);
	drv_kick(drv, RX);
	net_inject(test, 300, 8);
	drv_wait(drv, RX, &len);
	ck_assert_uint_eq(len, 300);
	memcpy(frame, drv_ptr(drv, gpa), 300);
	ck_assert_uint_eq(frame[10], 1);
	ck_assert_uint_eq(frame[11], 0);
	frame[10] = (uint8_t)(8 * 31 + 10);
	frame[11] = (uint8_t)(8 * 31 + 11);
	net_check(frame, 300, 8);
	net_test_free(test);
}
END_TEST

START_TEST(a_connection_that_ends_takes_the_link_down)
{
	struct net_test *test = net_test_new(_i ? SOCK_STREAM : SOCK_SEQPACKET, 0, 0);
	struct drv *drv = test->drv;

	drv_start(drv, DRV_ALL);
	net_give(test, 2000);
	drv_kick(drv, RX);
	drv_run(drv);
	drv_ack(drv);
	close(test->peer);
	test->peer = -1;
	drv_run(drv);
	ck_assert_uint_eq(test->lost, 1);
	ck_assert_str_ne(test->message, "");
	ck_assert_uint_eq(drv_config(drv, NET_CONFIG_STATUS, 2), 0);
	ck_assert_uint_eq(drv_ack(drv) & VIRTIO_MMIO_CONFIG_CHANGE, VIRTIO_MMIO_CONFIG_CHANGE);
	/* What the driver sends is dropped, as by a wire that ends nowhere. */
	for (unsigned i = 0; i < 50; i++)
		net_send(test, 100, i);
	drv_notify(drv, TX);
	for (unsigned i = 0; i < 50; i++)
		drv_wait(drv, TX, NULL);
	/* It stays down in the next VM, and nobody is told again. */
	drv_reboot(drv);
	drv_start(drv, DRV_ALL);
	net_give(test, 2000);
	drv_notify(drv, RX);
	drv_run(drv);
	ck_assert_uint_eq(drv_config(drv, NET_CONFIG_STATUS, 2), 0);
	ck_assert_uint_eq(test->lost, 1);
	net_test_free(test);
}
END_TEST

START_TEST(an_end_is_noticed_by_sending_too)
{
	struct net_test *test = net_test_new(_i ? SOCK_STREAM : SOCK_SEQPACKET, 0, 0);
	struct drv *drv = test->drv;

	drv_start(drv, DRV_ALL);
	close(test->peer);
	test->peer = -1;
	net_send(test, 100, 1);
	drv_kick(drv, TX);
	drv_wait(drv, TX, NULL);
	ck_assert_uint_eq(test->lost, 1);
	ck_assert_uint_eq(drv_config(drv, NET_CONFIG_STATUS, 2), 0);
	net_test_free(test);
}
END_TEST

/* A net that has no room first, and then turns out to be gone, as a tap whose interface was removed. */
static unsigned send_to_none(AxNet *net, unsigned pair, const struct net_frame *frames,
			     unsigned count)
{
	unsigned *calls = net->more;

	(void)pair;
	(void)frames;
	if (!(*calls)++)
		return 0;
	net_gone(net, "it was removed");
	return count;
}

static ssize_t receive_none(AxNet *net, unsigned pair, const struct iovec *iov, unsigned count)
{
	(void)net;
	(void)pair;
	(void)iov;
	(void)count;
	ck_abort_msg("there are no buffers");
	return -EAGAIN;
}

/* The write end of a full pipe without a reader says EPOLLERR and nothing else. */
START_TEST(a_broken_descriptor_is_noticed_by_who_waits_to_send)
{
	static const struct net_ops ops = { .send = send_to_none, .receive = receive_none };
	struct net_test *test = calloc(1, sizeof(*test));
	AxNet *net = net_new(&ops, net_lost, test);
	char bytes[4096] = { 0 };
	int ends[2];

	ck_assert_ptr_nonnull(net);
	net->more = calloc(1, sizeof(unsigned));
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
	while (write(ends[1], bytes, sizeof(bytes)) > 0)
		;
	net->fds[0] = ends[1];
	test->peer = -1;
	net_test_attach(test, net, 0);
	drv_start(test->drv, DRV_ALL);
	net_send(test, 100, 1);
	drv_kick(test->drv, TX);
	drv_run(test->drv);
	ck_assert_uint_eq(test->lost, 0);
	close(ends[0]);
	drv_run(test->drv);
	ck_assert_uint_eq(test->lost, 1);
	drv_wait(test->drv, TX, NULL);
	net_test_free(test);
}
END_TEST

START_TEST(a_buffer_that_cannot_take_a_header_breaks_the_device)
{
	struct net_test *test = net_test_new(SOCK_SEQPACKET, 0, 0);
	struct drv *drv = test->drv;
	uint64_t gpa = drv_alloc(drv, 100);

	drv_start(drv, DRV_ALL);
	if (_i)
		drv_add(drv, RX, DRV_OUT(gpa, 100));
	else
		drv_add(drv, RX, DRV_IN(gpa, 11));
	drv_kick(drv, RX);
	drv_run(drv);
	ck_assert(drv_is_broken(drv));
	/* The next driver has a device that works. */
	drv_start(drv, DRV_ALL);
	net_give(test, 2000);
	drv_kick(drv, RX);
	net_inject(test, 100, 1);
	drv_wait(drv, RX, NULL);
	ck_assert(!drv_is_broken(drv));
	net_test_free(test);
}
END_TEST

START_TEST(a_command_without_room_for_the_answer_breaks_the_device)
{
	struct net_test *test = net_test_new(SOCK_SEQPACKET, 0, 0);
	struct drv *drv = test->drv;
	uint64_t gpa = drv_alloc(drv, 100);

	drv_start(drv, DRV_ALL);
	drv_add(drv, CTRL, DRV_OUT(gpa, 3));
	drv_kick(drv, CTRL);
	drv_run(drv);
	ck_assert(drv_is_broken(drv));
	net_test_free(test);
}
END_TEST

/* Frames that had no room go back; a driver that changes them then is broken, and nobody waits for ever. */
START_TEST(a_driver_that_takes_back_what_it_gave_breaks_the_device)
{
	struct net_test *test = net_test_new(SOCK_SEQPACKET, 0, 0);
	struct drv *drv = test->drv;
	struct virtq_packed_desc *ring;
	unsigned small = 4608;
	uint8_t frame[2000];
	uint16_t at;

	setsockopt(test->net->fds[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	drv_start(drv, DRV_ALL);
	for (unsigned i = 0; i < 50; i++)
		net_send(test, 1500, i);
	drv_kick(drv, TX);
	drv_run(drv);
	ck_assert_uint_gt(drv->virtio->queues[TX].returned, 1);
	ring = drv_ptr(drv, drv->queues[TX].descriptors);
	at = drv->virtio->queues[TX].avail;
	if (_i)
		ring[at].flags = 0;
	else
		ring[at].flags |= VIRTQ_DESC_NEXT;
	while (recv(test->peer, frame, sizeof(frame), MSG_DONTWAIT) > 0)
		;
	drv_run(drv);
	while (recv(test->peer, frame, sizeof(frame), MSG_DONTWAIT) > 0)
		drv_run(drv);
	ck_assert(drv_is_broken(drv) || !_i);
	net_test_free(test);
}
END_TEST

START_TEST(a_reset_gives_back_what_is_held)
{
	struct net_test *test = net_test_new(SOCK_SEQPACKET, 0, 9000);
	struct drv *drv = test->drv;
	uint32_t len;

	drv_start(drv, _i ? DRV_ALL : DRV_SPLIT);
	for (unsigned i = 0; i < 3; i++)
		net_give(test, 1000);
	drv_kick(drv, RX);
	/* A frame in pieces, of which the rest has no room yet. */
	net_inject(test, 5000, 1);
	drv_run(drv);
	ck_assert_uint_eq(drv->virtio->queues[RX].in_flight, 3);
	drv_reset(drv);
	drv_start(drv, _i ? DRV_ALL : DRV_SPLIT);
	for (unsigned i = 0; i < 10; i++)
		net_give(test, 1000);
	drv_kick(drv, RX);
	drv_run(drv);
	ck_assert_int_eq(drv_take(drv, RX, &len), -1);
	net_inject(test, 60, 2);
	drv_wait(drv, RX, &len);
	ck_assert_uint_eq(len, 72);
	drv_reboot(drv);
	drv_start(drv, _i ? DRV_ALL : DRV_SPLIT);
	net_give(test, 1000);
	drv_kick(drv, RX);
	net_inject(test, 60, 3);
	drv_wait(drv, RX, &len);
	ck_assert_uint_eq(len, 72);
	net_test_free(test);
}
END_TEST

START_TEST(saving_leaves_the_device_at_work)
{
	struct net_test *test = new_tap_like();
	struct drv *drv = test->drv;
	AxState *state = ax_state_new();
	uint64_t offloads = NET_F_GUEST_CSUM;
	uint64_t gpa[4];
	const void *bytes;
	AxState *copy;
	uint32_t len;
	size_t size;

	drv_start(drv, _i ? DRV_ALL : DRV_SPLIT);
	ck_assert_uint_eq(command_on(test, 6, 5, 0, &offloads, 8), 0);
	ck_assert_uint_eq(command_on(test, 6, 4, 0, "\2\0", 2), 0);
	ck_assert_uint_eq(command_on(test, 6, 1, 1, "\2\11\22\33\44\55", 6), 0);
	for (unsigned i = 0; i < 4; i++)
		gpa[i] = net_give(test, 2000);
	drv_kick(drv, RX);
	drv_run(drv);
	ck_assert_uint_ge(drv->virtio->queues[RX].in_flight, 1);
	ck_assert_int_eq(ax_devices_save(drv->vm, state, NULL), 0);
	net_inject(test, 100, 1);
	drv_wait(drv, RX, &len);
	net_check(drv_ptr(drv, gpa[0]), 10, 1);

	/*
	 * Back to that: pairs, offloads and address are as they were; buffers, too, where the memory, which
	 * did not go back, still has them (a packed ring is written over).
	 */
	bytes = ax_state_bytes(state, &size);
	copy = ax_state_from_bytes(bytes, size);
	ck_assert_ptr_nonnull(copy);
	told_offloads = told_pairs = 0;
	ck_assert_int_eq(ax_devices_restore(drv->vm, copy, NULL), 0);
	ck_assert_uint_eq(told_offloads, NET_F_GUEST_CSUM);
	ck_assert_uint_eq(told_pairs, 2);
	ck_assert_uint_eq(drv_config(drv, 1, 1), 011);
	net_inject(test, 100, 2);
	drv_run(drv);
	if (!_i)
		ck_assert_mem_eq(drv_ptr(drv, gpa[0]), "\x3e\x3f\x40", 3);
	ax_state_free(copy);
	ax_state_free(state);
	net_test_free(test);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("virtio_net_ctrl");
	TCase *tc = tcase_create("net");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, filters_are_accepted_when_they_make_sense, 0, 2);
	tcase_add_test(tc, the_driver_changes_the_address);
	tcase_add_test(tc, offloads_go_to_the_net_as_the_driver_wants_them);
	tcase_add_test(tc, pairs_of_queues_are_used_when_the_driver_says_so);
	tcase_add_test(tc, without_mq_control_is_queue_2);
	tcase_add_test(tc, headers_go_through_where_the_net_takes_them);
	tcase_add_loop_test(tc, a_connection_that_ends_takes_the_link_down, 0, 2);
	tcase_add_loop_test(tc, an_end_is_noticed_by_sending_too, 0, 2);
	tcase_add_test(tc, a_broken_descriptor_is_noticed_by_who_waits_to_send);
	tcase_add_loop_test(tc, a_buffer_that_cannot_take_a_header_breaks_the_device, 0, 2);
	tcase_add_test(tc, a_command_without_room_for_the_answer_breaks_the_device);
	tcase_add_loop_test(tc, a_driver_that_takes_back_what_it_gave_breaks_the_device, 0, 2);
	tcase_add_loop_test(tc, a_reset_gives_back_what_is_held, 0, 2);
	tcase_add_loop_test(tc, saving_leaves_the_device_at_work, 0, 2);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return drv_suite(suite());
}
