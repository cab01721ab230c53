/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Receiving (section 5.1.6.4): frames are read straight into the driver's buffers.
 *
 * How long the next frame is nobody knows, so a few chains are held, enough for the longest, or as many
 * as there are; what is longer than they are spills over into a buffer of ours, and waits there for
 * more of the driver's. Nothing is read while the driver has given no buffer: the host's queue holds
 * what comes.
 */
#include <errno.h>
#include <string.h>

#include "dev/virtio/net.h"

#define NUM_BUFFERS_OFFSET 10 /* of the header's last field */

static struct virtq_chain *held(const struct net_rx *rx, uint32_t index)
{
	return rx->chains[(rx->first + index) % NET_RX_HELD];
}

static bool merges(const struct net_device *device)
{
	return virtio_has(&device->virtio, NET_F_MRG_RXBUF);
}

/* The longest frame that is likely: what is longer still arrives, by a copy. */
static uint64_t likely(const struct net_device *device)
{
	bool large = (device->offloads & (NET_F_GUEST_TSO4 | NET_F_GUEST_TSO6)) || device->net->mtu;

	return NET_HEADER_LEN + (large ? NET_FRAME_MAX : 1518u);
}

/* Hold chains for @want bytes, or what there is. False: the driver broke the rules. */
static bool hold(struct net_pair *pair, uint64_t want)
{
	struct net_device *device = pair->device;
	struct net_rx *rx = &pair->rx;
	uint32_t most = merges(device) ? NET_RX_HELD : 1;

	while (rx->held < most && (rx->room < want || !rx->held) &&
	       rx->segments < NET_RX_SEGMENTS - NET_SEGMENTS) {
		struct virtq_chain *chain =
			net_chain(&rx->chains[(rx->first + rx->held) % NET_RX_HELD]);
		int ret = chain ? virtq_pop(&device->virtio, 2 * pair->index, chain) : 0;

		if (ret <= 0)
			return !ret;
		/* Section 5.1.6.3.1: each has room for the header at least, and is for writing. */
		if (chain->out_count || chain->in_len < NET_HEADER_LEN) {
			virtq_return(&device->virtio, 2 * pair->index, chain);
			virtio_broken(&device->virtio);
			return false;
		}
		rx->held++;
		rx->room += chain->in_len;
		rx->segments += chain->in_count;
	}
	return true;
}

void net_rx_drop(struct net_pair *pair)
{
	struct net_rx *rx = &pair->rx;

	while (rx->held)
		virtq_return(&pair->device->virtio, 2 * pair->index, held(rx, --rx->held));
	rx->room = rx->waiting = 0;
	rx->segments = rx->first = 0;
}

/* The memory that is held, but for the header when the net has none, and then the spill. */
static unsigned gather(struct net_device *device, const struct net_rx *rx)
{
	size_t skip = NET_HEADER_LEN - device->net->header_len;
	unsigned count = 0;

	for (uint32_t i = 0; i < rx->held; i++) {
		const struct virtq_chain *chain = held(rx, i);

		for (uint32_t j = 0; j < chain->in_count; j++) {
			struct iovec segment = chain->iov[j];
			size_t part = skip < segment.iov_len ? skip : segment.iov_len;

			skip -= part;
			segment.iov_base = (uint8_t *)segment.iov_base + part;
			segment.iov_len -= part;
			if (segment.iov_len)
				device->iov[count++] = segment;
		}
	}
	device->iov[count++] = (struct iovec){ rx->spill, NET_HEADER_LEN + NET_FRAME_MAX };
	return count;
}

/* The frame at the front is complete: give its chains to the driver. */
static void deliver(struct net_pair *pair, uint64_t len)
{
	struct net_device *device = pair->device;
	struct net_rx *rx = &pair->rx;
	uint8_t header[NET_HEADER_LEN] = { 0 };
	uint32_t count = 0;

	while (len) {
		struct virtq_chain *chain = held(rx, count);
		uint64_t part = len < chain->in_len ? len : chain->in_len;

		device->used[count] = chain;
		device->written[count++] = (uint32_t)part;
		len -= part;
		rx->room -= chain->in_len;
		rx->segments -= chain->in_count;
	}
	/* Section 5.1.6.4.1: 1 also when buffers are not merged. A net with headers wrote the rest. */
	header[NUM_BUFFERS_OFFSET] = (uint8_t)count;
	if (device->net->header_len)
		virtq_write(device->used[0], NUM_BUFFERS_OFFSET, header + NUM_BUFFERS_OFFSET, 2);
	else
		virtq_write(device->used[0], 0, header, sizeof(header));
	rx->held -= count;
	/* None held: the first slot has a chain in any case. */
	rx->first = rx->held ? (rx->first + count) % NET_RX_HELD : 0;
	virtq_push_many(&device->virtio, 2 * pair->index, device->used, device->written, count);
}

/*
 * Move what is spilled of a waiting frame into chains that came since: false, it waits on. A frame that
 * fits in no number of chains that can be held is dropped.
 */
static bool finish(struct net_pair *pair)
{
	struct net_device *device = pair->device;
	struct net_rx *rx = &pair->rx;
	uint64_t len = rx->waiting, before = 0, from = 0;

	if (rx->room < len) {
		if (merges(device) && rx->held < NET_RX_HELD &&
		    rx->segments < NET_RX_SEGMENTS - NET_SEGMENTS)
			return false;
		rx->waiting = 0;
		return true;
	}
	for (uint32_t i = 0; from < len - rx->filled; i++) {
		struct virtq_chain *chain = held(rx, i);

		if (before >= rx->filled)
			from += virtq_write(chain, 0, rx->spill + from, len - rx->filled - from);
		before += chain->in_len;
	}
	rx->waiting = 0;
	deliver(pair, len);
	return true;
}

/* One frame: 1 there was one, 0 there is none, or no room for it; less than 0: the net is gone. */
static int receive(struct net_pair *pair)
{
	struct net_device *device = pair->device;
	struct net_rx *rx = &pair->rx;
	size_t added = NET_HEADER_LEN - device->net->header_len;
	ssize_t got;
	uint64_t len;

	got = net_outside_receive(device, pair->index, gather(device, rx));
	if (got < 0)
		return got == -EAGAIN ? 0 : -1;
	len = (uint64_t)got + added;
	if (len < NET_HEADER_LEN + NET_FRAME_MIN)
		return 1;
	if (len <= rx->room) {
		deliver(pair, len);
		return 1;
	}
	rx->waiting = len;
	rx->filled = rx->room;
	return 1;
}

/*
 * Whether there is a frame's worth of buffers, or a notification will tell of them. Each look at the
 * queue counts in *done.
 */
static bool have_room(struct net_pair *pair, unsigned *done)
{
	AxVirtio *virtio = &pair->device->virtio;
	unsigned queue = 2 * pair->index;

	for (; *done < NET_BUDGET; ++*done) {
		uint64_t want = pair->rx.waiting ? pair->rx.waiting : likely(pair->device);

		if (!hold(pair, want))
			return false;
		if (pair->rx.waiting ? finish(pair) : pair->rx.held > 0) {
			if (pair->rx.held)
				return true;
			continue;
		}
		if (!virtq_want_notify(virtio, queue, true))
			return false;
		virtq_want_notify(virtio, queue, false);
	}
	return false;
}

void net_rx_run(struct net_pair *pair)
{
	struct net_device *device = pair->device;
	AxVirtio *virtio = &device->virtio;
	unsigned queue = 2 * pair->index, done = 0;
	unsigned events = 0;

	if (!virtio_running(virtio) || pair->index >= device->active || device->net->gone) {
		net_wait_for(pair, AX_WATCH_READ, 0);
		return;
	}
	virtq_want_notify(virtio, queue, false);
	while (have_room(pair, &done)) {
		int ret = receive(pair);

		if (ret <= 0) {
			events = ret < 0 ? 0 : AX_WATCH_READ;
			break;
		}
		done++;
	}
	net_wait_for(pair, AX_WATCH_READ, events);
	/* The other queues of this thread have their turn, then this one again. */
	if (done >= NET_BUDGET)
		virtio_kick(virtio, queue);
	virtio_interrupt(virtio, queue);
}
