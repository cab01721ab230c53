/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest behind a network device, as small as can be: it answers ARP and echo requests, asks for an
 * address by DHCP, and takes one TCP connection. It drives the device through virtio_driver.h.
 */
#ifndef AXVMM_TESTS_UNIT_NET_GUEST_H
#define AXVMM_TESTS_UNIT_NET_GUEST_H

#include "tests/unit/virtio_driver.h"

#define GUEST_BUFFERS 64
#define GUEST_FRAME   70000u

/* struct virtio_net_hdr: VIRTIO 1.2, section 5.1.6. */
struct guest_header {
	uint8_t flags, gso_type;
	uint16_t hdr_len, gso_size, csum_start, csum_offset, num_buffers;
};

#define GUEST_NEEDS_CSUM 1u
#define GUEST_GSO_TCPV4	 1u

enum guest_tcp { TCP_LISTEN, TCP_SYN_SEEN, TCP_OPEN, TCP_CLOSED };

struct guest {
	struct drv *drv;
	unsigned rx, tx; /* queues */
	uint8_t mac[6], peer_mac[6];
	uint32_t ip; /* host order */
	uint32_t buffer_size;
	uint64_t buffers[GUEST_BUFFERS];
	int tokens[VIRTQ_SIZE_MAX]; /* of buffers in the ring: their index */
	/* The frame that was received last, and its header. */
	struct guest_header header;
	uint8_t frame[GUEST_FRAME];
	uint32_t len;
	unsigned frames, longest, echoes, arps;
	/* The connection. */
	enum guest_tcp tcp;
	uint16_t port, peer_port;
	uint32_t peer_ip, seq, ack;
	uint64_t bytes;	  /* received in order */
	uint32_t sum;	  /* of them, byte by byte */
	bool checks_sums; /* of TCP: else the host left them out */
	unsigned bad_sums;
	/* By DHCP. */
	uint32_t leased, router;
	uint16_t mtu;
};

/* Begin: the driver has started. Buffers of @buffer_size bytes. */
void guest_begin(struct guest *guest, struct drv *drv, unsigned pair, const uint8_t mac[6],
		 uint32_t ip, uint32_t buffer_size);
/* Receive a frame if there is one, and answer it: whether there was. Does not wait. */
bool guest_poll(struct guest *guest);
/* Send a frame of @len bytes, header before it (NULL: of zeros), and wait until it is gone. */
void guest_send(struct guest *guest, const struct guest_header *header, const void *frame,
		size_t len);
/* Send bytes over the connection: in one frame, to be segmented when there are more than 1400. */
void guest_tcp_send(struct guest *guest, const void *bytes, size_t len);
/* Ask for an address: DISCOVER. The answer fills leased, router, mtu. */
void guest_dhcp_discover(struct guest *guest);

/* The Internet checksum of @len bytes, begun with @sum. */
uint16_t guest_sum(uint32_t sum, const void *bytes, size_t len);

#endif
