/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Host services on an embedder's loop.
 */
#include "tests/unit/host_fixture.h"

static void keep_events(void *opaque, int fd, unsigned events)
{
	(void)opaque;
	(void)fd;
	(void)events;
}

/* An embedder's loop that only takes notes. */
struct embedder {
	char calls[32];
	bool refuse;
};

static void *embedder_note(struct embedder *embedder, char letter)
{
	embedder->calls[strlen(embedder->calls)] = letter;
	return embedder->refuse ? NULL : embedder;
}

static uint64_t embedder_now(void *opaque)
{
	(void)embedder_note(opaque, 'n');
	return 42;
}

static void *embedder_timer_new(void *opaque, AxTimerFn *fn, void *arg)
{
	ck_assert_ptr_eq(fn, note_a);
	ck_assert_ptr_null(arg);
	return embedder_note(opaque, 't');
}

static void embedder_timer_arm(void *opaque, void *timer, uint64_t deadline_ns)
{
	ck_assert_ptr_eq(timer, opaque);
	ck_assert_uint_eq(deadline_ns, 77);
	(void)embedder_note(opaque, 'a');
}

static void embedder_timer_free(void *opaque, void *timer)
{
	ck_assert_ptr_eq(timer, opaque);
	(void)embedder_note(opaque, 'f');
}

static void *embedder_watch_new(void *opaque, int fd, unsigned events, AxWatchFn *fn, void *arg)
{
	(void)fd;
	(void)arg;
	ck_assert_uint_eq(events, AX_WATCH_READ);
	ck_assert_ptr_eq(fn, keep_events);
	return embedder_note(opaque, 'w');
}

static int embedder_watch_set(void *opaque, void *watch, unsigned events)
{
	ck_assert_ptr_eq(watch, opaque);
	ck_assert_uint_eq(events, AX_WATCH_WRITE);
	(void)embedder_note(opaque, 's');
	return 0;
}

static void embedder_watch_free(void *opaque, void *watch)
{
	ck_assert_ptr_eq(watch, opaque);
	(void)embedder_note(opaque, 'x');
}

static int embedder_defer(void *opaque, AxDeferFn *fn, void *arg)
{
	(void)arg;
	ck_assert_ptr_eq(fn, note_b);
	(void)embedder_note(opaque, 'd');
	return 0;
}

static AxHostOps embedder_ops(void)
{
	return (AxHostOps){
		.size = sizeof(AxHostOps),
		.now = embedder_now,
		.timer_new = embedder_timer_new,
		.timer_arm = embedder_timer_arm,
		.timer_free = embedder_timer_free,
		.watch_new = embedder_watch_new,
		.watch_set = embedder_watch_set,
		.watch_free = embedder_watch_free,
		.defer = embedder_defer,
	};
}

START_TEST(an_embedders_loop_gets_every_call)
{
	struct embedder embedder = { 0 };
	AxHostOps ops = embedder_ops();
	AxHost *host;
	AxTimer *timer;
	AxWatch *watch;
	AxError err;
	int fds[2];

	ck_assert_int_eq(pipe(fds), 0);
	ck_assert_int_eq(ax_host_new(&ops, &embedder, &host, &err), 0);
	ck_assert_uint_eq(ax_host_now(host), 42);
	timer = ax_timer_new(host, note_a, NULL);
	ax_timer_arm(timer, 77);
	ax_timer_free(timer);
	ck_assert_int_eq(ax_watch_new(host, fds[0], AX_WATCH_READ, keep_events, NULL, &watch, &err),
			 0);
	ax_watch_set(watch, AX_WATCH_WRITE);
	ax_watch_free(watch);
	ck_assert_int_eq(ax_host_defer(host, note_b, NULL), 0);
	ck_assert_str_eq(embedder.calls, "ntafwsxd");
	ck_assert_int_eq(ax_loop_fd(host), -1);
	ck_assert_fails(ax_loop_dispatch(host, 0, &err), -EPERM, AX_ERROR_STATE, "embedder");
	embedder.refuse = true;
	ck_assert_ptr_null(ax_timer_new(host, note_a, NULL));
	ck_assert_fails(ax_watch_new(host, fds[0], AX_WATCH_READ, keep_events, NULL, &watch, &err),
			-EIO, AX_ERROR_RESOURCE, "embedder");
	close(fds[0]);
	close(fds[1]);
	ax_host_free(host);
}
END_TEST

START_TEST(an_embedders_loop_must_be_complete)
{
	AxHostOps ops = embedder_ops();
	AxHost *host = NULL;
	AxError err;

	ops.size--;
	ck_assert_fails(ax_host_new(&ops, NULL, &host, &err), -EINVAL, AX_ERROR_ARGUMENT, "size");
	for (size_t offset = offsetof(AxHostOps, now); offset < sizeof(ops);
	     offset += sizeof(void *)) {
		ops = embedder_ops();
		memset((char *)&ops + offset, 0, sizeof(void *));
		ck_assert_fails(ax_host_new(&ops, NULL, &host, &err), -EINVAL, AX_ERROR_ARGUMENT,
				"lacks an op");
	}
	ck_assert_ptr_null(host);
}
END_TEST

RUN_CORE_TESTS("host-ops", an_embedders_loop_gets_every_call, an_embedders_loop_must_be_complete)
