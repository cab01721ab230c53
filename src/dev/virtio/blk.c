/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Block device, section 5.2: features, configuration, queues. See blk_request.c for the requests.
 *
 * A notification's requests go to the disk in one batch, and what is complete at once (the host's page
 * cache had it) comes back with one interrupt; the rest when the disk says so, again as a batch.
 */
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dev/virtio/blk.h"

#define ID_BLOCK	   2
#define DEFAULT_QUEUE_SIZE 256u
/* How often one notification looks for more requests before others have their turn. */
#define NOTIFY_ROUNDS 4

/* The configuration, section 5.2.4; fields are little endian. */
struct layout {
	uint64_t capacity; /* in sectors of 512 bytes, as all of them */
	uint32_t size_max;
	uint32_t seg_max;
	uint16_t cylinders;
	uint8_t heads;
	uint8_t sectors;
	uint32_t blk_size;
	uint8_t physical_block_exp;
	uint8_t alignment_offset;
	uint16_t min_io_size;
	uint32_t opt_io_size;
	uint8_t writeback;
	uint8_t unused0;
	uint16_t num_queues;
	uint32_t max_discard_sectors;
	uint32_t max_discard_seg;
	uint32_t discard_sector_alignment;
	uint32_t max_write_zeroes_sectors;
	uint32_t max_write_zeroes_seg;
	uint8_t write_zeroes_may_unmap;
	uint8_t unused1[3];
};

#define CONFIG_LEN	 60u
#define CONFIG_WRITEBACK offsetof(struct layout, writeback)

_Static_assert(offsetof(struct layout, unused1) + 3 == CONFIG_LEN, "as section 5.2.4 has it");
_Static_assert(CONFIG_WRITEBACK == 32, "as section 5.2.4 has it");

static struct blk *blk_of(AxVirtio *virtio)
{
	return (struct blk *)virtio;
}

static void fill_config(struct blk *blk)
{
	uint32_t block = blk->info.block_size;
	struct layout layout = {
		.capacity = htole64(blk->info.bytes / DISK_SECTOR),
		.seg_max = htole32(blk->seg_max),
		.blk_size = htole32(block),
		.writeback = blk->writeback,
		.num_queues = htole16((uint16_t)blk->virtio.queue_count),
	};

	while (block << layout.physical_block_exp < blk->disk->physical_block)
		layout.physical_block_exp++;
	if (!blk->info.read_only) {
		layout.max_discard_sectors = htole32(BLK_SEGMENT_SECTORS_MAX);
		layout.max_discard_seg = htole32(BLK_SEGMENTS_MAX);
		layout.discard_sector_alignment =
			htole32((block << layout.physical_block_exp) / DISK_SECTOR);
		layout.max_write_zeroes_sectors = htole32(BLK_SEGMENT_SECTORS_MAX);
		layout.max_write_zeroes_seg = htole32(BLK_SEGMENTS_MAX);
		layout.write_zeroes_may_unmap = 1;
	}
	memcpy(blk->virtio.config, &layout, CONFIG_LEN);
}

/* Tell the driver, once for all that a batch has used. */
static void tell_driver(struct blk *blk)
{
	uint32_t used = blk->used;

	blk->used = 0;
	for (unsigned i = 0; used; i++, used >>= 1) {
		if (used & 1)
			virtio_interrupt(&blk->virtio, i);
	}
}

static struct blk_request *get_request(struct blk *blk)
{
	struct blk_request *request = blk->requests;

	if (!request) {
		request = blk_request_new(blk->seg_max + 2);
		blk->starved |= !request;
		return request;
	}
	blk->requests = request->next;
	return request;
}

/* Take all requests of a queue, and carry out what can be carried out at once. */
static void take_requests(struct blk *blk, unsigned index)
{
	struct blk_request *request;

	while ((request = get_request(blk))) {
		if (virtq_pop(&blk->virtio, index, request->chain) <= 0) {
			request->next = blk->requests;
			blk->requests = request;
			break;
		}
		request->queue = index;
		blk_request_start(blk, request);
	}
	disk_kick(blk->disk);
	disk_poll(blk->disk);
	tell_driver(blk);
}

static void blk_notify(AxVirtio *virtio, unsigned index)
{
	struct blk *blk = blk_of(virtio);

	for (unsigned i = 0; i < NOTIFY_ROUNDS; i++) {
		virtq_want_notify(virtio, index, false);
		take_requests(blk, index);
		if (!virtq_want_notify(virtio, index, true))
			return;
		/* What comes back makes room, and looks again. */
		if (blk->starved && blk->disk->in_flight)
			return;
	}
	virtio_kick(virtio, index);
}

/* A disk_wake_fn. */
static void disk_is_ready(void *opaque)
{
	struct blk *blk = opaque;

	virtio_lock(&blk->virtio);
	disk_poll(blk->disk);
	tell_driver(blk);
	if (blk->starved) {
		blk->starved = false;
		for (unsigned i = 0; i < blk->virtio.queue_count; i++)
			virtio_kick(&blk->virtio, i);
	}
	virtio_unlock(&blk->virtio);
}

static void blk_drain(AxVirtio *virtio)
{
	struct blk *blk = blk_of(virtio);

	disk_drain(blk->disk);
	tell_driver(blk);
}

static void blk_reset(AxVirtio *virtio)
{
	struct blk *blk = blk_of(virtio);

	blk->writeback = true;
	blk->starved = false;
	fill_config(blk);
}

/* Section 5.2.5.2: without flushes the cache starts as write-through. */
static bool blk_features_ok(AxVirtio *virtio, uint64_t features)
{
	struct blk *blk = blk_of(virtio);

	blk->writeback = features & VIRTIO_BLK_F_FLUSH;
	fill_config(blk);
	return true;
}

/* Section 5.2.4: writeback is the one field that the driver may write. */
static void blk_config_written(AxVirtio *virtio, uint32_t offset, uint32_t len)
{
	struct blk *blk = blk_of(virtio);

	if (virtio_has(virtio, VIRTIO_BLK_F_CONFIG_WCE) && offset <= CONFIG_WRITEBACK &&
	    CONFIG_WRITEBACK - offset < len)
		blk->writeback = virtio->config[CONFIG_WRITEBACK] & 1;
	fill_config(blk);
}

static int blk_save(AxVirtio *virtio, AxState *state)
{
	ax_state_put_u8(state, blk_of(virtio)->writeback);
	return 0;
}

static int blk_restore(AxVirtio *virtio, AxState *state)
{
	struct blk *blk = blk_of(virtio);
	uint8_t writeback = ax_state_get_u8(state);

	if (ax_state_error(state) || writeback > 1)
		return -EINVAL;
	blk->writeback = writeback;
	fill_config(blk);
	return 0;
}

static int blk_attach(AxVirtio *virtio, AxError *err)
{
	(void)err;
	disk_set_record(blk_of(virtio)->disk, virtio->record);
	return 0;
}

static void blk_describe(const AxVirtio *virtio, char *text, size_t size)
{
	const struct blk *blk = (const struct blk *)virtio;

	snprintf(text, size, BLK_DESCRIPTION, virtio->queue_count, virtio->queues[0].size_max,
		 (unsigned long long)blk->info.bytes, blk->info.block_size,
		 blk->disk->physical_block, blk->info.read_only, disk_watched(blk->disk),
		 (int)strnlen((const char *)blk->serial, sizeof(blk->serial)), blk->serial);
}

static void blk_free(AxVirtio *virtio)
{
	struct blk *blk = blk_of(virtio);

	if (blk->attached)
		disk_detach(blk->disk);
	while (blk->requests) {
		struct blk_request *next = blk->requests->next;

		blk_request_free(blk->requests);
		blk->requests = next;
	}
	if (blk->owns_disk)
		ax_disk_free(blk->disk);
	virtio_fini(virtio);
	free(blk);
}

static const struct virtio_type blk_type = {
	.id = ID_BLOCK,
	.name = "blk",
	.attach = blk_attach,
	.describe = blk_describe,
	.notify = blk_notify,
	.drain = blk_drain,
	.reset = blk_reset,
	.config_written = blk_config_written,
	.features_ok = blk_features_ok,
	.save = blk_save,
	.restore = blk_restore,
	.free = blk_free,
};

static int check_config(AxVirtioBlkConfig *config, AxError *err)
{
	if (!config->host || !config->disk)
		return ax_error_argument(err, -EINVAL, "AxVirtioBlkConfig has no host, or no disk");
	if (!config->queues)
		config->queues = 1;
	if (!config->queue_size)
		config->queue_size = DEFAULT_QUEUE_SIZE;
	if (config->queues > AX_VIRTIO_BLK_QUEUES_MAX)
		return ax_error_argument(err, -EINVAL,
					 "a block device has at most %u queues, not %u",
					 AX_VIRTIO_BLK_QUEUES_MAX, config->queues);
	if (config->queue_size < 2 || config->queue_size > VIRTQ_SIZE_MAX ||
	    (config->queue_size & (config->queue_size - 1)))
		return ax_error_argument(err, -EINVAL,
					 "a queue's size is a power of two from 2 to %u, not %u",
					 VIRTQ_SIZE_MAX, config->queue_size);
	if (config->serial && strlen(config->serial) > AX_VIRTIO_BLK_SERIAL_SIZE)
		return ax_error_argument(
			err, -EINVAL, "a disk's serial has at most %u bytes: \"%.40s\" has %zu",
			AX_VIRTIO_BLK_SERIAL_SIZE, config->serial, strlen(config->serial));
	return 0;
}

static uint64_t features_of(const AxVirtioBlkConfig *config, const AxDiskInfo *info)
{
	uint64_t features = VIRTIO_BLK_F_SEG_MAX | VIRTIO_BLK_F_BLK_SIZE | VIRTIO_BLK_F_FLUSH |
			    VIRTIO_BLK_F_TOPOLOGY;

	if (config->queues > 1)
		features |= VIRTIO_BLK_F_MQ;
	if (info->read_only)
		return features | VIRTIO_BLK_F_RO;
	return features | VIRTIO_BLK_F_CONFIG_WCE | VIRTIO_BLK_F_DISCARD |
	       VIRTIO_BLK_F_WRITE_ZEROES;
}

static int set_up(struct blk *blk, const AxVirtioBlkConfig *config, AxError *err)
{
	uint32_t sizes[AX_VIRTIO_BLK_QUEUES_MAX];
	struct virtio_init init = {
		.type = &blk_type,
		.name = config->name,
		.host = config->host,
		.features = features_of(config, &blk->info),
		.queue_count = config->queues,
		.queue_size = sizes,
		.config_len = CONFIG_LEN,
	};
	int ret;

	for (unsigned i = 0; i < config->queues; i++)
		sizes[i] = config->queue_size;
	ret = virtio_init(&blk->virtio, &init, err);
	if (ret)
		return ret;
	/* One is always there, so that want of memory makes a device slow, but does not stop it. */
	blk->requests = blk_request_new(blk->seg_max + 2);
	if (!blk->requests)
		return ax_dev_error_nomem(err, "a block device");
	ret = disk_attach(blk->disk, config->host, blk_request_done, disk_is_ready, blk, err);
	blk->attached = !ret;
	return ret;
}

int ax_virtio_blk_new(const AxVirtioBlkConfig *config, AxVirtio **out, AxError *err)
{
	AxVirtioBlkConfig known = AX_VIRTIO_BLK_CONFIG_INIT;
	struct blk *blk;
	int ret = ax_dev_config(&known, sizeof(known), config, sizeof(known), "AxVirtioBlkConfig",
				err);

	if (!ret)
		ret = check_config(&known, err);
	if (ret)
		return ret;
	blk = calloc(1, sizeof(*blk));
	if (!blk)
		return ax_dev_error_nomem(err, "a block device");
	blk->disk = known.disk;
	blk->info = known.disk->info;
	blk->seg_max = known.queue_size > 2 ? known.queue_size - 2 : 1;
	if (known.serial)
		memcpy(blk->serial, known.serial, strlen(known.serial));
	ret = set_up(blk, &known, err);
	if (ret) {
		blk_free(&blk->virtio);
		return ret;
	}
	blk_reset(&blk->virtio);
	*out = &blk->virtio;
	return 0;
}
