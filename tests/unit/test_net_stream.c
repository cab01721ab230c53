/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Networks over stream sockets: frames keep their boundaries however the bytes come and go.
 */
#include <endian.h>

#include "tests/unit/net_fixture.h"

/* A frame with its length, as bytes: how many. */
static size_t encode(uint8_t *bytes, uint32_t len, unsigned seed)
{
	uint32_t length = htobe32(len);

	memcpy(bytes, &length, 4);
	net_fill(bytes + 4, len, seed);
	return len + 4;
}

static void give_buffers(struct net_test *test, uint64_t *gpa, unsigned count, uint32_t size)
{
	for (unsigned i = 0; i < count; i++)
		gpa[i] = net_give(test, size);
	drv_kick(test->drv, RX);
}

START_TEST(frames_arrive_whatever_the_pieces)
{
	/* Bytes of each piece: one at a time, in odd ones, all at once. */
	static const size_t pieces[] = { 1, 3, 100, 100000 };
	struct net_test *test = net_test_new(SOCK_STREAM, 0, 0);
	struct drv *drv = test->drv;
	static uint8_t bytes[40000];
	uint64_t gpa[30];
	size_t len = 0;

	drv_start(drv, DRV_ALL);
	give_buffers(test, gpa, 30, 2000);
	for (unsigned i = 0; i < 20; i++)
		len += encode(bytes + len, 14 + i * 70, i);
	for (size_t at = 0, part; at < len; at += part) {
		part = len - at < pieces[_i] ? len - at : pieces[_i];
		ck_assert_int_eq(send(test->peer, bytes + at, part, 0), (ssize_t)part);
		drv_run(drv);
	}
	for (unsigned i = 0; i < 20; i++) {
		uint32_t got;

		drv_wait(drv, RX, &got);
		ck_assert_uint_eq(got, 12 + 14 + i * 70);
		net_check(drv_ptr(drv, gpa[i] + 12), got - 12, i);
	}
	ck_assert_int_eq(drv_take(drv, RX, NULL), -1);
	net_test_free(test);
}
END_TEST

START_TEST(frames_too_short_are_skipped)
{
	struct net_test *test = net_test_new(SOCK_STREAM, 0, 0);
	struct drv *drv = test->drv;
	uint8_t bytes[1000];
	uint64_t gpa[4];
	uint32_t got;
	size_t len;

	drv_start(drv, DRV_ALL);
	give_buffers(test, gpa, 4, 2000);
	len = encode(bytes, 0, 0);
	len += encode(bytes + len, 13, 0);
	len += encode(bytes + len, 60, 5);
	ck_assert_int_eq(send(test->peer, bytes, len, 0), (ssize_t)len);
	drv_wait(drv, RX, &got);
	ck_assert_uint_eq(got, 72);
	net_check(drv_ptr(drv, gpa[0] + 12), 60, 5);
	net_test_free(test);
}
END_TEST

START_TEST(a_length_that_cannot_be_ends_the_connection)
{
	static const uint32_t lengths[] = { NET_FRAME_MAX + 1, UINT32_MAX };
	struct net_test *test = net_test_new(SOCK_STREAM, 0, 0);
	struct drv *drv = test->drv;
	uint32_t length = htobe32(lengths[_i]);
	uint64_t gpa[4];

	drv_start(drv, DRV_ALL);
	give_buffers(test, gpa, 4, 2000);
	ck_assert_int_eq(send(test->peer, &length, 4, 0), 4);
	drv_run(drv);
	ck_assert_uint_eq(test->lost, 1);
	ck_assert_ptr_nonnull(strstr(test->message, "bytes"));
	ck_assert_uint_eq(drv_config(drv, NET_CONFIG_STATUS, 2), 0);
	net_test_free(test);
}
END_TEST

START_TEST(the_longest_frame_arrives)
{
	struct net_test *test = net_test_new(SOCK_STREAM, 0, 65520);
	struct drv *drv = test->drv;
	static uint8_t bytes[NET_FRAME_MAX + 4];
	static uint8_t frame[NET_FRAME_MAX + 12];
	uint64_t gpa[60];
	uint32_t got = 0, part;
	size_t len = encode(bytes, NET_FRAME_MAX, 3), at = 0;

	drv_start(drv, DRV_ALL);
	give_buffers(test, gpa, 60, 1536);
	while (at < len) {
		ssize_t sent = send(test->peer, bytes + at, len - at, MSG_DONTWAIT);

		at += sent > 0 ? (size_t)sent : 0;
		drv_run(drv);
	}
	for (unsigned i = 0; got < NET_FRAME_MAX + 12; i++) {
		drv_wait(drv, RX, &part);
		memcpy(frame + got, drv_ptr(drv, gpa[i]), part);
		got += part;
	}
	ck_assert_uint_eq(got, NET_FRAME_MAX + 12);
	net_check(frame + 12, NET_FRAME_MAX, 3);
	net_test_free(test);
}
END_TEST

/* Read exactly @len bytes, running the device while none are there. */
static void read_all(struct net_test *test, void *to, size_t len, size_t piece)
{
	for (size_t at = 0; at < len;) {
		size_t part = len - at < piece ? len - at : piece;
		ssize_t got = recv(test->peer, (uint8_t *)to + at, part, MSG_DONTWAIT);

		if (got < 0)
			drv_run(test->drv);
		else
			at += (size_t)got;
	}
}

/* The socket's buffer takes parts of frames: the reader sees whole ones, in order. */
START_TEST(a_slow_reader_sees_whole_frames_in_order)
{
	struct net_test *test = net_test_new(SOCK_STREAM, 0, 0);
	struct drv *drv = test->drv;
	unsigned sent = 0, back = 0, small = 4608;
	static uint8_t frame[NET_FRAME_MAX];

	setsockopt(test->net->fds[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	drv_start(drv, _i ? DRV_ALL : DRV_SPLIT);
	for (unsigned seen = 0; seen < 500; seen++) {
		uint32_t want = 14 + (seen * 997) % (seen % 50 == 49 ? 40000 : 3000), length;

		for (; sent < 500; sent++) {
			size_t len = 14 + (sent * 997) % (sent % 50 == 49 ? 40000 : 3000);

			if (net_send(test, len, sent) < 0)
				break;
		}
		drv_kick(drv, TX);
		drv_run(drv);
		while (drv_take(drv, TX, NULL) >= 0)
			back++;
		read_all(test, &length, 4, 3);
		ck_assert_uint_eq(be32toh(length), want);
		read_all(test, frame, want, 1000);
		net_check(frame, want, seen);
	}
	drv_run(drv);
	while (drv_take(drv, TX, NULL) >= 0)
		back++;
	ck_assert_uint_eq(back, 500);
	net_test_free(test);
}
END_TEST

/* A frame of which the socket took a part is finished even when its driver is gone. */
START_TEST(a_reset_does_not_tear_a_frame)
{
	struct net_test *test = net_test_new(SOCK_STREAM, 0, 0);
	struct drv *drv = test->drv;
	unsigned small = 4608, frames = 0;
	static uint8_t frame[NET_FRAME_MAX];
	uint32_t length;

	setsockopt(test->net->fds[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	drv_start(drv, DRV_ALL);
	for (unsigned i = 0; i < 10; i++)
		net_send(test, 30000, 1);
	drv_kick(drv, TX);
	drv_run(drv);
	drv_reset(drv);
	drv_start(drv, DRV_ALL);
	net_send(test, 100, 2);
	drv_kick(drv, TX);
	do {
		read_all(test, &length, 4, 4);
		length = be32toh(length);
		ck_assert(length == 30000 || length == 100);
		read_all(test, frame, length, 100000);
		net_check(frame, length, length == 100 ? 2 : 1);
		ck_assert_uint_lt(++frames, 12);
	} while (length != 100);
	net_test_free(test);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("net_stream");
	TCase *tc = tcase_create("net");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, frames_arrive_whatever_the_pieces, 0, 4);
	tcase_add_test(tc, frames_too_short_are_skipped);
	tcase_add_loop_test(tc, a_length_that_cannot_be_ends_the_connection, 0, 2);
	tcase_add_test(tc, the_longest_frame_arrives);
	tcase_add_loop_test(tc, a_slow_reader_sees_whole_frames_in_order, 0, 2);
	tcase_add_test(tc, a_reset_does_not_tear_a_frame);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return drv_suite(suite());
}
