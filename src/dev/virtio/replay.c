/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Virtio devices of replays: made of what their recording says of them, with the recording as their host
 * side.
 */
#include <errno.h>
#include <stdio.h>
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

/* The numbers of BLK_DESCRIPTION, in its order. */
static int make_blk(AxHost *host, const char *name, const char *text, AxVirtio **out, AxError *err)
{
	AxVirtioBlkConfig config = AX_VIRTIO_BLK_CONFIG_INIT;
	AxDiskInfo info = AX_DISK_INFO_INIT;
	unsigned physical, read_only, watched;
	unsigned long long bytes;
	int serial = 0, ret;
	AxDisk *disk;

	if (sscanf(text,
		   "blk queues=%10u size=%10u bytes=%20llu block=%10u physical=%10u ro=%1u "
		   "watched=%1u serial=%n",
		   &config.queues, &config.queue_size, &bytes, &info.block_size, &physical,
		   &read_only, &watched, &serial) != 7 ||
	    !serial || !info.block_size || info.block_size > 65536 || bytes % DISK_SECTOR ||
	    physical > (1u << 30) || watched > DISK_ENGINES)
		return bad(name, text, err);
	info.bytes = bytes;
	info.read_only = read_only;
	disk = disk_new_replayed(&info, physical, watched);
	if (!disk)
		return ax_dev_error_nomem(err, "a disk");
	config.name = name;
	config.host = host;
	config.disk = disk;
	config.serial = text[serial] ? text + serial : NULL;
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
	AxVirtioBalloonConfig config = AX_VIRTIO_BALLOON_CONFIG_INIT;
	unsigned long long target, stats;
	unsigned flags;

	if (sscanf(text, "balloon target=%20llu stats=%20llu flags=%10u", &target, &stats,
		   &flags) != 3)
		return bad(name, text, err);
	config.name = name;
	config.host = host;
	config.target = target;
	config.stats_ns = stats;
	config.flags = flags;
	return ax_virtio_balloon_new(&config, out, err);
}

/* One of CONSOLE_PORT_DESCRIPTION at @at, its name into @name: where the next is; NULL: nonsense. */
static const char *take_port(const char *at, AxVirtioConsolePort *port, char *name)
{
	unsigned is_console, len;
	int used = 0;

	if (sscanf(at, " %1u %5hu %5hu %2u:%n", &is_console, &port->columns, &port->rows, &len,
		   &used) != 4 ||
	    !used || is_console > 1 || len > AX_VIRTIO_CONSOLE_NAME_MAX ||
	    strnlen(at + used, len) != len)
		return NULL;
	memcpy(name, at + used, len);
	name[len] = '\0';
	port->name = len ? name : NULL;
	port->flags = is_console ? AX_VIRTIO_CONSOLE_IS_CONSOLE : 0;
	return at + used + len;
}

static int make_console(AxHost *host, const char *name, const char *text, AxVirtio **out,
			AxError *err)
{
	AxVirtioConsolePort ports[AX_VIRTIO_CONSOLE_PORTS_MAX] = { { .chardev = NULL } };
	char names[AX_VIRTIO_CONSOLE_PORTS_MAX][AX_VIRTIO_CONSOLE_NAME_MAX + 1];
	AxVirtioConsoleConfig config = AX_VIRTIO_CONSOLE_CONFIG_INIT;
	const char *at;
	unsigned count;
	int used = 0;

	if (sscanf(text, "console ports=%2u%n", &count, &used) != 1 || !used ||
	    !count || count > AX_VIRTIO_CONSOLE_PORTS_MAX)
		return bad(name, text, err);
	at = text + used;
	for (unsigned i = 0; i < count; i++) {
		at = take_port(at, &ports[i], names[i]);
		if (!at)
			return bad(name, text, err);
	}
	config.name = name;
	config.host = host;
	config.ports = ports;
	config.port_count = count;
	return console_new(&config, out, err);
}

static bool take_net(const char *text, struct net_description *net)
{
	uint8_t *mac = net->mac;

	return sscanf(text,
		      "net pairs=%10u header=%10u features=%16llx mtu=%5u net-mtu=%5u hangup=%1u "
		      "gone=%1u mac=%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx",
		      &net->pairs, &net->header, &net->features, &net->mtu, &net->net_mtu,
		      &net->hangup, &net->gone, &mac[0], &mac[1], &mac[2], &mac[3], &mac[4],
		      &mac[5]) == NET_DESCRIPTION_FIELDS &&
	       net->pairs && net->pairs <= AX_NET_QUEUES_MAX &&
	       (!net->header || net->header == NET_HEADER_LEN) &&
	       !(net->features & ~(NET_GUEST_OFFLOADS | NET_HOST_OFFLOADS)) &&
	       net->mtu <= AX_NET_MTU_MAX && net->net_mtu <= AX_NET_MTU_MAX;
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
	AxVirtioVsockConfig config = AX_VIRTIO_VSOCK_CONFIG_INIT;
	unsigned long long cid;
	int fd, ret;

	if (sscanf(text, "vsock cid=%20llu connections=%10u", &cid, &config.connections) != 2 ||
	    !config.connections)
		return bad(name, text, err);
	fd = outside_stand_in();
	if (fd < 0)
		return ax_error_set(err, -EIO, AX_ERROR_RESOURCE, -fd,
				    "there is no descriptor left for %s", name);
	config.name = name;
	config.host = host;
	config.cid = cid;
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
