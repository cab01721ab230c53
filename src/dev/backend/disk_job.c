/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A disk's system calls, on the calling thread.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "dev/backend/disk_engine.h"
#include "dev/backend/qcow2.h"

static int discard(const struct disk_job *job)
{
	uint64_t range[2] = { job->offset, job->len };

	return ioctl(job->fd, BLKDISCARD, range);
}

static ssize_t call(const struct disk_job *job)
{
	switch (job->kind) {
	case DISK_JOB_READ:
		return preadv(job->fd, job->iov, (int)job->iov_count, (off_t)job->offset);
	case DISK_JOB_WRITE:
		return pwritev(job->fd, job->iov, (int)job->iov_count, (off_t)job->offset);
	case DISK_JOB_SYNC: return fdatasync(job->fd);
	case DISK_JOB_PUNCH:
		return fallocate(job->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				 (off_t)job->offset, (off_t)job->len);
	case DISK_JOB_ZERO_RANGE:
		return fallocate(job->fd, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE,
				 (off_t)job->offset, (off_t)job->len);
	case DISK_JOB_DISCARD: return discard(job);
	}
	errno = EINVAL;
	return -1;
}

void disk_job_run(struct disk_job *job)
{
	if (job->qcow2 && job->kind == DISK_JOB_READ) {
		job->result = qcow2_read(job->qcow2, job->iov, job->iov_count, job->offset);
		return;
	}
	job->result = call(job);
	if (job->result < 0)
		job->result = -errno;
}
