/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Output of character devices: the queue, who waits for it, and how it goes out.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "dev/backend/char.h"

/* Collected bytes go out when there are so many. */
#define COLLECT_MAX 2048

/* What a terminal that reports room takes without blocking, and what a pipe does (pipe(7)). */
#define TERMINAL_CHUNK 256
#define PIPE_CHUNK     4096

/* Who waits looks around so often. */
#define WAIT_MS	      50
#define LOOK_AGAIN_NS 1000000

/* A pty that has been read for so long has been read. */
#define SETTLED_NS 100000000u

uint64_t char_limit(const AxCharDev *dev)
{
	return dev->present ? dev->config.queue : dev->config.keep;
}

/* What poll() says now of @fd and POLLOUT; 0: nothing. */
static short poll_out(int fd)
{
	struct pollfd pollfd = { .fd = fd, .events = POLLOUT };

	return poll(&pollfd, 1, 0) > 0 ? pollfd.revents : 0;
}

/* Write without waiting: bytes written; 0: not now; a negative errno. */
static ssize_t send_some(const AxCharDev *dev, const uint8_t *bytes, size_t len)
{
	ssize_t done;

	if (dev->out == CHAR_OUT_PTY) {
		/* Without a reader it would take them all the same. */
		if (poll_out(dev->fd_out) & POLLHUP)
			return -EPIPE;
	} else if (dev->out == CHAR_OUT_TERMINAL || dev->out == CHAR_OUT_PIPE) {
		size_t chunk = dev->out == CHAR_OUT_TERMINAL ? TERMINAL_CHUNK : PIPE_CHUNK;

		/* Errors and hang-ups are told by write(). */
		if (!poll_out(dev->fd_out))
			return 0;
		if (len > chunk)
			len = chunk;
	}
	if (dev->out == CHAR_OUT_SOCKET)
		done = send(dev->fd_out, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	else
		done = write(dev->fd_out, bytes, len);
	if (done >= 0)
		return done;
	if (errno == EINTR)
		return dev->out == CHAR_OUT_FILE ? -EINTR : 0;
	return errno == EAGAIN ? 0 : -errno;
}

/* Output goes nowhere from now on. */
static void drop_all(AxCharDev *dev)
{
	dev->counters.dropped += dev->ring.len;
	char_ring_drop(&dev->ring, dev->ring.len);
}

static void write_failed(AxCharDev *dev, int os_errno)
{
	dev->want_write = false;
	if (dev->type->peers) {
		/* What is left waits for the next one. */
		dev->present = false;
		dev->todo |= CHAR_TODO_GONE;
		return;
	}
	dev->error = os_errno;
	dev->todo |= CHAR_TODO_ERROR;
	drop_all(dev);
}

void char_drain(AxCharDev *dev)
{
	while (dev->ring.len && dev->present && !dev->error) {
		const uint8_t *bytes;
		size_t len = char_ring_front(&dev->ring, &bytes);
		ssize_t done = send_some(dev, bytes, len);

		if (done == -EINTR)
			continue;
		if (done < 0) {
			write_failed(dev, (int)-done);
			break;
		}
		if (!done) {
			if (!dev->want_write)
				dev->todo |= CHAR_TODO_WATCH;
			dev->want_write = true;
			break;
		}
		char_ring_drop(&dev->ring, (size_t)done);
		dev->counters.written += (uint64_t)done;
	}
	if (!dev->ring.len && dev->want_write) {
		dev->want_write = false;
		dev->todo |= CHAR_TODO_WATCH;
	}
	if (dev->starved && dev->ring.len < char_limit(dev))
		dev->todo |= CHAR_TODO_ROOM;
}

void char_write_out(AxCharDev *dev)
{
	ax_lock(dev->lock);
	dev->delayed = false;
	char_drain(dev);
	ax_unlock(dev->lock);
	char_do_todo(dev);
}

/* Make room for @len bytes where nobody is there to read the oldest. */
static void drop_oldest(AxCharDev *dev, size_t len)
{
	uint64_t keep = dev->config.keep;
	size_t drop = 0;

	if (len > keep)
		drop = dev->ring.len;
	else if (dev->ring.len > keep - len)
		drop = dev->ring.len - (size_t)(keep - len);
	if (!drop)
		return;
	char_ring_drop(&dev->ring, drop);
	dev->counters.dropped += drop;
}

/* Into the queue: bytes taken. @force: all, though somebody is there, up to what is kept for nobody. */
static size_t enqueue(AxCharDev *dev, const uint8_t *bytes, size_t len, bool force)
{
	uint64_t limit = char_limit(dev);
	size_t taken = len;

	if (dev->out == CHAR_OUT_NOWHERE || dev->error) {
		dev->counters.dropped += len;
		return len;
	}
	if (dev->present && !force) {
		uint64_t room = dev->ring.len < limit ? limit - dev->ring.len : 0;

		if (taken > room)
			taken = (size_t)room;
		return char_ring_put(&dev->ring, bytes, taken);
	}
	if (len > dev->config.keep) {
		size_t beyond = len - (size_t)dev->config.keep;

		dev->counters.dropped += beyond;
		bytes += beyond;
		taken -= beyond;
	}
	drop_oldest(dev, taken);
	/* Where there is no memory for it the newest are lost. */
	dev->counters.dropped += taken - char_ring_put(&dev->ring, bytes, taken);
	return len;
}

/* For who looks at all that is written. With the lock. */
static void show(const AxCharDev *dev, const uint8_t *bytes, size_t len)
{
	if (dev->config.written && len)
		dev->config.written(dev->config.opaque, bytes, len);
}

/* After a change with the lock, without it. */
static void after(AxCharDev *dev, bool call, bool arm)
{
	if (call)
		char_call_loop(dev);
	if (arm)
		ax_timer_arm(dev->delay, ax_host_now(dev->host) + dev->config.delay_ns);
}

size_t ax_chardev_write(AxCharDev *dev, const void *bytes, size_t len)
{
	const uint8_t *from = bytes;
	size_t taken, more;
	bool call;

	ax_lock(dev->lock);
	taken = enqueue(dev, from, len, false);
	if (!dev->want_write)
		char_drain(dev);
	/* What went out at once may have made room. */
	while (taken < len && (more = enqueue(dev, from + taken, len - taken, false))) {
		taken += more;
		if (!dev->want_write)
			char_drain(dev);
	}
	show(dev, from, taken);
	if (taken < len && !dev->starved) {
		dev->starved = true;
		dev->counters.stalls++;
	}
	call = dev->todo;
	ax_unlock(dev->lock);
	after(dev, call, false);
	return taken;
}

static void sleep_unlocked(AxCharDev *dev, long ns)
{
	const struct timespec time = { .tv_nsec = ns };

	ax_unlock(dev->lock);
	nanosleep(&time, NULL);
	ax_lock(dev->lock);
}

void char_wait_for_waiters(AxCharDev *dev)
{
	while (dev->waiters)
		sleep_unlocked(dev, LOOK_AGAIN_NS);
}

/* Wait for fd_out to take more, for a moment. With the lock, which it lets go. */
static void wait_for_room(AxCharDev *dev, int timeout_ms)
{
	struct pollfd pollfd = { .fd = dev->fd_out, .events = POLLOUT };

	dev->waiters++;
	ax_unlock(dev->lock);
	(void)poll(&pollfd, 1, timeout_ms);
	ax_lock(dev->lock);
	dev->waiters--;
}

/* Whether collected bytes are to go out now. */
static bool is_due(const AxCharDev *dev, const uint8_t *bytes, size_t len)
{
	return dev->ring.len >= COLLECT_MAX || dev->counters.written < dev->config.eager ||
	       memchr(bytes, '\n', len);
}

/* Whether a writer is not to wait: the host's thread, and any while that may be waiting for a lock of the writer's. */
static bool may_not_wait(const AxCharDev *dev)
{
	return char_is_loop(dev) || dev->no_wait;
}

static void sink_write(void *opaque, const uint8_t *bytes, size_t len)
{
	AxCharDev *dev = opaque;
	bool stalled = false, call, arm;

	ax_lock(dev->lock);
	show(dev, bytes, len);
	for (;;) {
		size_t taken = enqueue(dev, bytes, len, may_not_wait(dev));

		if (taken < len || (is_due(dev, bytes, len) && !dev->want_write))
			char_drain(dev);
		bytes += taken;
		len -= taken;
		if (!len)
			break;
		if (atomic_load(&dev->hurry)) {
			dev->counters.dropped += len;
			break;
		}
		if (!stalled) {
			dev->counters.stalls++;
			dev->stalled++;
		}
		stalled = true;
		/* Where it went meanwhile there is room now; else this thread waits and writes itself:
		 * the host's may be waiting for it. */
		if (dev->present && dev->want_write)
			wait_for_room(dev, WAIT_MS);
	}
	if (stalled && !--dev->stalled && dev->input_blocked) {
		dev->input_blocked = false;
		dev->todo |= CHAR_TODO_INPUT;
	}
	arm = dev->ring.len && !dev->want_write && !dev->delayed && dev->present;
	dev->delayed |= arm;
	call = dev->todo;
	ax_unlock(dev->lock);
	after(dev, call, arm);
}

AxCharSink ax_chardev_sink(AxCharDev *dev)
{
	return (AxCharSink){ .write = sink_write, .opaque = dev };
}

void ax_chardev_set_no_wait(AxCharDev *dev, bool on)
{
	ax_lock(dev->lock);
	if (on)
		dev->no_wait++;
	else
		dev->no_wait--;
	ax_unlock(dev->lock);
}

void ax_chardev_hurry(AxCharDev *dev)
{
	atomic_store(&dev->hurry, true);
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Whether everything is out, but for what a reader has yet to take; else the reason in *ret: 0 as long as it
 * may still go. */
static bool is_out(AxCharDev *dev, int *ret)
{
	char_drain(dev);
	if (dev->error)
		*ret = -EIO;
	else if (dev->ring.len && !dev->present)
		*ret = -ENOENT;
	return !dev->ring.len;
}

/*
 * Whether the reader has everything, for long enough: Linux may be about to move bytes that it had no room
 * for to where they are seen. @since is when it had.
 */
static bool has_arrived(AxCharDev *dev, uint64_t *since, uint64_t now, bool hurry)
{
	if (!dev->present || !dev->type->is_drained)
		return true;
	if (!dev->type->is_drained(dev)) {
		*since = UINT64_MAX;
		return false;
	}
	if (*since == UINT64_MAX)
		*since = now;
	return hurry || now - *since >= SETTLED_NS;
}

int ax_chardev_flush(AxCharDev *dev, uint64_t timeout_ns)
{
	uint64_t start = now_ns(), since = UINT64_MAX;
	int ret = 0;
	bool call;

	ax_lock(dev->lock);
	while (!ret) {
		uint64_t now = now_ns();
		bool late = atomic_load(&dev->hurry) || now - start >= timeout_ns;

		if (is_out(dev, &ret) && has_arrived(dev, &since, now, late))
			break;
		if (ret)
			break;
		if (late)
			ret = -ETIMEDOUT;
		else if (dev->ring.len)
			wait_for_room(dev, WAIT_MS);
		else
			sleep_unlocked(dev, LOOK_AGAIN_NS); /* no descriptor tells */
	}
	call = dev->todo;
	ax_unlock(dev->lock);
	after(dev, call, false);
	return ret;
}
