/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A net's inside: what the network device (virtio/net.c) calls, and what each kind of connection
 * (net_tap.c, net_stream.c, net_datagram.c) implements.
 *
 * Threads: one at a time, which the device's lock sees to.
 */
#ifndef AXVMM_DEV_BACKEND_NET_H
#define AXVMM_DEV_BACKEND_NET_H

#include <sys/types.h>
#include <sys/uio.h>

#include <axvmm/net.h>

#define NET_HEADER_LEN 12u /* struct virtio_net_hdr with num_buffers: VIRTIO 1.2, section 5.1.6 */
#define NET_FRAME_MIN  14u /* an Ethernet header */
#define NET_FRAME_MAX  (65535u + 14u + 4u) /* the longest IP packet, with a VLAN tag */
#define NET_NAME_SIZE  16		   /* IFNAMSIZ */

/* Feature bits (section 5.1.3) that depend on the connection. */
#define NET_F_CSUM	 (1ULL << 0)
#define NET_F_GUEST_CSUM (1ULL << 1)
#define NET_F_GUEST_TSO4 (1ULL << 7)
#define NET_F_GUEST_TSO6 (1ULL << 8)
#define NET_F_GUEST_ECN	 (1ULL << 9)
#define NET_F_HOST_TSO4	 (1ULL << 11)
#define NET_F_HOST_TSO6	 (1ULL << 12)
#define NET_F_HOST_ECN	 (1ULL << 13)

#define NET_GUEST_OFFLOADS \
	(NET_F_GUEST_CSUM | NET_F_GUEST_TSO4 | NET_F_GUEST_TSO6 | NET_F_GUEST_ECN)
#define NET_HOST_OFFLOADS (NET_F_CSUM | NET_F_HOST_TSO4 | NET_F_HOST_TSO6 | NET_F_HOST_ECN)

/* A frame to send: after a header of net->header_len bytes. */
struct net_frame {
	const struct iovec *iov;
	unsigned count;
	size_t len; /* with the header */
};

struct net_ops {
	/*
	 * Send frames in order: how many are done with, which may be fewer: no room, wait until the
	 * descriptor is writable. What cannot be sent at all is dropped, as a wire does. Without
	 * frames: go on with what is unsent.
	 */
	unsigned (*send)(AxNet *net, unsigned pair, const struct net_frame *frames, unsigned count);
	/*
	 * Receive one frame after its header: its bytes with the header, those beyond the room are
	 * lost; -EAGAIN there is none; -EPIPE the connection is gone.
	 */
	ssize_t (*receive)(AxNet *net, unsigned pair, const struct iovec *iov, unsigned count);
	/* Use the first @pairs queues only. 0 or a negative errno. NULL: there is one. */
	int (*set_pairs)(AxNet *net, unsigned pairs);
	/* What the guest takes in frames that it receives: NET_F_GUEST_*. NULL: nothing is possible. */
	int (*set_offloads)(AxNet *net, uint64_t offloads);
	/* Say goodbye before the descriptors are closed. NULL: nothing to say. */
	void (*close)(AxNet *net);
};

struct AxNet {
	const struct net_ops *ops;
	char name[NET_NAME_SIZE];
	uint32_t pairs;
	int fds[AX_NET_QUEUES_MAX]; /* one per pair; not blocking */
	uint32_t header_len;	    /* 0 or NET_HEADER_LEN */
	uint64_t features;	    /* NET_F_*: what it is able to do */
	uint16_t mtu;		    /* 0: the usual 1500 */
	AxNetLostFn *lost;
	void *lost_opaque;
	bool process; /* a process of ours is on the other side, which ends with the connection */
	bool hangup_ends; /* a hangup of a descriptor is the end; else a receive says what it is */
	bool unsent; /* a part of the last frame is, and waits for the descriptor to be writable */
	bool gone;   /* the connection is; the message says why */
	char message[AX_ERROR_MESSAGE_SIZE];
	void *more; /* of the kind; one allocation */
};

/* A net with the descriptors -1. NULL: no memory. */
AxNet *net_new(const struct net_ops *ops, AxNetLostFn *lost, void *lost_opaque);

/* Remember that the connection is gone, and the first reason for it. */
void net_gone(AxNet *net, const char *format, ...) AX_PRINTF(2, 3);

/* The kinds over a socket; @fd is owned on success and made non-blocking. 0 or -ENOMEM, -EIO. */
int net_stream_new(int fd, AxNetLostFn *lost, void *lost_opaque, AxNet **out, AxError *err);
/* With @header_len NET_HEADER_LEN datagrams begin with a header, as a tap's frames do. */
int net_datagram_new(int fd, uint32_t header_len, AxNetLostFn *lost, void *lost_opaque, AxNet **out,
		     AxError *err);

/* Not blocking and closed by exec(). 0 or -EIO. */
int net_set_flags(int fd, AxError *err);

/*
 * Whether the host's port of a forwarding is free, in each family that it is for: 0, or -EBUSY. passt is
 * content with one of two.
 */
int net_forward_probe(const AxNetForward *forward, bool without_ipv6, AxError *err);

/* Whether a send or receive failed for a moment only. */
bool net_again(int os_errno);

#endif
