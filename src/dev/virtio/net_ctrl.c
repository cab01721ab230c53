/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control queue (section 5.1.6.5): each chain is a command's class, its number and data, which the
 * device answers with one byte.
 *
 * Filters of addresses are accepted and not applied: what to filter is the device's choice (section
 * 5.1.6.5.1), and the driver's network stack does it anyway.
 */
#include <string.h>

#include "dev/virtio/net.h"
#include "dev/virtio/outside.h"

enum { CLASS_RX = 0, CLASS_MAC = 1, CLASS_MQ = 4, CLASS_GUEST_OFFLOADS = 5 };
enum { RX_PROMISC = 0, RX_ALLMULTI = 1, RX_NOBCAST = 5 };
enum { MAC_TABLE_SET = 0, MAC_ADDR_SET = 1 };
enum { MQ_PAIRS_SET = 0 };
enum { GUEST_OFFLOADS_SET = 0 };
enum { ACK_OK = 0, ACK_ERR = 1 };

#define MAC_LEN 6u

struct command {
	const struct virtq_chain *chain;
	uint8_t class, number;
	uint64_t len; /* of the data */
};

/* @len bytes of the data at @offset; false: there are fewer. */
static bool take(const struct command *command, uint64_t offset, void *to, size_t len)
{
	return virtq_read(command->chain, 2 + offset, to, len) == len;
}

bool net_set_pairs(struct net_device *device, uint32_t pairs)
{
	AxNet *net = device->net;
	bool good = net->gone || pairs == 1;

	if (!net->gone && net->ops->set_pairs)
		good = !net->ops->set_pairs(net, pairs);
	return outside_result(&device->virtio, pairs, good, 1) > 0;
}

bool net_set_offloads(struct net_device *device, uint64_t offloads)
{
	AxNet *net = device->net;
	bool good = net->gone || !offloads;

	if (!net->gone && net->ops->set_offloads)
		good = !net->ops->set_offloads(net, offloads);
	return outside_result(&device->virtio, offloads, good, 1) > 0;
}

/* Section 5.1.6.5.1: on or off, one byte. */
static bool set_rx_mode(const struct net_device *device, const struct command *command)
{
	uint64_t feature = command->number <= RX_ALLMULTI ? NET_F_CTRL_RX : NET_F_CTRL_RX_EXTRA;
	uint8_t on;

	return virtio_has(&device->virtio, feature) && command->number <= RX_NOBCAST &&
	       command->len == 1 && take(command, 0, &on, sizeof(on)) && on <= 1;
}

/* Section 5.1.6.5.2: two tables, each a count and as many addresses. */
static bool set_mac_tables(const struct net_device *device, const struct command *command)
{
	uint64_t at = 0;

	if (!virtio_has(&device->virtio, NET_F_CTRL_RX))
		return false;
	for (unsigned i = 0; i < 2; i++) {
		uint32_t count;

		if (!take(command, at, &count, sizeof(count)))
			return false;
		at += sizeof(count) + (uint64_t)count * MAC_LEN;
	}
	return at == command->len;
}

static bool set_mac(struct net_device *device, const struct command *command)
{
	uint8_t mac[MAC_LEN];

	if (!virtio_has(&device->virtio, NET_F_CTRL_MAC_ADDR) || command->len != MAC_LEN ||
	    !take(command, 0, mac, sizeof(mac)))
		return false;
	memcpy(device->virtio.config + NET_CONFIG_MAC, mac, sizeof(mac));
	return true;
}

/* Section 5.1.6.5.6: frames come to and from the first pairs only. */
static bool set_pairs(struct net_device *device, const struct command *command)
{
	uint16_t pairs;

	if (!virtio_has(&device->virtio, NET_F_MQ) || command->len != sizeof(pairs) ||
	    !take(command, 0, &pairs, sizeof(pairs)) || !pairs || pairs > device->pair_count ||
	    !net_set_pairs(device, pairs))
		return false;
	/* Those that are not used any more give their chains back; those that are begin. */
	for (uint32_t i = pairs; i < device->active; i++) {
		net_rx_drop(&device->pairs[i]);
		net_wait_for(&device->pairs[i], AX_WATCH_READ | AX_WATCH_WRITE, 0);
	}
	for (uint32_t i = 0; i < pairs; i++) {
		virtio_kick(&device->virtio, 2 * i);
		virtio_kick(&device->virtio, 2 * i + 1);
	}
	device->active = pairs;
	return true;
}

/* Section 5.1.6.5.7. */
static bool set_offloads(struct net_device *device, const struct command *command)
{
	uint64_t offloads;

	if (!virtio_has(&device->virtio, NET_F_CTRL_GUEST_OFFLOADS) ||
	    command->len != sizeof(offloads) || !take(command, 0, &offloads, sizeof(offloads)) ||
	    (offloads & ~net_negotiated(device)) || !net_set_offloads(device, offloads))
		return false;
	device->offloads = offloads;
	device->offloads_set = true;
	return true;
}

static bool execute(struct net_device *device, const struct command *command)
{
	switch (command->class) {
	case CLASS_RX: return set_rx_mode(device, command);
	case CLASS_MAC:
		if (command->number == MAC_TABLE_SET)
			return set_mac_tables(device, command);
		return command->number == MAC_ADDR_SET && set_mac(device, command);
	case CLASS_MQ: return command->number == MQ_PAIRS_SET && set_pairs(device, command);
	case CLASS_GUEST_OFFLOADS:
		return command->number == GUEST_OFFLOADS_SET && set_offloads(device, command);
	default: return false;
	}
}

void net_ctrl_run(struct net_device *device, unsigned queue)
{
	AxVirtio *virtio = &device->virtio;
	struct virtq_chain *chain = device->ctrl;
	unsigned done = 0;

	while (done++ < NET_CTRL_SIZE && virtq_pop(virtio, queue, chain) > 0) {
		struct command command = { .chain = chain };
		uint8_t head[2], ack = ACK_ERR;

		if (!chain->in_len) {
			virtq_return(virtio, queue, chain);
			virtio_broken(virtio);
			return;
		}
		if (virtq_read(chain, 0, head, sizeof(head)) == sizeof(head)) {
			command.class = head[0];
			command.number = head[1];
			command.len = chain->out_len - sizeof(head);
			ack = execute(device, &command) ? ACK_OK : ACK_ERR;
		}
		virtq_write(chain, 0, &ack, sizeof(ack));
		virtq_push(virtio, queue, chain, sizeof(ack));
	}
	virtio_interrupt(virtio, queue);
	if (done > NET_CTRL_SIZE)
		virtio_kick(virtio, queue);
}
