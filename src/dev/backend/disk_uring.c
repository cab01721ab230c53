/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An engine of io_uring (disk_engine.h): a batch of jobs is one system call.
 *
 * The ring's own descriptor is what is watched: it is readable while there are completions, and costs
 * neither a write nor a read of an eventfd.
 */
#include <config.h>

#include <errno.h>
#include <stdlib.h>

#include "boot/library.h"
#include "dev/backend/disk_engine.h"
#include "dev/dev.h"

#ifdef HAVE_LIBURING

#include <liburing.h>
#include <linux/falloc.h>
#include <time.h>

/* At a time in the kernel; the completion queue has room for twice as many. More wait here. */
#define RING_SIZE 256u

/* In the order of `wanted` below. */
struct liburing {
	int (*queue_init)(unsigned entries, struct io_uring *ring, unsigned flags);
	void (*queue_exit)(struct io_uring *ring);
	struct io_uring_sqe *(*get_sqe)(struct io_uring *ring);
	int (*submit)(struct io_uring *ring);
	int (*submit_and_wait)(struct io_uring *ring, unsigned count);
};

static const struct ax_library_function wanted[] = {
	{ AX_LIBRARY_FUNCTION(io_uring_queue_init) },
	{ AX_LIBRARY_FUNCTION(io_uring_queue_exit) },
	{ AX_LIBRARY_FUNCTION(io_uring_get_sqe) },
	{ AX_LIBRARY_FUNCTION(io_uring_submit) },
	{ AX_LIBRARY_FUNCTION(io_uring_submit_and_wait) },
};

#define FUNCTIONS (sizeof(wanted) / sizeof(wanted[0]))

_Static_assert(sizeof(struct liburing) == FUNCTIONS * sizeof(void *),
	       "a function for each that is wanted");

struct uring {
	struct disk_engine engine;
	struct liburing library;
	void *handle;
	struct io_uring ring;
	unsigned in_kernel;	 /* in the ring, or being carried out */
	struct disk_jobs held;	 /* for when there is room */
	struct disk_jobs failed; /* that the kernel did not take */
};

static struct uring *uring_of(struct disk_engine *engine)
{
	return (struct uring *)engine;
}

static void prepare(struct io_uring_sqe *sqe, struct disk_job *job)
{
	switch (job->kind) {
	case DISK_JOB_READ:
		io_uring_prep_readv(sqe, job->fd, job->iov, job->iov_count, job->offset);
		break;
	case DISK_JOB_WRITE:
		io_uring_prep_writev(sqe, job->fd, job->iov, job->iov_count, job->offset);
		break;
	case DISK_JOB_SYNC: io_uring_prep_fsync(sqe, job->fd, IORING_FSYNC_DATASYNC); break;
	case DISK_JOB_PUNCH:
		io_uring_prep_fallocate(sqe, job->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
					(off_t)job->offset, (off_t)job->len);
		break;
	case DISK_JOB_ZERO_RANGE:
		io_uring_prep_fallocate(sqe, job->fd, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE,
					(off_t)job->offset, (off_t)job->len);
		break;
	case DISK_JOB_DISCARD: break; /* not for us */
	}
	io_uring_sqe_set_data(sqe, job);
}

static void uring_submit(struct disk_engine *engine, struct disk_job *job)
{
	disk_jobs_add(&uring_of(engine)->held, job);
}

/* The kernel does not take what is in the submission queue: those jobs fail. */
static void give_up(struct uring *uring, int ret)
{
	struct io_uring_sq *sq = &uring->ring.sq;

	for (unsigned at = sq->sqe_tail - io_uring_sq_ready(&uring->ring); at != sq->sqe_tail;
	     at++) {
		struct io_uring_sqe *sqe = &sq->sqes[at & *sq->kring_mask];
		struct disk_job *job = (struct disk_job *)(uintptr_t)sqe->user_data;

		io_uring_prep_nop(sqe);
		io_uring_sqe_set_data(sqe, NULL);
		if (job) {
			job->result = ret;
			disk_jobs_add(&uring->failed, job);
		}
	}
}

/* Hand the submission queue over. A kernel that is out of memory for a while is asked again. */
static void enter(struct uring *uring)
{
	const struct timespec pause = { .tv_nsec = 1000000 };
	int tries = 1000;

	while (io_uring_sq_ready(&uring->ring)) {
		int ret = uring->library.submit(&uring->ring);

		if (ret >= 0 || ret == -EINTR)
			continue;
		if ((ret != -EAGAIN && ret != -EBUSY) || !tries--) {
			give_up(uring, -EIO);
			return;
		}
		nanosleep(&pause, NULL);
	}
}

static void uring_kick(struct disk_engine *engine)
{
	struct uring *uring = uring_of(engine);

	while (uring->held.first && uring->in_kernel < RING_SIZE) {
		struct io_uring_sqe *sqe = uring->library.get_sqe(&uring->ring);

		if (!sqe)
			break;
		prepare(sqe, disk_jobs_take(&uring->held));
		uring->in_kernel++;
	}
	enter(uring);
}

static struct disk_job *uring_reap(struct disk_engine *engine)
{
	struct uring *uring = uring_of(engine);
	struct disk_job *job = disk_jobs_take(&uring->failed);
	struct io_uring_cqe *cqe;
	unsigned head;

	if (job) {
		uring->in_kernel--;
		return job;
	}
	io_uring_for_each_cqe(&uring->ring, head, cqe)
	{
		job = io_uring_cqe_get_data(cqe);
		if (job)
			job->result = cqe->res;
		io_uring_cq_advance(&uring->ring, 1);
		if (!job)
			continue;
		uring->in_kernel--;
		return job;
	}
	return NULL;
}

static void uring_wait(struct disk_engine *engine)
{
	struct uring *uring = uring_of(engine);

	if (!uring->failed.first)
		(void)uring->library.submit_and_wait(&uring->ring, 1);
}

static void uring_free(struct disk_engine *engine)
{
	struct uring *uring = uring_of(engine);

	uring->library.queue_exit(&uring->ring);
	ax_library_close(uring->handle);
	free(uring);
}

static const struct disk_engine_ops uring_ops = {
	.submit = uring_submit,
	.kick = uring_kick,
	.reap = uring_reap,
	.wait = uring_wait,
	.free = uring_free,
};

static int denied(int ret, AxError *err)
{
	if (ret == -ENOMEM)
		return ax_error_set(err, -ENOMEM, AX_ERROR_RESOURCE, -ret,
				    "no memory for io_uring (or above ulimit -l): "
				    "AX_DISK_ENGINE_THREADS does without");
	errno = -ret;
	return ax_error_set(err, -ENOTSUP, AX_ERROR_UNSUPPORTED, -ret,
			    "the host denies io_uring (%m; kernel.io_uring_disabled, or a seccomp "
			    "filter): AX_DISK_ENGINE_THREADS does without");
}

int disk_uring_new(struct disk_engine **out, AxError *err)
{
	struct uring *uring = calloc(1, sizeof(*uring));
	int ret;

	if (!uring)
		return ax_dev_error_nomem(err, "a disk's io_uring");
	ret = ax_library_open("liburing.so.2", "liburing2", wanted, &uring->library, FUNCTIONS,
			      &uring->handle, err);
	if (ret) {
		free(uring);
		return ret;
	}
	ret = uring->library.queue_init(RING_SIZE, &uring->ring, 0);
	if (ret) {
		ax_library_close(uring->handle);
		free(uring);
		return denied(ret, err);
	}
	uring->engine.ops = &uring_ops;
	uring->engine.fd = uring->ring.ring_fd;
	disk_jobs_init(&uring->held);
	disk_jobs_init(&uring->failed);
	*out = &uring->engine;
	return 0;
}

#else

int disk_uring_new(struct disk_engine **out, AxError *err)
{
	(void)out;
	return ax_error_set(err, -ENOTSUP, AX_ERROR_UNSUPPORTED, 0,
			    "built without liburing: AX_DISK_ENGINE_THREADS does without");
}

#endif
