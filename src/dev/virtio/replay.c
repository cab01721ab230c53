/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Virtio devices of replays: made of what their recording says of them, with the recording as their host
 * side.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dev/virtio/balloon.h"
#include "dev/virtio/blk.h"
#include "dev/virtio/console.h"
#include "dev/virtio/net.h"
#include "dev/virtio/outside.h"
#include "dev/virtio/vsock.h"

static int make_rng(AxHost *host, const char *name, const char *text, AxVirtio **out, AxError *err)
{
	(void)text;
	AxVirtioRngConfig config = AX_VIRTIO_RNG_CONFIG_INIT;

	config.name = name;
	config.host = host;
	return ax_virtio_rng_new(&config, out, err);
}

static int bad(const char *name, const char *text, AxError *err)
{
	return ax_error_set(err, -ENOEXEC, AX_ERROR_IMAGE, 0,
			    "the recording's device %s is \"%.80s\", of which none can be made",
			    name, text);
}

/* A number of a description: what stands before it, its base, and the most that it may be. */
struct field {
	const char *label;
	int base;
	uint64_t max;
};

/* Each of @count fields at *at, which is moved behind them: true when all are there. */
static bool take(const char **at, const struct field *fields, unsigned count, uint64_t *values)
{
	for (unsigned i = 0; i < count; i++) {
		const char *digits = fields[i].base == 16 ? "0123456789abcdef" : "0123456789";
		size_t len = strlen(fields[i].label);
		char *end;

		if (strncmp(*at, fields[i].label, len) != 0 || !strspn(*at + len, digits))
			return false;
		errno = 0;
		values[i] = strtoull(*at + len, &end, fields[i].base);
		if (errno || values[i] > fields[i].max)
			return false;
		*at = end;
	}
	return true;
}

/* The numbers of BLK_DESCRIPTION, in its order. */
static int make_blk(AxHost *host, const char *name, const char *text, AxVirtio **out, AxError *err)
{
	static const struct field fields[] = {
		{ "blk queues=", 10, UINT32_MAX }, { " size=", 10, UINT32_MAX },
		{ " bytes=", 10, UINT64_MAX },	   { " block=", 10, 65536 },
		{ " physical=", 10, 1u << 30 },	   { " ro=", 10, 1 },
		{ " watched=", 10, DISK_ENGINES },
	};
	enum { QUEUES, SIZE, BYTES, BLOCK, PHYSICAL, READ_ONLY, WATCHED, COUNT };
	static const char serial[] = " serial=";
	AxVirtioBlkConfig config = AX_VIRTIO_BLK_CONFIG_INIT;
	AxDiskInfo info = AX_DISK_INFO_INIT;
	uint64_t values[COUNT];
	const char *at = text;
	AxDisk *disk;
	int ret;

	if (!take(&at, fields, COUNT, values) || strncmp(at, serial, strlen(serial)) != 0 ||
	    !values[BLOCK] || values[BYTES] % DISK_SECTOR)
		return bad(name, text, err);
	at += strlen(serial);
	config.queues = (uint32_t)values[QUEUES];
	config.queue_size = (uint32_t)values[SIZE];
	info.bytes = values[BYTES];
	info.block_size = (uint32_t)values[BLOCK];
	info.read_only = values[READ_ONLY];
	disk = disk_new_replayed(&info, (uint32_t)values[PHYSICAL], (unsigned)values[WATCHED]);
	if (!disk)
		return ax_dev_error_nomem(err, "a disk");
	config.name = name;
	config.host = host;
	config.disk = disk;
	config.serial = *at ? at : NULL;
	ret = ax_virtio_blk_new(&config, out, err);
	if (ret)
		ax_disk_free(disk);
	else
		((struct blk *)*out)->owns_disk = true;
	return ret;
}

/* The numbers of BALLOON_DESCRIPTION. */
static int make_balloon(AxHost *host, const char *name, const char *text, AxVirtio **out,
			AxError *err)
{
	static const struct field fields[] = {
		{ "balloon target=", 10, UINT64_MAX },
		{ " stats=", 10, UINT64_MAX },
		{ " flags=", 10, UINT32_MAX },
	};
	AxVirtioBalloonConfig config = AX_VIRTIO_BALLOON_CONFIG_INIT;
	const char *at = text;
	uint64_t values[3];

	if (!take(&at, fields, 3, values))
		return bad(name, text, err);
	config.name = name;
	config.host = host;
	config.target = values[0];
	config.stats_ns = values[1];
	config.flags = (uint32_t)values[2];
	return ax_virtio_balloon_new(&config, out, err);
}

/* One of CONSOLE_PORT_DESCRIPTION at @at, its name into @name: where the next is; NULL: nonsense. */
static const char *take_port(const char *at, AxVirtioConsolePort *port, char *name)
{
	static const struct field fields[] = {
		{ " ", 10, 1 },
		{ " ", 10, UINT16_MAX },
		{ " ", 10, UINT16_MAX },
		{ " ", 10, AX_VIRTIO_CONSOLE_NAME_MAX },
	};
	uint64_t values[4];
	size_t len;

	if (!take(&at, fields, 4, values) || *at++ != ':')
		return NULL;
	len = values[3];
	if (strnlen(at, len) != len)
		return NULL;
	memcpy(name, at, len);
	name[len] = '\0';
	port->columns = (uint16_t)values[1];
	port->rows = (uint16_t)values[2];
	port->name = len ? name : NULL;
	port->flags = values[0] ? AX_VIRTIO_CONSOLE_IS_CONSOLE : 0;
	return at + len;
}

static int make_console(AxHost *host, const char *name, const char *text, AxVirtio **out,
			AxError *err)
{
	static const struct field ports_field = { "console ports=", 10,
						  AX_VIRTIO_CONSOLE_PORTS_MAX };
	AxVirtioConsolePort ports[AX_VIRTIO_CONSOLE_PORTS_MAX] = { { .chardev = NULL } };
	char names[AX_VIRTIO_CONSOLE_PORTS_MAX][AX_VIRTIO_CONSOLE_NAME_MAX + 1];
	AxVirtioConsoleConfig config = AX_VIRTIO_CONSOLE_CONFIG_INIT;
	const char *at = text;
	uint64_t count;

	if (!take(&at, &ports_field, 1, &count) || !count)
		return bad(name, text, err);
	for (unsigned i = 0; i < count; i++) {
		at = take_port(at, &ports[i], names[i]);
		if (!at)
			return bad(name, text, err);
	}
	config.name = name;
	config.host = host;
	config.ports = ports;
	config.port_count = (uint32_t)count;
	return console_new(&config, out, err);
}

static bool take_net(const char *text, struct net_description *net)
{
	static const struct field fields[] = {
		{ "net pairs=", 10, AX_NET_QUEUES_MAX },
		{ " header=", 10, NET_HEADER_LEN },
		{ " features=", 16, NET_GUEST_OFFLOADS | NET_HOST_OFFLOADS },
		{ " mtu=", 10, AX_NET_MTU_MAX },
		{ " net-mtu=", 10, AX_NET_MTU_MAX },
		{ " hangup=", 10, 1 },
		{ " gone=", 10, 1 },
		{ " mac=", 16, UINT8_MAX },
		{ ":", 16, UINT8_MAX },
		{ ":", 16, UINT8_MAX },
		{ ":", 16, UINT8_MAX },
		{ ":", 16, UINT8_MAX },
		{ ":", 16, UINT8_MAX },
	};
	enum { PAIRS, HEADER, FEATURES, MTU, NET_MTU, HANGUP, GONE, MAC, COUNT = MAC + 6 };
	uint64_t values[COUNT];

	if (!take(&text, fields, COUNT, values))
		return false;
	net->pairs = (unsigned)values[PAIRS];
	net->header = (unsigned)values[HEADER];
	net->features = values[FEATURES];
	net->mtu = (unsigned)values[MTU];
	net->net_mtu = (unsigned)values[NET_MTU];
	net->hangup = (unsigned)values[HANGUP];
	net->gone = (unsigned)values[GONE];
	for (unsigned i = 0; i < sizeof(net->mac); i++)
		net->mac[i] = (uint8_t)values[MAC + i];
	return net->pairs && (!net->header || net->header == NET_HEADER_LEN) &&
	       !(net->features & ~(NET_GUEST_OFFLOADS | NET_HOST_OFFLOADS));
}

static int make_net(AxHost *host, const char *name, const char *text, AxVirtio **out, AxError *err)
{
	AxVirtioNetConfig config = AX_VIRTIO_NET_CONFIG_INIT;
	struct net_description described;
	int ret;

	if (!take_net(text, &described))
		return bad(name, text, err);
	config.net = net_new_replayed(&described);
	if (!config.net)
		return ax_dev_error_nomem(err, "a network device");
	config.name = name;
	config.host = host;
	config.mtu = (uint16_t)described.mtu;
	ret = ax_virtio_net_new(&config, out, err);
	if (ret)
		ax_net_free(config.net);
	else
		net_describe_as(*out, &described);
	return ret;
}

/* The numbers of VSOCK_DESCRIPTION. */
static int make_vsock(AxHost *host, const char *name, const char *text, AxVirtio **out,
		      AxError *err)
{
	static const struct field fields[] = {
		{ "vsock cid=", 10, UINT64_MAX },
		{ " connections=", 10, UINT32_MAX },
	};
	AxVirtioVsockConfig config = AX_VIRTIO_VSOCK_CONFIG_INIT;
	const char *at = text;
	uint64_t values[2];
	int fd, ret;

	if (!take(&at, fields, 2, values) || !values[1])
		return bad(name, text, err);
	fd = outside_stand_in();
	if (fd < 0)
		return ax_error_set(err, -EIO, AX_ERROR_RESOURCE, -fd,
				    "there is no descriptor left for %s", name);
	config.name = name;
	config.host = host;
	config.cid = values[0];
	config.connections = (uint32_t)values[1];
	ret = vsock_new_on(&config, fd, out, err);
	if (ret)
		close(fd);
	return ret;
}

static const struct {
	const char *kind; /* the first word of what describes it */
	int (*make)(AxHost *host, const char *name, const char *text, AxVirtio **out, AxError *err);
} kinds[] = {
	{ "balloon", make_balloon }, { "blk", make_blk }, { "console", make_console },
	{ "net", make_net },	     { "rng", make_rng }, { "vsock", make_vsock },
};

int ax_virtio_replay(AxRecord *record, const char *name, AxVirtio **out, AxError *err)
{
	AxHost *host = ax_record_host(record, NULL);
	char key[AX_DEV_NAME_SIZE + 8];
	const char *text;

	snprintf(key, sizeof(key), "device.%.31s", name);
	text = ax_record_fact(record, key);
	if (!host)
		return ax_dev_error_nomem(err, "a virtio device");
	for (size_t i = 0; text && i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (strcspn(text, " ") == strlen(kinds[i].kind) &&
		    !strncmp(text, kinds[i].kind, strlen(kinds[i].kind)))
			return kinds[i].make(host, name, text, out, err);
	}
	return bad(name, text ? text : "", err);
}
