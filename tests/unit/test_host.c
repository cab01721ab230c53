/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Our own event loop: its life, timers, deferred work. Watches are test_host_watch.c's.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "tests/unit/host_fixture.h"

START_TEST(a_loop_that_nobody_uses_opens_nothing)
{
	unsigned before = count_descriptors();
	AxHost *host = new_host();

	ck_assert_uint_eq(count_descriptors(), before);
	ck_assert_uint_ne(ax_host_now(host), 0);
	ck_assert_uint_eq(count_descriptors(), before);
	ax_host_free(host);
	ax_host_free(NULL);
}
END_TEST

START_TEST(what_a_loop_opened_is_closed_with_it)
{
	unsigned before = count_descriptors();
	AxHost *host = new_host();
	AxTimer *timer = ax_timer_new(host, note_a, NULL);

	ck_assert_int_eq(ax_host_defer(host, note_a, NULL), 0);
	ck_assert_int_ge(ax_loop_fd(host), 0);
	ck_assert_uint_eq(count_descriptors(), before + 3);
	ax_timer_free(timer);
	ax_host_free(host); /* with deferred work that never runs */
	ck_assert_uint_eq(count_descriptors(), before);
}
END_TEST

START_TEST(timers_fire_once_in_order_of_their_deadlines)
{
	struct trace trace = { .host = new_host() };
	AxTimer *a = ax_timer_new(trace.host, note_a, &trace);
	AxTimer *b = ax_timer_new(trace.host, note_b, &trace);
	AxTimer *c = ax_timer_new(trace.host, note_c, &trace);
	uint64_t now = ax_host_now(trace.host);

	ax_timer_arm(c, now + 3 * MS);
	ax_timer_arm(a, now + 1 * MS);
	ax_timer_arm(b, now + 2 * MS);
	while (strlen(trace.text) < 3)
		(void)dispatch(trace.host, -1);
	ck_assert_str_eq(trace.text, "abc");
	ck_assert_uint_ge(ax_host_now(trace.host), now + 3 * MS);
	ck_assert_int_eq(dispatch(trace.host, 2), 0);
	ax_timer_free(a);
	ax_timer_free(b);
	ax_timer_free(c);
	ax_timer_free(NULL);
	ax_host_free(trace.host);
}
END_TEST

START_TEST(equal_deadlines_fire_in_the_order_of_arming)
{
	struct trace trace = { .host = new_host() };
	AxTimer *a = ax_timer_new(trace.host, note_a, &trace);
	AxTimer *b = ax_timer_new(trace.host, note_b, &trace);
	AxTimer *c = ax_timer_new(trace.host, note_c, &trace);

	ax_timer_arm(b, 7);
	ax_timer_arm(c, 7);
	ax_timer_arm(a, 7);
	ck_assert_int_eq(dispatch(trace.host, 1000), 3);
	ck_assert_str_eq(trace.text, "bca");
	ax_timer_free(a);
	ax_timer_free(b);
	ax_timer_free(c);
	ax_host_free(trace.host);
}
END_TEST

START_TEST(a_deadline_in_the_past_fires_at_once_even_zero)
{
	struct trace trace = { .host = new_host() };
	AxTimer *timer = ax_timer_new(trace.host, note_a, &trace);

	ax_timer_arm(timer, 0);
	ck_assert(is_readable(ax_loop_fd(trace.host)));
	ck_assert_int_eq(dispatch(trace.host, 1000), 1);
	ck_assert(!is_readable(ax_loop_fd(trace.host)));
	ax_timer_arm(timer, 1);
	ck_assert_int_eq(dispatch(trace.host, 1000), 1);
	ax_timer_free(timer);
	ax_host_free(trace.host);
}
END_TEST

START_TEST(a_disarmed_timer_does_not_fire)
{
	struct trace trace = { .host = new_host() };
	AxTimer *timer = ax_timer_new(trace.host, note_a, &trace);

	ax_timer_arm(timer, 0);
	ax_timer_arm(timer, UINT64_MAX);
	ck_assert(!is_readable(ax_loop_fd(trace.host)));
	ck_assert_int_eq(dispatch(trace.host, 0), 0);
	/* A far deadline is replaced by a near one, and the other way round. */
	ax_timer_arm(timer, UINT64_MAX - 1);
	ck_assert_int_eq(dispatch(trace.host, 0), 0);
	ax_timer_arm(timer, 1);
	ax_timer_arm(timer, ax_host_now(trace.host) + 3600 * 1000 * MS);
	ck_assert_int_eq(dispatch(trace.host, 0), 0);
	ax_timer_arm(timer, 1);
	ck_assert_int_eq(dispatch(trace.host, 0), 1);
	ax_timer_free(timer);
	ax_host_free(trace.host);
}
END_TEST

static void arm_again(void *opaque)
{
	struct trace *trace = opaque;

	note(trace, 'r');
	ax_timer_arm(trace->timer, 0);
}

START_TEST(a_timer_that_arms_itself_does_not_starve_the_loop)
{
	struct trace trace = { .host = new_host() };

	trace.timer = ax_timer_new(trace.host, arm_again, &trace);
	ax_timer_arm(trace.timer, 0);
	ck_assert_int_eq(dispatch(trace.host, 1000), 1);
	ck_assert_int_eq(dispatch(trace.host, 1000), 1);
	ck_assert_str_eq(trace.text, "rr");
	ax_timer_free(trace.timer);
	ax_host_free(trace.host);
}
END_TEST

static void free_both(void *opaque)
{
	struct trace *trace = opaque;

	note(trace, 'f');
	ax_timer_free(trace->timer);
	ax_timer_free(trace->other);
	trace->timer = trace->other = NULL;
}

START_TEST(a_callback_frees_its_own_timer_and_one_that_is_due)
{
	struct trace trace = { .host = new_host() };

	trace.timer = ax_timer_new(trace.host, free_both, &trace);
	trace.other = ax_timer_new(trace.host, note_a, &trace);
	ax_timer_arm(trace.timer, 1);
	ax_timer_arm(trace.other, 2);
	ck_assert_int_eq(dispatch(trace.host, 1000), 1);
	ck_assert_int_eq(dispatch(trace.host, 0), 0);
	ck_assert_str_eq(trace.text, "f");
	ax_host_free(trace.host);
}
END_TEST

static void disarm_other(void *opaque)
{
	struct trace *trace = opaque;

	note(trace, 'd');
	ax_timer_arm(trace->other, UINT64_MAX);
}

START_TEST(a_callback_disarms_a_timer_that_is_due)
{
	struct trace trace = { .host = new_host() };

	trace.timer = ax_timer_new(trace.host, disarm_other, &trace);
	trace.other = ax_timer_new(trace.host, note_a, &trace);
	ax_timer_arm(trace.timer, 1);
	ax_timer_arm(trace.other, 2);
	ck_assert_int_eq(dispatch(trace.host, 1000), 1);
	ck_assert_str_eq(trace.text, "d");
	ax_timer_free(trace.timer);
	ax_timer_free(trace.other);
	ax_host_free(trace.host);
}
END_TEST

static void defer_more(void *opaque)
{
	struct trace *trace = opaque;

	note(trace, 'm');
	ck_assert_int_eq(ax_host_defer(trace->host, note_c, trace), 0);
}

START_TEST(deferred_work_runs_once_in_order_and_new_work_next_time)
{
	struct trace trace = { .host = new_host() };

	ck_assert_int_eq(ax_host_defer(trace.host, note_b, &trace), 0);
	ck_assert_int_eq(ax_host_defer(trace.host, defer_more, &trace), 0);
	ck_assert_int_eq(ax_host_defer(trace.host, note_a, &trace), 0);
	ck_assert(is_readable(ax_loop_fd(trace.host)));
	ck_assert_int_eq(dispatch(trace.host, -1), 3);
	ck_assert_str_eq(trace.text, "bma");
	ck_assert_int_eq(dispatch(trace.host, -1), 1);
	ck_assert_str_eq(trace.text, "bmac");
	ck_assert(!is_readable(ax_loop_fd(trace.host)));
	ax_host_free(trace.host);
}
END_TEST

START_TEST(timers_and_deferred_work_need_descriptors_and_memory)
{
	unsigned before = count_descriptors();
	AxHost *host = new_host();

	for (unsigned nth = 1; nth <= 2; nth++) {
		fake_libc_fail(LIBC_MALLOC, nth, ENOMEM);
		ck_assert_ptr_null(ax_timer_new(host, note_a, NULL));
	}
	fake_libc_fail(LIBC_MALLOC, 1, ENOMEM);
	ck_assert_int_eq(ax_host_defer(host, note_a, NULL), -ENOMEM);
	ax_host_free(host);

	host = new_host();
	fake_libc_fail(LIBC_TIMERFD_CREATE, 1, EMFILE);
	ck_assert_ptr_null(ax_timer_new(host, note_a, NULL));
	fake_libc_fail(LIBC_EPOLL_CREATE1, 1, EMFILE);
	ck_assert_ptr_null(ax_timer_new(host, note_a, NULL));
	fake_libc_fail(LIBC_EPOLL_CTL, 1, ENOSPC);
	ck_assert_ptr_null(ax_timer_new(host, note_a, NULL));
	fake_libc_fail(LIBC_EVENTFD, 1, EMFILE);
	ck_assert_int_eq(ax_host_defer(host, note_a, NULL), -ENOMEM);
	ax_host_free(host);
	ck_assert_uint_eq(count_descriptors(), before);
}
END_TEST

static void dispatch_again(void *opaque)
{
	struct trace *trace = opaque;
	AxError err;

	ck_assert_fails(ax_loop_dispatch(trace->host, 0, &err), -EPERM, AX_ERROR_STATE, "already");
	note(trace, 'n');
}

START_TEST(a_callback_does_not_dispatch)
{
	struct trace trace = { .host = new_host() };

	ck_assert_int_eq(ax_host_defer(trace.host, dispatch_again, &trace), 0);
	ck_assert_int_eq(dispatch(trace.host, -1), 1);
	ck_assert_str_eq(trace.text, "n");
	ax_host_free(trace.host);
}
END_TEST

/* Other threads arm timers and defer work while the loop runs. */
struct worker {
	AxHost *host;
	atomic_uint *done;
};

static void count_done(void *opaque)
{
	atomic_fetch_add((atomic_uint *)opaque, 1);
}

#define ROUNDS 300

static void *work(void *arg)
{
	struct worker *worker = arg;

	for (int i = 0; i < ROUNDS; i++) {
		AxTimer *kept = ax_timer_new(worker->host, count_done, worker->done);
		AxTimer *dropped = ax_timer_new(worker->host, note_a, NULL);
		unsigned before = atomic_load(worker->done);

		ck_assert(kept && dropped);
		ax_timer_arm(dropped, ax_host_now(worker->host) + 3600 * 1000 * MS);
		ax_timer_arm(kept, ax_host_now(worker->host));
		ck_assert_int_eq(ax_host_defer(worker->host, count_done, worker->done), 0);
		ax_timer_free(dropped);
		while (atomic_load(worker->done) < before + 2)
			usleep(20);
		ax_timer_free(kept);
	}
	return NULL;
}

START_TEST(any_thread_arms_timers_and_defers)
{
	AxHost *host = new_host();
	atomic_uint done[2] = { 0, 0 };
	struct worker workers[2];
	pthread_t threads[2];

	for (int i = 0; i < 2; i++) {
		workers[i] = (struct worker){ .host = host, .done = &done[i] };
		ck_assert_int_eq(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
	}
	while (atomic_load(&done[0]) < 2 * ROUNDS || atomic_load(&done[1]) < 2 * ROUNDS)
		(void)dispatch(host, 50);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	ax_host_free(host);
}
END_TEST

RUN_CORE_TESTS("host", a_loop_that_nobody_uses_opens_nothing, what_a_loop_opened_is_closed_with_it,
	       timers_fire_once_in_order_of_their_deadlines,
	       equal_deadlines_fire_in_the_order_of_arming,
	       a_deadline_in_the_past_fires_at_once_even_zero, a_disarmed_timer_does_not_fire,
	       a_timer_that_arms_itself_does_not_starve_the_loop,
	       a_callback_frees_its_own_timer_and_one_that_is_due,
	       a_callback_disarms_a_timer_that_is_due,
	       deferred_work_runs_once_in_order_and_new_work_next_time,
	       timers_and_deferred_work_need_descriptors_and_memory, a_callback_does_not_dispatch,
	       any_thread_arms_timers_and_defers)
