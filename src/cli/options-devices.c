/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Options of "axvmm run" that make a device.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <axvmm/balloon.h>
#include <axvmm/disk.h>
#include <axvmm/machine.h>
#include <axvmm/share.h>
#include <axvmm/vsock.h>

#include "cli/cli.h"
#include "cli/number.h"
#include "cli/options-private.h"

static const char *const disk_formats[] = { "auto", "raw", "qcow2", NULL };	/* AxDiskFormat */
static const char *const disk_engines[] = { "auto", "uring", "threads", NULL }; /* AxDiskEngine */
static const char *const sandboxes[] = { "auto", "namespace", "chroot", "none", NULL };
static const char *const net_types[] = { "none", "user", "tap", "socket", NULL };

static const struct param_rule disk_rules[] = {
	{ .name = "path", .kind = PARAM_TEXT, .offset = offsetof(struct disk_options, path) },
	{ .name = "ro", .kind = PARAM_FLAG, .offset = offsetof(struct disk_options, read_only) },
	{ .name = "serial",
	  .kind = PARAM_TEXT,
	  .offset = offsetof(struct disk_options, serial),
	  .max = AX_VIRTIO_BLK_SERIAL_SIZE },
	{ .name = "direct", .kind = PARAM_FLAG, .offset = offsetof(struct disk_options, direct) },
	{ .name = "unlocked",
	  .kind = PARAM_FLAG,
	  .offset = offsetof(struct disk_options, unlocked) },
	{ .name = "format",
	  .kind = PARAM_CHOICE,
	  .offset = offsetof(struct disk_options, format),
	  .names = disk_formats },
	{ .name = "engine",
	  .kind = PARAM_CHOICE,
	  .offset = offsetof(struct disk_options, engine),
	  .names = disk_engines },
	{ .name = "queues",
	  .kind = PARAM_NUMBER,
	  .offset = offsetof(struct disk_options, queues),
	  .min = 1,
	  .max = AX_VIRTIO_BLK_QUEUES_MAX },
	{ .name = NULL },
};

/* Six bytes as "52:54:00:12:34:56". */
static bool parse_mac(const char *text, uint8_t mac[6])
{
	for (unsigned i = 0; i < 6; i++, text += 2) {
		char byte[5] = "0x";
		uint64_t value;

		if (i && *text++ != ':')
			return false;
		strncat(byte, text, 2);
		if (strlen(byte) != 4 || !parse_number(byte, 255, &value))
			return false;
		mac[i] = (uint8_t)value;
	}
	return !*text;
}

/* One that is no group's, and not all zero. */
static int take_mac(const struct params *params, const char *value, void *object)
{
	struct net_options *net = object;

	if (!parse_mac(value, net->mac))
		return params_refuse(params, "mac=%s: no MAC address; 52:54:00:12:34:56 is one",
				     value);
	if (net->mac[0] & 1 || !memcmp(net->mac, (uint8_t[6]){ 0 }, 6))
		return params_refuse(params,
				     "mac=%s: the first byte has to be even, and one not zero; "
				     "52:54:00:12:34:56 would do",
				     value);
	return STATUS_OK;
}

static int take_fd(const struct params *params, const char *value, void *object)
{
	struct net_options *net = object;
	uint64_t fd;

	if (!parse_number(value, 1 << 20, &fd) || fd < 3)
		return params_refuse(params, "fd=%s: not a number of an open descriptor from 3 on",
				     value);
	if (net->fd_count == AX_NET_QUEUES_MAX)
		return params_refuse(params, "fd=%s: more than %u descriptors", value,
				     AX_NET_QUEUES_MAX);
	net->fds[net->fd_count++] = (int)fd;
	return STATUS_OK;
}

static int take_forward(const struct params *params, const char *value, void *object)
{
	struct net_options *net = object;
	AxError err = AX_ERROR_INIT;

	if (net->forward_count == OPTIONS_FORWARDS_MAX)
		return params_refuse(params, "hostfwd=%s: more than %d of them", value,
				     OPTIONS_FORWARDS_MAX);
	if (ax_net_forward_parse(value, net->address, &net->forwards[net->forward_count], &err))
		return params_refuse(params, "%s", err.message);
	net->forward_count++;
	return STATUS_OK;
}

static const struct param_rule net_rules[] = {
	{ .name = "type",
	  .kind = PARAM_CHOICE,
	  .offset = offsetof(struct net_options, type),
	  .names = net_types },
	{ .name = "mac", .kind = PARAM_TAKE, .take = take_mac },
	{ .name = "queues",
	  .kind = PARAM_NUMBER,
	  .offset = offsetof(struct net_options, queues),
	  .min = 1,
	  .max = AX_NET_QUEUES_MAX },
	{ .name = "mtu",
	  .kind = PARAM_NUMBER,
	  .offset = offsetof(struct net_options, mtu),
	  .min = AX_NET_MTU_MIN,
	  .max = AX_NET_MTU_MAX },
	{ .name = "ifname",
	  .kind = PARAM_TEXT,
	  .offset = offsetof(struct net_options, ifname),
	  .max = 15 },
	{ .name = "fd", .kind = PARAM_TAKE, .take = take_fd },
	{ .name = "hostfwd", .kind = PARAM_TAKE, .take = take_forward },
	{ .name = "address", .kind = PARAM_TEXT, .offset = offsetof(struct net_options, address) },
	{ .name = "passt", .kind = PARAM_TEXT, .offset = offsetof(struct net_options, passt) },
	{ .name = "path", .kind = PARAM_TEXT, .offset = offsetof(struct net_options, path) },
	{ .name = NULL },
};

static const struct param_rule share_rules[] = {
	{ .name = "dir", .kind = PARAM_TEXT, .offset = offsetof(struct share_options, dir) },
	{ .name = "socket", .kind = PARAM_TEXT, .offset = offsetof(struct share_options, socket) },
	{ .name = "tag",
	  .kind = PARAM_TEXT,
	  .offset = offsetof(struct share_options, tag),
	  .max = AX_VIRTIO_FS_TAG_MAX },
	{ .name = "ro", .kind = PARAM_FLAG, .offset = offsetof(struct share_options, read_only) },
	{ .name = "program",
	  .kind = PARAM_TEXT,
	  .offset = offsetof(struct share_options, program) },
	{ .name = "sandbox",
	  .kind = PARAM_CHOICE,
	  .offset = offsetof(struct share_options, sandbox),
	  .names = sandboxes },
	{ .name = "queues",
	  .kind = PARAM_NUMBER,
	  .offset = offsetof(struct share_options, queues),
	  .min = 1,
	  .max = AX_VIRTIO_FS_QUEUES_MAX },
	{ .name = NULL },
};

static const struct param_rule vsock_rules[] = {
	{ .name = "cid",
	  .kind = PARAM_LARGE,
	  .offset = offsetof(struct vsock_options, cid),
	  .min = AX_VIRTIO_VSOCK_CID_MIN,
	  .max = AX_VIRTIO_VSOCK_CID_MAX },
	{ .name = "path",
	  .kind = PARAM_TEXT,
	  .offset = offsetof(struct vsock_options, path),
	  .max = 96 },
	{ .name = NULL },
};

static int take_balloon(const struct params *params, const char *value, void *object)
{
	if (parse_size(value, object))
		return STATUS_OK;
	return params_refuse(params, "%s: no size; 64M and 1G are some", value);
}

static const struct param_rule balloon_rules[] = {
	{ .name = "size", .kind = PARAM_TAKE, .take = take_balloon },
	{ .name = NULL },
};

static const struct param_rule no_rules[] = { { .name = NULL } };

static int check_disk(const struct params *params, const struct device_options *device)
{
	if (!device->disk.path)
		return params_refuse(params, "the disk's file is missing: --disk FILE");
	return STATUS_OK;
}

/* A parameter that another type of network has. */
static int check_net(const struct params *params, const struct device_options *device)
{
	static const struct {
		const char *name;
		unsigned types; /* bits of enum net_type */
	} table[] = {
		{ "mac", 1u << NET_USER | 1u << NET_TAP | 1u << NET_SOCKET },
		{ "mtu", 1u << NET_USER | 1u << NET_TAP | 1u << NET_SOCKET },
		{ "queues", 1u << NET_TAP },
		{ "ifname", 1u << NET_TAP },
		{ "fd", 1u << NET_TAP },
		{ "hostfwd", 1u << NET_USER },
		{ "address", 1u << NET_USER },
		{ "passt", 1u << NET_USER },
		{ "path", 1u << NET_SOCKET },
	};
	const struct net_options *net = &device->net;

	for (unsigned i = 0; i < params->count; i++) {
		for (unsigned j = 0; j < sizeof(table) / sizeof(table[0]); j++) {
			if (!strcmp(params->list[i].name, table[j].name) &&
			    !(table[j].types & 1u << net->type))
				return params_refuse(params, "%s has no %s", net_types[net->type],
						     table[j].name);
		}
	}
	if (net->fd_count && net->ifname)
		return params_refuse(params, "fd and ifname: descriptors have their interface");
	if (net->fd_count && net->queues && net->queues != net->fd_count)
		return params_refuse(params, "queues=%u and %u descriptors: each queue has one",
				     net->queues, net->fd_count);
	if (net->type == NET_SOCKET && !net->path)
		return params_refuse(params, "socket needs a path: socket,path=...");
	return STATUS_OK;
}

static int check_share(const struct params *params, const struct device_options *device)
{
	const struct share_options *share = &device->share;

	if (!share->tag)
		return params_refuse(params, "the guest mounts it by a tag, which is missing: "
					     "--share DIR,tag=NAME");
	if (!share->dir == !share->socket)
		return params_refuse(params, share->dir ? "dir and socket: a virtiofsd that runs "
							  "has its directory"
							: "a directory is missing: --share "
							  "DIR,tag=NAME");
	if (share->socket && (share->program || share->sandbox || share->read_only))
		return params_refuse(params, "socket: a virtiofsd that runs is not started");
	return STATUS_OK;
}

static int check_vsock(const struct params *params, const struct device_options *device)
{
	if (!device->vsock.cid)
		return params_refuse(params, "the guest's number is missing: --vsock "
					     "cid=3,path=SOCKET");
	if (!device->vsock.path)
		return params_refuse(params, "the host's socket is missing: --vsock "
					     "cid=3,path=SOCKET");
	return STATUS_OK;
}

/* An option that makes a device. */
static const struct device_type {
	int option;
	enum device_kind kind;
	const char *name;
	const struct param_rule *rules; /* the first one's value may stand without its name */
	int (*check)(const struct params *params, const struct device_options *device);
} types[] = {
	{ OPTION_DISK, DEVICE_DISK, "disk", disk_rules, check_disk },
	{ OPTION_NET, DEVICE_NET, "net", net_rules, check_net },
	{ OPTION_SHARE, DEVICE_SHARE, "share", share_rules, check_share },
	{ OPTION_VSOCK, DEVICE_VSOCK, "vsock", vsock_rules, check_vsock },
	{ OPTION_RNG, DEVICE_RNG, "rng", no_rules, NULL },
	{ OPTION_BALLOON, DEVICE_BALLOON, "balloon", balloon_rules, NULL },
};

static const struct device_type *find_type(int option)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (types[i].option == option)
			return &types[i];
	}
	return NULL;
}

bool options_is_device(int option)
{
	return find_type(option);
}

void options_drop_device(struct run_options *options, int option)
{
	const struct device_type *type = find_type(option);
	struct device_options **place = &options->devices;

	while (type && *place) {
		struct device_options *device = *place;

		if (device->kind != type->kind || !device->from_file) {
			place = &device->next;
			continue;
		}
		*place = device->next;
		free(device);
	}
}

/* Devices of which a guest has one: a second option replaces the first. */
static bool is_single(enum device_kind kind)
{
	return kind == DEVICE_RNG || kind == DEVICE_BALLOON;
}

static void add_device(struct run_options *options, struct device_options *device)
{
	struct device_options **place = &options->devices;

	while (*place && !(is_single(device->kind) && (*place)->kind == device->kind))
		place = &(*place)->next;
	if (*place) {
		device->next = (*place)->next;
		free(*place);
	}
	*place = device;
}

int options_take_device(struct run_options *options, int option, const struct params *params)
{
	const struct device_type *type = find_type(option);
	struct device_options *device = calloc(1, sizeof(*device));
	int status;

	if (!device) {
		cli_message("there is no memory left");
		return STATUS_HOST;
	}
	device->kind = type->kind;
	device->from_file = *options->where;
	/* A disk has its path first in the union: rules fill any of its members. */
	status = params_take(params, type->rules, &device->disk);
	if (!status && type->check)
		status = type->check(params, device);
	if (status || (device->kind == DEVICE_NET && device->net.type == NET_NONE))
		free(device);
	else
		add_device(options, device);
	return status;
}

int options_split_device(struct run_options *options, int option, const char *value)
{
	const struct device_type *type = find_type(option);
	struct params params = { .where = options->where, .option = type->name };
	int status = STATUS_OK;
	char *text;

	if (value) {
		text = options_copy(options, value);
		if (!text)
			return STATUS_HOST;
		status = params_split(&params, text, type->rules);
	}
	return status ? status : options_take_device(options, option, &params);
}

/* The first other device of this kind behind @device. */
static const struct device_options *find_next(const struct device_options *device)
{
	const struct device_options *next = device->next;

	while (next && next->kind != device->kind)
		next = next->next;
	return next;
}

static int check_tag(const struct device_options *device)
{
	const char *tag = device->share.tag;
	const struct device_options *other = find_next(device);

	while (other && strcmp(other->share.tag, tag) != 0)
		other = find_next(other);
	if (!other)
		return STATUS_OK;
	return cli_usage("--share: two with the tag %s: by it the guest tells them apart", tag);
}

static bool is_file(const char *path, const struct stat *file)
{
	struct stat other;

	return !stat(path, &other) && other.st_dev == file->st_dev && other.st_ino == file->st_ino;
}

/* Its lock would be found taken, by whom nobody could say. */
static int check_twice(const struct device_options *device)
{
	const struct disk_options *disk = &device->disk;
	const struct device_options *other = find_next(device);
	struct stat file;

	if (!other || disk->unlocked || stat(disk->path, &file))
		return STATUS_OK;
	for (; other; other = find_next(other)) {
		if (!other->disk.unlocked && !(disk->read_only && other->disk.read_only) &&
		    is_file(other->disk.path, &file))
			return cli_usage(
				"--disk: %s is there twice: a guest that writes to it has "
				"it once; with ro, both times, it may read it as two disks",
				other->disk.path);
	}
	return STATUS_OK;
}

static int check_balloon(const struct device_options *device, uint64_t memory)
{
	char asked[NUMBER_TEXT_SIZE], has[NUMBER_TEXT_SIZE];

	if (device->balloon < memory)
		return STATUS_OK;
	return cli_usage("--balloon: %s: the guest has %s, and needs some of it itself",
			 format_size(device->balloon, asked), format_size(memory, has));
}

int options_check_devices(const struct run_options *options)
{
	const struct device_options *device = options->devices;
	int status = STATUS_OK;

	for (; device && !status; device = device->next) {
		if (device->kind == DEVICE_DISK)
			status = check_twice(device);
		else if (device->kind == DEVICE_SHARE)
			status = check_tag(device);
		else if (device->kind == DEVICE_BALLOON)
			status = check_balloon(device, options_memory(options));
		else if (device->kind == DEVICE_VSOCK && find_next(device))
			status = cli_usage("--vsock: a guest has one number, and so one vsock");
	}
	return status;
}
