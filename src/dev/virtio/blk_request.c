/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests of the block device, section 5.2.6: a header of 16 bytes (type, reserved, sector), data, and
 * a byte of status at the end of what the device writes. How they are spread over segments is the
 * driver's choice. Whatever the guest says is copied once, and checked here.
 */
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "dev/virtio/blk.h"

struct header {
	uint32_t type;
	uint32_t reserved;
	uint64_t sector;
};

_Static_assert(sizeof(struct header) == BLK_HEADER_SIZE, "as section 5.2.6 has it");

/* Section 5.2.6: struct virtio_blk_discard_write_zeroes. */
struct range {
	uint64_t sector;
	uint32_t sectors;
	uint32_t flags;
};

_Static_assert(sizeof(struct range) == BLK_SEGMENT_SIZE, "as section 5.2.6 has it");

#define RANGE_UNMAP 1u

struct blk_request *blk_request_new(uint32_t capacity)
{
	struct blk_request *request = calloc(1, sizeof(*request) + capacity * sizeof(struct iovec));

	if (!request)
		return NULL;
	request->chain = virtq_chain_new(capacity);
	if (!request->chain) {
		free(request);
		return NULL;
	}
	return request;
}

void blk_request_free(struct blk_request *request)
{
	if (!request)
		return;
	virtq_chain_free(request->chain);
	free(request);
}

static void give_back(struct blk *blk, struct blk_request *request)
{
	request->next = blk->requests;
	blk->requests = request;
}

/* Zero the writable part from @from to the status, so that all of it has been written. */
static void fill_with_zeroes(struct virtq_chain *chain, uint64_t from)
{
	uint64_t end = chain->in_len - 1;
	uint64_t at = 0;

	for (uint32_t i = chain->out_count; i < chain->out_count + chain->in_count && at < end;
	     i++) {
		uint64_t len = chain->iov[i].iov_len;
		uint64_t skip = from > at ? from - at : 0;

		if (len > end - at)
			len = end - at;
		if (skip < len)
			memset((char *)chain->iov[i].iov_base + skip, 0, len - skip);
		at += len;
	}
}

static void finish(struct blk *blk, struct blk_request *request, uint8_t status)
{
	struct virtq_chain *chain = request->chain;
	uint64_t filled = status == VIRTIO_BLK_S_OK ? request->filled : 0;

	if (filled < chain->in_len - 1)
		fill_with_zeroes(chain, filled);
	virtq_write(chain, chain->in_len - 1, &status, 1);
	virtq_push(&blk->virtio, request->queue, chain, (uint32_t)chain->in_len);
	blk->used |= 1u << request->queue;
	give_back(blk, request);
}

/* Section 5.2.6.2: whether a write is on the disk when it is complete. */
static bool is_write_through(const struct blk *blk)
{
	if (virtio_has(&blk->virtio, VIRTIO_BLK_F_CONFIG_WCE))
		return !blk->writeback;
	return !virtio_has(&blk->virtio, VIRTIO_BLK_F_FLUSH);
}

static bool is_within(const struct blk *blk, uint64_t sector, uint64_t bytes)
{
	uint64_t capacity = blk->info.bytes / DISK_SECTOR;

	return bytes % DISK_SECTOR == 0 && sector <= capacity &&
	       bytes / DISK_SECTOR <= capacity - sector;
}

static void transfer(struct blk *blk, struct blk_request *request, uint64_t sector, bool write)
{
	const struct virtq_chain *chain = request->chain;
	uint64_t skip = write ? BLK_HEADER_SIZE : 0;
	uint64_t len = write ? chain->out_len - BLK_HEADER_SIZE : chain->in_len - 1;
	uint64_t got;

	if (!is_within(blk, sector, len) || (write && blk->info.read_only)) {
		finish(blk, request, VIRTIO_BLK_S_IOERR);
		return;
	}
	if (!write)
		request->filled = len;
	if (!len) {
		finish(blk, request, VIRTIO_BLK_S_OK);
		return;
	}
	request->disk.op = write ? DISK_WRITE : DISK_READ;
	request->disk.durable = write && is_write_through(blk);
	request->disk.offset = sector * DISK_SECTOR;
	request->disk.len = len;
	request->disk.iov = request->iov;
	request->disk.iov_count = virtq_slice(chain->iov + (write ? 0 : chain->out_count),
					      write ? chain->out_count : chain->in_count, skip, len,
					      request->iov, chain->capacity, &got);
	disk_submit(blk->disk, &request->disk);
}

static void flush(struct blk *blk, struct blk_request *request)
{
	request->disk.op = DISK_FLUSH;
	disk_submit(blk->disk, &request->disk);
}

static void get_id(struct blk *blk, struct blk_request *request)
{
	size_t len = sizeof(blk->serial);

	if (len > request->chain->in_len - 1)
		len = request->chain->in_len - 1;
	request->filled = virtq_write(request->chain, 0, blk->serial, len);
	finish(blk, request, VIRTIO_BLK_S_OK);
}

/* Copy and check the ranges: VIRTIO_BLK_S_OK, or what is to be answered. */
static uint8_t take_segments(struct blk *blk, struct blk_request *request, bool zero)
{
	uint64_t len = request->chain->out_len - BLK_HEADER_SIZE;

	if (blk->info.read_only || !len || len % BLK_SEGMENT_SIZE ||
	    len / BLK_SEGMENT_SIZE > BLK_SEGMENTS_MAX)
		return VIRTIO_BLK_S_IOERR;
	request->segment_count = (unsigned)(len / BLK_SEGMENT_SIZE);
	for (unsigned i = 0; i < request->segment_count; i++) {
		struct range range;
		uint32_t flags, sectors;
		uint64_t sector;

		virtq_read(request->chain, BLK_HEADER_SIZE + i * BLK_SEGMENT_SIZE, &range,
			   sizeof(range));
		flags = le32toh(range.flags);
		sectors = le32toh(range.sectors);
		sector = le64toh(range.sector);
		/* Section 5.2.6.2: a flag that is not known, and unmap in a discard. */
		if (flags & ~(zero ? RANGE_UNMAP : 0u))
			return VIRTIO_BLK_S_UNSUPP;
		if (sectors > BLK_SEGMENT_SECTORS_MAX ||
		    !is_within(blk, sector, (uint64_t)sectors * DISK_SECTOR))
			return VIRTIO_BLK_S_IOERR;
		request->segments[i] = (struct blk_segment){
			.offset = sector * DISK_SECTOR,
			.len = (uint64_t)sectors * DISK_SECTOR,
			.unmap = flags & RANGE_UNMAP,
		};
	}
	return VIRTIO_BLK_S_OK;
}

/* Go on with the next range that isn't empty: false when there is none. */
static bool next_segment(struct blk *blk, struct blk_request *request)
{
	while (request->segment < request->segment_count) {
		const struct blk_segment *segment = &request->segments[request->segment++];

		if (!segment->len)
			continue;
		request->disk.offset = segment->offset;
		request->disk.len = segment->len;
		request->disk.unmap = segment->unmap;
		request->disk.durable = is_write_through(blk);
		disk_submit(blk->disk, &request->disk);
		return true;
	}
	return false;
}

static void deallocate(struct blk *blk, struct blk_request *request, bool zero)
{
	uint64_t feature = zero ? VIRTIO_BLK_F_WRITE_ZEROES : VIRTIO_BLK_F_DISCARD;
	uint8_t status = VIRTIO_BLK_S_UNSUPP;

	if (virtio_has(&blk->virtio, feature))
		status = take_segments(blk, request, zero);
	request->disk.op = zero ? DISK_ZERO : DISK_DISCARD;
	if (status != VIRTIO_BLK_S_OK || !next_segment(blk, request))
		finish(blk, request, status);
}

void blk_request_start(struct blk *blk, struct blk_request *request)
{
	struct header header;

	/* Without them it can't be carried out, nor its failure told. */
	if (virtq_read(request->chain, 0, &header, sizeof(header)) != sizeof(header) ||
	    !request->chain->in_len) {
		virtq_return(&blk->virtio, request->queue, request->chain);
		give_back(blk, request);
		virtio_broken(&blk->virtio);
		return;
	}
	request->filled = 0;
	request->segment = request->segment_count = 0;
	switch (le32toh(header.type)) {
	case VIRTIO_BLK_T_IN: transfer(blk, request, le64toh(header.sector), false); break;
	case VIRTIO_BLK_T_OUT: transfer(blk, request, le64toh(header.sector), true); break;
	case VIRTIO_BLK_T_FLUSH: flush(blk, request); break;
	case VIRTIO_BLK_T_GET_ID: get_id(blk, request); break;
	case VIRTIO_BLK_T_DISCARD: deallocate(blk, request, false); break;
	case VIRTIO_BLK_T_WRITE_ZEROES: deallocate(blk, request, true); break;
	default: finish(blk, request, VIRTIO_BLK_S_UNSUPP); break;
	}
}

void blk_request_done(void *opaque, struct disk_request *disk_request)
{
	struct blk_request *request = (struct blk_request *)disk_request;
	struct blk *blk = opaque;

	if (!disk_request->result && next_segment(blk, request))
		return;
	finish(blk, request, disk_request->result ? VIRTIO_BLK_S_IOERR : VIRTIO_BLK_S_OK);
}
