/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The virtio devices of a run.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <axvmm/balloon.h>
#include <axvmm/net.h>
#include <axvmm/share.h>
#include <axvmm/vsock.h>

#include "cli/cli.h"
#include "cli/devices.h"

bool devices_add(struct devices *devices, AxVirtio *virtio)
{
	if (devices->count == DEVICES_MAX)
		return false;
	devices->list[devices->count++] = virtio;
	return true;
}

/* The name of the next device: its kind's, with a number, because names are unique in a machine. */
static const char *next_name(struct devices *devices, const char *kind)
{
	char *name = devices->names[devices->count];
	unsigned number = 0;

	for (uint32_t i = 0; i < devices->count; i++)
		number += !strncmp(devices->names[i], kind, strlen(kind));
	snprintf(name, sizeof(devices->names[0]), "%s%u", kind, number);
	return name;
}

/* The run goes on without: said once, and by "axvmm status" from then on. */
static void note_fault(struct device_fault *fault, const char *why)
{
	snprintf(fault->why, sizeof(fault->why), "%s", why);
	cli_message("%s: %s: %s; %s until the VM is ended and started again", fault->option,
		    fault->name, why, fault->effect);
}

static void on_lost(void *opaque, const char *message)
{
	note_fault(opaque, message);
}

static void on_share_failed(void *opaque, const AxError *why)
{
	note_fault(opaque, why->message);
}

/* For the next device. NULL, after a message: there is no memory. */
static struct device_fault *next_fault(struct devices *devices, const char *option,
				       const char *effect)
{
	struct device_fault *fault = calloc(1, sizeof(*fault));

	devices->faults[devices->count] = fault;
	if (!fault) {
		cli_message("there is no memory left");
		return NULL;
	}
	fault->option = option;
	fault->name = devices->names[devices->count];
	fault->effect = effect;
	return fault;
}

static int failure(const char *option, const char *value, const AxError *err)
{
	char what[300];

	snprintf(what, sizeof(what), "--%s%s%s: ", option, value ? " " : "", value ? value : "");
	return cli_failure(what, err);
}

static int open_disk(struct devices *devices, const struct disk_options *disk, uint32_t cpus,
		     AxHost *host)
{
	AxDiskConfig config = AX_DISK_CONFIG_INIT;
	AxVirtioBlkConfig blk = AX_VIRTIO_BLK_CONFIG_INIT;
	AxDisk **place = &devices->disks[devices->count];
	AxError err = AX_ERROR_INIT;
	AxVirtio *virtio;

	config.path = disk->path;
	config.read_only = disk->read_only;
	config.direct = disk->direct;
	config.unlocked = disk->unlocked;
	config.format = (uint32_t)disk->format;
	config.engine = (uint32_t)disk->engine;
	if (ax_disk_open(&config, place, &err))
		return failure("disk", NULL, &err);
	blk.name = next_name(devices, "blk");
	blk.host = host;
	blk.disk = *place;
	blk.serial = disk->serial;
	blk.queues = disk->queues ? disk->queues : cpus;
	if (blk.queues > AX_VIRTIO_BLK_QUEUES_MAX)
		blk.queues = AX_VIRTIO_BLK_QUEUES_MAX;
	if (ax_virtio_blk_new(&blk, &virtio, &err))
		return failure("disk", disk->path, &err);
	devices_add(devices, virtio);
	return STATUS_OK;
}

static int open_tap(const struct net_options *net, struct device_fault *fault, AxNet **out,
		    AxError *err)
{
	AxNetTapConfig config = AX_NET_TAP_CONFIG_INIT;

	config.name = net->ifname;
	config.fds = net->fd_count ? net->fds : NULL;
	config.queues = net->fd_count ? net->fd_count : net->queues;
	config.lost = on_lost;
	config.lost_opaque = fault;
	return ax_net_open_tap(&config, out, err);
}

static int open_user(const struct net_options *net, struct device_fault *fault, AxNet **out,
		     AxError *err)
{
	AxNetUserConfig config = AX_NET_USER_CONFIG_INIT;

	config.passt = net->passt;
	config.address = net->address;
	config.mtu = net->mtu;
	config.forwards = net->forwards;
	config.forward_count = net->forward_count;
	config.lost = on_lost;
	config.lost_opaque = fault;
	return ax_net_open_user(&config, out, err);
}

static int open_socket(const struct net_options *net, struct device_fault *fault, AxNet **out,
		       AxError *err)
{
	AxNetSocketConfig config = AX_NET_SOCKET_CONFIG_INIT;

	config.path = net->path;
	config.lost = on_lost;
	config.lost_opaque = fault;
	return ax_net_open_socket(&config, out, err);
}

static int open_net(struct devices *devices, const struct net_options *net, AxHost *host)
{
	AxVirtioNetConfig config = AX_VIRTIO_NET_CONFIG_INIT;
	AxError err = AX_ERROR_INIT;
	struct device_fault *fault = next_fault(devices, "--net", "its link is down");
	AxVirtio *virtio;
	AxNet *opened;
	int ret;

	if (!fault)
		return STATUS_HOST;
	config.name = next_name(devices, "net");
	switch (net->type) {
	case NET_USER: ret = open_user(net, fault, &opened, &err); break;
	case NET_TAP: ret = open_tap(net, fault, &opened, &err); break;
	default: ret = open_socket(net, fault, &opened, &err); break;
	}
	if (ret)
		return failure("net", NULL, &err);
	config.host = host;
	config.net = opened;
	config.mtu = (uint16_t)net->mtu;
	memcpy(config.mac, net->mac, sizeof(config.mac));
	if (ax_virtio_net_new(&config, &virtio, &err)) {
		ax_net_free(opened);
		return failure("net", NULL, &err);
	}
	devices_add(devices, virtio);
	return STATUS_OK;
}

static int open_share(struct devices *devices, const struct share_options *share, AxHost *host)
{
	AxVirtioFsConfig config = AX_VIRTIO_FS_CONFIG_INIT;
	struct device_fault *fault = next_fault(
		devices, "--share", "what the guest does there, and its shutting down, waits");
	AxError err = AX_ERROR_INIT;
	AxVirtio *virtio;

	if (!fault)
		return STATUS_HOST;
	config.name = next_name(devices, "fs");
	config.host = host;
	config.tag = share->tag;
	config.directory = share->dir;
	config.socket = share->socket;
	config.program = share->program;
	config.sandbox = (uint32_t)share->sandbox;
	config.read_only = share->read_only;
	config.queues = share->queues;
	config.failed = on_share_failed;
	config.failed_opaque = fault;
	if (ax_virtio_fs_new(&config, &virtio, &err))
		return failure("share", NULL, &err);
	devices->shared = true;
	devices_add(devices, virtio);
	return STATUS_OK;
}

static int open_vsock(struct devices *devices, const struct vsock_options *vsock, AxHost *host)
{
	AxVirtioVsockConfig config = AX_VIRTIO_VSOCK_CONFIG_INIT;
	AxError err = AX_ERROR_INIT;
	AxVirtio *virtio;

	config.name = next_name(devices, "vsock");
	config.host = host;
	config.cid = vsock->cid;
	config.path = vsock->path;
	if (ax_virtio_vsock_new(&config, &virtio, &err))
		return failure("vsock", NULL, &err);
	devices_add(devices, virtio);
	return STATUS_OK;
}

static int open_rng(struct devices *devices, AxHost *host)
{
	AxVirtioRngConfig config = AX_VIRTIO_RNG_CONFIG_INIT;
	AxError err = AX_ERROR_INIT;
	AxVirtio *virtio;

	config.name = next_name(devices, "rng");
	config.host = host;
	if (ax_virtio_rng_new(&config, &virtio, &err))
		return failure("rng", NULL, &err);
	devices_add(devices, virtio);
	return STATUS_OK;
}

static int open_balloon(struct devices *devices, uint64_t target, AxHost *host)
{
	AxVirtioBalloonConfig config = AX_VIRTIO_BALLOON_CONFIG_INIT;
	AxError err = AX_ERROR_INIT;

	config.name = next_name(devices, "balloon");
	config.host = host;
	config.target = target;
	if (ax_virtio_balloon_new(&config, &devices->balloon, &err))
		return failure("balloon", NULL, &err);
	devices_add(devices, devices->balloon);
	return STATUS_OK;
}

int devices_open(struct devices *devices, const struct run_options *options, uint32_t cpus,
		 AxHost *host)
{
	const struct device_options *device = options->devices;
	int status = STATUS_OK;

	for (; device && !status; device = device->next) {
		switch (device->kind) {
		case DEVICE_DISK: status = open_disk(devices, &device->disk, cpus, host); break;
		case DEVICE_NET: status = open_net(devices, &device->net, host); break;
		case DEVICE_SHARE: status = open_share(devices, &device->share, host); break;
		case DEVICE_VSOCK: status = open_vsock(devices, &device->vsock, host); break;
		case DEVICE_RNG: status = open_rng(devices, host); break;
		case DEVICE_BALLOON: status = open_balloon(devices, device->balloon, host); break;
		}
	}
	return status;
}

void devices_free(struct devices *devices)
{
	/* One place beyond may hold what is of a device that could not be made. */
	for (uint32_t i = 0; i < DEVICES_MAX; i++) {
		if (i < devices->count)
			ax_virtio_free(devices->list[i]);
		ax_disk_free(devices->disks[i]);
		free(devices->faults[i]);
	}
	*devices = (struct devices){ .count = 0 };
}
