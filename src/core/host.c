/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Host services for devices: an embedder's loop or ours, behind the same functions.
 */
#include <config.h>

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "core/error.h"
#include "core/host_loop.h"
#include "core/record.h"

struct AxHost {
	const AxHostOps *ops;
	void *opaque;
	struct loop *loop; /* NULL: an embedder's */
};

struct AxTimer {
	AxHost *host;
	void *handle; /* the loop's */
};

struct AxWatch {
	AxHost *host;
	void *handle;
};

static bool is_complete(const AxHostOps *ops)
{
	return ops->size >= sizeof(*ops) && ops->now && ops->timer_new && ops->timer_arm &&
	       ops->timer_free && ops->watch_new && ops->watch_set && ops->watch_free && ops->defer;
}

int ax_host_new(const AxHostOps *ops, void *opaque, AxHost **out, AxError *err)
{
	AxHost *host;

	if (ops && !is_complete(ops))
		return ax_error_argument(err, -EINVAL,
					 "AxHostOps lacks an op, or its size is not set");
	host = calloc(1, sizeof(*host));
	if (!host)
		return ax_error_nomem(err, "host services");
	host->ops = ops;
	host->opaque = opaque;
	if (!ops) {
		host->loop = loop_new();
		host->ops = &loop_ops;
		host->opaque = host->loop;
		if (!host->loop) {
			free(host);
			return ax_error_nomem(err, "an event loop");
		}
	}
	*out = host;
	return 0;
}

void *host_opaque_of(const AxHost *host, const AxHostOps *ops)
{
	return host->ops == ops ? host->opaque : NULL;
}

void ax_host_free(AxHost *host)
{
	if (!host)
		return;
	if (host->loop)
		loop_free(host->loop);
	free(host);
}

uint64_t ax_host_now(AxHost *host)
{
	return host->ops->now(host->opaque);
}

AxTimer *ax_timer_new(AxHost *host, AxTimerFn *fn, void *opaque)
{
	AxTimer *timer = calloc(1, sizeof(*timer));

	if (!timer)
		return NULL;
	timer->host = host;
	timer->handle = host->ops->timer_new(host->opaque, fn, opaque);
	if (!timer->handle) {
		free(timer);
		return NULL;
	}
	return timer;
}

void ax_timer_arm(AxTimer *timer, uint64_t deadline_ns)
{
	timer->host->ops->timer_arm(timer->host->opaque, timer->handle, deadline_ns);
}

void ax_timer_free(AxTimer *timer)
{
	if (!timer)
		return;
	timer->host->ops->timer_free(timer->host->opaque, timer->handle);
	free(timer);
}

/* What every loop refuses, said before it is asked. */
static int check_watch(int fd, unsigned events, AxWatchFn *fn, AxError *err)
{
	struct stat status;

	if (!fn || (events & ~(AX_WATCH_READ | AX_WATCH_WRITE)))
		return ax_error_argument(err, -EINVAL,
					 "a watch without a function, or of unknown events 0x%x",
					 events);
	if (fstat(fd, &status))
		return ax_error_argument(err, -EINVAL, "descriptor %d can't be watched: %m", fd);
	if (S_ISREG(status.st_mode) || S_ISDIR(status.st_mode))
		return ax_error_set(
			err, -ENOTSUP, AX_ERROR_FILE, 0,
			"descriptor %d is a file, which is always ready: it can't be watched", fd);
	return 0;
}

static int new_watch_handle(AxHost *host, int fd, unsigned events, AxWatchFn *fn, void *opaque,
			    void **handle, AxError *err)
{
	if (host->loop)
		return loop_watch_new(host->loop, fd, events, fn, opaque, handle, err);
	*handle = host->ops->watch_new(host->opaque, fd, events, fn, opaque);
	if (!*handle)
		return ax_error_set(err, -EIO, AX_ERROR_RESOURCE, 0,
				    "the embedder's event loop does not watch descriptor %d", fd);
	return 0;
}

int ax_watch_new(AxHost *host, int fd, unsigned events, AxWatchFn *fn, void *opaque, AxWatch **out,
		 AxError *err)
{
	AxWatch *watch;
	int ret = check_watch(fd, events, fn, err);

	if (ret)
		return ret;
	watch = calloc(1, sizeof(*watch));
	if (!watch)
		return ax_error_nomem(err, "a watch");
	watch->host = host;
	ret = new_watch_handle(host, fd, events, fn, opaque, &watch->handle, err);
	if (ret) {
		free(watch);
		return ret;
	}
	*out = watch;
	return 0;
}

void ax_watch_set(AxWatch *watch, unsigned events)
{
	(void)watch->host->ops->watch_set(watch->host->opaque, watch->handle, events);
}

void ax_watch_free(AxWatch *watch)
{
	if (!watch)
		return;
	watch->host->ops->watch_free(watch->host->opaque, watch->handle);
	free(watch);
}

int ax_host_defer(AxHost *host, AxDeferFn *fn, void *opaque)
{
	return host->ops->defer(host->opaque, fn, opaque);
}

int ax_loop_fd(AxHost *host)
{
	int fd;

	if (!host->loop)
		return -1;
	fd = loop_fd(host->loop, NULL);
	return fd < 0 ? -1 : fd;
}

int ax_loop_dispatch(AxHost *host, int timeout_ms, AxError *err)
{
	if (!host->loop)
		return ax_error_state(err, "the embedder's own loop runs the callbacks");
	return loop_dispatch(host->loop, timeout_ms, err);
}
