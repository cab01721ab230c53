/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Watched descriptors of our own event loop.
 */
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "tests/unit/host_fixture.h"

static void keep_events(void *opaque, int fd, unsigned events)
{
	struct trace *trace = opaque;

	(void)fd;
	note(trace, 'w');
	trace->events = events;
}

START_TEST(a_watch_is_level_triggered)
{
	struct trace trace = { .host = new_host() };
	char byte;
	int fds[2];

	ck_assert_int_eq(pipe(fds), 0);
	ck_assert_int_eq(ax_watch_new(trace.host, fds[0], AX_WATCH_READ, keep_events, &trace,
				      &trace.watch, NULL),
			 0);
	ck_assert_int_eq(dispatch(trace.host, 0), 0);
	ck_assert_int_eq(write(fds[1], "xy", 2), 2);
	ck_assert(is_readable(ax_loop_fd(trace.host)));
	ck_assert_int_eq(dispatch(trace.host, -1), 1);
	ck_assert_uint_eq(trace.events, AX_WATCH_READ);
	ck_assert_int_eq(dispatch(trace.host, 0), 1);
	ck_assert_int_eq(read(fds[0], &byte, 1), 1);
	ck_assert_int_eq(dispatch(trace.host, 0), 1);
	ck_assert_int_eq(read(fds[0], &byte, 1), 1);
	ck_assert_int_eq(dispatch(trace.host, 0), 0);
	ax_watch_free(trace.watch);
	ax_watch_free(NULL);
	ck_assert_int_eq(write(fds[1], "z", 1), 1);
	ck_assert_int_eq(dispatch(trace.host, 0), 0);
	close(fds[0]);
	close(fds[1]);
	ax_host_free(trace.host);
}
END_TEST

START_TEST(what_a_watch_waits_for_can_change_down_to_nothing)
{
	struct trace trace = { .host = new_host() };
	int fds[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	ck_assert_int_eq(
		ax_watch_new(trace.host, fds[0], 0, keep_events, &trace, &trace.watch, NULL), 0);
	ck_assert_int_eq(dispatch(trace.host, 0), 0);
	ax_watch_set(trace.watch, AX_WATCH_WRITE);
	ck_assert_int_eq(dispatch(trace.host, 0), 1);
	ck_assert_uint_eq(trace.events, AX_WATCH_WRITE);
	ck_assert_int_eq(write(fds[1], "x", 1), 1);
	ax_watch_set(trace.watch, AX_WATCH_WRITE | AX_WATCH_READ);
	ax_watch_set(trace.watch, AX_WATCH_WRITE | AX_WATCH_READ);
	ck_assert_int_eq(dispatch(trace.host, 0), 1);
	ck_assert_uint_eq(trace.events, AX_WATCH_WRITE | AX_WATCH_READ);
	ax_watch_set(trace.watch, AX_WATCH_READ);
	ck_assert_int_eq(dispatch(trace.host, 0), 1);
	ck_assert_uint_eq(trace.events, AX_WATCH_READ);
	ax_watch_set(trace.watch, 0);
	ck_assert_int_eq(dispatch(trace.host, 0), 0);
	/* Not even a hangup, which would spin. */
	close(fds[1]);
	ck_assert_int_eq(dispatch(trace.host, 0), 0);
	ax_watch_set(trace.watch, AX_WATCH_READ);
	ck_assert_int_eq(dispatch(trace.host, 0), 1);
	ck_assert_uint_eq(trace.events, AX_WATCH_READ | AX_WATCH_HANGUP);
	ax_watch_free(trace.watch);
	close(fds[0]);
	ax_host_free(trace.host);
}
END_TEST

static void free_watches(void *opaque, int fd, unsigned events)
{
	struct trace *trace = opaque;

	(void)fd;
	(void)events;
	note(trace, 'f');
	ax_watch_free(trace->watch);
	ax_watch_free(trace->victim);
	trace->watch = trace->victim = NULL;
}

START_TEST(a_callback_frees_its_own_watch_and_one_that_is_ready)
{
	struct trace trace = { .host = new_host() };
	int one[2], two[2];

	ck_assert_int_eq(pipe(one), 0);
	ck_assert_int_eq(pipe(two), 0);
	ck_assert_int_eq(write(one[1], "x", 1), 1);
	ck_assert_int_eq(write(two[1], "x", 1), 1);
	ck_assert_int_eq(ax_watch_new(trace.host, one[0], AX_WATCH_READ, free_watches, &trace,
				      &trace.watch, NULL),
			 0);
	ck_assert_int_eq(ax_watch_new(trace.host, two[0], AX_WATCH_READ, free_watches, &trace,
				      &trace.victim, NULL),
			 0);
	ck_assert_int_eq(dispatch(trace.host, -1), 1);
	ck_assert_int_eq(dispatch(trace.host, 0), 0);
	ck_assert_str_eq(trace.text, "f");
	for (int i = 0; i < 2; i++) {
		close(one[i]);
		close(two[i]);
	}
	ax_host_free(trace.host);
}
END_TEST

static void silence_other(void *opaque, int fd, unsigned events)
{
	struct trace *trace = opaque;

	(void)fd;
	(void)events;
	note(trace, 's');
	ax_watch_set(trace->watch, 0);
	ax_watch_set(trace->victim, 0);
}

START_TEST(a_callback_silences_a_watch_that_is_ready)
{
	struct trace trace = { .host = new_host() };
	int one[2], two[2];

	ck_assert_int_eq(pipe(one), 0);
	ck_assert_int_eq(pipe(two), 0);
	ck_assert_int_eq(write(one[1], "x", 1), 1);
	ck_assert_int_eq(write(two[1], "x", 1), 1);
	ck_assert_int_eq(ax_watch_new(trace.host, one[0], AX_WATCH_READ, silence_other, &trace,
				      &trace.watch, NULL),
			 0);
	ck_assert_int_eq(ax_watch_new(trace.host, two[0], AX_WATCH_READ, silence_other, &trace,
				      &trace.victim, NULL),
			 0);
	ck_assert_int_eq(dispatch(trace.host, -1), 1);
	ck_assert_str_eq(trace.text, "s");
	ax_watch_free(trace.watch);
	ax_watch_free(trace.victim);
	for (int i = 0; i < 2; i++) {
		close(one[i]);
		close(two[i]);
	}
	ax_host_free(trace.host);
}
END_TEST

START_TEST(what_can_not_be_watched_is_refused)
{
	AxHost *host = new_host();
	AxWatch *watch = NULL, *good;
	FILE *file = tmpfile();
	int epoll = epoll_create1(0);
	AxError err;
	int fds[2];

	ck_assert_int_eq(pipe(fds), 0);
	ck_assert_ptr_nonnull(file);
	ck_assert_fails(ax_watch_new(host, fileno(file), 1, keep_events, NULL, &watch, &err),
			-ENOTSUP, AX_ERROR_FILE, "always ready");
	ck_assert_fails(ax_watch_new(host, 9999, 1, keep_events, NULL, &watch, &err), -EINVAL,
			AX_ERROR_ARGUMENT, "Bad file descriptor");
	ck_assert_fails(ax_watch_new(host, -1, 1, keep_events, NULL, &watch, &err), -EINVAL,
			AX_ERROR_ARGUMENT, "descriptor -1");
	ck_assert_fails(ax_watch_new(host, fds[0], 8, keep_events, NULL, &watch, &err), -EINVAL,
			AX_ERROR_ARGUMENT, "0x8");
	ck_assert_fails(ax_watch_new(host, fds[0], 1, NULL, NULL, &watch, &err), -EINVAL,
			AX_ERROR_ARGUMENT, "without a function");
	ck_assert_fails(ax_watch_new(host, ax_loop_fd(host), 1, keep_events, NULL, &watch, &err),
			-EINVAL, AX_ERROR_ARGUMENT, "can't be watched");
	ck_assert_int_eq(ax_watch_new(host, fds[0], 1, keep_events, NULL, &good, &err), 0);
	ck_assert_fails(ax_watch_new(host, fds[0], 1, keep_events, NULL, &watch, &err), -EINVAL,
			AX_ERROR_ARGUMENT, "watched already");
	ck_assert_ptr_null(watch);
	ax_watch_free(good);
	fclose(file);
	close(epoll);
	close(fds[0]);
	close(fds[1]);
	ax_host_free(host);
}
END_TEST

START_TEST(a_host_that_runs_out_of_something_is_an_error)
{
	static const struct {
		int os_errno, ret, code;
	} rows[] = {
		{ ENOSPC, -ENOMEM, AX_ERROR_RESOURCE },
		{ ENOMEM, -ENOMEM, AX_ERROR_RESOURCE },
		{ EPERM, -ENOTSUP, AX_ERROR_FILE },
		{ EIO, -EIO, AX_ERROR_KVM_CALL },
	};
	AxHost *host = NULL;
	AxWatch *watch;
	AxError err;
	int fds[2];

	ck_assert_int_eq(pipe(fds), 0);
	for (unsigned nth = 1; nth <= 2; nth++) {
		fake_libc_fail(LIBC_MALLOC, nth, ENOMEM);
		ck_assert_fails(ax_host_new(NULL, NULL, &host, &err), -ENOMEM, AX_ERROR_RESOURCE,
				"no memory");
		ck_assert_ptr_null(host);
	}
	host = new_host();
	fake_libc_fail(LIBC_EPOLL_CREATE1, 1, EMFILE);
	ck_assert_int_eq(ax_loop_fd(host), -1);
	fake_libc_fail(LIBC_EPOLL_CREATE1, 1, EMFILE);
	ck_assert_fails(ax_loop_dispatch(host, 0, &err), -EIO, AX_ERROR_RESOURCE, "epoll_create1");
	fake_libc_fail(LIBC_EPOLL_CREATE1, 1, ENOMEM);
	ck_assert_fails(ax_watch_new(host, fds[0], 1, keep_events, NULL, &watch, &err), -ENOMEM,
			AX_ERROR_RESOURCE, "epoll_create1");
	for (unsigned nth = 1; nth <= 2; nth++) {
		fake_libc_fail(LIBC_MALLOC, nth, ENOMEM);
		ck_assert_fails(ax_watch_new(host, fds[0], 1, keep_events, NULL, &watch, &err),
				-ENOMEM, AX_ERROR_RESOURCE, "no memory for a watch");
	}
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		fake_libc_fail(LIBC_EPOLL_CTL, 1, rows[i].os_errno);
		ck_assert_fails(ax_watch_new(host, fds[0], 1, keep_events, NULL, &watch, &err),
				rows[i].ret, rows[i].code, "");
	}
	fake_libc_fail(LIBC_EPOLL_WAIT, 1, EBADF);
	ck_assert_fails(ax_loop_dispatch(host, 0, &err), -EIO, AX_ERROR_KVM_CALL, "epoll_wait");
	fake_libc_fail(LIBC_EPOLL_WAIT, 1, EINTR);
	ck_assert_int_eq(dispatch(host, 0), 0);
	close(fds[0]);
	close(fds[1]);
	ax_host_free(host);
}
END_TEST

RUN_CORE_TESTS("host-watch", a_watch_is_level_triggered,
	       what_a_watch_waits_for_can_change_down_to_nothing,
	       a_callback_frees_its_own_watch_and_one_that_is_ready,
	       a_callback_silences_a_watch_that_is_ready, what_can_not_be_watched_is_refused,
	       a_host_that_runs_out_of_something_is_an_error)
