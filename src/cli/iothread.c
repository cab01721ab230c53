/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The event loop, on a thread that is started on first need: the library's own loop behind
 * operations that see to it that somebody drives it.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/iothread.h"

#define STACK_SIZE (256 * 1024) /* devices decode their files' formats on it */

struct iothread {
	AxHost *host;  /* what others use */
	AxHost *inner; /* the library's loop, made on first need */
	pthread_mutex_t lock;
	bool held;
	bool needed;  /* there is something to wait for */
	bool running; /* the thread is there */
	pthread_t thread;
	atomic_bool quit; /* the thread is to end */
	void (*failed)(void *opaque, const char *why);
	void *opaque;
};

static void *drive(void *opaque)
{
	struct iothread *io = opaque;
	AxError err = AX_ERROR_INIT;

	while (!atomic_load(&io->quit)) {
		if (ax_loop_dispatch(io->inner, -1, &err) < 0) {
			io->failed(io->opaque, err.message);
			break;
		}
	}
	return NULL;
}

/* Signals are the main thread's, but for those that a mistake of this thread's own raises. */
static int start_thread(struct iothread *io)
{
	sigset_t all, old;
	pthread_attr_t attributes;
	int ret;

	sigfillset(&all);
	sigdelset(&all, SIGSEGV);
	sigdelset(&all, SIGBUS);
	sigdelset(&all, SIGFPE);
	sigdelset(&all, SIGILL);
	ret = pthread_attr_init(&attributes);
	if (ret)
		return ret;
	pthread_attr_setstacksize(&attributes, STACK_SIZE);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	ret = pthread_create(&io->thread, &attributes, drive, io);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attributes);
	if (!ret)
		pthread_setname_np(io->thread, "axvmm-io");
	return ret;
}

/* The library's loop; NULL when it cannot be made. */
static AxHost *inner(struct iothread *io)
{
	AxError err = AX_ERROR_INIT;

	pthread_mutex_lock(&io->lock);
	if (!io->inner && ax_host_new(NULL, NULL, &io->inner, &err))
		io->failed(io->opaque, err.message);
	pthread_mutex_unlock(&io->lock);
	return io->inner;
}

/* There is something to wait for from now on. */
static void need_thread(struct iothread *io)
{
	int ret = 0;

	pthread_mutex_lock(&io->lock);
	io->needed = true;
	if (!io->running && !io->held) {
		atomic_store(&io->quit, false);
		ret = start_thread(io);
		io->running = !ret;
	}
	pthread_mutex_unlock(&io->lock);
	if (ret)
		io->failed(io->opaque, strerror(ret));
}

static uint64_t op_now(void *opaque)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* A device's timer; the library's is made when it is armed for the first time. */
struct timer {
	AxTimerFn *fn;
	void *arg;
	AxTimer *inner; /* set once, under the lock */
};

static void *op_timer_new(void *opaque, AxTimerFn *fn, void *arg)
{
	struct timer *timer = calloc(1, sizeof(*timer));

	(void)opaque;
	if (timer) {
		timer->fn = fn;
		timer->arg = arg;
	}
	return timer;
}

static AxTimer *inner_timer(struct iothread *io, struct timer *timer)
{
	AxHost *host = inner(io);

	pthread_mutex_lock(&io->lock);
	if (host && !timer->inner) {
		timer->inner = ax_timer_new(host, timer->fn, timer->arg);
		if (!timer->inner)
			io->failed(io->opaque, strerror(ENOMEM));
	}
	pthread_mutex_unlock(&io->lock);
	return timer->inner;
}

/* To disarm what was never armed takes nothing. */
static void disarm(struct iothread *io, struct timer *timer)
{
	AxTimer *inner_one;

	pthread_mutex_lock(&io->lock);
	inner_one = timer->inner;
	pthread_mutex_unlock(&io->lock);
	if (inner_one)
		ax_timer_arm(inner_one, UINT64_MAX);
}

static void op_timer_arm(void *opaque, void *timer, uint64_t deadline_ns)
{
	AxTimer *inner_one;

	if (deadline_ns == UINT64_MAX) {
		disarm(opaque, timer);
		return;
	}
	inner_one = inner_timer(opaque, timer);
	if (!inner_one)
		return;
	ax_timer_arm(inner_one, deadline_ns);
	need_thread(opaque);
}

static void op_timer_free(void *opaque, void *timer)
{
	(void)opaque;
	ax_timer_free(((struct timer *)timer)->inner);
	free(timer);
}

static void *op_watch_new(void *opaque, int fd, unsigned events, AxWatchFn *fn, void *arg)
{
	AxHost *host = inner(opaque);
	AxWatch *watch = NULL;

	if (!host || ax_watch_new(host, fd, events, fn, arg, &watch, NULL))
		return NULL;
	if (events)
		need_thread(opaque);
	return watch;
}

static int op_watch_set(void *opaque, void *watch, unsigned events)
{
	ax_watch_set(watch, events);
	if (events)
		need_thread(opaque);
	return 0;
}

static void op_watch_free(void *opaque, void *watch)
{
	ax_watch_free(watch);
}

static int op_defer(void *opaque, AxDeferFn *fn, void *arg)
{
	AxHost *host = inner(opaque);
	int ret = host ? ax_host_defer(host, fn, arg) : -ENOMEM;

	if (!ret)
		need_thread(opaque);
	return ret;
}

static const AxHostOps ops = {
	.size = sizeof(ops),
	.now = op_now,
	.timer_new = op_timer_new,
	.timer_arm = op_timer_arm,
	.timer_free = op_timer_free,
	.watch_new = op_watch_new,
	.watch_set = op_watch_set,
	.watch_free = op_watch_free,
	.defer = op_defer,
};

struct iothread *iothread_new(void (*failed)(void *opaque, const char *why), void *opaque)
{
	struct iothread *io = calloc(1, sizeof(*io));

	if (!io)
		return NULL;
	io->failed = failed;
	io->opaque = opaque;
	io->held = true;
	pthread_mutex_init(&io->lock, NULL);
	if (ax_host_new(&ops, io, &io->host, NULL)) {
		iothread_free(io);
		return NULL;
	}
	return io;
}

AxHost *iothread_host(struct iothread *io)
{
	return io->host;
}

/* Something for the thread to wake up for. */
static void wake(void *opaque)
{
	(void)opaque;
}

void iothread_release(struct iothread *io)
{
	bool needed;

	pthread_mutex_lock(&io->lock);
	io->held = false;
	needed = io->needed;
	pthread_mutex_unlock(&io->lock);
	if (needed)
		need_thread(io);
}

void iothread_hold(struct iothread *io)
{
	bool running;

	pthread_mutex_lock(&io->lock);
	io->held = true;
	running = io->running;
	io->running = false;
	pthread_mutex_unlock(&io->lock);
	if (!running)
		return;
	atomic_store(&io->quit, true);
	/* Without memory for that it wakes up with the next event. */
	while (ax_host_defer(io->inner, wake, NULL))
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	pthread_join(io->thread, NULL);
}

void iothread_free(struct iothread *io)
{
	if (!io)
		return;
	ax_host_free(io->host);
	ax_host_free(io->inner);
	pthread_mutex_destroy(&io->lock);
	free(io);
}
