/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Our own event loop; see host_loop.h.
 *
 * One mutex guards the descriptors, deferred work and what watches wait for; no callback runs with
 * it held. A watch that a callback frees may still be in the batch of events at hand: it lives on
 * until the batch's end.
 */
#include <config.h>

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "core/error.h"
#include "core/host_loop.h"
#include "core/host_timer.h"

#define BATCH 16

struct watch {
	int fd;
	unsigned events; /* 0: not in the epoll set, which would report hangups for ever */
	AxWatchFn *fn;
	void *arg;
	bool dead;
	struct watch *next_dead;
};

struct deferred {
	struct deferred *next;
	AxDeferFn *fn;
	void *arg;
};

struct loop {
	pthread_mutex_t lock;
	int epoll_fd;		   /* -1: not made yet; so with the others */
	int defer_fd;		   /* event.data.ptr: the loop's `deferred` */
	struct timer_queue timers; /* event.data.ptr of its descriptor */
	struct deferred *deferred;
	struct deferred **deferred_end;
	struct watch *dead; /* freed when the batch is through */
	atomic_bool dispatching;
};

struct loop *loop_new(void)
{
	struct loop *loop = calloc(1, sizeof(*loop));

	if (!loop)
		return NULL;
	pthread_mutex_init(&loop->lock, NULL);
	loop->epoll_fd = loop->defer_fd = -1;
	timer_queue_init(&loop->timers);
	loop->deferred_end = &loop->deferred;
	return loop;
}

static void close_if_open(int fd)
{
	if (fd >= 0)
		close(fd);
}

void loop_free(struct loop *loop)
{
	while (loop->deferred) {
		struct deferred *next = loop->deferred->next;

		free(loop->deferred);
		loop->deferred = next;
	}
	timer_queue_fini(&loop->timers);
	close_if_open(loop->defer_fd);
	close_if_open(loop->epoll_fd);
	pthread_mutex_destroy(&loop->lock);
	free(loop);
}

/* 0 or a negative errno of the system's. The lock is held. */
static int need_epoll(struct loop *loop)
{
	if (loop->epoll_fd < 0)
		loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	return loop->epoll_fd < 0 ? -errno : 0;
}

/* Have @tag reported when @fd, fresh from its system call, is readable; closes it on failure. */
static int adopt(struct loop *loop, int fd, void *tag)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = tag };
	int ret;

	if (fd < 0)
		return -errno;
	ret = need_epoll(loop);
	if (!ret && epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event))
		ret = -errno;
	if (ret)
		close(fd);
	return ret ? ret : fd;
}

static int need_defer_fd(struct loop *loop)
{
	if (loop->defer_fd < 0)
		loop->defer_fd =
			adopt(loop, eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), &loop->deferred);
	return loop->defer_fd < 0 ? loop->defer_fd : 0;
}

int loop_fd(struct loop *loop, AxError *err)
{
	int ret;

	pthread_mutex_lock(&loop->lock);
	ret = need_epoll(loop);
	pthread_mutex_unlock(&loop->lock);
	return ret ? ax_error_sys(err, ret, "epoll_create1") : loop->epoll_fd;
}

static uint64_t loop_now(void *opaque)
{
	(void)opaque;
	return timer_now();
}

/* The first timer brings the timerfd. */
static int need_timer_fd(struct loop *loop)
{
	int ret = 0;

	pthread_mutex_lock(&loop->lock);
	if (loop->timers.fd < 0) {
		ret = adopt(loop, timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK),
			    &loop->timers);
		if (ret >= 0) {
			loop->timers.fd = ret;
			ret = 0;
		}
	}
	pthread_mutex_unlock(&loop->lock);
	return ret;
}

static void *loop_timer_new(void *opaque, AxTimerFn *fn, void *arg)
{
	return need_timer_fd(opaque) ? NULL : timer_new(fn, arg);
}

static void loop_timer_arm(void *opaque, void *handle, uint64_t deadline_ns)
{
	struct loop *loop = opaque;

	timer_arm(&loop->timers, handle, deadline_ns);
}

static void loop_timer_free(void *opaque, void *handle)
{
	struct loop *loop = opaque;

	timer_free(&loop->timers, handle);
}

/* The lock is held, and the eventfd is there. */
static void enqueue(struct loop *loop, struct deferred *work)
{
	uint64_t one = 1;

	if (!loop->deferred)
		(void)!write(loop->defer_fd, &one, sizeof(one));
	*loop->deferred_end = work;
	loop->deferred_end = &work->next;
}

static int loop_defer(void *opaque, AxDeferFn *fn, void *arg)
{
	struct loop *loop = opaque;
	struct deferred *work = malloc(sizeof(*work));
	int ret;

	if (!work)
		return -ENOMEM;
	*work = (struct deferred){ .fn = fn, .arg = arg };
	pthread_mutex_lock(&loop->lock);
	ret = need_defer_fd(loop);
	if (!ret)
		enqueue(loop, work);
	pthread_mutex_unlock(&loop->lock);
	if (ret) {
		free(work);
		return -ENOMEM;
	}
	return 0;
}

/* What is deferred from now on waits for the next dispatch. */
static int run_deferred(struct loop *loop)
{
	struct deferred *work;
	uint64_t signalled;
	int count = 0;

	pthread_mutex_lock(&loop->lock);
	(void)!read(loop->defer_fd, &signalled, sizeof(signalled));
	work = loop->deferred;
	loop->deferred = NULL;
	loop->deferred_end = &loop->deferred;
	pthread_mutex_unlock(&loop->lock);
	while (work) {
		struct deferred now = *work;

		free(work);
		now.fn(now.arg);
		count++;
		work = now.next;
	}
	return count;
}

static uint32_t to_epoll(unsigned events)
{
	return (events & AX_WATCH_READ ? EPOLLIN : 0u) | (events & AX_WATCH_WRITE ? EPOLLOUT : 0u);
}

static unsigned from_epoll(uint32_t events)
{
	unsigned ready = 0;

	if (events & EPOLLIN)
		ready |= AX_WATCH_READ;
	if (events & EPOLLOUT)
		ready |= AX_WATCH_WRITE;
	if (events & (EPOLLHUP | EPOLLERR))
		ready |= AX_WATCH_HANGUP;
	return ready;
}

/* Tell epoll that the watch waits for @events instead of what it waited for. The lock is held. */
static int change(struct loop *loop, struct watch *watch, unsigned events)
{
	struct epoll_event event = { .events = to_epoll(events), .data.ptr = watch };
	int call = EPOLL_CTL_MOD;

	if (events == watch->events)
		return 0;
	if (!events)
		call = EPOLL_CTL_DEL;
	else if (!watch->events)
		call = EPOLL_CTL_ADD;
	if (epoll_ctl(loop->epoll_fd, call, watch->fd, &event))
		return -errno;
	watch->events = events;
	return 0;
}

static int refuse_watch(int fd, int ret, AxError *err)
{
	switch (ret) {
	case -EPERM:
		return ax_error_set(err, -ENOTSUP, AX_ERROR_FILE, EPERM,
				    "descriptor %d can't be watched", fd);
	case -EEXIST:
		return ax_error_argument(err, -EINVAL,
					 "descriptor %d is watched already: use dup()", fd);
	case -EBADF:
	case -EINVAL:
	case -ELOOP: return ax_error_argument(err, -EINVAL, "descriptor %d can't be watched", fd);
	case -ENOSPC:
		return ax_error_set(
			err, -ENOMEM, AX_ERROR_RESOURCE, ENOSPC,
			"this user watches too many descriptors (fs.epoll.max_user_watches)");
	default: return ax_error_sys(err, ret, "epoll_ctl");
	}
}

/* Enter the watch into the epoll set; with no events only to see whether that works. */
static int add_watch(struct loop *loop, struct watch *watch, unsigned events, AxError *err)
{
	int ret = need_epoll(loop);

	if (ret)
		return ax_error_sys(err, ret, "epoll_create1");
	ret = change(loop, watch, events ? events : AX_WATCH_READ);
	if (!ret && !events)
		ret = change(loop, watch, 0);
	return ret ? refuse_watch(watch->fd, ret, err) : 0;
}

int loop_watch_new(struct loop *loop, int fd, unsigned events, AxWatchFn *fn, void *arg, void **out,
		   AxError *err)
{
	struct watch *watch = calloc(1, sizeof(*watch));
	int ret;

	if (!watch)
		return ax_error_nomem(err, "a watch");
	watch->fd = fd;
	watch->fn = fn;
	watch->arg = arg;
	pthread_mutex_lock(&loop->lock);
	ret = add_watch(loop, watch, events, err);
	pthread_mutex_unlock(&loop->lock);
	if (ret) {
		free(watch);
		return ret;
	}
	*out = watch;
	return 0;
}

static int loop_watch_set(void *opaque, void *handle, unsigned events)
{
	struct loop *loop = opaque;
	int ret;

	pthread_mutex_lock(&loop->lock);
	ret = change(loop, handle, events & (AX_WATCH_READ | AX_WATCH_WRITE));
	pthread_mutex_unlock(&loop->lock);
	return ret;
}

static void loop_watch_free(void *opaque, void *handle)
{
	struct loop *loop = opaque;
	struct watch *watch = handle;

	pthread_mutex_lock(&loop->lock);
	(void)change(loop, watch, 0);
	pthread_mutex_unlock(&loop->lock);
	if (!atomic_load(&loop->dispatching)) {
		free(watch);
		return;
	}
	watch->dead = true;
	watch->next_dead = loop->dead;
	loop->dead = watch;
}

static int run_watch(struct loop *loop, struct watch *watch, uint32_t events)
{
	unsigned wanted, ready;

	if (watch->dead)
		return 0;
	pthread_mutex_lock(&loop->lock);
	wanted = watch->events;
	pthread_mutex_unlock(&loop->lock);
	/* An earlier callback of this batch may have changed its mind. */
	ready = wanted ? from_epoll(events) & (wanted | AX_WATCH_HANGUP) : 0;
	if (!ready)
		return 0;
	watch->fn(watch->arg, watch->fd, ready);
	return 1;
}

static void bury(struct loop *loop)
{
	while (loop->dead) {
		struct watch *next = loop->dead->next_dead;

		free(loop->dead);
		loop->dead = next;
	}
}

static int run_batch(struct loop *loop, const struct epoll_event *events, int ready)
{
	int count = 0;

	for (int i = 0; i < ready; i++) {
		void *tag = events[i].data.ptr;

		if (tag == &loop->timers)
			count += timer_run(&loop->timers);
		else if (tag == &loop->deferred)
			count += run_deferred(loop);
		else
			count += run_watch(loop, tag, events[i].events);
	}
	bury(loop);
	return count;
}

int loop_dispatch(struct loop *loop, int timeout_ms, AxError *err)
{
	struct epoll_event events[BATCH];
	int ret = loop_fd(loop, err);

	if (ret < 0)
		return ret;
	if (atomic_exchange(&loop->dispatching, true))
		return ax_error_state(err, "the event loop is being dispatched already");
	ret = epoll_wait(ret, events, BATCH, timeout_ms < 0 ? -1 : timeout_ms);
	if (ret >= 0)
		ret = run_batch(loop, events, ret);
	else if (errno == EINTR)
		ret = 0;
	else
		ret = ax_error_sys(err, -errno, "epoll_wait");
	atomic_store(&loop->dispatching, false);
	return ret;
}

const AxHostOps loop_ops = {
	.size = sizeof(AxHostOps),
	.now = loop_now,
	.timer_new = loop_timer_new,
	.timer_arm = loop_timer_arm,
	.timer_free = loop_timer_free,
	.watch_set = loop_watch_set,
	.watch_free = loop_watch_free,
	.defer = loop_defer,
};
