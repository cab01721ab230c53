/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Engines: who carries out a disk's system calls. A job is one call; disk.c makes requests of them.
 * Two kinds: io_uring (disk_uring.c) and threads (disk_threads.c).
 *
 * The functions of an engine are called by one thread at a time: under the device's lock.
 */
#ifndef AXVMM_DEV_BACKEND_DISK_ENGINE_H
#define AXVMM_DEV_BACKEND_DISK_ENGINE_H

#include <sys/uio.h>

#include <axvmm/disk.h>

struct qcow2;

enum disk_job_kind {
	DISK_JOB_READ,
	DISK_JOB_WRITE,
	DISK_JOB_SYNC,	     /* fdatasync(2) */
	DISK_JOB_PUNCH,	     /* fallocate(2): reads as zero, and holds no space */
	DISK_JOB_ZERO_RANGE, /* fallocate(2): reads as zero */
	DISK_JOB_DISCARD     /* BLKDISCARD of a block device; for engines of threads only */
};

struct disk_job {
	enum disk_job_kind kind;
	int fd;
	struct qcow2 *qcow2; /* read from it instead of fd; for engines of threads only */
	uint64_t offset, len;
	struct iovec *iov; /* READ, WRITE: valid until the job is reaped */
	unsigned iov_count;
	int64_t result; /* bytes or 0, or a negative errno of the kernel's */
	struct disk_job *next;
};

/* A queue of jobs. */
struct disk_jobs {
	struct disk_job *first;
	struct disk_job **end;
};

static inline void disk_jobs_init(struct disk_jobs *jobs)
{
	jobs->first = NULL;
	jobs->end = &jobs->first;
}

static inline void disk_jobs_add(struct disk_jobs *jobs, struct disk_job *job)
{
	job->next = NULL;
	*jobs->end = job;
	jobs->end = &job->next;
}

static inline struct disk_job *disk_jobs_take(struct disk_jobs *jobs)
{
	struct disk_job *job = jobs->first;

	if (job) {
		jobs->first = job->next;
		if (!jobs->first)
			jobs->end = &jobs->first;
	}
	return job;
}

struct disk_engine {
	const struct disk_engine_ops *ops;
	int fd; /* readable while reap() has something; -1: whoever uses the engine asks it */
};

struct disk_engine_ops {
	/* Take a job; it may wait for kick(). */
	void (*submit)(struct disk_engine *engine, struct disk_job *job);
	/* Start what was submitted. */
	void (*kick)(struct disk_engine *engine);
	/* A job that is done, or NULL. */
	struct disk_job *(*reap)(struct disk_engine *engine);
	/* Wait until there is something to reap; there are jobs under way. May return early. */
	void (*wait)(struct disk_engine *engine);
	/* Free it; nothing is under way. */
	void (*free)(struct disk_engine *engine);
};

/* Carry out a job on the calling thread, and fill its result. */
void disk_job_run(struct disk_job *job);

/*
 * An engine of at most @threads threads, each started when there is work; without any, jobs are done by
 * kick(). 0; -ENOMEM; -EIO. Thread: any.
 */
int disk_threads_new(unsigned threads, struct disk_engine **out, AxError *err);

/* An io_uring. 0; -ENOTSUP the library is not there, or the host denies io_uring; -ENOMEM. Thread: any. */
int disk_uring_new(struct disk_engine **out, AxError *err);

#endif
