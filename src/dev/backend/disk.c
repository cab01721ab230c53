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
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

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

/* What a recording has of a completion; number 0: there is none now. */
struct told {
	uint64_t number;
	int64_t result;
};

static void tell(AxDisk *disk, struct told *told)
{
	ax_record_input(disk->record, AX_RECORD_RESULT, 0, told, sizeof(*told));
}

static void complete(AxDisk *disk, struct disk_request *request, int result)
{
	struct told told = { request->number, result };

	if (disk->record && !ax_record_is_replay(disk->record))
		tell(disk, &told);
	request->result = result;
	disk->in_flight--;
	disk->done(disk->opaque, request);
}

/* Take a request out of those that wait for the recording: NULL: there is none of this number. */
static struct disk_request *take_replayed(AxDisk *disk, uint64_t number)
{
	struct disk_request **place = &disk->replayed, *request;

	while (*place && (*place)->number != number)
		place = &(*place)->next;
	request = *place;
	if (request)
		*place = request->next;
	return request;
}

/*
 * The end of a call in which requests may have been completed: a recording says so; in a replay it says
 * which were.
 */
static void settle(AxDisk *disk)
{
	struct disk_request *request;
	struct told told;

	if (!disk->record)
		return;
	do {
		told = (struct told){ 0, 0 };
		tell(disk, &told);
		request =
			told.number && disk->is_replayed ? take_replayed(disk, told.number) : NULL;
		if (request)
			complete(disk, request,
				 told.result < -4095 || told.result > 0 ? -EIO : (int)told.result);
	} while (request);
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
	request->number = ++disk->submitted;
	request->step = DISK_STEP_MAIN;
	if (disk->is_replayed) {
		request->next = disk->replayed;
		disk->replayed = request;
		settle(disk);
		return;
	}
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
	settle(disk);
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
	settle(disk);
}

void disk_drain(AxDisk *disk)
{
	/* What the recording knows nothing of is given up. */
	if (disk->is_replayed) {
		settle(disk);
		while (disk->replayed)
			complete(disk, take_replayed(disk, disk->replayed->number), -EIO);
		return;
	}
	disk_kick(disk);
	for (;;) {
		while (reap(disk))
			disk_kick(disk);
		if (!disk->in_flight)
			break;
		for (unsigned i = 0; i < DISK_ENGINES; i++) {
			if (disk->busy[i]) {
				disk->engines[i]->ops->wait(disk->engines[i]);
				break;
			}
		}
	}
	settle(disk);
}

static void engine_is_ready(void *opaque, int fd, unsigned events)
{
	AxDisk *disk = opaque;

	(void)fd;
	(void)events;
	disk->wake(disk->opaque);
}

/* A replay's is its own, and never ready by itself. */
static int watched_fd(const AxDisk *disk, unsigned i)
{
	if (disk->is_replayed)
		return i < disk->watched ? disk->fd : -1;
	return disk->engines[i] ? disk->engines[i]->fd : -1;
}

unsigned disk_watched(const AxDisk *disk)
{
	unsigned count = 0;

	for (unsigned i = 0; i < DISK_ENGINES; i++)
		count += watched_fd(disk, i) >= 0;
	return count;
}

void disk_set_record(AxDisk *disk, AxRecord *record)
{
	disk->record = record;
	disk->submitted = 0;
}

AxDisk *disk_new_replayed(const AxDiskInfo *info, uint32_t physical_block, unsigned watched)
{
	AxDisk *disk = calloc(1, sizeof(*disk));

	if (!disk)
		return NULL;
	disk->info = *info;
	disk->physical_block = physical_block;
	disk->direct_fd = -1;
	disk->is_replayed = true;
	disk->watched = watched;
	disk->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (disk->fd >= 0)
		return disk;
	free(disk);
	return NULL;
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
	for (unsigned i = 0; i < DISK_ENGINES; i++) {
		int fd = watched_fd(disk, i), ret;

		if (fd < 0)
			continue;
		ret = ax_watch_new(host, fd, AX_WATCH_READ, engine_is_ready, disk,
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
