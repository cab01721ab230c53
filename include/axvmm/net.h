/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Network device (virtio-net: VIRTIO 1.2, section 5.1) and what it is connected to on the host: a tap
 * interface, user networking without privileges (passt), or a socket. Part of libaxvmm-machine.
 *
 * An AxNet is one connection, opened first, so that its errors are known before a VM is built, and
 * then given to a device, which owns it from then on.
 */
#ifndef AXVMM_NET_H
#define AXVMM_NET_H

#include <axvmm/error.h>
#include <axvmm/host.h>
#include <axvmm/virtio.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct AxNet AxNet;

#define AX_NET_QUEUES_MAX 8u /* pairs of queues of one device */
#define AX_NET_MTU_MIN	  68u
#define AX_NET_MTU_MAX	  65535u

/*
 * The connection is gone: passt ended, the other side of the socket closed it, the tap interface was
 * removed. The guest sees the link go down. @message: one line, valid during the call. On the thread
 * of the device's host, with the device's lock held: it calls nothing of the device.
 */
typedef void AxNetLostFn(void *opaque, const char *message);

/* A tap interface of the host. */
typedef struct AxNetTapConfig {
	size_t size; /* sizeof(AxNetTapConfig): AX_NET_TAP_CONFIG_INIT */
	/* Interface: made unless it is there; "%d" in it is a number that is free. NULL: "axvmm%d". */
	const char *name;
	/* Open descriptors of it (TUNSETIFF was done), one per queue: owned by the net on success. NULL:
	 * /dev/net/tun is opened. */
	const int *fds;
	uint32_t queues; /* pairs, 1 to AX_NET_QUEUES_MAX: more than 1 is IFF_MULTI_QUEUE; 0: 1 */
	AxNetLostFn *lost; /* NULL: none */
	void *lost_opaque;
} AxNetTapConfig;

#define AX_NET_TAP_CONFIG_INIT { sizeof(AxNetTapConfig), NULL, NULL, 0, NULL, NULL }

/**
 * Open a tap interface. Its addresses, its bridge and whether it is up are the administrator's.
 *
 * @return 0; -EINVAL; -EACCES neither CAP_NET_ADMIN nor the interface's owner (the message says how to
 * make one for a user); -ENOENT there is no /dev/net/tun; -EBUSY somebody has the interface; -ENOTSUP;
 * -ENOMEM; -EIO
 *
 * Thread: any.
 */
AX_API int ax_net_open_tap(const AxNetTapConfig *config, AxNet **out, AxError *err);

typedef enum AxNetProtocol { AX_NET_TCP = 0, AX_NET_UDP = 1 } AxNetProtocol;

#define AX_NET_ADDRESS_SIZE 48 /* of an IPv4 or IPv6 address as text */

/* A port of the host that leads into the guest. */
typedef struct AxNetForward {
	uint32_t protocol;		    /* an AxNetProtocol */
	uint16_t host_port, guest_port;	    /* 1 to 65535 */
	char host_address[AX_NET_ADDRESS_SIZE]; /* where the host listens; "": all addresses */
} AxNetForward;

/**
 * Parse "tcp|udp:[hostaddr]:hostport-[guestaddr]:guestport", the form of QEMU's hostfwd=, such as
 * "tcp::2222-:22" or "udp:127.0.0.1:5353-:53". IPv6 addresses stand in brackets: "tcp:[::1]:80-:80".
 * A guest address must be @guest: there is one guest behind this network.
 *
 * @param guest  the guest's IPv4 address; NULL: AX_NET_USER_ADDRESS
 * @return 0; -EINVAL the message says what is wrong with it
 *
 * Thread: any.
 */
AX_API int ax_net_forward_parse(const char *text, const char *guest, AxNetForward *forward,
				AxError *err);

/* The guest's network by DHCP, unless the configuration says otherwise: as in QEMU's user networks. */
#define AX_NET_USER_ADDRESS   "10.0.2.15"
#define AX_NET_USER_PREFIX    24u
#define AX_NET_USER_GATEWAY   "10.0.2.2" /* is the host: its loopback services, too */
#define AX_NET_USER_DNS	      "10.0.2.3" /* leads to the host's first resolver */
#define AX_NET_USER_MTU	      65520u

#define AX_NET_USER_NO_HOST (1u << 0) /* the gateway doesn't lead to the host's loopback */
#define AX_NET_USER_NO_IPV6 (1u << 1)

/* User networking: a process `passt` of ours carries the guest's traffic by the host's sockets. */
typedef struct AxNetUserConfig {
	size_t size; /* sizeof(AxNetUserConfig): AX_NET_USER_CONFIG_INIT */
	const char *passt;   /* program, with or without a path; NULL: "passt" */
	const char *address; /* guest's IPv4 address; NULL: AX_NET_USER_ADDRESS */
	uint32_t prefix;     /* length of the network's; 0: AX_NET_USER_PREFIX */
	uint32_t mtu;	     /* 0: AX_NET_USER_MTU */
	const char *gateway; /* IPv4; NULL: the network's second address, AX_NET_USER_GATEWAY */
	const char *dns;     /* resolver that DHCP tells of, IPv4; NULL: what the host itself uses */
	const AxNetForward *forwards; /* forward_count of them */
	uint32_t forward_count;
	uint32_t flags;		       /* AX_NET_USER_* */
	const char *const *arguments;  /* more of passt's, then NULL; NULL: none */
	AxNetLostFn *lost;	       /* NULL: none */
	void *lost_opaque;
} AxNetUserConfig;

#define AX_NET_USER_CONFIG_INIT { sizeof(AxNetUserConfig), NULL, NULL, 0, 0, NULL, NULL, NULL, 0, 0, NULL, NULL, NULL }

/**
 * Start passt, and wait until it is ready. It ends with the net, and when this process dies. As root
 * it becomes the user "nobody". A host without any route has a network, too, of IPv4 alone.
 *
 * Debian 12's passt (March 2023) leaves out the last segment of the handshake of a forwarded
 * connection: the guest accepts it when the caller's first data comes. Newer ones do not.
 *
 * @return 0; -EINVAL; -ENOENT there is no such program (the message names the package); -EACCES;
 * -EBUSY somebody has a forwarded port of the host's, in one family at least; -EIO passt refused: the message is what it said; -ETIMEDOUT it said nothing for long; -ENOMEM
 *
 * Thread: any. Waits for passt alone, and for no other child of the process.
 */
AX_API int ax_net_open_user(const AxNetUserConfig *config, AxNet **out, AxError *err);

/*
 * A connected socket. A stream socket carries frames with their length before each (4 bytes, big
 * endian), as passt and QEMU's stream networks do; a datagram or seqpacket socket one frame in each.
 */
typedef struct AxNetSocketConfig {
	size_t size;	  /* sizeof(AxNetSocketConfig): AX_NET_SOCKET_CONFIG_INIT */
	const char *path; /* of a unix stream socket to connect to; NULL: fd is given */
	int fd;		  /* connected; owned by the net on success; -1: path is given */
	AxNetLostFn *lost; /* NULL: none */
	void *lost_opaque;
} AxNetSocketConfig;

#define AX_NET_SOCKET_CONFIG_INIT { sizeof(AxNetSocketConfig), NULL, -1, NULL, NULL }

/* 0; -EINVAL; -ENOENT, -EACCES: the path; -ENOMEM; -EIO. Thread: any. */
AX_API int ax_net_open_socket(const AxNetSocketConfig *config, AxNet **out, AxError *err);

/* "tap0", "passt" or "socket": what it is connected to. Owned by the net. Thread: any. */
AX_API const char *ax_net_name(const AxNet *net);

/* Close a net that was not given to a device; passt ends. NULL is allowed. Thread: any. */
AX_API void ax_net_free(AxNet *net);

typedef struct AxVirtioNetConfig {
	size_t size;	  /* sizeof(AxVirtioNetConfig): AX_VIRTIO_NET_CONFIG_INIT */
	const char *name; /* NULL: "net" */
	AxHost *host;	  /* borrowed until free; not NULL */
	AxNet *net;	  /* owned by the device on success; not NULL */
	uint8_t mac[6];	  /* all zero: a random one, locally administered */
	uint16_t mtu;	  /* told to the guest; 0: what the net says, else nothing */
	uint32_t queues;  /* pairs; 0: as many as the net has */
} AxVirtioNetConfig;

#define AX_VIRTIO_NET_CONFIG_INIT { sizeof(AxVirtioNetConfig), NULL, NULL, NULL, { 0 }, 0, 0 }

/**
 * Make a network device, owned by the caller. Checksums and segmentation are left to the host where
 * the net is a tap interface.
 *
 * @return 0; -EINVAL; -ENOMEM. On failure the net is still the caller's
 *
 * Thread: as ax_watch_new(): the host's, or before it runs.
 */
AX_API int ax_virtio_net_new(const AxVirtioNetConfig *config, AxVirtio **out, AxError *err);

/* The device's MAC address: 6 bytes. Thread: any. */
AX_API void ax_virtio_net_mac(const AxVirtio *virtio, uint8_t mac[6]);

#ifdef __cplusplus
}
#endif

#endif
