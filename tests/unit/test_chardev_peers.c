/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Character devices that somebody comes to and goes from: pseudo-terminals and unix sockets.
 */
#include <termios.h>

#include "tests/unit/char_fixture.h"
#include "tests/unit/fake_libc.h"

static AxCharDev *new_pty(const char *link)
{
	AxCharDevConfig config = char_config();
	AxError err = AX_ERROR_INIT;
	AxCharDev *dev = NULL;

	ck_assert_msg(!ax_chardev_new_pty(&config, link, &dev, &err), "%s", err.message);
	return dev;
}

static AxCharDev *new_unix(const char *path, uint32_t flags)
{
	AxCharDevConfig config = char_config();
	AxError err = AX_ERROR_INIT;
	AxCharDev *dev = NULL;

	ck_assert_msg(!ax_chardev_new_unix(&config, path, flags, &dev, &err), "%s", err.message);
	return dev;
}

static void write_text(AxCharDev *dev, const char *text)
{
	ck_assert_uint_eq(ax_chardev_write(dev, text, strlen(text)), strlen(text));
}

static int open_pty(AxCharDev *dev)
{
	int fd = open(ax_chardev_path(dev), O_RDWR | O_NOCTTY | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	return fd;
}

START_TEST(pty_is_opened_closed_and_opened_again)
{
	AxCharDev *dev = new_pty(NULL);
	struct char_user user;
	struct termios termios;
	int fd;

	set_user(dev, &user);
	run_loop();
	ck_assert(!ax_chardev_connected(dev));
	write_text(dev, "before\n");
	fd = open_pty(dev);
	run_until(ax_chardev_connected(dev));
	ck_assert_str_eq(user.events, "O");
	/* Bytes go through as they are. */
	ck_assert_int_eq(tcgetattr(fd, &termios), 0);
	ck_assert(!(termios.c_oflag & OPOST) && !(termios.c_lflag & (ECHO | ICANON | ISIG)));
	reads_text(fd, "before\n");
	ck_assert_int_eq(write(fd, "\001\003\r\n", 4), 4);
	run_until(user.len == 4);
	ck_assert_mem_eq(user.bytes, "\001\003\r\n", 4);
	ck_assert(nothing_to_read(fd));
	close(fd);
	run_until(!ax_chardev_connected(dev));
	ck_assert_str_eq(user.events, "OC");
	write_text(dev, "between\n");
	fd = open_pty(dev);
	run_until(ax_chardev_connected(dev));
	ck_assert_str_eq(user.events, "OCO");
	write_text(dev, "after\n");
	reads_text(fd, "between\nafter\n");
	ck_assert_uint_eq(counters_of(dev).opened, 2);
	close(fd);
	ax_chardev_set_user(dev, NULL, NULL);
	ax_chardev_free(dev);
}
END_TEST

START_TEST(ptys_link_is_ours_as_long_as_it_is)
{
	char link[128], target[128] = "";
	AxCharDevConfig config = char_config();
	AxCharDev *dev, *other = NULL;
	AxError err;

	snprintf(link, sizeof(link), "%s", in_folder("tty"));
	dev = new_pty(link);
	ck_assert_int_gt(readlink(link, target, sizeof(target) - 1), 0);
	ck_assert_str_eq(target, ax_chardev_path(dev));
	/* Another one takes its place, and keeps it. */
	other = new_pty(link);
	ax_chardev_free(dev);
	memset(target, 0, sizeof(target));
	ck_assert_int_gt(readlink(link, target, sizeof(target) - 1), 0);
	ck_assert_str_eq(target, ax_chardev_path(other));
	ax_chardev_free(other);
	ck_assert_int_lt(access(link, F_OK), 0);
	/* What is no link stays. */
	ck_assert_int_eq(mkdir(link, 0700), 0);
	ck_assert_fails(ax_chardev_new_pty(&config, link, &dev, &err), -EEXIST, AX_ERROR_FILE,
			"no symbolic link");
	ck_assert_int_eq(rmdir(link), 0);
	ck_assert_fails(ax_chardev_new_pty(&config, "/nowhere/at/all", &dev, &err), -EIO,
			AX_ERROR_FILE, "/nowhere/at/all");
}
END_TEST

#define FLOOD (10u << 20)

static void flood_sink(AxCharDev *dev)
{
	AxCharSink sink = ax_chardev_sink(dev);
	uint8_t bytes[160];

	for (uint64_t at = 0; at < FLOOD; at += sizeof(bytes)) {
		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = flood_byte(at + i);
		sink.write(sink.opaque, bytes, sizeof(bytes));
	}
}

START_TEST(flood_to_a_slow_pty_arrives_complete)
{
	AxCharDev *dev = new_pty(NULL);
	struct slow_reader reader;
	struct char_loop loop;
	int fd = open_pty(dev);

	run_until(ax_chardev_connected(dev));
	start_loop(&loop);
	start_reader(&reader, fd, FLOOD, dev);
	flood_sink(dev);
	/* It is all read when this returns: a pty that is closed keeps nothing. */
	ck_assert_int_eq(ax_chardev_flush(dev, UINT64_MAX), 0);
	stop_loop(&loop);
	ax_chardev_free(dev);
	join_reader(&reader);
	close(fd);
}
END_TEST

/* Whoever comes after a flood that nobody saw sees it. */
START_TEST(flood_that_nobody_reads_is_kept)
{
	AxCharDev *dev = new_unix(in_folder("console"), 0);
	struct slow_reader reader;
	struct char_loop loop;
	int fd;

	start_loop(&loop);
	flood_sink(dev);
	ck_assert_int_eq(ax_chardev_flush(dev, UINT64_MAX), -ENOENT);
	ck_assert_uint_eq(counters_of(dev).waiting, FLOOD);
	ck_assert_uint_eq(counters_of(dev).stalls, 0);
	fd = connect_to(ax_chardev_path(dev));
	start_reader(&reader, fd, FLOOD, NULL);
	join_reader(&reader);
	ck_assert_int_eq(ax_chardev_flush(dev, UINT64_MAX), 0);
	ck_assert_uint_eq(counters_of(dev).dropped, 0);
	stop_loop(&loop);
	close(fd);
	ax_chardev_free(dev);
}
END_TEST

START_TEST(oldest_is_dropped_where_nobody_comes)
{
	AxCharDevConfig config = char_config();
	AxCharSink sink;
	AxCharDev *dev;
	int fd;

	config.keep = 16;
	ck_assert_int_eq(ax_chardev_new_unix(&config, in_folder("console"), 0, &dev, NULL), 0);
	sink = ax_chardev_sink(dev);
	sink.write(sink.opaque, (const uint8_t *)"0123456789\n", 11);
	sink.write(sink.opaque, (const uint8_t *)"abcdefghij\n", 11);
	ck_assert_uint_eq(counters_of(dev).dropped, 6);
	sink.write(sink.opaque, (const uint8_t *)"ABCDEFGHIJKLMNOPQRSTUVWXYZ", 26);
	ck_assert_uint_eq(counters_of(dev).dropped, 6 + 16 + 10);
	fd = connect_to(ax_chardev_path(dev));
	run_until(ax_chardev_connected(dev));
	reads_text(fd, "KLMNOPQRSTUVWXYZ");
	close(fd);
	ax_chardev_free(dev);
}
END_TEST

START_TEST(socket_serves_one_client_after_the_other)
{
	AxCharDev *dev = new_unix(in_folder("console"), 0);
	struct char_user user;
	int first, second;

	set_user(dev, &user);
	write_text(dev, "boot\n");
	first = connect_to(ax_chardev_path(dev));
	second = connect_to(ax_chardev_path(dev));
	run_until(ax_chardev_connected(dev));
	reads_text(first, "boot\n");
	ck_assert_int_eq(write(second, "B", 1), 1);
	ck_assert_int_eq(write(first, "A", 1), 1);
	run_until(user.len == 1);
	ck_assert_uint_eq(user.bytes[0], 'A');
	write_text(dev, "one\n");
	reads_text(first, "one\n");
	close(first);
	run_until(user.len == 2);
	ck_assert_uint_eq(user.bytes[1], 'B');
	ck_assert_str_eq(user.events, "OCO");
	write_text(dev, "two\n");
	reads_text(second, "two\n");
	close(second);
	run_until(!ax_chardev_connected(dev));
	ax_chardev_set_user(dev, NULL, NULL);
	ax_chardev_free(dev);
}
END_TEST

/* echo | socat: says what it has to say, and still wants to hear. */
START_TEST(half_closed_client_still_reads)
{
	AxCharDev *dev = new_unix(in_folder("console"), 0);
	struct char_user user;
	int fd;

	set_user(dev, &user);
	fd = connect_to(ax_chardev_path(dev));
	ck_assert_int_eq(write(fd, "ls\n", 3), 3);
	ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
	run_until(user.len == 3);
	run_loop();
	ck_assert_int_eq(ax_loop_dispatch(host, 20, NULL), 0);
	write_text(dev, "file\n");
	reads_text(fd, "file\n");
	close(fd);
	run_until(!ax_chardev_connected(dev));
	ck_assert_str_eq(user.events, "OC");
	ax_chardev_set_user(dev, NULL, NULL);
	ax_chardev_free(dev);
}
END_TEST

START_TEST(client_that_goes_while_its_input_waits_is_noticed)
{
	AxCharDev *dev = new_unix(in_folder("console"), 0);
	struct char_user user;
	int fd;

	set_user(dev, &user);
	user.room = 0;
	fd = connect_to(ax_chardev_path(dev));
	ck_assert_int_eq(write(fd, "ls\n", 3), 3);
	run_until(counters_of(dev).received == 3);
	close(fd);
	run_until(!ax_chardev_connected(dev));
	/* What it had said still comes. */
	user.room = 10;
	ax_chardev_accept(dev);
	run_until(user.len == 3);
	ax_chardev_set_user(dev, NULL, NULL);
	ax_chardev_free(dev);
}
END_TEST

START_TEST(who_waits_for_a_client_goes_on_when_that_goes)
{
	AxCharDev *dev = new_unix(in_folder("console"), 0);
	struct char_user user;
	uint8_t bytes[4096] = { 0 };
	size_t taken;
	int fd;

	set_user(dev, &user);
	fd = connect_to(ax_chardev_path(dev));
	run_until(ax_chardev_connected(dev));
	do {
		taken = ax_chardev_write(dev, bytes, sizeof(bytes));
	} while (taken == sizeof(bytes));
	ck_assert_str_eq(user.events, "O");
	close(fd);
	run_until(strlen(user.events) == 3);
	ck_assert_str_eq(user.events, "OCr");
	ck_assert_uint_eq(ax_chardev_write(dev, bytes, sizeof(bytes)), sizeof(bytes));
	ax_chardev_set_user(dev, NULL, NULL);
	ax_chardev_free(dev);
}
END_TEST

START_TEST(socket_that_connects_does_so_again)
{
	char path[128];
	AxCharDevConfig config = char_config();
	AxCharDev *here = NULL, *there;
	struct char_user user;
	AxError err;

	snprintf(path, sizeof(path), "%s", in_folder("server"));
	ck_assert_fails(ax_chardev_new_unix(&config, path, AX_CHAR_UNIX_CONNECT, &here, &err),
			-ENOENT, AX_ERROR_FILE, path);
	there = new_unix(path, 0);
	here = new_unix(path, AX_CHAR_UNIX_CONNECT);
	set_user(there, &user);
	write_text(here, "hello\n");
	run_until(user.len == 6);
	ax_chardev_set_user(there, NULL, NULL);
	ax_chardev_free(there);
	run_until(!ax_chardev_connected(here));
	write_text(here, "again\n");
	there = new_unix(path, 0);
	set_user(there, &user);
	run_until(user.len == 6);
	ck_assert_mem_eq(user.bytes, "again\n", 6);
	ax_chardev_set_user(there, NULL, NULL);
	ax_chardev_free(here);
	ax_chardev_free(there);
}
END_TEST

START_TEST(path_of_somebody_else_is_refused)
{
	char path[128];
	AxCharDevConfig config = char_config();
	AxCharDev *dev = NULL, *other;
	AxError err;

	snprintf(path, sizeof(path), "%s", in_folder("console"));
	dev = new_unix(path, 0);
	ck_assert_fails(ax_chardev_new_unix(&config, path, 0, &other, &err), -EEXIST, AX_ERROR_FILE,
			path);
	ck_assert_fails(ax_chardev_new_unix(&config, path, 4, &other, &err), -EINVAL,
			AX_ERROR_ARGUMENT, "flags 0x4");
	ax_chardev_free(dev);
	ck_assert_int_lt(access(path, F_OK), 0);
}
END_TEST

static int try_kind(unsigned kind, AxCharDev **dev)
{
	AxCharDevConfig config = char_config();
	AxError err = AX_ERROR_INIT;

	switch (kind) {
	case 0: return ax_chardev_new_null(&config, dev, &err);
	case 1: return ax_chardev_new_pty(&config, in_folder("tty"), dev, &err);
	case 2: return ax_chardev_new_file(&config, in_folder("log"), 0, dev, &err);
	default: return ax_chardev_new_unix(&config, in_folder("console"), 0, dev, &err);
	}
}

START_TEST(whatever_fails_nothing_is_left_behind)
{
	for (unsigned kind = 0; kind < 4; kind++) {
		for (unsigned nth = 1;; nth++) {
			AxCharDev *dev = NULL;
			int ret;

			fake_libc_fail(LIBC_MALLOC, nth, ENOMEM);
			ret = try_kind(kind, &dev);
			if (!fake_libc_failed(LIBC_MALLOC)) {
				ck_assert_int_eq(ret, 0);
				ax_chardev_free(dev);
				break;
			}
			/* What failed may be something that is done without. */
			if (ret)
				ck_assert_int_eq(ret, -ENOMEM);
			else
				ax_chardev_free(dev);
			unlink(in_folder("log"));
		}
		unlink(in_folder("log"));
	}
}
END_TEST

START_TEST(queue_that_can_not_grow_loses_the_newest_and_counts_them)
{
	AxCharDev *dev = new_unix(in_folder("console"), 0);
	uint8_t bytes[5000] = { 0 };

	ck_assert_uint_eq(ax_chardev_write(dev, bytes, 4000), 4000);
	fake_libc_fail(LIBC_MALLOC, 1, ENOMEM);
	ck_assert_uint_eq(ax_chardev_write(dev, bytes, 5000), 5000);
	ck_assert(fake_libc_failed(LIBC_MALLOC));
	ck_assert_uint_eq(counters_of(dev).waiting, 4096);
	ck_assert_uint_eq(counters_of(dev).dropped, 9000 - 4096);
	ax_chardev_free(dev);
}
END_TEST

struct chaos {
	AxCharDev *dev;
	atomic_bool stop;
};

static void *come_and_go(void *opaque)
{
	struct chaos *chaos = opaque;
	char bytes[512];

	for (unsigned round = 0; !atomic_load(&chaos->stop); round++) {
		int fd = connect_to(ax_chardev_path(chaos->dev));

		for (unsigned i = 0; i < round % 8; i++) {
			struct pollfd pollfd = { .fd = fd, .events = POLLIN };

			if (poll(&pollfd, 1, 20) == 1)
				ck_assert_int_ge(read(fd, bytes, sizeof(bytes)), 0);
		}
		close(fd);
	}
	return NULL;
}

static void *print_much(void *opaque)
{
	struct chaos *chaos = opaque;
	AxCharSink sink = ax_chardev_sink(chaos->dev);

	while (!atomic_load(&chaos->stop))
		sink.write(sink.opaque, (const uint8_t *)"all work and no play\n", 21);
	return NULL;
}

START_TEST(clients_come_and_go_while_vcpus_print)
{
	struct chaos chaos = { .dev = new_unix(in_folder("console"), 0) };
	struct char_loop loop;
	pthread_t threads[4];

	start_loop(&loop);
	ck_assert_int_eq(pthread_create(&threads[0], NULL, print_much, &chaos), 0);
	ck_assert_int_eq(pthread_create(&threads[1], NULL, print_much, &chaos), 0);
	ck_assert_int_eq(pthread_create(&threads[2], NULL, come_and_go, &chaos), 0);
	ck_assert_int_eq(pthread_create(&threads[3], NULL, come_and_go, &chaos), 0);
	sleep_ms(500);
	/* A busy host takes longer until somebody has been served. */
	while (counters_of(chaos.dev).opened < 2 || !counters_of(chaos.dev).written)
		sleep_ms(10);
	atomic_store(&chaos.stop, true);
	for (unsigned i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	stop_loop(&loop);
	ax_chardev_free(chaos.dev);
}
END_TEST

RUN_CHAR_TESTS("chardev-peers", pty_is_opened_closed_and_opened_again,
	       ptys_link_is_ours_as_long_as_it_is, flood_to_a_slow_pty_arrives_complete,
	       flood_that_nobody_reads_is_kept, oldest_is_dropped_where_nobody_comes,
	       socket_serves_one_client_after_the_other, half_closed_client_still_reads,
	       client_that_goes_while_its_input_waits_is_noticed,
	       who_waits_for_a_client_goes_on_when_that_goes, socket_that_connects_does_so_again,
	       path_of_somebody_else_is_refused, whatever_fails_nothing_is_left_behind,
	       queue_that_can_not_grow_loses_the_newest_and_counts_them,
	       clients_come_and_go_while_vcpus_print)
