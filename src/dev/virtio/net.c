/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Network device (section 5.1): making it, its features and configuration, its link.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "dev/virtio/net.h"

#define ID_NET 1

struct virtq_chain *net_chain(struct virtq_chain **slot)
{
	if (!*slot)
		*slot = virtq_chain_new(NET_SEGMENTS);
	return *slot;
}

void net_wait_for(struct net_pair *pair, unsigned mask, unsigned events)
{
	unsigned all = (pair->events & ~mask) | events;

	if (!pair->watch || all == pair->events)
		return;
	pair->events = all;
	ax_watch_set(pair->watch, all);
}

static void put16(uint8_t *at, uint16_t value)
{
	at[0] = (uint8_t)value;
	at[1] = (uint8_t)(value >> 8);
}

/* The connection may have ended: the link is down from then on. On the host's thread. */
static void look_at_link(struct net_device *device)
{
	AxNet *net = device->net;

	if (!net->gone || device->told)
		return;
	device->told = true;
	for (uint32_t i = 0; i < device->pair_count; i++) {
		ax_watch_free(device->pairs[i].watch);
		device->pairs[i].watch = NULL;
	}
	put16(device->virtio.config + NET_CONFIG_STATUS, 0);
	virtio_config_changed(&device->virtio);
	if (net->lost)
		net->lost(net->lost_opaque, net->message);
}

/* The pair's descriptor is ready for something. */
static void pair_ready(void *opaque, int fd, unsigned events)
{
	struct net_pair *pair = opaque;
	struct net_device *device = pair->device;

	(void)fd;
	virtio_lock(&device->virtio);
	if (events & (AX_WATCH_READ | AX_WATCH_HANGUP))
		net_rx_run(pair);
	/* A descriptor that is broken may never be writable again: who waits to send has to see it. */
	if (events & (AX_WATCH_WRITE | AX_WATCH_HANGUP))
		net_tx_run(pair);
	/* What it sent last may still wait for room; it isn't worth waiting for. */
	if ((events & AX_WATCH_HANGUP) && device->net->hangup_ends)
		net_gone(device->net, "%s ended: it closed its socket", device->net->name);
	look_at_link(device);
	virtio_unlock(&device->virtio);
}

static void net_start(AxVirtio *virtio)
{
	struct net_device *device = net_device_of(virtio);

	if (!device->offloads_set)
		device->offloads = net_negotiated(device);
	/* They were found out to be possible when the net was opened. */
	(void)net_set_offloads(device, device->offloads);
	(void)net_set_pairs(device, device->active);
}

static void net_notify(AxVirtio *virtio, unsigned index)
{
	struct net_device *device = net_device_of(virtio);
	unsigned ctrl = virtio_has(virtio, NET_F_MQ) ? 2 * device->pair_count : 2;

	if (index == ctrl && virtio_has(virtio, NET_F_CTRL_VQ))
		net_ctrl_run(device, index);
	else if (index >= 2 * device->pair_count)
		return;
	else if (index % 2)
		net_tx_run(&device->pairs[index / 2]);
	else
		net_rx_run(&device->pairs[index / 2]);
	look_at_link(device);
}

static void net_drain(AxVirtio *virtio)
{
	struct net_device *device = net_device_of(virtio);

	for (uint32_t i = 0; i < device->pair_count; i++)
		net_rx_drop(&device->pairs[i]);
}

static void net_reset(AxVirtio *virtio)
{
	struct net_device *device = net_device_of(virtio);

	for (uint32_t i = 0; i < device->pair_count; i++)
		net_wait_for(&device->pairs[i], AX_WATCH_READ | AX_WATCH_WRITE,
			     device->net->unsent ? AX_WATCH_WRITE : 0);
	device->active = 1;
	device->offloads = 0;
	device->offloads_set = false;
	(void)net_set_offloads(device, 0);
	(void)net_set_pairs(device, 1);
}

/* Section 5.1.3.1: what each feature builds on. */
static bool net_features_ok(AxVirtio *virtio, uint64_t features)
{
	static const struct {
		uint64_t feature, any_of;
	} needs[] = {
		{ NET_F_GUEST_TSO4, NET_F_GUEST_CSUM },
		{ NET_F_GUEST_TSO6, NET_F_GUEST_CSUM },
		{ NET_F_GUEST_ECN, NET_F_GUEST_TSO4 | NET_F_GUEST_TSO6 },
		{ NET_F_HOST_TSO4, NET_F_CSUM },
		{ NET_F_HOST_TSO6, NET_F_CSUM },
		{ NET_F_HOST_ECN, NET_F_HOST_TSO4 | NET_F_HOST_TSO6 },
		{ NET_F_CTRL_RX, NET_F_CTRL_VQ },
		{ NET_F_CTRL_RX_EXTRA, NET_F_CTRL_VQ },
		{ NET_F_MQ, NET_F_CTRL_VQ },
		{ NET_F_CTRL_MAC_ADDR, NET_F_CTRL_VQ },
	};

	(void)virtio;
	/* Section 5.1.6.1: without it the header has another length. */
	if (!(features & VIRTIO_F_VERSION_1))
		return false;
	for (size_t i = 0; i < sizeof(needs) / sizeof(*needs); i++) {
		if ((features & needs[i].feature) && !(features & needs[i].any_of))
			return false;
	}
	return true;
}

static int net_save(AxVirtio *virtio, AxState *state)
{
	const struct net_device *device = net_device_of(virtio);

	ax_state_put_u32(state, device->active);
	ax_state_put_u64(state, device->offloads);
	ax_state_put_u8(state, device->offloads_set);
	ax_state_put_bytes(state, virtio->config + NET_CONFIG_MAC, 6);
	return 0;
}

static int net_restore(AxVirtio *virtio, AxState *state)
{
	struct net_device *device = net_device_of(virtio);
	uint32_t active = ax_state_get_u32(state);
	uint64_t offloads = ax_state_get_u64(state);
	uint8_t set = ax_state_get_u8(state), mac[6];

	ax_state_get_bytes(state, mac, sizeof(mac));
	if (ax_state_error(state) || !active || active > device->pair_count ||
	    (active > 1 && !virtio_has(virtio, NET_F_MQ)) || (offloads & ~net_negotiated(device)) ||
	    set > 1)
		return -EINVAL;
	device->active = active;
	device->offloads = offloads;
	device->offloads_set = set;
	memcpy(virtio->config + NET_CONFIG_MAC, mac, sizeof(mac));
	return 0;
}

static void free_pair(struct net_pair *pair)
{
	ax_watch_free(pair->watch);
	for (unsigned i = 0; i < NET_RX_HELD; i++)
		virtq_chain_free(pair->rx.chains[i]);
	free(pair->rx.spill);
}

/* All but the net. */
static void free_device(struct net_device *device)
{
	for (uint32_t i = 0; device->pairs && i < device->pair_count; i++)
		free_pair(&device->pairs[i]);
	for (unsigned i = 0; i < NET_TX_BATCH; i++)
		virtq_chain_free(device->tx[i]);
	virtq_chain_free(device->ctrl);
	free(device->pairs);
	virtio_fini(&device->virtio);
	free(device);
}

static void net_free(AxVirtio *virtio)
{
	AxNet *net = net_device_of(virtio)->net;

	free_device(net_device_of(virtio));
	ax_net_free(net);
}

static const struct virtio_type net_type = {
	.id = ID_NET,
	.name = "net",
	.start = net_start,
	.notify = net_notify,
	.drain = net_drain,
	.reset = net_reset,
	.features_ok = net_features_ok,
	.save = net_save,
	.restore = net_restore,
	.describe = net_describe,
	.free = net_free,
};

static int check(const AxVirtioNetConfig *config, AxError *err)
{
	if (!config->net)
		return ax_error_argument(err, -EINVAL, "virtio net: no AxNet is given");
	if (config->mac[0] & 1)
		return ax_error_argument(
			err, -EINVAL,
			"virtio net: a MAC address that begins with %02x is one of "
			"a group",
			config->mac[0]);
	if (config->mtu && config->mtu < AX_NET_MTU_MIN)
		return ax_error_argument(err, -EINVAL, "virtio net: an MTU is at least %u, not %u",
					 AX_NET_MTU_MIN, config->mtu);
	if (config->queues > config->net->pairs)
		return ax_error_argument(err, -EINVAL,
					 "virtio net: %u pairs of queues, but %s has %u",
					 config->queues, config->net->name, config->net->pairs);
	return 0;
}

static uint64_t features_of(const struct net_device *device, uint16_t mtu)
{
	uint64_t features = device->net->features | NET_F_MAC | NET_F_STATUS | NET_F_MRG_RXBUF |
			    NET_F_CTRL_VQ | NET_F_CTRL_RX | NET_F_CTRL_RX_EXTRA |
			    NET_F_CTRL_MAC_ADDR;

	if (device->net->features & NET_GUEST_OFFLOADS)
		features |= NET_F_CTRL_GUEST_OFFLOADS;
	if (device->pair_count > 1)
		features |= NET_F_MQ;
	return mtu ? features | NET_F_MTU : features;
}

static void fill_config(struct net_device *device, const AxVirtioNetConfig *config, uint16_t mtu)
{
	static const uint8_t none[6];
	uint8_t *bytes = device->virtio.config;

	memcpy(bytes + NET_CONFIG_MAC, config->mac, 6);
	if (!memcmp(config->mac, none, sizeof(none))) {
		/* Never fails for a few bytes once the kernel has booted. */
		(void)!getrandom(bytes + NET_CONFIG_MAC, 6, 0);
		/* Locally administered, of one interface. */
		bytes[NET_CONFIG_MAC] = (uint8_t)((bytes[NET_CONFIG_MAC] & 0xfc) | 2);
	}
	put16(bytes + NET_CONFIG_STATUS, NET_STATUS_LINK_UP);
	put16(bytes + NET_CONFIG_PAIRS, (uint16_t)device->pair_count);
	put16(bytes + NET_CONFIG_MTU, mtu);
}

/* What is needed to carry one frame at a time; more comes with more to do. */
static bool make_chains(struct net_device *device)
{
	device->ctrl = virtq_chain_new(NET_SEGMENTS);
	if (!device->ctrl || !net_chain(&device->tx[0]))
		return false;
	for (uint32_t i = 0; i < device->pair_count; i++) {
		struct net_rx *rx = &device->pairs[i].rx;

		rx->spill = malloc(NET_HEADER_LEN + NET_FRAME_MAX);
		if (!rx->spill || !net_chain(&rx->chains[0]))
			return false;
	}
	return true;
}

static int make_pairs(struct net_device *device, AxError *err)
{
	int ret = 0;

	for (uint32_t i = 0; !ret && i < device->pair_count; i++) {
		struct net_pair *pair = &device->pairs[i];

		pair->device = device;
		pair->index = i;
		ret = ax_watch_new(device->virtio.host, device->net->fds[i], 0, pair_ready, pair,
				   &pair->watch, err);
	}
	return ret;
}

static int build(struct net_device *device, const AxVirtioNetConfig *config, AxError *err)
{
	uint32_t queue_size[2 * AX_NET_QUEUES_MAX + 1];
	struct virtio_init init = { .type = &net_type,
				    .name = config->name,
				    .host = config->host,
				    .queue_size = queue_size,
				    .config_len = NET_CONFIG_LEN };
	uint16_t mtu = config->mtu ? config->mtu : device->net->mtu;
	int ret;

	init.queue_count = 2 * device->pair_count + 1;
	for (uint32_t i = 0; i + 1 < init.queue_count; i++)
		queue_size[i] = NET_QUEUE_SIZE;
	queue_size[init.queue_count - 1] = NET_CTRL_SIZE;
	init.features = features_of(device, mtu);
	ret = virtio_init(&device->virtio, &init, err);
	if (ret)
		return ret;
	fill_config(device, config, mtu);
	if (!make_chains(device))
		return ax_dev_error_nomem(err, "a network device");
	return make_pairs(device, err);
}

int ax_virtio_net_new(const AxVirtioNetConfig *given, AxVirtio **out, AxError *err)
{
	AxVirtioNetConfig config = AX_VIRTIO_NET_CONFIG_INIT;
	struct net_device *device;
	int ret;

	ret = ax_dev_config(&config, sizeof(config), given, sizeof(config), "AxVirtioNetConfig",
			    err);
	if (!ret)
		ret = check(&config, err);
	if (ret)
		return ret;
	device = calloc(1, sizeof(*device));
	if (!device)
		return ax_dev_error_nomem(err, "a network device");
	device->net = config.net;
	device->active = 1;
	device->pair_count = config.queues ? config.queues : config.net->pairs;
	device->pairs = calloc(device->pair_count, sizeof(*device->pairs));
	ret = device->pairs ? build(device, &config, err)
			    : ax_dev_error_nomem(err, "a network device");
	if (ret) {
		free_device(device);
		return ret;
	}
	*out = &device->virtio;
	return 0;
}

void ax_virtio_net_mac(const AxVirtio *virtio, uint8_t mac[6])
{
	virtio_lock((AxVirtio *)virtio);
	memcpy(mac, virtio->config + NET_CONFIG_MAC, 6);
	virtio_unlock((AxVirtio *)virtio);
}
