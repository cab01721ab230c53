/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The network device and its net, as recordings have them: frames in, frames out, and what the net has
 * become. A replay has a net without anybody at its other end.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "dev/virtio/net.h"
#include "dev/virtio/outside.h"

#define STATE_GONE   1u
#define STATE_UNSENT 2u

/* What a call has made of the net. */
static void tell_state(struct net_device *device, unsigned pair)
{
	AxNet *net = device->net;
	int64_t state;

	if (!device->virtio.record)
		return;
	state = (net->gone ? STATE_GONE : 0) | (net->unsent ? STATE_UNSENT : 0);
	state = outside_result(&device->virtio, pair, state, STATE_GONE | STATE_UNSENT);
	if (!outside_is_replayed(&device->virtio) || state < 0)
		return;
	net->unsent = state & STATE_UNSENT;
	if (state & STATE_GONE)
		net_gone(net, "it was gone when it was recorded");
}

unsigned net_outside_send(struct net_device *device, unsigned pair,
			  struct virtq_chain *const *chains, unsigned count)
{
	const struct net_frame *frames = device->frames;
	AxNet *net = device->net;
	int64_t sent = 0;

	if (!outside_is_replayed(&device->virtio))
		sent = net->ops->send(net, pair, frames, count);
	if (!device->virtio.record)
		return (unsigned)sent;
	sent = outside_result(&device->virtio, pair, sent, count);
	if (sent < 0)
		sent = 0;
	for (int64_t i = 0; i < sent; i++)
		outside_went(&device->virtio, pair, chains[i], frames[i].iov, frames[i].count,
			     frames[i].len);
	tell_state(device, pair);
	return (unsigned)sent;
}

void net_outside_rest(struct net_device *device, unsigned pair)
{
	if (!outside_is_replayed(&device->virtio))
		device->net->ops->send(device->net, pair, NULL, 0);
	tell_state(device, pair);
}

static uint64_t room_of(const struct iovec *iov, unsigned count)
{
	uint64_t room = 0;

	for (unsigned i = 0; i < count; i++)
		room += iov[i].iov_len;
	return room;
}

ssize_t net_outside_receive(struct net_device *device, unsigned pair, unsigned count)
{
	AxNet *net = device->net;
	int64_t got = 0;

	if (!outside_is_replayed(&device->virtio))
		got = net->ops->receive(net, pair, device->iov, count);
	if (!device->virtio.record)
		return (ssize_t)got;
	got = outside_result(&device->virtio, pair, got, room_of(device->iov, count));
	if (got > 0)
		outside_came(&device->virtio, pair, device->iov, count, (uint64_t)got);
	tell_state(device, pair);
	return (ssize_t)got;
}

void net_describe(const AxVirtio *virtio, char *text, size_t size)
{
	const struct net_device *device = (const struct net_device *)virtio;
	const uint8_t *config = virtio->config, *mac = config + NET_CONFIG_MAC;
	const AxNet *net = device->net;

	snprintf(text, size, NET_DESCRIPTION, device->pair_count, net->header_len,
		 (unsigned long long)net->features,
		 config[NET_CONFIG_MTU] | (unsigned)config[NET_CONFIG_MTU + 1] << 8, net->mtu,
		 net->hangup_ends, device->told, mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
}

void net_describe_as(AxVirtio *virtio, const struct net_description *described)
{
	struct net_device *device = net_device_of(virtio);

	memcpy(virtio->config + NET_CONFIG_MAC, described->mac, sizeof(described->mac));
	if (!described->gone)
		return;
	device->told = true;
	memset(virtio->config + NET_CONFIG_STATUS, 0, 2);
	for (uint32_t i = 0; i < device->pair_count; i++) {
		ax_watch_free(device->pairs[i].watch);
		device->pairs[i].watch = NULL;
	}
}

/* Nothing is asked of it: these stand where there have to be some. */
static unsigned send_nothing(AxNet *net, unsigned pair, const struct net_frame *frames,
			     unsigned count)
{
	(void)net;
	(void)pair;
	(void)frames;
	return count;
}

static ssize_t receive_nothing(AxNet *net, unsigned pair, const struct iovec *iov, unsigned count)
{
	(void)net;
	(void)pair;
	(void)iov;
	(void)count;
	return -EAGAIN;
}

AxNet *net_new_replayed(const struct net_description *described)
{
	static const struct net_ops ops = { .send = send_nothing, .receive = receive_nothing };
	AxNet *net = net_new(&ops, NULL, NULL);

	if (!net)
		return NULL;
	net->pairs = described->pairs;
	net->header_len = described->header;
	net->features = described->features;
	net->mtu = (uint16_t)described->net_mtu;
	net->hangup_ends = described->hangup;
	if (described->gone)
		net_gone(net, "it was gone when it was recorded");
	for (uint32_t i = 0; i < net->pairs; i++) {
		net->fds[i] = outside_stand_in();
		if (net->fds[i] < 0) {
			ax_net_free(net);
			return NULL;
		}
	}
	return net;
}
