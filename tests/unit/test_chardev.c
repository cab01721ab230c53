/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Character devices on descriptors and files: output that is slow, gone or failed, input that is taken
 * in pieces, the filter. Those that somebody comes to are test_chardev_peers.c's.
 */
#include "tests/unit/char_fixture.h"

static AxCharDev *new_fds(int in, int out)
{
	AxCharDevConfig config = char_config();
	AxCharFds fds = AX_CHAR_FDS_INIT;
	AxError err = AX_ERROR_INIT;
	AxCharDev *dev = NULL;

	fds.in = in;
	fds.out = out;
	ck_assert_msg(!ax_chardev_new_fds(&config, &fds, &dev, &err), "%s", err.message);
	return dev;
}

static void close_both(const int fds[2])
{
	close(fds[0]);
	close(fds[1]);
}

static void new_pipe(int fds[2])
{
	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
}

static void sink_text(AxCharDev *dev, const char *text)
{
	AxCharSink sink = ax_chardev_sink(dev);

	sink.write(sink.opaque, (const uint8_t *)text, strlen(text));
}

START_TEST(nothing_takes_everything)
{
	AxCharDevConfig config = char_config();
	struct char_user user;
	AxCharDev *dev;

	ck_assert_int_eq(ax_chardev_new_null(&config, &dev, NULL), 0);
	set_user(dev, &user);
	ck_assert_uint_eq(ax_chardev_write(dev, "text", 4), 4);
	sink_text(dev, "line\n");
	ck_assert(!ax_chardev_connected(dev));
	ck_assert_ptr_null(ax_chardev_path(dev));
	ck_assert_int_eq(ax_chardev_flush(dev, 0), 0);
	ck_assert_uint_eq(counters_of(dev).dropped, 9);
	run_loop();
	ck_assert_str_eq(user.events, "");
	ax_chardev_set_user(dev, NULL, NULL);
	ax_chardev_free(dev);
	ax_chardev_free(NULL);
}
END_TEST

START_TEST(configurations_that_make_no_sense_are_refused)
{
	AxCharDevConfig config = AX_CHAR_DEV_CONFIG_INIT;
	AxCharFds fds = AX_CHAR_FDS_INIT;
	struct char_user user;
	AxCharUser ops = AX_CHAR_USER_INIT;
	AxCharDev *dev = NULL;
	AxError err;

	ck_assert_fails(ax_chardev_new_null(&config, &dev, &err), -EINVAL, AX_ERROR_ARGUMENT,
			"host");
	config = char_config();
	config.keep = UINT64_C(1) << 40;
	ck_assert_fails(ax_chardev_new_null(&config, &dev, &err), -EINVAL, AX_ERROR_ARGUMENT,
			"1 GiB");
	config = char_config();
	config.size = 3;
	ck_assert_fails(ax_chardev_new_null(&config, &dev, &err), -EINVAL, AX_ERROR_ARGUMENT,
			"AxCharDevConfig");
	config = char_config();
	fds.out = 1000;
	ck_assert_fails(ax_chardev_new_fds(&config, &fds, &dev, &err), -EINVAL, AX_ERROR_ARGUMENT,
			"descriptor 1000");
	ck_assert_fails(ax_chardev_new_file(&config, folder, 8, &dev, &err), -EINVAL,
			AX_ERROR_ARGUMENT, "flags 0x8");
	ck_assert_fails(ax_chardev_new_file(&config, folder, 0, &dev, &err), -EIO, AX_ERROR_FILE,
			folder);
	ck_assert_fails(ax_chardev_new_file(&config, "/nowhere/at/all", 0, &dev, &err), -ENOENT,
			AX_ERROR_FILE, "/nowhere/at/all");
	ck_assert_int_eq(ax_chardev_new_null(&config, &dev, NULL), 0);
	set_user(dev, &user);
	ck_assert_fails(ax_chardev_set_user(dev, &ops, &err), -EBUSY, AX_ERROR_STATE, "used");
	ax_chardev_set_user(dev, NULL, NULL);
	ops.size = 0;
	ck_assert_fails(ax_chardev_set_user(dev, &ops, &err), -EINVAL, AX_ERROR_ARGUMENT,
			"AxCharUser");
	ax_chardev_free(dev);
}
END_TEST

START_TEST(lines_go_out_at_once_and_the_rest_after_a_moment)
{
	AxCharDev *dev;
	int fds[2];

	new_pipe(fds);
	dev = new_fds(-1, fds[1]);
	sink_text(dev, "one");
	ck_assert(nothing_to_read(fds[0]));
	sink_text(dev, " line\n");
	reads_text(fds[0], "one line\n");
	sink_text(dev, "login: ");
	run_until(!nothing_to_read(fds[0]));
	reads_text(fds[0], "login: ");
	for (unsigned i = 0; i < 2048; i++)
		sink_text(dev, "x");
	ck_assert(!nothing_to_read(fds[0]));
	sink_text(dev, "end");
	ck_assert_int_eq(ax_chardev_flush(dev, 0), 0);
	ck_assert_uint_eq(counters_of(dev).written, 9 + 7 + 2048 + 3);
	ck_assert_uint_eq(counters_of(dev).waiting, 0);
	ck_assert_uint_eq(counters_of(dev).stalls, 0);
	ax_chardev_free(dev);
	close_both(fds);
}
END_TEST

#define FLOOD (10u << 20)

/* As a UART's: in bytes, and now and then in more. */
static void flood_sink(AxCharDev *dev)
{
	AxCharSink sink = ax_chardev_sink(dev);
	uint8_t bytes[300];
	uint64_t at = 0;

	while (at < FLOOD) {
		size_t len = at % 5 ? 1 : sizeof(bytes);

		if (len > FLOOD - at)
			len = FLOOD - at;
		for (size_t i = 0; i < len; i++)
			bytes[i] = flood_byte(at + i);
		sink.write(sink.opaque, bytes, len);
		at += len;
	}
}

static void check_flood(int to, int from, bool with_loop)
{
	struct slow_reader reader;
	struct char_loop loop;
	AxCharDev *dev = new_fds(-1, to);

	if (with_loop)
		start_loop(&loop);
	start_reader(&reader, from, FLOOD, dev);
	flood_sink(dev);
	ck_assert_int_eq(ax_chardev_flush(dev, UINT64_MAX), 0);
	join_reader(&reader);
	if (with_loop)
		stop_loop(&loop);
	ck_assert_uint_eq(counters_of(dev).written, FLOOD);
	ck_assert_uint_eq(counters_of(dev).dropped, 0);
	ck_assert_uint_gt(counters_of(dev).stalls, 0);
	ax_chardev_free(dev);
}

START_TEST(flood_to_a_slow_pipe_arrives_complete)
{
	int fds[2];

	new_pipe(fds);
	check_flood(fds[1], fds[0], true);
	close_both(fds);
}
END_TEST

/* Whoever waits writes itself: nobody needs the loop for that. */
START_TEST(flood_arrives_complete_without_a_loop)
{
	int fds[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	check_flood(fds[1], fds[0], false);
	close_both(fds);
}
END_TEST

START_TEST(writer_that_may_not_wait_is_told_of_room)
{
	struct slow_reader reader;
	struct char_user user;
	uint64_t at = 0;
	AxCharDev *dev;
	int fds[2];

	new_pipe(fds);
	dev = new_fds(-1, fds[1]);
	set_user(dev, &user);
	start_reader(&reader, fds[0], FLOOD, dev);
	while (at < FLOOD) {
		uint8_t bytes[5000];
		size_t len = FLOOD - at < sizeof(bytes) ? FLOOD - at : sizeof(bytes);
		size_t taken;

		for (size_t i = 0; i < len; i++)
			bytes[i] = flood_byte(at + i);
		taken = ax_chardev_write(dev, bytes, len);
		ck_assert_uint_le(taken, len);
		at += taken;
		ck_assert_uint_le(counters_of(dev).waiting, AX_CHAR_QUEUE);
		if (taken == len)
			continue;
		run_until(user.events[0] == 'r');
		memset(user.events, 0, sizeof(user.events));
	}
	while (ax_chardev_flush(dev, 0) == -ETIMEDOUT)
		ax_loop_dispatch(host, 10, NULL);
	join_reader(&reader);
	ax_chardev_set_user(dev, NULL, NULL);
	ax_chardev_free(dev);
	close_both(fds);
}
END_TEST

static void *hurry_soon(void *opaque)
{
	sleep_ms(100);
	ax_chardev_hurry(opaque);
	return NULL;
}

START_TEST(who_waits_for_a_sleeping_reader_is_let_go)
{
	AxCharSink sink;
	pthread_t thread;
	AxCharDev *dev;
	int fds[2];

	new_pipe(fds);
	dev = new_fds(-1, fds[1]);
	sink = ax_chardev_sink(dev);
	ck_assert_int_eq(pthread_create(&thread, NULL, hurry_soon, dev), 0);
	for (unsigned i = 0; i < 1000; i++)
		sink.write(sink.opaque, (const uint8_t *)folder, sizeof(folder) - 1);
	for (unsigned i = 0; i < 10000; i++)
		sink.write(sink.opaque, (const uint8_t *)"0123456789\n", 11);
	pthread_join(thread, NULL);
	ck_assert_int_eq(ax_chardev_flush(dev, UINT64_MAX), -ETIMEDOUT);
	ck_assert_uint_gt(counters_of(dev).dropped, 0);
	ck_assert_uint_eq(counters_of(dev).dropped + counters_of(dev).waiting +
				  counters_of(dev).written,
			  63000 + 110000);
	ax_chardev_free(dev);
	close_both(fds);
}
END_TEST

START_TEST(hosts_own_thread_does_not_wait)
{
	AxCharDevConfig config = char_config();
	AxCharFds ends = AX_CHAR_FDS_INIT;
	struct char_user user;
	AxCharSink sink;
	AxCharDev *dev;
	int fds[2];

	new_pipe(fds);
	config.queue = 4096;
	config.keep = 8192;
	ends.in = fds[0];
	ends.out = fds[1];
	ck_assert_int_eq(ax_chardev_new_fds(&config, &ends, &dev, NULL), 0);
	sink = ax_chardev_sink(dev);
	set_user(dev, &user);
	user.room = 0;
	/* From here on it knows its thread. */
	ck_assert_uint_eq(ax_chardev_write(dev, "x", 1), 1);
	run_until(counters_of(dev).received);
	for (unsigned i = 0; i < 20000; i++)
		sink.write(sink.opaque, (const uint8_t *)"0123456789\n", 11);
	ck_assert_uint_eq(counters_of(dev).waiting, 8192);
	ck_assert_uint_gt(counters_of(dev).dropped, 0);
	ax_chardev_set_user(dev, NULL, NULL);
	ax_chardev_free(dev);
	close_both(fds);
}
END_TEST

START_TEST(closed_pipe_is_a_failure_that_is_told_once)
{
	struct char_user user;
	AxCharDev *dev;
	int fds[2];

	signal(SIGPIPE, SIG_IGN);
	new_pipe(fds);
	dev = new_fds(-1, fds[1]);
	set_user(dev, &user);
	ck_assert_int_eq(ax_chardev_error(dev), 0);
	close(fds[0]);
	sink_text(dev, "lost\n");
	ck_assert_int_eq(ax_chardev_error(dev), EPIPE);
	ck_assert_uint_eq(ax_chardev_write(dev, "too", 3), 3);
	run_loop();
	ck_assert_str_eq(user.events, "F");
	ck_assert_int_eq(ax_chardev_flush(dev, 0), -EIO);
	ck_assert_uint_eq(counters_of(dev).dropped, 8);
	ax_chardev_set_user(dev, NULL, NULL);
	ax_chardev_free(dev);
	close(fds[1]);
}
END_TEST

static void file_is(const char *path, const char *text)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat status;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fstat(fd, &status), 0);
	ck_assert_int_eq(status.st_size, (off_t)strlen(text));
	reads_text(fd, text);
	close(fd);
}

START_TEST(file_is_emptied_or_appended_to)
{
	const char *path = in_folder("log");
	AxCharDevConfig config = char_config();
	AxCharDev *dev;

	ck_assert_int_eq(ax_chardev_new_file(&config, path, 0, &dev, NULL), 0);
	ck_assert_str_eq(ax_chardev_path(dev), path);
	ck_assert(ax_chardev_connected(dev));
	sink_text(dev, "first\nrest");
	ck_assert_int_eq(ax_chardev_flush(dev, 0), 0);
	ax_chardev_free(dev);
	file_is(path, "first\nrest");
	ck_assert_int_eq(ax_chardev_new_file(&config, path, AX_CHAR_FILE_APPEND, &dev, NULL), 0);
	ck_assert_uint_eq(ax_chardev_write(dev, " end", 4), 4);
	ax_chardev_free(dev);
	file_is(path, "first\nrest end");
	ck_assert_int_eq(ax_chardev_new_file(&config, path, 0, &dev, NULL), 0);
	ax_chardev_free(dev);
	file_is(path, "");
	unlink(path);
}
END_TEST

START_TEST(full_disk_is_a_failure)
{
	AxCharDevConfig config = char_config();
	struct char_user user;
	AxCharDev *dev;

	ck_assert_int_eq(ax_chardev_new_file(&config, "/dev/full", 0, &dev, NULL), 0);
	set_user(dev, &user);
	sink_text(dev, "a line\n");
	ck_assert_int_eq(ax_chardev_error(dev), ENOSPC);
	run_loop();
	ck_assert_str_eq(user.events, "F");
	ax_chardev_set_user(dev, NULL, NULL);
	ax_chardev_free(dev);
}
END_TEST

START_TEST(input_waits_for_a_user_with_room)
{
	struct char_user user;
	AxCharDev *dev;
	int fds[2];

	new_pipe(fds);
	dev = new_fds(fds[0], -1);
	ck_assert_int_eq(write(fds[1], "0123456789", 10), 10);
	run_loop();
	ck_assert_uint_eq(counters_of(dev).received, 0);
	set_user(dev, &user);
	user.room = 4;
	run_loop();
	ck_assert_uint_eq(user.len, 4);
	user.room = 1;
	run_loop();
	ck_assert_uint_eq(user.len, 4);
	ax_chardev_accept(dev);
	run_loop();
	ck_assert_uint_eq(user.len, 5);
	/* More comes meanwhile, and stays in the pipe. */
	ck_assert_int_eq(write(fds[1], "abc", 3), 3);
	run_loop();
	ck_assert_uint_eq(counters_of(dev).received, 10);
	user.room = 100;
	ax_chardev_accept(dev);
	run_loop();
	ck_assert_uint_eq(user.len, 13);
	ck_assert_mem_eq(user.bytes, "0123456789abc", 13);
	close(fds[1]);
	run_loop();
	ck_assert_str_eq(user.events, "E");
	ck_assert_uint_eq(counters_of(dev).input_lost, 0);
	ax_chardev_set_user(dev, NULL, NULL);
	ax_chardev_free(dev);
	close(fds[0]);
}
END_TEST

START_TEST(input_of_a_file_is_read_as_it_is_taken)
{
	const char *path = in_folder("input");
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	uint8_t bytes[6000];
	struct char_user user;
	AxCharDev *dev;

	unlink(path);
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = flood_byte(i);
	ck_assert_int_eq(write(fd, bytes, sizeof(bytes)), sizeof(bytes));
	ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
	dev = new_fds(fd, -1);
	set_user(dev, &user);
	ck_assert_uint_eq(user.len, sizeof(bytes));
	ck_assert_mem_eq(user.bytes, bytes, sizeof(bytes));
	ck_assert_str_eq(user.events, "E");
	ax_chardev_set_user(dev, NULL, NULL);
	ax_chardev_free(dev);
	close(fd);
}
END_TEST

/* Takes out 'x' and makes 'y' two bytes of none. */
static size_t filter(void *opaque, uint8_t *bytes, size_t len)
{
	size_t left = 0;

	(*(unsigned *)opaque)++;
	for (size_t i = 0; i < len; i++) {
		if (bytes[i] != 'x')
			bytes[left++] = bytes[i];
	}
	return left;
}

static bool may_read(void *opaque)
{
	return *(unsigned *)opaque < 2;
}

START_TEST(filter_sees_all_though_the_user_takes_nothing)
{
	AxCharDevConfig config = char_config();
	AxCharFds ends = AX_CHAR_FDS_INIT;
	char many[1000];
	struct char_user user;
	unsigned filtered = 0;
	AxCharDev *dev;
	int fds[2];

	new_pipe(fds);
	ends.in = fds[0];
	ends.filter = filter;
	ends.opaque = &filtered;
	ck_assert_int_eq(ax_chardev_new_fds(&config, &ends, &dev, NULL), 0);
	set_user(dev, &user);
	ck_assert_int_eq(write(fds[1], "xaxxbx", 6), 6);
	run_loop();
	ck_assert_uint_eq(user.len, 2);
	ck_assert_mem_eq(user.bytes, "ab", 2);
	user.room = 0;
	memset(many, 'm', sizeof(many));
	for (unsigned i = 0; i < 5; i++) {
		ck_assert_int_eq(write(fds[1], many, sizeof(many)), sizeof(many));
		run_loop();
	}
	ck_assert_uint_eq(counters_of(dev).received, 5006);
	ck_assert_uint_eq(counters_of(dev).input_lost, 5000 - 4096);
	user.room = 8000;
	ax_chardev_accept(dev);
	run_loop();
	ck_assert_uint_eq(user.len, 2 + 4096);
	ck_assert_uint_ge(filtered, 6);
	ax_chardev_set_user(dev, NULL, NULL);
	ax_chardev_free(dev);
	close_both(fds);
}
END_TEST

START_TEST(input_that_may_not_be_read_is_asked_for_again)
{
	AxCharDevConfig config = char_config();
	AxCharFds ends = AX_CHAR_FDS_INIT;
	struct char_user user;
	unsigned refuse = 2;
	AxCharDev *dev;
	int fds[2];

	new_pipe(fds);
	ends.in = fds[0];
	ends.may_read = may_read;
	ends.opaque = &refuse;
	ck_assert_int_eq(ax_chardev_new_fds(&config, &ends, &dev, NULL), 0);
	set_user(dev, &user);
	ck_assert_int_eq(write(fds[1], "key", 3), 3);
	run_loop();
	/* And it does not spin meanwhile. */
	ck_assert_int_eq(ax_loop_dispatch(host, 20, NULL), 0);
	ck_assert_uint_eq(user.len, 0);
	refuse = 0;
	run_until(user.len == 3);
	ax_chardev_set_user(dev, NULL, NULL);
	ax_chardev_free(dev);
	close_both(fds);
}
END_TEST

RUN_CHAR_TESTS("chardev", nothing_takes_everything, configurations_that_make_no_sense_are_refused,
	       lines_go_out_at_once_and_the_rest_after_a_moment,
	       flood_to_a_slow_pipe_arrives_complete, flood_arrives_complete_without_a_loop,
	       writer_that_may_not_wait_is_told_of_room, who_waits_for_a_sleeping_reader_is_let_go,
	       hosts_own_thread_does_not_wait, closed_pipe_is_a_failure_that_is_told_once,
	       file_is_emptied_or_appended_to, full_disk_is_a_failure,
	       input_waits_for_a_user_with_room, input_of_a_file_is_read_as_it_is_taken,
	       filter_sees_all_though_the_user_takes_nothing,
	       input_that_may_not_be_read_is_asked_for_again)
