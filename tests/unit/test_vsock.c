/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Virtio socket device: connecting in both directions, refusals, ends, limits.
 */
#include "tests/unit/vsock_fixture.h"

START_TEST(a_guest_reads_its_cid)
{
	struct guest *guest = guest_new(0);

	guest_start(guest, DRV_ALL, RX_BUFFERS);
	ck_assert_uint_eq(ax_virtio_id(guest->drv->virtio), 19);
	ck_assert_uint_eq(drv_config(guest->drv, 0, 8), GUEST_CID);
	guest_free(guest);
}
END_TEST

START_TEST(configurations_that_make_no_sense_are_refused)
{
	struct guest guest = { .drv = drv_new() };
	AxVirtioVsockConfig config = AX_VIRTIO_VSOCK_CONFIG_INIT;
	AxError err = AX_ERROR_INIT;
	AxVirtio *virtio = NULL;
	char missing[80];

	guest_config(&guest, &config);
	config.cid = 2;
	ck_assert_fails(ax_virtio_vsock_new(&config, &virtio, &err), -EINVAL, AX_ERROR_ARGUMENT,
			"CID");
	config.cid = UINT32_MAX;
	ck_assert_fails(ax_virtio_vsock_new(&config, &virtio, &err), -EINVAL, AX_ERROR_ARGUMENT,
			"CID");
	config.cid = GUEST_CID;
	config.host = NULL;
	ck_assert_fails(ax_virtio_vsock_new(&config, &virtio, &err), -EINVAL, AX_ERROR_ARGUMENT,
			"host");
	config.host = guest.drv->host;
	config.connections = AX_VIRTIO_VSOCK_CONNECTIONS_MAX + 1;
	ck_assert_fails(ax_virtio_vsock_new(&config, &virtio, &err), -EINVAL, AX_ERROR_ARGUMENT,
			"connections");
	config.connections = 0;
	config.path = NULL;
	ck_assert_fails(ax_virtio_vsock_new(&config, &virtio, &err), -EINVAL, AX_ERROR_ARGUMENT,
			"path");
	snprintf(missing, sizeof(missing), "%s/none/v", guest.folder);
	config.path = missing;
	ck_assert_fails(ax_virtio_vsock_new(&config, &virtio, &err), -ENOENT, AX_ERROR_FILE,
			missing);
	rmdir(guest.folder);
	drv_free(guest.drv);
}
END_TEST

START_TEST(a_socket_left_behind_is_replaced_and_one_in_use_is_not)
{
	struct guest guest = { .drv = drv_new() };
	AxVirtioVsockConfig config = AX_VIRTIO_VSOCK_CONFIG_INIT;
	AxError err = AX_ERROR_INIT;
	AxVirtio *virtio = NULL, *second = NULL;
	FILE *file;

	guest_config(&guest, &config);
	close(host_listen(&guest, -1, 1)); /* as a killed process leaves it */
	ck_assert_msg(!ax_virtio_vsock_new(&config, &virtio, &err), "%s", err.message);
	ck_assert_fails(ax_virtio_vsock_new(&config, &second, &err), -EEXIST, AX_ERROR_FILE,
			guest.path);
	ax_virtio_free(virtio);
	file = fopen(guest.path, "w");
	ck_assert_ptr_nonnull(file);
	fclose(file);
	ck_assert_fails(ax_virtio_vsock_new(&config, &virtio, &err), -EEXIST, AX_ERROR_FILE,
			"no socket");
	unlink(guest.path);
	rmdir(guest.folder);
	drv_free(guest.drv);
}
END_TEST

START_TEST(the_guest_connects_and_bytes_flow_both_ways)
{
	struct guest *guest = guest_new(0);
	struct vsock_header header = guest_header(VSOCK_OP_RW, 1000, 52);
	int listener, fd;

	guest_start(guest, DRV_ALL, RX_BUFFERS);
	listener = host_listen(guest, 52, 5);
	fd = guest_connect(guest, listener, 1000, 52);
	header.len = 5;
	guest_send_raw(guest, &header, "hello", 5);
	host_expect(guest, fd, "hello");
	ck_assert_int_eq(send(fd, "world!", 6, 0), 6);
	guest_expect(guest, VSOCK_OP_RW, 1000, 52);
	ck_assert_uint_eq(guest->header.len, 6);
	ck_assert_uint_eq(guest->header.fwd_cnt, 5);
	ck_assert_int_eq(memcmp(guest->payload, "world!", 6), 0);
	close(fd);
	host_unlisten(guest, listener, 52);
	guest_free(guest);
}
END_TEST

START_TEST(a_program_connects_to_the_guest_by_its_line)
{
	struct guest *guest = guest_new(0);
	char line[32];
	uint32_t port;
	int fd;

	guest_start(guest, DRV_SPLIT, RX_BUFFERS);
	/* In pieces, and with the first bytes of the stream behind it. */
	fd = host_connect(guest, "CONN");
	drv_run(guest->drv);
	ck_assert_int_eq(send(fd, "ECT 1234\nfirst", 14, 0), 14);
	guest_expect(guest, VSOCK_OP_REQUEST, 1234, 0);
	port = guest->header.src_port;
	guest_expect_nothing(guest);
	guest_say(guest, VSOCK_OP_RESPONSE, 1234, port);
	snprintf(line, sizeof(line), "OK %u\n", port);
	host_expect(guest, fd, line);
	guest_expect(guest, VSOCK_OP_RW, 1234, port);
	ck_assert_uint_eq(guest->header.len, 5);
	close(fd);
	guest_free(guest);
}
END_TEST

START_TEST(other_lines_end_the_connection)
{
	static const char *const lines[] = {
		"CONNECT\n",
		"CONNECT \n",
		"connect 5\n",
		"CONNECT 5x\n",
		"CONNECT -1\n",
		"CONNECT 4294967295\n",
		"CONNECT 99999999999\n",
		"\n",
		"CONNECT  1\n",
		"CONNECT 1\r\n",
		"CONNECT 00000000000000",
		"GET / HTTP/1.1\r\n",
	};
	struct guest *guest = guest_new(0);
	char byte;

	guest_start(guest, DRV_ALL, RX_BUFFERS);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		int fd = host_connect(guest, lines[i]);
		ssize_t got = host_read(guest, fd, &byte, 1);

		ck_assert_msg(got == 0 || (got < 0 && errno == ECONNRESET), "%s", lines[i]);
		guest_expect_nothing(guest);
		close(fd);
	}
	guest_free(guest);
}
END_TEST

START_TEST(who_says_nothing_or_is_not_accepted_is_closed_in_time)
{
#ifdef DRV_RECORDED
	return; /* it takes two seconds: once is enough */
#endif
	struct guest *guest = guest_new(0);
	int silent, waiting;
	char byte;

	guest_start(guest, DRV_ALL, RX_BUFFERS);
	silent = host_connect(guest, "CONNE");
	waiting = host_connect(guest, "CONNECT 7\n");
	guest_expect(guest, VSOCK_OP_REQUEST, 7, 0);
	ck_assert_int_eq(host_read(guest, silent, &byte, 1), 0);
	guest_expect(guest, VSOCK_OP_RST, 7, 0);
	ck_assert_int_eq(host_read(guest, waiting, &byte, 1), 0);
	close(silent);
	close(waiting);
	guest_free(guest);
}
END_TEST

START_TEST(ports_that_nobody_listens_on_are_refused)
{
	struct guest *guest = guest_new(0);
	char byte;
	int fd;

	guest_start(guest, DRV_ALL, RX_BUFFERS);
	guest_say(guest, VSOCK_OP_REQUEST, 1000, 99);
	guest_expect(guest, VSOCK_OP_RST, 1000, 99);
	fd = host_connect(guest, "CONNECT 7\n");
	guest_expect(guest, VSOCK_OP_REQUEST, 7, 0);
	guest_say(guest, VSOCK_OP_RST, 7, guest->header.src_port);
	ck_assert_int_eq(host_read(guest, fd, &byte, 1), 0);
	guest_expect_nothing(guest);
	close(fd);
	guest_free(guest);
}
END_TEST

START_TEST(packets_that_are_nobodys_are_answered_with_a_reset)
{
	struct guest *guest = guest_new(0);
	struct vsock_header header;

	guest_start(guest, DRV_ALL, RX_BUFFERS);
	for (unsigned op = 0; op < 10; op++) {
		if (op == VSOCK_OP_RST)
			continue;
		guest_say(guest, op, 1, 2);
		guest_expect(guest, VSOCK_OP_RST, 1, 2);
		ck_assert_uint_eq(guest->header.src_cid, VSOCK_CID_HOST);
	}
	guest_say(guest, VSOCK_OP_RST, 1, 2);
	guest_expect_nothing(guest);
	/* Another type, and another CID: the answer is as if from there. */
	header = guest_header(VSOCK_OP_REQUEST, 1, 2);
	header.type = 2;
	guest_send_raw(guest, &header, NULL, 0);
	guest_expect(guest, VSOCK_OP_RST, 1, 2);
	ck_assert_uint_eq(guest->header.type, 2);
	header = guest_header(VSOCK_OP_REQUEST, 1, 2);
	header.dst_cid = 77;
	guest_send_raw(guest, &header, NULL, 0);
	guest_expect(guest, VSOCK_OP_RST, 1, 2);
	ck_assert_uint_eq(guest->header.src_cid, 77);
	/* Who lies about itself gets no answer. */
	header = guest_header(VSOCK_OP_REQUEST, 1, 2);
	header.src_cid = 77;
	guest_send_raw(guest, &header, NULL, 0);
	guest_expect_nothing(guest);
	guest_free(guest);
}
END_TEST

START_TEST(a_full_table_refuses_the_guest_and_lets_programs_wait)
{
	struct guest *guest = guest_new(2);
	int listener, first, second, third;
	uint32_t port;

	guest_start(guest, DRV_ALL, RX_BUFFERS);
	listener = host_listen(guest, 52, 5);
	first = guest_connect(guest, listener, 1, 52);
	second = guest_connect(guest, listener, 2, 52);
	guest_say(guest, VSOCK_OP_REQUEST, 3, 52);
	guest_expect(guest, VSOCK_OP_RST, 3, 52);
	third = host_connect(guest, "CONNECT 9\n");
	guest_expect_nothing(guest);
	guest_say(guest, VSOCK_OP_RST, 1, 52);
	guest_expect(guest, VSOCK_OP_REQUEST, 9, 0);
	port = guest->header.src_port;
	guest_say(guest, VSOCK_OP_RST, 9, port);
	drv_run(guest->drv);
	close(first);
	close(second);
	close(third);
	host_unlisten(guest, listener, 52);
	guest_free(guest);
}
END_TEST

START_TEST(a_full_backlog_is_tried_again)
{
	struct guest *guest = guest_new(0);
	int listener, fd[8];

	guest_start(guest, DRV_ALL, RX_BUFFERS);
	listener = host_listen(guest, 52, 0);
	for (uint32_t i = 0; i < 4; i++)
		guest_say(guest, VSOCK_OP_REQUEST, i, 52);
	drv_run(guest->drv);
	for (uint32_t i = 0; i < 4; i++) {
		while ((fd[i] = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) < 0)
			ck_assert_int_ge(ax_loop_dispatch(guest->drv->host, 10, NULL), 0);
		close(fd[i]);
	}
	host_unlisten(guest, listener, 52);
	guest_free(guest);
}
END_TEST

START_TEST(a_reboot_closes_connections_and_the_device_serves_the_next_guest)
{
	struct guest *guest = guest_new(0);
	uint32_t port;
	char byte;
	int fd, early;

	guest_start(guest, DRV_ALL, RX_BUFFERS);
	fd = guest_accept(guest, 80, &port);
	drv_reboot(guest->drv);
	ck_assert_int_eq(host_read(guest, fd, &byte, 1), 0);
	close(fd);
	/* Who comes before the guest is there waits for it. */
	early = host_connect(guest, "CONNECT 81\n");
	drv_run(guest->drv);
	guest_start(guest, DRV_ALL, RX_BUFFERS);
	guest_expect(guest, VSOCK_OP_REQUEST, 81, 0);
	fd = guest_accept(guest, 80, &port);
	close(early);
	close(fd);
	guest_free(guest);
}
END_TEST

START_TEST(a_restored_guest_is_told_that_connections_are_gone)
{
	struct guest *guest = guest_new(0);
	AxState *state = ax_state_new(), *copy;
	uint64_t event;
	uint32_t port, len;
	const void *bytes;
	size_t size;
	char byte;
	int fd;

	guest_start(guest, DRV_ALL, RX_BUFFERS);
	event = drv_alloc(guest->drv, 4);
	memset(drv_ptr(guest->drv, event), 0xff, 4);
	drv_add(guest->drv, VSOCK_EVENT, DRV_IN(event, 4));
	drv_kick(guest->drv, VSOCK_EVENT);
	fd = guest_accept(guest, 80, &port);
	guest_expect_nothing(guest);
	ck_assert_int_eq(ax_devices_save(guest->drv->vm, state, NULL), 0);
	bytes = ax_state_bytes(state, &size);
	copy = ax_state_from_bytes(bytes, size);
	ck_assert_int_eq(drv_take(guest->drv, VSOCK_EVENT, &len), -1);
	ck_assert_int_eq(ax_devices_restore(guest->drv->vm, copy, NULL), 0);
	ck_assert_int_ge(drv_wait(guest->drv, VSOCK_EVENT, &len), 0);
	ck_assert_uint_eq(len, 4);
	ck_assert_uint_eq(*(uint32_t *)drv_ptr(guest->drv, event), 0);
	ck_assert_int_eq(host_read(guest, fd, &byte, 1), 0);
	close(fd);
	ax_state_free(copy);
	ax_state_free(state);
	guest_free(guest);
}
END_TEST

START_TEST(buffers_against_the_rules_break_the_device)
{
	struct guest *guest = guest_new(0);
	uint64_t gpa;

	guest_start(guest, DRV_ALL, 0);
	gpa = drv_alloc(guest->drv, 4096);
	drv_add(guest->drv, VSOCK_TX, DRV_OUT(gpa, 43));
	drv_kick(guest->drv, VSOCK_TX);
	drv_run(guest->drv);
	ck_assert(drv_is_broken(guest->drv));
	guest_start(guest, DRV_ALL, 0);
	drv_add(guest->drv, VSOCK_RX, DRV_IN(gpa, 44));
	guest_say(guest, VSOCK_OP_REQUEST, 1, 2);
	drv_run(guest->drv);
	ck_assert(drv_is_broken(guest->drv));
	guest_free(guest);
}
END_TEST

RUN_CORE_TESTS("vsock", a_guest_reads_its_cid, configurations_that_make_no_sense_are_refused,
	       a_socket_left_behind_is_replaced_and_one_in_use_is_not,
	       the_guest_connects_and_bytes_flow_both_ways,
	       a_program_connects_to_the_guest_by_its_line, other_lines_end_the_connection,
	       who_says_nothing_or_is_not_accepted_is_closed_in_time,
	       ports_that_nobody_listens_on_are_refused,
	       packets_that_are_nobodys_are_answered_with_a_reset,
	       a_full_table_refuses_the_guest_and_lets_programs_wait, a_full_backlog_is_tried_again,
	       a_reboot_closes_connections_and_the_device_serves_the_next_guest,
	       a_restored_guest_is_told_that_connections_are_gone,
	       buffers_against_the_rules_break_the_device)
