/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A net over a tap interface of the host (the kernel's Documentation/networking/tuntap.rst). Frames
 * begin with the virtio-net header that the guest made or wants, and the kernel checks it.
 */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/if_tun.h>

#include "dev/backend/net.h"
#include "dev/dev.h"

#define TUN_DEVICE "/dev/net/tun"
#define TUN_NAME   "axvmm%d"

struct tap {
	bool multiqueue;
	bool detached[AX_NET_QUEUES_MAX];
};

/* Whether frames can't be carried for now: the interface is down, or the frame makes no sense. */
static bool drops(int os_errno)
{
	return os_errno == EIO || os_errno == EINVAL || os_errno == ENOBUFS || os_errno == ENOMEM ||
	       os_errno == EMSGSIZE || os_errno == ENETDOWN || os_errno == EPERM ||
	       os_errno == EFAULT;
}

static unsigned tap_send(AxNet *net, unsigned pair, const struct net_frame *frames, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		if (writev(net->fds[pair], frames[i].iov, (int)frames[i].count) >= 0 ||
		    drops(errno))
			continue;
		if (net_again(errno))
			return i;
		net_gone(net, "interface %s is gone: %s", net->name, strerror(errno));
		return count;
	}
	return count;
}

static ssize_t tap_receive(AxNet *net, unsigned pair, const struct iovec *iov, unsigned count)
{
	ssize_t got = readv(net->fds[pair], iov, (int)count);

	if (got >= 0)
		return got;
	if (net_again(errno) || drops(errno))
		return -EAGAIN;
	net_gone(net, "interface %s is gone: %s", net->name, strerror(errno));
	return -EPIPE;
}

static int tap_set_pairs(AxNet *net, unsigned pairs)
{
	struct tap *tap = net->more;

	if (!tap->multiqueue)
		return 0;
	for (unsigned i = 0; i < net->pairs; i++) {
		bool detach = i >= pairs;
		struct ifreq request = { .ifr_flags =
						 detach ? IFF_DETACH_QUEUE : IFF_ATTACH_QUEUE };

		if (tap->detached[i] == detach)
			continue;
		if (ioctl(net->fds[i], TUNSETQUEUE, &request))
			return -EIO;
		tap->detached[i] = detach;
	}
	return 0;
}

static int tap_set_offloads(AxNet *net, uint64_t offloads)
{
	unsigned long flags = 0;

	if (offloads & NET_F_GUEST_CSUM)
		flags |= TUN_F_CSUM;
	if (offloads & NET_F_GUEST_TSO4)
		flags |= TUN_F_TSO4;
	if (offloads & NET_F_GUEST_TSO6)
		flags |= TUN_F_TSO6;
	if (flags & (TUN_F_TSO4 | TUN_F_TSO6) && offloads & NET_F_GUEST_ECN)
		flags |= TUN_F_TSO_ECN;
	return ioctl(net->fds[0], TUNSETOFFLOAD, flags) ? -EIO : 0;
}

static const struct net_ops tap_ops = {
	.send = tap_send,
	.receive = tap_receive,
	.set_pairs = tap_set_pairs,
	.set_offloads = tap_set_offloads,
};

/* /dev/net/tun could not be opened. */
static int device_error(int os_errno, AxError *err)
{
	if (os_errno == EACCES || os_errno == EPERM)
		return ax_error_set(err, -EACCES, AX_ERROR_FILE, os_errno,
				    TUN_DEVICE ": %s; user networking needs no rights",
				    strerror(os_errno));
	if (os_errno == ENOENT || os_errno == ENODEV || os_errno == ENXIO)
		return ax_error_set(err, -ENOENT, AX_ERROR_FILE, os_errno,
				    TUN_DEVICE ": %s (as root: modprobe tun)", strerror(os_errno));
	return ax_error_set(err, -EIO, AX_ERROR_FILE, os_errno, TUN_DEVICE ": %s",
			    strerror(os_errno));
}

/* TUNSETIFF failed. */
static int interface_error(const char *name, uint32_t queues, int os_errno, AxError *err)
{
	if (os_errno == EPERM || os_errno == EACCES)
		return ax_error_set(err, -EACCES, AX_ERROR_FILE, os_errno,
				    "tap interface %s: not allowed; as root: ip tuntap add dev %s "
				    "mode tap user USER%s",
				    name, strchr(name, '%') ? "NAME" : name,
				    queues > 1 ? " multi_queue" : "");
	if (os_errno == EBUSY)
		return ax_error_set(err, -EBUSY, AX_ERROR_FILE, os_errno,
				    "tap interface %s is in use by another process", name);
	if (os_errno == EINVAL)
		return ax_error_set(err, -EINVAL, AX_ERROR_ARGUMENT, os_errno,
				    "interface %s cannot be a tap with %u queue%s: it is something "
				    "else, or was "
				    "made %s multi_queue",
				    name, queues, queues > 1 ? "s" : "",
				    queues > 1 ? "without" : "with");
	return ax_error_set(err, -EIO, AX_ERROR_FILE, os_errno, "tap interface %s: %s", name,
			    strerror(os_errno));
}

/* Open a queue of the interface; net->name is its name afterwards. */
static int open_queue(AxNet *net, unsigned index, const char *name, uint32_t queues, AxError *err)
{
	struct ifreq request = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };
	struct tap *tap = net->more;
	int fd = open(TUN_DEVICE, O_RDWR | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return device_error(errno, err);
	net->fds[index] = fd;
	if (tap->multiqueue)
		request.ifr_flags |= IFF_MULTI_QUEUE;
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	if (ioctl(fd, TUNSETIFF, &request)) {
		/* An interface that was made for several queues is opened with the flag only. */
		int os_errno = errno;

		request.ifr_flags |= IFF_MULTI_QUEUE;
		if (os_errno != EINVAL || tap->multiqueue || ioctl(fd, TUNSETIFF, &request))
			return interface_error(name, queues, os_errno, err);
		tap->multiqueue = true;
	}
	memcpy(net->name, request.ifr_name, sizeof(net->name));
	net->name[sizeof(net->name) - 1] = '\0';
	return 0;
}

/* A queue that the embedder opened. */
static int take_queue(AxNet *net, unsigned index, int fd, AxError *err)
{
	struct ifreq request = { 0 };
	struct tap *tap = net->more;

	if (ioctl(fd, TUNGETIFF, &request))
		return ax_error_set(err, -EINVAL, AX_ERROR_ARGUMENT, errno,
				    "descriptor %d is no tap interface: %s", fd, strerror(errno));
	if (!(request.ifr_flags & IFF_TAP) || !(request.ifr_flags & IFF_NO_PI))
		return ax_error_argument(err, -EINVAL,
					 "descriptor %d: interface %.15s is not tap, or not "
					 "IFF_NO_PI",
					 fd, request.ifr_name);
	if (index && !(request.ifr_flags & IFF_VNET_HDR) != !net->header_len)
		return ax_error_argument(err, -EINVAL,
					 "descriptor %d: IFF_VNET_HDR is not as in the first", fd);
	if (!(request.ifr_flags & IFF_VNET_HDR))
		net->header_len = 0;
	tap->multiqueue = request.ifr_flags & IFF_MULTI_QUEUE;
	memcpy(net->name, request.ifr_name, sizeof(net->name));
	net->name[sizeof(net->name) - 1] = '\0';
	return net_set_flags(fd, err);
}

/* Have frames begin with NET_HEADER_LEN bytes, little endian as the device's. */
static int set_header(AxNet *net, int fd, AxError *err)
{
	int len = NET_HEADER_LEN, one = 1;

	if (!net->header_len)
		return 0;
	if (ioctl(fd, TUNSETVNETHDRSZ, &len))
		return ax_error_set(err, -ENOTSUP, AX_ERROR_UNSUPPORTED, errno,
				    "tap interface %s: headers of %d bytes: %s", net->name, len,
				    strerror(errno));
	/* Fails on kernels without it, which are little endian then. */
	(void)!ioctl(fd, TUNSETVNETLE, &one);
	return 0;
}

/* What it is able to do, and its MTU where that is not what every guest takes for granted. */
static void look(AxNet *net)
{
	struct ifreq request = { 0 };
	int fd;

	if (net->header_len && !tap_set_offloads(net, NET_GUEST_OFFLOADS))
		net->features = NET_GUEST_OFFLOADS | NET_HOST_OFFLOADS;
	else if (net->header_len && !tap_set_offloads(net, NET_F_GUEST_CSUM))
		net->features = NET_F_GUEST_CSUM | NET_HOST_OFFLOADS;
	(void)!tap_set_offloads(net, 0);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	memcpy(request.ifr_name, net->name, sizeof(request.ifr_name));
	if (!ioctl(fd, SIOCGIFMTU, &request) && request.ifr_mtu != 1500 &&
	    request.ifr_mtu >= (int)AX_NET_MTU_MIN && request.ifr_mtu <= (int)AX_NET_MTU_MAX)
		net->mtu = (uint16_t)request.ifr_mtu;
	close(fd);
}

static int open_queues(AxNet *net, const AxNetTapConfig *config, AxError *err)
{
	const char *name = config->name ? config->name : TUN_NAME;
	struct tap *tap = net->more;
	int ret = 0;

	tap->multiqueue = net->pairs > 1;
	net->header_len = NET_HEADER_LEN;
	for (unsigned i = 0; !ret && i < net->pairs; i++) {
		ret = config->fds ? take_queue(net, i, config->fds[i], err)
				  : open_queue(net, i, i ? net->name : name, net->pairs, err);
		if (!ret)
			ret = set_header(net, config->fds ? config->fds[i] : net->fds[i], err);
	}
	if (ret || !config->fds)
		return ret;
	memcpy(net->fds, config->fds, net->pairs * sizeof(net->fds[0]));
	return 0;
}

int ax_net_open_tap(const AxNetTapConfig *given, AxNet **out, AxError *err)
{
	AxNetTapConfig config = AX_NET_TAP_CONFIG_INIT;
	AxNet *net;
	int ret;

	ret = ax_dev_config(&config, sizeof(config), given, sizeof(config), "AxNetTapConfig", err);
	if (ret)
		return ret;
	if (config.queues > AX_NET_QUEUES_MAX)
		return ax_error_argument(err, -EINVAL, "%u pairs of queues: at most %u",
					 config.queues, AX_NET_QUEUES_MAX);
	if (config.name && (!config.name[0] || strlen(config.name) >= IFNAMSIZ))
		return ax_error_argument(err, -EINVAL,
					 "a tap interface's name has 1 to 15 bytes, not \"%.40s\"",
					 config.name);
	net = net_new(&tap_ops, config.lost, config.lost_opaque);
	if (net)
		net->more = calloc(1, sizeof(struct tap));
	if (!net || !net->more) {
		free(net);
		return ax_dev_error_nomem(err, "a network");
	}
	net->pairs = config.queues ? config.queues : 1;
	ret = open_queues(net, &config, err);
	if (ret) {
		ax_net_free(net);
		return ret;
	}
	look(net);
	*out = net;
	return 0;
}
