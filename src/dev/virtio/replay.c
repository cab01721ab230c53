/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Virtio devices of replays: made of what their recording says of them, with the recording as their host
 * side.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "dev/virtio/blk.h"

static int make_rng(AxHost *host, const char *name, AxVirtio **out, AxError *err)
{
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

int ax_virtio_replay(AxRecord *record, const char *name, AxVirtio **out, AxError *err)
{
	AxHost *host = ax_record_host(record, NULL);
	char key[AX_DEV_NAME_SIZE + 8];
	const char *text;

	snprintf(key, sizeof(key), "device.%.31s", name);
	text = ax_record_fact(record, key);
	if (!host)
		return ax_dev_error_nomem(err, "a virtio device");
	if (text && !strcmp(text, "rng"))
		return make_rng(host, name, out, err);
	if (text && !strncmp(text, "blk ", 4))
		return make_blk(host, name, text, out, err);
	return bad(name, text ? text : "", err);
}
