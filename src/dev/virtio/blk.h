/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of the block device (section 5.2): what blk.c, which is the device, and blk_request.c, which
 * carries out what the guest asks for, share.
 */
#ifndef AXVMM_DEV_VIRTIO_BLK_H
#define AXVMM_DEV_VIRTIO_BLK_H

#include "dev/backend/disk.h"
#include "dev/virtio/virtio.h"

/* Feature bits, section 5.2.3. */
#define VIRTIO_BLK_F_SEG_MAX	  (1ULL << 2)
#define VIRTIO_BLK_F_RO		  (1ULL << 5)
#define VIRTIO_BLK_F_BLK_SIZE	  (1ULL << 6)
#define VIRTIO_BLK_F_FLUSH	  (1ULL << 9)
#define VIRTIO_BLK_F_TOPOLOGY	  (1ULL << 10)
#define VIRTIO_BLK_F_CONFIG_WCE	  (1ULL << 11)
#define VIRTIO_BLK_F_MQ		  (1ULL << 12)
#define VIRTIO_BLK_F_DISCARD	  (1ULL << 13)
#define VIRTIO_BLK_F_WRITE_ZEROES (1ULL << 14)

/* Requests and their outcome, section 5.2.6. */
#define VIRTIO_BLK_T_IN		  0u
#define VIRTIO_BLK_T_OUT	  1u
#define VIRTIO_BLK_T_FLUSH	  4u
#define VIRTIO_BLK_T_GET_ID	  8u
#define VIRTIO_BLK_T_DISCARD	  11u
#define VIRTIO_BLK_T_WRITE_ZEROES 13u

#define VIRTIO_BLK_S_OK	    0u
#define VIRTIO_BLK_S_IOERR  1u
#define VIRTIO_BLK_S_UNSUPP 2u

#define BLK_HEADER_SIZE	 16u
#define BLK_SEGMENT_SIZE 16u

/* max_discard_seg, max_write_zeroes_seg; their max_..._sectors: 2 GiB. */
#define BLK_SEGMENTS_MAX	16u
#define BLK_SEGMENT_SECTORS_MAX ((2u << 30) / DISK_SECTOR)

/* A range to discard or to fill with zeroes: bytes, within the disk. */
struct blk_segment {
	uint64_t offset, len;
	bool unmap;
};

struct blk_request {
	struct disk_request disk; /* first: it is what the disk gives back */
	struct blk_request *next; /* of the free ones */
	struct virtq_chain *chain;
	unsigned queue;
	uint64_t filled; /* bytes of the writable part that success leaves filled */
	unsigned segment, segment_count;
	struct blk_segment segments[BLK_SEGMENTS_MAX];
	struct iovec iov[]; /* as many as the chain */
};

struct blk {
	AxVirtio virtio; /* first */
	AxDisk *disk;
	AxDiskInfo info;
	bool attached;
	bool owns_disk; /* a replay's */
	bool writeback; /* the configuration's field of this name */
	bool starved;	/* there was no memory for one more request */
	uint8_t serial[AX_VIRTIO_BLK_SERIAL_SIZE];
	uint32_t seg_max;
	uint32_t used; /* queues with used buffers that the driver was not told of: bits */
	struct blk_request *requests; /* free ones */
};

/* Its virtio_type.describe. */
#define BLK_DESCRIPTION \
	"blk queues=%u size=%u bytes=%llu block=%u physical=%u ro=%u watched=%u serial=%.*s"

/* A request for up to @capacity segments; NULL when there is no memory. */
struct blk_request *blk_request_new(uint32_t capacity);
/* NULL is allowed. */
void blk_request_free(struct blk_request *request);

/* Begin what @request's chain asks for. It may be done on return. */
void blk_request_start(struct blk *blk, struct blk_request *request);

/* A disk_done_fn: @opaque is the device. */
void blk_request_done(void *opaque, struct disk_request *request);

#endif
