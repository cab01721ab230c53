/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a disk carries out for the device that has it: requests, each made of one system call or of
 * several after each other. axvmm/disk.h is for the embedder.
 *
 * Threads: all of it under the device's lock, but for opening and freeing.
 */
#ifndef AXVMM_DEV_BACKEND_DISK_H
#define AXVMM_DEV_BACKEND_DISK_H

#include <axvmm/disk.h>
#include <axvmm/record.h>

#include "dev/backend/disk_engine.h"

#define DISK_SECTOR	512u
#define DISK_ENGINES	2
#define DISK_ZEROES	(64u << 10) /* bytes that AxDisk.zeroes has */
#define DISK_ZERO_PARTS 16u

enum disk_op {
	DISK_READ,
	DISK_WRITE,
	DISK_FLUSH,   /* whatever was complete when it was submitted is on the disk when it is */
	DISK_DISCARD, /* the bytes are not needed any more */
	DISK_ZERO     /* the bytes read as zero from now on */
};

/* What the job under way is for. */
enum disk_step {
	DISK_STEP_MAIN,
	DISK_STEP_ZEROES, /* zeroes are written, where the file system knows no better */
	DISK_STEP_SYNC
};

struct disk_request {
	/* Whoever submits it fills these; they change meanwhile. */
	enum disk_op op;
	bool durable;	 /* WRITE, DISCARD, ZERO: complete when it is on the disk */
	bool unmap;	 /* ZERO: give the space back, if possible */
	uint64_t offset; /* bytes: multiples of DISK_SECTOR within the disk */
	uint64_t len;
	struct iovec *iov; /* READ, WRITE: `len` bytes */
	unsigned iov_count;
	/* When it is complete: 0, or a negative errno of the kernel's. */
	int result;

	/* The disk's own. */
	uint64_t number;	   /* while it is recorded */
	struct disk_request *next; /* in AxDisk.replayed */
	struct disk_job job;
	enum disk_step step;
	struct iovec zeroes[DISK_ZERO_PARTS];
};

typedef void disk_done_fn(void *opaque, struct disk_request *request);
typedef void disk_wake_fn(void *opaque);

struct AxDisk {
	AxDiskInfo info;
	int fd;			 /* with the page cache */
	int direct_fd;		 /* the same file without it; -1 */
	uint32_t memory_align;	 /* that direct_fd asks for; a power of two */
	uint32_t offset_align;	 /* so, of offset and length */
	uint32_t physical_block; /* bytes that the host writes at once; a power of two, a hint */
	bool block_device;
	bool no_punch, no_zero_range; /* the file system said so */
	bool lost; /* a sync failed: what was written before may be neither here nor there */
	struct qcow2 *qcow2;
	void *zeroes; /* DISK_ZEROES bytes of zero; NULL: read-only */
	/* The first carries out everything but BLKDISCARD, for which block devices have the second. */
	struct disk_engine *engines[DISK_ENGINES];

	/* The device. */
	disk_done_fn *done;
	disk_wake_fn *wake;
	void *opaque;
	AxWatch *watches[DISK_ENGINES];
	unsigned in_flight;	     /* requests */
	/* While the device is recorded or replayed: each completion is told by its request's number. */
	AxRecord *record;
	uint64_t submitted;
	bool is_replayed;
	unsigned watched;
	struct disk_request *replayed; /* in flight */
	unsigned busy[DISK_ENGINES]; /* jobs */
};

/* Start what @config asks for, of a disk that is open. As ax_disk_open(). */
int disk_start_engines(AxDisk *disk, const AxDiskConfig *config, AxError *err);

/**
 * Give a disk to a device.
 *
 * @param done  called by disk_poll() and disk_drain() for each request that is complete; it may submit
 * @param wake  called on the host's thread, without a lock: take it, and disk_poll()
 * @return 0; -EBUSY it is another's; -ENOMEM; -EIO
 *
 * Thread: the host's, or before it is dispatched.
 */
int disk_attach(AxDisk *disk, AxHost *host, disk_done_fn *done, disk_wake_fn *wake, void *opaque,
		AxError *err);
/* Take it away; nothing is in flight. Also of a disk that has not been given. Thread: as disk_attach(). */
void disk_detach(AxDisk *disk);

/* A disk of a replay, whose requests are complete when @record says so; ax_disk_free(). NULL: no memory. */
AxDisk *disk_new_replayed(const AxDiskInfo *info, uint32_t physical_block, unsigned watched);
/* How many descriptors of it its host watches. */
unsigned disk_watched(const AxDisk *disk);

/* The device was put into a VM with this recording, or (NULL) taken out. Nothing is in flight. */
void disk_set_record(AxDisk *disk, AxRecord *record);

/* Take a request, which is its submitter's again when done() has it. It may wait for disk_kick(). */
void disk_submit(AxDisk *disk, struct disk_request *request);
/* Start what was submitted. */
void disk_kick(AxDisk *disk);
/* Call done() for each request that is complete, and start what they submit. */
void disk_poll(AxDisk *disk);
/* Wait until nothing is in flight; calls done(). */
void disk_drain(AxDisk *disk);

#endif
