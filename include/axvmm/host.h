/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Host services that devices use: a clock, timers, watched descriptors, deferred work. The embedder
 * supplies its own event loop (AxHostOps) or drives ours: ax_loop_fd() becomes readable when
 * ax_loop_dispatch() has something to do.
 *
 * All callbacks run on the thread that calls ax_loop_dispatch() (or the embedder's loop), never on
 * a vCPU's.
 */
#ifndef AXVMM_HOST_H
#define AXVMM_HOST_H

#include <axvmm/error.h>
#include <axvmm/types.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct AxHost AxHost;
typedef struct AxTimer AxTimer;
typedef struct AxWatch AxWatch;

#define AX_WATCH_READ	(1u << 0)
#define AX_WATCH_WRITE	(1u << 1)
#define AX_WATCH_HANGUP (1u << 2) /* reported, never asked for */

typedef void AxTimerFn(void *opaque);
typedef void AxWatchFn(void *opaque, int fd, unsigned events);
typedef void AxDeferFn(void *opaque);

/*
 * An embedder's loop. Every op must be there. Handles are the embedder's own pointers, not NULL.
 * Timers and defer may be called from any thread, watches from the loop's thread or before it runs.
 */
typedef struct AxHostOps {
	size_t size;		       /* sizeof(AxHostOps) */
	uint64_t (*now)(void *opaque); /* nanoseconds, monotonic */
	void *(*timer_new)(void *opaque, AxTimerFn *fn, void *arg);
	void (*timer_arm)(void *opaque, void *timer, uint64_t deadline_ns); /* UINT64_MAX disarms */
	void (*timer_free)(void *opaque, void *timer);
	void *(*watch_new)(void *opaque, int fd, unsigned events, AxWatchFn *fn, void *arg);
	int (*watch_set)(void *opaque, void *watch, unsigned events);
	void (*watch_free)(void *opaque, void *watch);
	int (*defer)(void *opaque, AxDeferFn *fn, void *arg);
} AxHostOps;

/**
 * Make host services.
 *
 * @param ops  an embedder's, borrowed; NULL: our own loop (epoll, timerfd, eventfd)
 * @param out  owned by the caller: ax_host_free()
 * @return 0; -EINVAL an op is missing; -ENOMEM; -EIO
 *
 * Thread: any.
 */
AX_API int ax_host_new(const AxHostOps *ops, void *opaque, AxHost **out, AxError *err);

/*
 * Free it; timers and watches must be gone; deferred work that has not run never will. NULL is
 * allowed.
 */
AX_API void ax_host_free(AxHost *host);

/* Nanoseconds of a monotonic clock. Thread: any. */
AX_API uint64_t ax_host_now(AxHost *host);

/* A timer, disarmed; NULL when there is no memory. One-shot. Thread: any. */
AX_API AxTimer *ax_timer_new(AxHost *host, AxTimerFn *fn, void *opaque);
/*
 * Fire once at @deadline_ns of ax_host_now()'s clock, at once when it is past; UINT64_MAX disarms.
 * Thread: any.
 */
AX_API void ax_timer_arm(AxTimer *timer, uint64_t deadline_ns);
/*
 * Free it. On the loop's thread its callback will not run any more; elsewhere it may be running.
 * NULL is allowed.
 */
AX_API void ax_timer_free(AxTimer *timer);

/**
 * Watch a descriptor, level triggered.
 *
 * @param fd      borrowed until ax_watch_free()
 * @param events  AX_WATCH_READ | AX_WATCH_WRITE, may be 0
 * @return 0; -EINVAL; -ENOTSUP a regular file, which is always ready; -ENOMEM; -EIO
 *
 * Thread: the loop's, or before it runs.
 */
AX_API int ax_watch_new(AxHost *host, int fd, unsigned events, AxWatchFn *fn, void *opaque,
			AxWatch **out, AxError *err);
/* Change what is waited for. Thread: any. */
AX_API void ax_watch_set(AxWatch *watch, unsigned events);
/*
 * End it; a callback may free its own watch. Thread: the loop's, or when it does not run. NULL is
 * allowed.
 */
AX_API void ax_watch_free(AxWatch *watch);

/* Run @fn soon on the loop's thread, in the order of the calls. 0 or -ENOMEM. Thread: any. */
AX_API int ax_host_defer(AxHost *host, AxDeferFn *fn, void *opaque);

/*
 * Our loop's descriptor, readable when there is work; -1 with an embedder's ops, or
 * when the host has no descriptor left. Thread: any.
 */
AX_API int ax_loop_fd(AxHost *host);

/**
 * Run callbacks that are due; wait for some first.
 *
 * @param timeout_ms  -1 waits without limit, 0 not at all
 * @return callbacks run; -EPERM an embedder's ops are used; -EIO
 *
 * Thread: one at a time.
 */
AX_API int ax_loop_dispatch(AxHost *host, int timeout_ms, AxError *err);

#ifdef __cplusplus
}
#endif

#endif
