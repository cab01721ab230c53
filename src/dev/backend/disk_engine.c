/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which engine a disk gets.
 *
 * Left to us it is io_uring, but for
 *   - files in memory (tmpfs): no call ever waits for a disk, and the thread that asks does it itself,
 *     unless this process has one processor only. There each request would be complete, and the guest
 *     interrupted, before it has asked for the next; what is done later lets it ask for many at once
 *     (4 KiB, 16 at a time: twice as many);
 *   - file systems that can't say that a call would wait (RWF_NOWAIT, preadv2(2)): io_uring hands every
 *     single one to threads of the kernel's, which costs more than our own threads do;
 *   - qcow2 images, whose tables are read by calls that wait;
 *   - hosts that deny io_uring.
 */
#include <errno.h>
#include <linux/magic.h>
#include <sched.h>
#include <sys/uio.h>
#include <sys/vfs.h>

#include "boot/image.h"
#include "dev/backend/disk.h"

/* The page cache keeps processors busy; past it threads wait for a disk that does many things at once. */
#define THREADS	       4u
#define THREADS_DIRECT 16u

static bool is_in_memory(const AxDisk *disk)
{
	struct statfs status;

	return !disk->block_device && !fstatfs(disk->fd, &status) &&
	       (status.f_type == TMPFS_MAGIC || status.f_type == RAMFS_MAGIC);
}

/* By what it may use now. More than a cpu_set_t has are more than one, too. */
static bool has_one_processor(void)
{
	cpu_set_t set;

	return !sched_getaffinity(0, sizeof(set), &set) && CPU_COUNT(&set) == 1;
}

static bool has_nowait(const AxDisk *disk)
{
	char byte;
	struct iovec iov = { &byte, 1 };

	return preadv2(disk->fd, &iov, 1, 0, RWF_NOWAIT) >= 0 || errno != EOPNOTSUPP;
}

static int start_threads(AxDisk *disk, unsigned threads, AxError *err)
{
	disk->info.engine = AX_DISK_ENGINE_THREADS;
	return disk_threads_new(threads, &disk->engines[0], err);
}

static int start_uring(AxDisk *disk, AxError *err)
{
	int ret = disk_uring_new(&disk->engines[0], err);

	if (ret)
		return ret;
	disk->info.engine = AX_DISK_ENGINE_URING;
	/* It has no BLKDISCARD. */
	ret = disk->block_device ? disk_threads_new(1, &disk->engines[1], err) : 0;
	if (ret) {
		disk->engines[0]->ops->free(disk->engines[0]);
		disk->engines[0] = NULL;
	}
	return ret;
}

int disk_start_engines(AxDisk *disk, const AxDiskConfig *config, AxError *err)
{
	unsigned threads = config->threads;
	bool in_memory;

	if (!threads)
		threads = disk->info.direct ? THREADS_DIRECT : THREADS;
	switch (config->engine) {
	case AX_DISK_ENGINE_THREADS: return start_threads(disk, threads, err);
	case AX_DISK_ENGINE_URING:
		if (disk->qcow2)
			return boot_error(err, AX_ERROR_ARGUMENT, 0, -ENOTSUP, config->path,
					  "is a qcow2 image, which only threads can read");
		return start_uring(disk, err);
	default: break;
	}
	if (disk->qcow2)
		return start_threads(disk, threads, err);
	in_memory = !disk->info.direct && !config->threads && is_in_memory(disk);
	if (in_memory && !has_one_processor())
		return start_threads(disk, 0, err);
	if ((in_memory || disk->info.direct || has_nowait(disk)) && !start_uring(disk, NULL))
		return 0;
	return start_threads(disk, threads, err);
}
