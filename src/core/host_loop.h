/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Our own event loop: epoll, a timerfd for the earliest timer, an eventfd for deferred work. Each
 * descriptor is made when it is first needed, so that a VM whose devices need no loop pays nothing
 * for it.
 */
#ifndef AXVMM_CORE_HOST_LOOP_H
#define AXVMM_CORE_HOST_LOOP_H

#include <axvmm/host.h>

struct loop;

/* A loop without descriptors; NULL when there is no memory. */
struct loop *loop_new(void);
/* Close its descriptors and drop deferred work. Timers and watches have been freed. */
void loop_free(struct loop *loop);

/*
 * The ops of a loop; their opaque is the struct loop. watch_new is not among them: it is
 * loop_watch_new(), which says why it fails.
 */
extern const AxHostOps loop_ops;

/* 0, or -EINVAL, -ENOTSUP, -ENOMEM, -EIO: as ax_watch_new(). */
int loop_watch_new(struct loop *loop, int fd, unsigned events, AxWatchFn *fn, void *arg, void **out,
		   AxError *err);

/* The epoll descriptor, made when it is not there yet: -ENOMEM or -EIO. */
int loop_fd(struct loop *loop, AxError *err);

/* As ax_loop_dispatch(). */
int loop_dispatch(struct loop *loop, int timeout_ms, AxError *err);

#endif
