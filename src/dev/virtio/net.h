/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The network device inside (section 5.1): what net.c, net_rx.c, net_tx.c and net_ctrl.c share.
 *
 * Pair p of queues: receiving is queue 2p, sending 2p + 1; control comes after all pairs, or is queue 2
 * when the driver did not take MQ (section 5.1.2). Everything runs on the host's thread with the
 * device's lock held, but start, drain and reset, which touch no frame.
 */
#ifndef AXVMM_DEV_VIRTIO_NET_H
#define AXVMM_DEV_VIRTIO_NET_H

#include "dev/backend/net.h"
#include "dev/virtio/virtio.h"

/* Feature bits (section 5.1.3), beside those of backend/net.h. */
#define NET_F_CTRL_GUEST_OFFLOADS (1ULL << 2)
#define NET_F_MTU		  (1ULL << 3)
#define NET_F_MAC		  (1ULL << 5)
#define NET_F_MRG_RXBUF		  (1ULL << 15)
#define NET_F_STATUS		  (1ULL << 16)
#define NET_F_CTRL_VQ		  (1ULL << 17)
#define NET_F_CTRL_RX		  (1ULL << 18)
#define NET_F_CTRL_RX_EXTRA	  (1ULL << 20)
#define NET_F_MQ		  (1ULL << 22)
#define NET_F_CTRL_MAC_ADDR	  (1ULL << 23)

/* Configuration (section 5.1.4): offsets. */
#define NET_CONFIG_MAC	  0
#define NET_CONFIG_STATUS 6
#define NET_CONFIG_PAIRS  8
#define NET_CONFIG_MTU	  10
#define NET_CONFIG_LEN	  12

#define NET_STATUS_LINK_UP 1u

#define NET_QUEUE_SIZE 256u
#define NET_CTRL_SIZE  64u
#define NET_SEGMENTS   256u /* of a chain: as many as a queue has descriptors */
#define NET_RX_HELD \
	64u /* a power of two: room for 64 KiB in the 1536 bytes that Linux gives each */
#define NET_RX_SEGMENTS 1000u /* of one readv(), with what spills over */
#define NET_TX_BATCH	32u
#define NET_BUDGET	256u /* frames, then the other queues of this thread have their turn */

/* Receiving: chains that were taken, for the next frames. */
struct net_rx {
	struct virtq_chain *chains[NET_RX_HELD]; /* held: from first on, round */
	uint32_t first, held;
	uint32_t segments;
	uint64_t room; /* bytes of what is held */
	/*
	 * A frame that is longer than the room was: its bytes in all, with the header, of which `filled` are
	 * in the chains and the rest is spilled. 0: none.
	 */
	uint64_t waiting;
	uint64_t filled;
	uint8_t *spill; /* NET_HEADER_LEN + NET_FRAME_MAX */
};

struct net_pair {
	struct net_device *device;
	unsigned index;
	AxWatch *watch; /* of the net's descriptor; NULL: it is gone */
	unsigned events;
	struct net_rx rx;
};

/* What a replay makes it of, as text. */
struct net_description {
	unsigned pairs, header;
	unsigned long long features;
	unsigned mtu;	  /* of the device */
	unsigned net_mtu; /* of the net: AxNet.mtu */
	unsigned hangup;  /* AxNet.hangup_ends */
	unsigned gone;	  /* AxNet.gone, and the driver knows */
	uint8_t mac[6];
};

#define NET_DESCRIPTION                                                                 \
	"net pairs=%u header=%u features=%llx mtu=%u net-mtu=%u hangup=%u gone=%u mac=" \
	"%02hhx:%02hhx:%02hhx:%02hhx:%02hhx:%02hhx"

struct net_device {
	AxVirtio virtio;
	AxNet *net;
	uint32_t pair_count;
	uint32_t active;   /* pairs that the driver uses */
	uint64_t offloads; /* NET_F_GUEST_* that the driver wants now */
	bool offloads_set; /* by the control queue, or restored: else what was negotiated */
	bool told;	   /* that the net is gone */
	struct net_pair *pairs;
	struct virtq_chain *ctrl;
	/* Sending: of one batch. */
	struct virtq_chain *tx[NET_TX_BATCH];
	struct net_frame frames[NET_TX_BATCH];
	/* Receiving: of one frame. */
	struct iovec iov[NET_RX_SEGMENTS + 1];
	struct virtq_chain *used[NET_RX_HELD];
	uint32_t written[NET_RX_HELD];
};

static inline struct net_device *net_device_of(AxVirtio *virtio)
{
	return (struct net_device *)virtio;
}

/* The chain in a slot, made when it is used first: NULL when there is no memory, never for a slot 0. */
struct virtq_chain *net_chain(struct virtq_chain **slot);

/* Wait for these events (AX_WATCH_*) of the pair's descriptor, of those in @mask. */
void net_wait_for(struct net_pair *pair, unsigned mask, unsigned events);

/* Receive and send what there is. */
void net_rx_run(struct net_pair *pair);
void net_tx_run(struct net_pair *pair);
/* Give back the chains that are held; a frame that waits is lost. */
void net_rx_drop(struct net_pair *pair);

/*
 * net_outside.c: what the device has of its net, which a replay has from the recording. As struct
 * net_ops, with @chains the frames' own.
 */
unsigned net_outside_send(struct net_device *device, unsigned pair, struct virtq_chain *const *chains,
		  unsigned count);
ssize_t net_outside_receive(struct net_device *device, unsigned pair, unsigned count);
/* Go on with what is unsent. */
void net_outside_rest(struct net_device *device, unsigned pair);
/* virtio_type.describe, and a net of a replay that is like the described one; NULL: no memory. */
void net_describe(const AxVirtio *virtio, char *text, size_t size);
AxNet *net_new_replayed(const struct net_description *described);
/* Its address, and its link where that is down. */
void net_describe_as(AxVirtio *virtio, const struct net_description *described);

/* The control queue. */
void net_ctrl_run(struct net_device *device, unsigned queue);
/* Have the net do what device->active and device->offloads say. */
bool net_set_pairs(struct net_device *device, uint32_t pairs);
bool net_set_offloads(struct net_device *device, uint64_t offloads);
/* The offloads that the driver took. */
static inline uint64_t net_negotiated(const struct net_device *device)
{
	return device->virtio.features & NET_GUEST_OFFLOADS;
}

#endif
