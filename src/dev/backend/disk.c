/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests to a disk: which system calls each takes, one after the other.
 *
 * What makes a flush true: a write is complete when the kernel has all of its bytes, so that an
 * fdatasync(2) that begins later covers it. When a sync fails, Linux forgets which pages were not
 * written (fsync(2), "NOTES"): no later sync can promise anything of earlier writes, and so all
 * of them fail, too.
 */
#include <errno.h>
#include <string.h>

#include "dev/backend/disk.h"
#include "dev/dev.h"

static struct disk_request *request_of(struct disk_job *job)
{
	return (struct disk_request *)((char *)job - offsetof(struct disk_request, job));
}

static void send_job(AxDisk *disk, struct disk_request *request, enum disk_job_kind kind, int fd)
{
	unsigned which = kind == DISK_JOB_DISCARD && disk->engines[1] ? 1 : 0;

	request->job.kind = kind;
	request->job.fd = fd;
	request->job.qcow2 = disk->qcow2;
	request->job.offset = request->offset;
	request->job.len = request->len;
	disk->busy[which]++;
	disk->engines[which]->ops->submit(disk->engines[which], &request->job);
}

/* Whether a transfer is aligned as O_DIRECT wants it. */
static bool is_aligned(const AxDisk *disk, const struct disk_request *request)
{
	if ((request->offset | request->len) & (disk->offset_align - 1))
		return false;
	for (unsigned i = 0; i < request->iov_count; i++) {
		if (((uintptr_t)request->iov[i].iov_base | request->iov[i].iov_len) &
		    (disk->memory_align - 1))
			return false;
	}
	return true;
}

/* What O_DIRECT can't do goes through the page cache, which the kernel keeps coherent. */
static int transfer_fd(const AxDisk *disk, const struct disk_request *request)
{
	return disk->direct_fd >= 0 && is_aligned(disk, request) ? disk->direct_fd : disk->fd;
}

static void send_transfer(AxDisk *disk, struct disk_request *request, int fd)
{
	request->job.iov = request->iov;
	request->job.iov_count = request->iov_count;
	send_job(disk, request, request->op == DISK_READ ? DISK_JOB_READ : DISK_JOB_WRITE, fd);
}

/* Write zeroes, as many as one call takes. */
static void send_zeroes(AxDisk *disk, struct disk_request *request)
{
	uint64_t left = request->len;
	unsigned count = 0;

	while (left && count < DISK_ZERO_PARTS) {
		size_t part = left < DISK_ZEROES ? (size_t)left : DISK_ZEROES;

		request->zeroes[count++] = (struct iovec){ disk->zeroes, part };
		left -= part;
	}
	request->step = DISK_STEP_ZEROES;
	request->job.iov = request->zeroes;
	request->job.iov_count = count;
	send_job(disk, request, DISK_JOB_WRITE, disk->fd);
}

static void send_zero_range(AxDisk *disk, struct disk_request *request)
{
	request->step = DISK_STEP_MAIN;
	if (request->unmap && !disk->no_punch)
		send_job(disk, request, DISK_JOB_PUNCH, disk->fd);
	else if (!disk->no_zero_range)
		send_job(disk, request, DISK_JOB_ZERO_RANGE, disk->fd);
	else
		send_zeroes(disk, request);
}

static void complete(AxDisk *disk, struct disk_request *request, int result)
{
	request->result = result;
	disk->in_flight--;
	disk->done(disk->opaque, request);
}

static void sync_or_complete(AxDisk *disk, struct disk_request *request)
{
	if (!request->durable || request->op == DISK_READ) {
		complete(disk, request, 0);
		return;
	}
	request->step = DISK_STEP_SYNC;
	send_job(disk, request, DISK_JOB_SYNC, disk->fd);
}

static void send_discard(AxDisk *disk, struct disk_request *request)
{
	if (disk->block_device)
		send_job(disk, request, DISK_JOB_DISCARD, disk->fd);
	else if (!disk->no_punch)
		send_job(disk, request, DISK_JOB_PUNCH, disk->fd);
	else
		sync_or_complete(disk, request);
}

static void skip_bytes(struct disk_request *request, uint64_t done)
{
	request->offset += done;
	request->len -= done;
	while (request->iov_count && done >= request->iov->iov_len) {
		done -= request->iov->iov_len;
		request->iov++;
		request->iov_count--;
	}
	if (done) {
		request->iov->iov_base = (char *)request->iov->iov_base + done;
		request->iov->iov_len -= done;
	}
}

/* The kernel may transfer less than was asked for: go on with the rest. */
static void transferred(AxDisk *disk, struct disk_request *request, int64_t result)
{
	if (result == -EINVAL && request->job.fd == disk->direct_fd) {
		send_transfer(disk, request, disk->fd);
	} else if (result <= 0) {
		/* Nothing: the file is shorter than it was. */
		complete(disk, request, result ? (int)result : -EIO);
	} else if ((uint64_t)result < request->len) {
		skip_bytes(request, (uint64_t)result);
		send_transfer(disk, request, transfer_fd(disk, request));
	} else {
		sync_or_complete(disk, request);
	}
}

/* The file system, or the device, does not know the call, or not with this alignment. */
static bool is_refused(int64_t result)
{
	return result == -EOPNOTSUPP || result == -ENOSYS || result == -ENODEV ||
	       result == -EINVAL || result == -ENOTTY;
}

static void remember_refusal(AxDisk *disk, enum disk_job_kind kind, int64_t result)
{
	if (result == -EINVAL)
		return;
	disk->no_punch |= kind == DISK_JOB_PUNCH;
	disk->no_zero_range |= kind == DISK_JOB_ZERO_RANGE;
}

/* fallocate() and BLKDISCARD. A discard that is refused is a promise that nobody needs. */
static void deallocated(AxDisk *disk, struct disk_request *request, int64_t result)
{
	if (!result) {
		sync_or_complete(disk, request);
		return;
	}
	if (!is_refused(result)) {
		complete(disk, request, (int)result);
		return;
	}
	remember_refusal(disk, request->job.kind, result);
	if (request->op == DISK_DISCARD) {
		sync_or_complete(disk, request);
	} else if (request->job.kind == DISK_JOB_PUNCH) {
		request->unmap = false;
		send_zero_range(disk, request);
	} else {
		send_zeroes(disk, request);
	}
}

static void zeroes_written(AxDisk *disk, struct disk_request *request, int64_t result)
{
	if (result <= 0) {
		complete(disk, request, result ? (int)result : -EIO);
		return;
	}
	request->offset += (uint64_t)result;
	request->len -= (uint64_t)result;
	if (request->len)
		send_zeroes(disk, request);
	else
		sync_or_complete(disk, request);
}

static void synced(AxDisk *disk, struct disk_request *request, int64_t result)
{
	/* Without the page cache it is the disk that still knows. */
	disk->lost |= result < 0 && disk->direct_fd < 0;
	complete(disk, request, disk->lost ? -EIO : (int)result);
}

static void job_done(AxDisk *disk, struct disk_request *request)
{
	int64_t result = request->job.result;

	if (result == -EINTR || result == -EAGAIN || result == -ECANCELED) {
		send_job(disk, request, request->job.kind, request->job.fd);
		return;
	}
	switch (request->step) {
	case DISK_STEP_ZEROES: zeroes_written(disk, request, result); return;
	case DISK_STEP_SYNC: synced(disk, request, result); return;
	case DISK_STEP_MAIN: break;
	}
	if (request->op == DISK_READ || request->op == DISK_WRITE)
		transferred(disk, request, result);
	else
		deallocated(disk, request, result);
}

void disk_submit(AxDisk *disk, struct disk_request *request)
{
	disk->in_flight++;
	request->step = DISK_STEP_MAIN;
	switch (request->op) {
	case DISK_READ:
	case DISK_WRITE: send_transfer(disk, request, transfer_fd(disk, request)); break;
	case DISK_FLUSH:
		request->step = DISK_STEP_SYNC;
		send_job(disk, request, DISK_JOB_SYNC, disk->fd);
		break;
	case DISK_DISCARD: send_discard(disk, request); break;
	case DISK_ZERO: send_zero_range(disk, request); break;
	}
}

void disk_kick(AxDisk *disk)
{
	for (unsigned i = 0; i < DISK_ENGINES && disk->engines[i]; i++)
		disk->engines[i]->ops->kick(disk->engines[i]);
}

static unsigned reap(AxDisk *disk)
{
	unsigned count = 0;

	for (unsigned i = 0; i < DISK_ENGINES && disk->engines[i]; i++) {
		struct disk_engine *engine = disk->engines[i];
		struct disk_job *job;

		while (disk->busy[i] && (job = engine->ops->reap(engine))) {
			disk->busy[i]--;
			job_done(disk, request_of(job));
			count++;
		}
	}
	return count;
}

void disk_poll(AxDisk *disk)
{
	/* What follows on a job may be done at once, too. */
	while (reap(disk))
		disk_kick(disk);
}

void disk_drain(AxDisk *disk)
{
	disk_kick(disk);
	for (;;) {
		disk_poll(disk);
		if (!disk->in_flight)
			return;
		for (unsigned i = 0; i < DISK_ENGINES; i++) {
			if (disk->busy[i]) {
				disk->engines[i]->ops->wait(disk->engines[i]);
				break;
			}
		}
	}
}

static void engine_is_ready(void *opaque, int fd, unsigned events)
{
	AxDisk *disk = opaque;

	(void)fd;
	(void)events;
	disk->wake(disk->opaque);
}

int disk_attach(AxDisk *disk, AxHost *host, disk_done_fn *done, disk_wake_fn *wake, void *opaque,
		AxError *err)
{
	if (disk->done)
		return ax_error_set(err, -EBUSY, AX_ERROR_STATE, 0,
				    "the disk is another device's already");
	disk->done = done;
	disk->wake = wake;
	disk->opaque = opaque;
	for (unsigned i = 0; i < DISK_ENGINES && disk->engines[i]; i++) {
		int ret;

		if (disk->engines[i]->fd < 0)
			continue;
		ret = ax_watch_new(host, disk->engines[i]->fd, AX_WATCH_READ, engine_is_ready, disk,
				   &disk->watches[i], err);
		if (ret) {
			disk_detach(disk);
			return ret;
		}
	}
	return 0;
}

void disk_detach(AxDisk *disk)
{
	for (unsigned i = 0; i < DISK_ENGINES; i++) {
		ax_watch_free(disk->watches[i]);
		disk->watches[i] = NULL;
	}
	disk->done = NULL;
}
