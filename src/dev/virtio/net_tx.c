/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sending (section 5.1.6.2): frames go out of guest memory in batches, without a copy.
 */
#include <string.h>

#include "dev/virtio/net.h"

/* The header as far as it is looked at (section 5.1.6). */
struct net_header {
	uint8_t flags;
	uint8_t gso_type;
};

#define FLAG_NEEDS_CSUM 1u

/* Drop the first @len bytes of a chain's readable part: true, unless it is shorter. */
static bool skip(struct virtq_chain *chain, size_t len, struct net_frame *frame)
{
	uint32_t at = 0;

	frame->len = (size_t)chain->out_len - len;
	while (len && at < chain->out_count && chain->iov[at].iov_len <= len)
		len -= chain->iov[at++].iov_len;
	if (at == chain->out_count)
		return false;
	chain->iov[at].iov_base = (uint8_t *)chain->iov[at].iov_base + len;
	chain->iov[at].iov_len -= len;
	frame->iov = &chain->iov[at];
	frame->count = chain->out_count - at;
	return true;
}

/*
 * What goes to the net of a chain that has a header and an Ethernet header at least. False: it is no frame,
 * and dropped. Where the net takes a header it is the kernel that checks it; else nothing that needs
 * one was offered, and the frame must be complete.
 */
static bool make_frame(const AxNet *net, struct virtq_chain *chain, struct net_frame *frame)
{
	struct net_header header;

	if (chain->out_len < NET_HEADER_LEN + NET_FRAME_MIN ||
	    chain->out_len > NET_HEADER_LEN + NET_FRAME_MAX)
		return false;
	if (net->header_len) {
		*frame = (struct net_frame){ chain->iov, chain->out_count, (size_t)chain->out_len };
		return true;
	}
	virtq_read(chain, 0, &header, sizeof(header));
	return !(header.flags & FLAG_NEEDS_CSUM) && !header.gso_type &&
	       skip(chain, NET_HEADER_LEN, frame);
}

/*
 * Take chains, up to one that is no frame: *good of them are. Less than 0: the driver broke the rules.
 */
static int take(struct net_device *device, unsigned queue, unsigned *good)
{
	unsigned count = 0;

	*good = 0;
	while (count < NET_TX_BATCH) {
		struct virtq_chain *chain = net_chain(&device->tx[count]);
		int ret;

		if (!chain)
			break;
		ret = virtq_pop(&device->virtio, queue, chain);
		if (ret <= 0)
			return count ? (int)count : ret;
		count++;
		if (!make_frame(device->net, chain, &device->frames[count - 1]))
			break;
		*good = count;
	}
	return (int)count;
}

/* Send one batch: chains that are done with, and whether there was no room for more in *full. */
static int send_batch(struct net_pair *pair, unsigned queue, bool *full)
{
	struct net_device *device = pair->device;
	unsigned good, sent = 0;
	int count = take(device, queue, &good);

	*full = false;
	if (count <= 0)
		return count;
	if (good)
		sent = device->net->gone ? good
					 : net_outside_send(device, pair->index, device->tx, good);
	*full = sent < good;
	if (!*full)
		sent = (unsigned)count;
	for (unsigned i = 0; i < sent; i++)
		virtq_push(&device->virtio, queue, device->tx[i], 0);
	for (unsigned i = (unsigned)count; i > sent; i--)
		virtq_return(&device->virtio, queue, device->tx[i - 1]);
	return (int)sent;
}

void net_tx_run(struct net_pair *pair)
{
	AxVirtio *virtio = &pair->device->virtio;
	unsigned queue = 2 * pair->index + 1, done = 0;
	AxNet *net = pair->device->net;
	bool full = false;

	/* A frame that went out in part goes out in whole, even when its driver is gone. */
	if (net->unsent)
		net_outside_rest(pair->device, pair->index);
	if (!virtio_running(virtio) || pair->index >= pair->device->active) {
		net_wait_for(pair, AX_WATCH_WRITE, net->unsent ? AX_WATCH_WRITE : 0);
		return;
	}
	/* The device looks by itself until it finds nothing. */
	virtq_want_notify(virtio, queue, false);
	while (!full && done < NET_BUDGET) {
		int count = send_batch(pair, queue, &full);

		if (count < 0)
			break;
		done += count ? (unsigned)count : 1;
		if (count || full)
			continue;
		if (!virtq_want_notify(virtio, queue, true))
			break;
		virtq_want_notify(virtio, queue, false);
	}
	net_wait_for(pair, AX_WATCH_WRITE, full || net->unsent ? AX_WATCH_WRITE : 0);
	if (!full && done >= NET_BUDGET)
		virtio_kick(virtio, queue);
	virtio_interrupt(virtio, queue);
}
