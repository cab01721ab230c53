/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Input of character devices: reading it, and giving it to a user who takes as much as it can. All of
 * it but ax_chardev_accept() is on the loop.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "dev/backend/char.h"

/*
 * Whether the user takes none now. A thread that waits in the sink may hold the lock of a device that
 * input is for: the loop does not wait for that, but is called when the thread goes on.
 */
static bool is_blocked(AxCharDev *dev)
{
	bool blocked;

	ax_lock(dev->lock);
	if (dev->stalled)
		dev->input_blocked = true;
	blocked = dev->input_blocked;
	ax_unlock(dev->lock);
	return blocked;
}

bool char_wants_input(AxCharDev *dev)
{
	if (!dev->has_user || !dev->user.input || dev->fd_in < 0 || dev->input_ended ||
	    dev->input_held)
		return false;
	/* A filter sees everything; without one what is not taken stays where it comes from. */
	return dev->fds.filter || (!dev->input_len && !is_blocked(dev));
}

/* Whether the user may be called now; from then on nobody waits in the sink. */
static bool begin_offer(AxCharDev *dev)
{
	bool may;

	ax_lock(dev->lock);
	if (dev->stalled)
		dev->input_blocked = true;
	may = !dev->input_blocked;
	dev->no_wait += may;
	/* First, so that an ax_chardev_accept() that comes meanwhile counts. */
	dev->input_blocked = true;
	ax_unlock(dev->lock);
	return may;
}

static void end_offer(AxCharDev *dev)
{
	ax_lock(dev->lock);
	dev->no_wait--;
	if (!dev->input_len)
		dev->input_blocked = false;
	ax_unlock(dev->lock);
}

/* Let the user take what waits. */
static void offer(AxCharDev *dev)
{
	while (dev->input_len && dev->has_user && dev->user.input && begin_offer(dev)) {
		size_t taken = dev->user.input(dev->user.opaque, dev->input, dev->input_len);

		if (taken > dev->input_len)
			taken = dev->input_len;
		dev->input_len -= taken;
		memmove(dev->input, dev->input + taken, dev->input_len);
		end_offer(dev);
	}
}

void char_check_hangup(AxCharDev *dev)
{
	struct pollfd pollfd = { .fd = dev->fd_in };

	if (poll(&pollfd, 1, 0) < 1 || !(pollfd.revents & (POLLHUP | POLLERR)))
		return;
	ax_lock(dev->lock);
	dev->todo |= CHAR_TODO_GONE;
	ax_unlock(dev->lock);
}

/* What was read and what will be: nothing, if it has ended. Then nobody need be called for it. */
static void note_exhausted(AxCharDev *dev)
{
	ax_lock(dev->lock);
	dev->exhausted = dev->input_ended && !dev->input_len;
	ax_unlock(dev->lock);
}

/* No more input comes from here: nobody is there any more, or it is half closed. */
static void end_of_input(AxCharDev *dev)
{
	dev->input_ended = true;
	if (dev->type->peers)
		char_check_hangup(dev);
	else
		char_tell(dev, AX_CHAR_ENDED);
}

/* What it does to a key, such as a break for a UART, may wait for a writer: that waits no longer then. */
static size_t filter(AxCharDev *dev, uint8_t *bytes, size_t len)
{
	size_t left;

	ax_chardev_set_no_wait(dev, true);
	left = dev->fds.filter(dev->fds.opaque, bytes, len);
	ax_chardev_set_no_wait(dev, false);
	return left;
}

/* Read once, into what is free of dev->input. False: there is nothing now. */
static bool read_some(AxCharDev *dev)
{
	uint8_t spare[256];
	size_t room = sizeof(dev->input) - dev->input_len;
	uint8_t *to = room ? dev->input + dev->input_len : spare;
	ssize_t len = read(dev->fd_in, to, room ? room : sizeof(spare));
	size_t left;

	if (len < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	/* A pty that its reader has closed gives EIO. */
	if (len <= 0) {
		end_of_input(dev);
		return false;
	}
	left = (size_t)len;
	if (dev->fds.filter)
		left = filter(dev, to, left);
	ax_lock(dev->lock);
	dev->counters.received += (uint64_t)len;
	if (!room)
		dev->counters.input_lost += left;
	ax_unlock(dev->lock);
	if (room)
		dev->input_len += left;
	return true;
}

void char_pump(AxCharDev *dev, bool readable)
{
	offer(dev);
	if (readable && dev->fds.may_read && !dev->fds.may_read(dev->fds.opaque)) {
		dev->input_held = true;
		char_look_later(dev, CHAR_LOOK_NS);
		return;
	}
	while ((readable || dev->always_ready) && char_wants_input(dev)) {
		if (!read_some(dev))
			break;
		offer(dev);
		/* What is watched says itself when there is more. */
		if (!dev->always_ready)
			break;
	}
	note_exhausted(dev);
}

void ax_chardev_accept(AxCharDev *dev)
{
	bool exhausted;

	ax_lock(dev->lock);
	dev->input_blocked = false;
	exhausted = dev->exhausted;
	if (!exhausted)
		dev->todo |= CHAR_TODO_INPUT;
	ax_unlock(dev->lock);
	if (!exhausted)
		char_call_loop(dev);
}
