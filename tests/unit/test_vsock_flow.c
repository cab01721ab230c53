/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Virtio socket device: data in quantity, credit, half-closed connections, queues that are full.
 */
#include "tests/unit/vsock_fixture.h"

#define MANY (1u << 20)

static uint8_t pattern(uint32_t i)
{
	return (uint8_t)(i * 2654435761u >> 24);
}

/* Read what is there; every byte is as it was sent. */
static uint32_t drain_host(int fd, uint32_t at)
{
	uint8_t buffer[8192];
	ssize_t got;

	while ((got = recv(fd, buffer, sizeof(buffer), 0)) > 0) {
		for (ssize_t i = 0; i < got; i++)
			if (buffer[i] != pattern(at + (uint32_t)i))
				ck_abort_msg("byte %u is wrong", at + (uint32_t)i);
		at += (uint32_t)got;
	}
	return at;
}

static void check_megabyte_to_host(uint64_t features)
{
	struct guest *guest = guest_new(0);
	uint8_t *bytes = malloc(MANY);
	struct vsock_header header = guest_header(VSOCK_OP_RW, 1, 52);
	uint32_t sent = 0, alloc = 0, forwarded = 0, got = 0;
	time_t end = time(NULL) + 30;
	int listener, fd;

	for (uint32_t i = 0; i < MANY; i++)
		bytes[i] = pattern(i);
	guest_start(guest, features, RX_BUFFERS);
	listener = host_listen(guest, 52, 5);
	fd = guest_connect(guest, listener, 1, 52);
	alloc = guest->header.buf_alloc;
	while (got < MANY) {
		uint32_t credit = alloc - (sent - forwarded), len = 1 + sent * 7 % VSOCK_PACKET;

		ck_assert(time(NULL) < end);
		len = len > credit ? credit : len;
		len = len > MANY - sent ? MANY - sent : len;
		header.len = len;
		if (len)
			guest_send_raw(guest, &header, bytes + sent, len);
		sent += len;
		drv_run(guest->drv);
		while (guest_take(guest)) {
			ck_assert_uint_eq(guest->header.op, VSOCK_OP_CREDIT_UPDATE);
			forwarded = guest->header.fwd_cnt;
			ck_assert_uint_le(forwarded, sent);
		}
		/* The reader is slow: at first the buffer fills up. */
		if (!len || sent == MANY)
			got = drain_host(fd, got);
	}
	ck_assert_uint_eq(got, MANY);
	close(fd);
	host_unlisten(guest, listener, 52);
	guest_free(guest);
	free(bytes);
}

START_TEST(a_megabyte_reaches_the_host_as_it_was)
{
	check_megabyte_to_host(DRV_SPLIT);
	check_megabyte_to_host(DRV_ALL);
}
END_TEST

static void check_megabyte_to_guest(uint64_t features)
{
	struct guest *guest = guest_new(0);
	uint32_t port, sent = 0, got = 0, told = 0;
	time_t end = time(NULL) + 30;
	uint8_t chunk[5000];
	int fd;

	guest_start(guest, features, RX_BUFFERS);
	fd = guest_accept(guest, 80, &port);
	while (got < MANY) {
		ck_assert(time(NULL) < end);
		while (sent < MANY) {
			uint32_t len = MANY - sent < sizeof(chunk) ? MANY - sent : sizeof(chunk);
			ssize_t took;

			for (uint32_t i = 0; i < len; i++)
				chunk[i] = pattern(sent + i);
			took = send(fd, chunk, len, 0);
			if (took < 0)
				break;
			sent += (uint32_t)took;
		}
		drv_run(guest->drv);
		while (guest_take(guest)) {
			if (guest->header.op == VSOCK_OP_CREDIT_REQUEST)
				continue;
			ck_assert_uint_eq(guest->header.op, VSOCK_OP_RW);
			for (uint32_t i = 0; i < guest->header.len; i++)
				if (guest->payload[i] != pattern(got + i))
					ck_abort_msg("byte %u is wrong", got + i);
			got += guest->header.len;
			ck_assert_uint_le(got - told, GUEST_ALLOC);
			drv_run(guest->drv);
		}
		/* All the credit is used before there is new. */
		if (got - told == GUEST_ALLOC || (sent == MANY && got < MANY)) {
			struct vsock_header header = guest_header(VSOCK_OP_CREDIT_UPDATE, 80, port);

			told = got;
			header.fwd_cnt = got;
			guest_send_raw(guest, &header, NULL, 0);
		}
	}
	ck_assert_uint_eq(got, MANY);
	close(fd);
	guest_free(guest);
}

START_TEST(a_megabyte_reaches_the_guest_as_it_was)
{
	check_megabyte_to_guest(DRV_SPLIT);
	check_megabyte_to_guest(DRV_ALL);
}
END_TEST

START_TEST(without_credit_the_guest_is_asked_once_and_gets_nothing)
{
	struct guest *guest = guest_new(0);
	struct vsock_header header = guest_header(VSOCK_OP_CREDIT_UPDATE, 1, 52);
	int listener, fd;

	guest_start(guest, DRV_ALL, RX_BUFFERS);
	listener = host_listen(guest, 52, 5);
	fd = guest_connect(guest, listener, 1, 52);
	header.buf_alloc = 3;
	guest_send_raw(guest, &header, NULL, 0);
	drv_run(guest->drv);
	ck_assert_int_eq(send(fd, "abcdefgh", 8, 0), 8);
	guest_expect(guest, VSOCK_OP_RW, 1, 52);
	ck_assert_uint_eq(guest->header.len, 3);
	guest_expect(guest, VSOCK_OP_CREDIT_REQUEST, 1, 52);
	guest_expect_nothing(guest);
	header.fwd_cnt = 2;
	guest_send_raw(guest, &header, NULL, 0);
	guest_expect(guest, VSOCK_OP_RW, 1, 52);
	ck_assert_uint_eq(guest->header.len, 2);
	guest_expect(guest, VSOCK_OP_CREDIT_REQUEST, 1, 52);
	/* An answer without credit makes no new question; a count that is impossible is no credit. */
	guest_send_raw(guest, &header, NULL, 0);
	header.fwd_cnt = 1000;
	guest_send_raw(guest, &header, NULL, 0);
	guest_expect_nothing(guest);
	header.fwd_cnt = 5;
	guest_send_raw(guest, &header, NULL, 0);
	guest_expect(guest, VSOCK_OP_RW, 1, 52);
	ck_assert_uint_eq(guest->header.len, 3);
	/* There may be more. */
	guest_expect(guest, VSOCK_OP_CREDIT_REQUEST, 1, 52);
	/* And the other way round. */
	guest_say(guest, VSOCK_OP_CREDIT_REQUEST, 1, 52);
	guest_expect(guest, VSOCK_OP_CREDIT_UPDATE, 1, 52);
	close(fd);
	host_unlisten(guest, listener, 52);
	guest_free(guest);
}
END_TEST

START_TEST(a_guest_that_overdraws_its_credit_is_reset)
{
	struct guest *guest = guest_new(0);
	static uint8_t bytes[VSOCK_PACKET];
	struct vsock_header header = guest_header(VSOCK_OP_RW, 1, 52);
	uint32_t sent = 0;
	int listener, fd;

	guest_start(guest, DRV_ALL, RX_BUFFERS);
	listener = host_listen(guest, 52, 5);
	fd = guest_connect(guest, listener, 1, 52);
	header.len = VSOCK_PACKET;
	/* Nobody reads: what the kernel holds, then 256 KiB. */
	while (drv_run(guest->drv),
	       !guest_take(guest) || guest->header.op == VSOCK_OP_CREDIT_UPDATE) {
		guest_send_raw(guest, &header, bytes, VSOCK_PACKET);
		sent += VSOCK_PACKET;
		ck_assert_uint_lt(sent, 8 * MANY);
	}
	ck_assert_uint_eq(guest->header.op, VSOCK_OP_RST);
	ck_assert_uint_gt(sent, VSOCK_BUFFER);
	/* A length beyond the packet's end. */
	close(fd);
	fd = guest_connect(guest, listener, 1, 52);
	header.len = 100;
	guest_send_raw(guest, &header, bytes, 99);
	guest_expect(guest, VSOCK_OP_RST, 1, 52);
	close(fd);
	host_unlisten(guest, listener, 52);
	guest_free(guest);
}
END_TEST

START_TEST(what_a_program_sent_before_it_left_arrives_before_the_end)
{
	struct guest *guest = guest_new(0);
	uint32_t port;
	int fd;

	guest_start(guest, DRV_ALL, RX_BUFFERS);
	fd = guest_accept(guest, 80, &port);
	ck_assert_int_eq(send(fd, "last words", 10, 0), 10);
	close(fd);
	do {
		while (!guest_take(guest))
			ck_assert_int_ge(ax_loop_dispatch(guest->drv->host, 10, NULL), 0);
	} while (guest->header.op == VSOCK_OP_SHUTDOWN && guest->header.flags == VSOCK_NO_RECEIVE);
	ck_assert_uint_eq(guest->header.op, VSOCK_OP_RW);
	ck_assert_uint_eq(guest->header.len, 10);
	guest_expect(guest, VSOCK_OP_SHUTDOWN, 80, port);
	ck_assert_uint_eq(guest->header.flags, VSOCK_NEITHER);
	guest_say(guest, VSOCK_OP_RST, 80, port);
	guest_expect_nothing(guest);
	guest_free(guest);
}
END_TEST

START_TEST(each_direction_closes_by_itself)
{
	struct guest *guest = guest_new(0);
	struct vsock_header header = guest_header(VSOCK_OP_RW, 80, 0);
	uint32_t port;
	char byte;
	int fd;

	guest_start(guest, DRV_ALL, RX_BUFFERS);
	fd = guest_accept(guest, 80, &port);
	header.dst_port = port;
	/* The program is done with sending; the guest is not. */
	ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
	guest_expect(guest, VSOCK_OP_SHUTDOWN, 80, port);
	ck_assert_uint_eq(guest->header.flags, VSOCK_NO_SEND);
	header.len = 3;
	guest_send_raw(guest, &header, "abc", 3);
	host_expect(guest, fd, "abc");
	header.op = VSOCK_OP_SHUTDOWN;
	header.len = 0;
	header.flags = VSOCK_NO_SEND;
	guest_send_raw(guest, &header, NULL, 0);
	ck_assert_int_eq(host_read(guest, fd, &byte, 1), 0);
	/* Both are closed now: the device says so, and the guest agrees. */
	guest_expect(guest, VSOCK_OP_SHUTDOWN, 80, port);
	ck_assert_uint_eq(guest->header.flags, VSOCK_NEITHER);
	guest_say(guest, VSOCK_OP_RST, 80, port);
	guest_expect_nothing(guest);
	close(fd);
	guest_free(guest);
}
END_TEST

START_TEST(the_guest_closes_and_the_reader_still_gets_everything)
{
	struct guest *guest = guest_new(0);
	static uint8_t bytes[VSOCK_PACKET];
	struct vsock_header header = guest_header(VSOCK_OP_RW, 1, 52);
	uint32_t sent = 0, alloc, forwarded = 0;
	uint64_t got = 0;
	int listener, fd;
	ssize_t len;

	guest_start(guest, DRV_ALL, RX_BUFFERS);
	listener = host_listen(guest, 52, 5);
	fd = guest_connect(guest, listener, 1, 52);
	alloc = guest->header.buf_alloc;
	while (alloc - (sent - forwarded) >= VSOCK_PACKET) {
		header.len = VSOCK_PACKET;
		guest_send_raw(guest, &header, bytes, VSOCK_PACKET);
		sent += VSOCK_PACKET;
		drv_run(guest->drv);
		while (guest_take(guest))
			forwarded = guest->header.fwd_cnt;
	}
	header.op = VSOCK_OP_SHUTDOWN;
	header.len = 0;
	header.flags = VSOCK_NEITHER;
	guest_send_raw(guest, &header, NULL, 0);
	/* It has lost patience before the reader has read a byte. */
	guest_expect_nothing(guest);
	guest_say(guest, VSOCK_OP_RST, 1, 52);
	drv_run(guest->drv);
	while ((len = host_read(guest, fd, bytes, sizeof(bytes))) > 0)
		got += (uint64_t)len;
	ck_assert_int_eq(len, 0);
	ck_assert_uint_eq(got, sent);
	close(fd);
	/* One that is read at once ends with the device's reset. */
	fd = guest_connect(guest, listener, 1, 52);
	guest_send_raw(guest, &header, NULL, 0);
	guest_expect(guest, VSOCK_OP_RST, 1, 52);
	ck_assert_int_eq(host_read(guest, fd, bytes, 1), 0);
	close(fd);
	host_unlisten(guest, listener, 52);
	guest_free(guest);
}
END_TEST

START_TEST(a_program_that_does_not_read_any_more_is_reported)
{
	struct guest *guest = guest_new(0);
	struct vsock_header header = guest_header(VSOCK_OP_RW, 80, 0);
	uint32_t port;
	int fd;

	guest_start(guest, DRV_ALL, RX_BUFFERS);
	fd = guest_accept(guest, 80, &port);
	header.dst_port = port;
	ck_assert_int_eq(shutdown(fd, SHUT_RD), 0);
	header.len = 3;
	guest_send_raw(guest, &header, "abc", 3);
	guest_expect(guest, VSOCK_OP_SHUTDOWN, 80, port);
	ck_assert_uint_eq(guest->header.flags, VSOCK_NO_RECEIVE);
	ck_assert_uint_eq(guest->header.fwd_cnt, 3);
	ck_assert_int_eq(send(fd, "still here", 10, 0), 10);
	guest_expect(guest, VSOCK_OP_RW, 80, port);
	close(fd);
	guest_free(guest);
}
END_TEST

START_TEST(a_guest_that_does_not_agree_to_the_end_is_reset)
{
#ifdef DRV_RECORDED
	return; /* it takes eight seconds: once is enough */
#endif
	struct guest *guest = guest_new(0);
	uint32_t port;
	int fd;

	guest_start(guest, DRV_ALL, RX_BUFFERS);
	fd = guest_accept(guest, 80, &port);
	close(fd);
	do {
		while (!guest_take(guest))
			ck_assert_int_ge(ax_loop_dispatch(guest->drv->host, 10, NULL), 0);
	} while (guest->header.op == VSOCK_OP_SHUTDOWN);
	ck_assert_uint_eq(guest->header.op, VSOCK_OP_RST);
	guest_free(guest);
}
END_TEST

START_TEST(answers_wait_for_buffers_and_none_is_lost)
{
	struct guest *guest = guest_new(0);
	unsigned answers = 0, asked = 0;

	guest_start(guest, DRV_ALL, 0);
	/* More than the device keeps: it takes no more packets then. */
	for (; asked < VSOCK_RESETS + TX_BUFFERS; asked++) {
		guest_reclaim(guest);
		if (!guest->tx_free_count)
			break;
		guest_say(guest, VSOCK_OP_CREDIT_UPDATE, asked, 99);
		drv_run(guest->drv);
	}
	ck_assert_uint_eq(asked, VSOCK_RESETS + TX_BUFFERS);
	guest_reclaim(guest);
	ck_assert_uint_eq(guest->tx_free_count, 0);
	for (unsigned i = 0; i < RX_BUFFERS; i++)
		guest_give_rx(guest, guest->rx + i * RX_BUFFER);
	drv_kick(guest->drv, VSOCK_RX);
	while (drv_run(guest->drv), guest_take(guest)) {
		ck_assert_uint_eq(guest->header.op, VSOCK_OP_RST);
		ck_assert_uint_eq(guest->header.dst_port, answers);
		answers++;
	}
	ck_assert_uint_eq(answers, asked);
	guest_free(guest);
}
END_TEST

START_TEST(connections_take_turns)
{
	struct guest *guest = guest_new(0);
	static uint8_t bytes[65536];
	uint32_t port[4], got[4] = { 0 };
	int fd[4];

	guest_start(guest, DRV_ALL, 8);
	for (unsigned i = 0; i < 4; i++)
		fd[i] = guest_accept(guest, 80, &port[i]);
	for (unsigned i = 0; i < 4; i++)
		ck_assert_int_gt(send(fd[i], bytes, sizeof(bytes), 0), 0);
	drv_run(guest->drv);
	for (unsigned n = 0; n < 40; n++) {
		while (!guest_take(guest))
			drv_run(guest->drv);
		for (unsigned i = 0; i < 4; i++)
			got[i] += guest->header.src_port == port[i];
	}
	for (unsigned i = 0; i < 4; i++) {
		ck_assert_uint_ge(got[i], 8);
		close(fd[i]);
	}
	guest_free(guest);
}
END_TEST

START_TEST(hundreds_of_connections_are_told_apart)
{
	enum { COUNT = 400 };
	struct guest *guest = guest_new(COUNT);
	struct vsock_header header = guest_header(VSOCK_OP_RW, 0, 52);
	static int fd[COUNT];
	int listener, value;

	guest_start(guest, DRV_ALL, RX_BUFFERS);
	listener = host_listen(guest, 52, 128);
	for (unsigned i = 0; i < COUNT; i++)
		fd[i] = guest_connect(guest, listener, i * 64, 52);
	header.len = sizeof(value);
	for (unsigned i = 0; i < COUNT; i++) {
		header.src_port = i * 64;
		guest_send_raw(guest, &header, &i, sizeof(i));
	}
	drv_run(guest->drv);
	for (int i = 0; i < COUNT; i++) {
		ck_assert_int_eq(host_read(guest, fd[i], &value, sizeof(value)), sizeof(value));
		ck_assert_int_eq(value, i);
		close(fd[i]);
	}
	host_unlisten(guest, listener, 52);
	guest_free(guest);
}
END_TEST

RUN_CORE_TESTS("vsock flow", a_megabyte_reaches_the_host_as_it_was,
	       a_megabyte_reaches_the_guest_as_it_was,
	       without_credit_the_guest_is_asked_once_and_gets_nothing,
	       a_guest_that_overdraws_its_credit_is_reset,
	       what_a_program_sent_before_it_left_arrives_before_the_end,
	       each_direction_closes_by_itself,
	       the_guest_closes_and_the_reader_still_gets_everything,
	       a_program_that_does_not_read_any_more_is_reported,
	       a_guest_that_does_not_agree_to_the_end_is_reset,
	       answers_wait_for_buffers_and_none_is_lost, connections_take_turns,
	       hundreds_of_connections_are_told_apart)
