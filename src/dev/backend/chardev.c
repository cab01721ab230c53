/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Character devices: their life, their user, and what brings the host's thread to them.
 */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dev/backend/char.h"

/* The largest queues: no mistake in a number asks for all memory. */
#define LIMIT_MAX (UINT64_C(1) << 30)

void char_call_loop(AxCharDev *dev)
{
	ax_timer_arm(dev->soon, 0);
}

void char_tell(AxCharDev *dev, AxCharEvent event)
{
	if (dev->has_user && dev->user.event)
		dev->user.event(dev->user.opaque, (uint32_t)event);
}

void char_look_later(AxCharDev *dev, uint64_t ns)
{
	if (!dev->looking)
		ax_timer_arm(dev->look, ax_host_now(dev->host) + ns);
	dev->looking = true;
}

/* Every callback begins with it. */
static void enter_loop(AxCharDev *dev)
{
	ax_lock(dev->lock);
	dev->loop = pthread_self();
	dev->loop_known = true;
	ax_unlock(dev->lock);
}

/* A closed end: the descriptor goes, the kind waits for the next. */
static void close_end(AxCharDev *dev)
{
	int fd;

	ax_watch_free(dev->watch_in);
	ax_watch_free(dev->watch_out);
	dev->watch_in = NULL;
	dev->watch_out = NULL;
	ax_lock(dev->lock);
	dev->present = false;
	dev->want_write = false;
	char_wait_for_waiters(dev);
	fd = dev->fd_in;
	dev->fd_in = -1;
	dev->fd_out = -1;
	ax_unlock(dev->lock);
	if (fd < 0)
		return;
	if (!dev->type->keeps_fd)
		close(fd);
	dev->type->gone(dev);
	char_tell(dev, AX_CHAR_CLOSED);
	/* Nobody makes the guest wait any more. */
	ax_lock(dev->lock);
	if (dev->starved)
		dev->todo |= CHAR_TODO_ROOM;
	ax_unlock(dev->lock);
}

void char_do_todo(AxCharDev *dev)
{
	for (;;) {
		unsigned todo;

		ax_lock(dev->lock);
		todo = dev->todo;
		dev->todo = 0;
		if (todo & CHAR_TODO_ROOM)
			dev->starved = false;
		ax_unlock(dev->lock);
		if (!todo)
			break;
		if (todo & CHAR_TODO_GONE)
			close_end(dev);
		if (todo & CHAR_TODO_ERROR)
			char_tell(dev, AX_CHAR_FAILED);
		if ((todo & CHAR_TODO_ROOM) && dev->has_user && dev->user.room)
			dev->user.room(dev->user.opaque);
		if (todo & CHAR_TODO_INPUT)
			char_pump(dev, false);
		char_update_watches(dev);
	}
}

static void on_soon(void *opaque)
{
	AxCharDev *dev = opaque;

	enter_loop(dev);
	char_do_todo(dev);
}

static void on_delay(void *opaque)
{
	AxCharDev *dev = opaque;

	enter_loop(dev);
	char_write_out(dev);
}

static void on_look(void *opaque)
{
	AxCharDev *dev = opaque;

	enter_loop(dev);
	dev->looking = false;
	dev->input_held = false;
	if (dev->fd_in >= 0 && dev->type->peers)
		char_check_hangup(dev);
	else if (dev->type->look)
		dev->type->look(dev);
	char_update_watches(dev);
	char_do_todo(dev);
}

static void on_ready(void *opaque, int fd, unsigned events)
{
	AxCharDev *dev = opaque;

	enter_loop(dev);
	if (fd == dev->fd_in && (events & (AX_WATCH_READ | AX_WATCH_HANGUP)))
		char_pump(dev, true);
	if (fd == dev->fd_out && (events & (AX_WATCH_WRITE | AX_WATCH_HANGUP)))
		char_write_out(dev);
	char_update_watches(dev);
	char_do_todo(dev);
}

/* A watch of @fd for @events, made when it is needed; what can't be watched is always ready. */
static void watch(AxCharDev *dev, AxWatch **watch, int fd, unsigned events)
{
	if (*watch) {
		ax_watch_set(*watch, events);
		return;
	}
	if (!events || fd < 0)
		return;
	/* Its callback needs it: nothing is waited for before it is known. */
	if (ax_watch_new(dev->host, fd, 0, on_ready, dev, watch, NULL)) {
		if (events & AX_WATCH_READ)
			dev->always_ready = true;
		return;
	}
	ax_watch_set(*watch, events);
}

void char_update_watches(AxCharDev *dev)
{
	unsigned in = 0, out = 0;
	bool one;

	if (!dev->always_ready && char_wants_input(dev))
		in = AX_WATCH_READ;
	ax_lock(dev->lock);
	if (dev->want_write && dev->present)
		out = AX_WATCH_WRITE;
	one = dev->fd_in == dev->fd_out;
	ax_unlock(dev->lock);
	watch(dev, &dev->watch_in, dev->fd_in, one ? in | out : in);
	if (!one)
		watch(dev, &dev->watch_out, dev->fd_out, out);
	/* What is not watched for input doesn't say that it was closed. */
	if (!in && dev->fd_in >= 0 && dev->type->peers)
		char_look_later(dev, CHAR_LOOK_NS);
}

void char_opened(AxCharDev *dev, int fd, enum char_out out)
{
	ax_lock(dev->lock);
	dev->fd_in = fd;
	dev->fd_out = fd;
	dev->out = out;
	dev->present = true;
	dev->exhausted = false;
	dev->counters.opened++;
	char_drain(dev);
	ax_unlock(dev->lock);
	dev->input_ended = false;
	char_tell(dev, AX_CHAR_OPENED);
	char_update_watches(dev);
	char_do_todo(dev);
}

static int check_config(AxCharDevConfig *config, AxError *err)
{
	if (!config->host)
		return ax_error_argument(err, -EINVAL, "a character device without a host");
	if (config->queue > LIMIT_MAX || config->keep > LIMIT_MAX)
		return ax_error_argument(err, -EINVAL,
					 "a character device keeps 1 GiB of output at most");
	if (!config->queue)
		config->queue = AX_CHAR_QUEUE;
	if (!config->keep)
		config->keep = AX_CHAR_KEEP;
	if (!config->delay_ns)
		config->delay_ns = AX_CHAR_DELAY_NS;
	return 0;
}

int char_new(const AxCharDevConfig *config, const struct char_type *type, AxCharDev **out,
	     AxError *err)
{
	AxCharDevConfig known = AX_CHAR_DEV_CONFIG_INIT;
	AxCharDev *dev;
	int ret;

	ret = ax_dev_config(&known, sizeof(known), config, sizeof(known), "AxCharDevConfig", err);
	if (!ret)
		ret = check_config(&known, err);
	if (ret)
		return ret;
	dev = malloc(sizeof(*dev));
	if (!dev)
		return ax_dev_error_nomem(err, "a character device");
	/* The page for input costs nothing before there is some. */
	memset(dev, 0, offsetof(AxCharDev, input));
	dev->type = type;
	dev->config = known;
	dev->host = known.host;
	dev->fd_in = -1;
	dev->fd_out = -1;
	dev->lock = ax_lock_new();
	dev->soon = ax_timer_new(dev->host, on_soon, dev);
	dev->delay = ax_timer_new(dev->host, on_delay, dev);
	dev->look = ax_timer_new(dev->host, on_look, dev);
	if (!char_ring_init(&dev->ring) || !dev->lock || !dev->soon || !dev->delay || !dev->look) {
		ax_chardev_free(dev);
		return ax_dev_error_nomem(err, "a character device");
	}
	*out = dev;
	return 0;
}

int char_set_path(AxCharDev *dev, const char *path, AxError *err)
{
	dev->path = strdup(path);
	return dev->path ? 0 : ax_dev_error_nomem(err, "a character device");
}

void ax_chardev_free(AxCharDev *dev)
{
	if (!dev)
		return;
	ax_watch_free(dev->watch_in);
	ax_watch_free(dev->watch_out);
	ax_timer_free(dev->soon);
	ax_timer_free(dev->delay);
	ax_timer_free(dev->look);
	if (dev->own_fd && !dev->type->keeps_fd && dev->fd_out >= 0)
		close(dev->fd_out);
	if (dev->kind && dev->type->free)
		dev->type->free(dev);
	ax_lock_free(dev->lock);
	char_ring_fini(&dev->ring);
	free(dev->path);
	free(dev);
}

const char *ax_chardev_path(const AxCharDev *dev)
{
	return dev->path;
}

int ax_chardev_set_user(AxCharDev *dev, const AxCharUser *user, AxError *err)
{
	AxCharUser known = AX_CHAR_USER_INIT;
	int ret;

	if (!user) {
		dev->has_user = false;
		ax_lock(dev->lock);
		dev->starved = false;
		dev->input_blocked = false;
		ax_unlock(dev->lock);
		char_update_watches(dev);
		return 0;
	}
	if (dev->has_user)
		return ax_error_set(err, -EBUSY, AX_ERROR_STATE, 0,
				    "the character device%s%s is used already",
				    dev->path ? " " : "", dev->path ? dev->path : "");
	ret = ax_dev_config(&known, sizeof(known), user, sizeof(known), "AxCharUser", err);
	if (ret)
		return ret;
	dev->user = known;
	dev->has_user = true;
	char_update_watches(dev);
	/* Most often it is empty, and that is that. */
	if (dev->always_ready)
		char_pump(dev, false);
	return 0;
}

int ax_chardev_error(AxCharDev *dev)
{
	int error;

	ax_lock(dev->lock);
	error = dev->error;
	ax_unlock(dev->lock);
	return error;
}

bool ax_chardev_connected(AxCharDev *dev)
{
	bool present;

	ax_lock(dev->lock);
	present = dev->present;
	ax_unlock(dev->lock);
	return present;
}

int ax_chardev_counters(AxCharDev *dev, AxCharDevCounters *counters)
{
	AxCharDevCounters all;
	size_t size = counters->size;

	if (size < sizeof(counters->size))
		return -EINVAL;
	ax_lock(dev->lock);
	all = dev->counters;
	all.waiting = dev->ring.len;
	ax_unlock(dev->lock);
	all.size = size;
	memset(counters, 0, size);
	memcpy(counters, &all, size < sizeof(all) ? size : sizeof(all));
	return 0;
}
