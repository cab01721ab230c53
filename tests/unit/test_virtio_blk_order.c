/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When a request is complete: an engine that records what the disk is asked for, and that answers when the
 * test says so, in the order and with the result that it wants.
 *
 * A flush, or a write while the cache is off, is not used before the fdatasync() that covers it has returned.
 */
#include "tests/unit/blk_fixture.h"

#define JOBS 64

/* The engine. Jobs that were not answered yet are in `open`, in the order of their submission. */
static struct recorder {
	struct disk_engine engine;
	struct disk_job *open[JOBS];
	unsigned open_count;
	struct disk_jobs done;
	struct disk_engine *real; /* that the disk came with */
} recorder;

static void recorder_submit(struct disk_engine *engine, struct disk_job *job)
{
	ck_assert_uint_lt(recorder.open_count, JOBS);
	recorder.open[recorder.open_count++] = job;
}

static void recorder_kick(struct disk_engine *engine)
{
}

static struct disk_job *recorder_reap(struct disk_engine *engine)
{
	return disk_jobs_take(&recorder.done);
}

/* Answer a job: with what the system call says, or with @result. */
static void answer(unsigned index, int64_t result)
{
	struct disk_job *job = recorder.open[index];

	memmove(&recorder.open[index], &recorder.open[index + 1],
		(--recorder.open_count - index) * sizeof(job));
	if (result > 0)
		disk_job_run(job);
	else
		job->result = result;
	disk_jobs_add(&recorder.done, job);
}

#define REALLY 1

static void recorder_wait(struct disk_engine *engine)
{
	if (recorder.open_count)
		answer(0, REALLY);
}

static void recorder_free(struct disk_engine *engine)
{
	ck_assert_uint_eq(recorder.open_count, 0);
	recorder.real->ops->free(recorder.real);
}

static const struct disk_engine_ops recorder_ops = {
	.submit = recorder_submit,
	.kick = recorder_kick,
	.reap = recorder_reap,
	.wait = recorder_wait,
	.free = recorder_free,
};

static void start(uint64_t features)
{
	AxDiskConfig config;

	drv = drv_new();
	make_file(1 << 20);
	config = disk_config(AX_DISK_ENGINE_THREADS);
	open_disk(&config);
	memset(&recorder, 0, sizeof(recorder));
	disk_jobs_init(&recorder.done);
	recorder.engine.ops = &recorder_ops;
	recorder.engine.fd = -1;
	recorder.real = disk->engines[0];
	disk->engines[0] = &recorder.engine;
	drv_attach(drv, new_blk(1));
	drv_start(drv, features);
}

/* The device looks whether something is done. */
static void look(void)
{
	disk->wake(disk->opaque);
	drv_run(drv);
}

static struct request submit(uint32_t type, uint64_t sector, uint32_t len, bool in)
{
	struct request request =
		add_request(0, type, sector, len ? drv_alloc(drv, len) : 0, len, in);

	if (len)
		fill_pattern(request.data, request.token, len);
	drv_kick(drv, 0);
	drv_run(drv);
	return request;
}

/* Nothing has been used so far. */
static void nothing_used(void)
{
	uint32_t len;

	look();
	ck_assert_int_eq(drv_take(drv, 0, &len), -1);
}

static void used(const struct request *request, uint8_t status)
{
	uint32_t len;

	look();
	ck_assert_int_eq(drv_take(drv, 0, &len), request->token);
	ck_assert_uint_eq(status_of(request), status);
}

static enum disk_job_kind kind(unsigned index)
{
	ck_assert_uint_lt(index, recorder.open_count);
	return recorder.open[index]->kind;
}

START_TEST(a_flush_is_used_after_fdatasync_has_returned)
{
	struct request write, flush;

	start(DRV_ALL);
	write = submit(VIRTIO_BLK_T_OUT, 0, 4096, false);
	ck_assert_int_eq(kind(0), DISK_JOB_WRITE);
	nothing_used();
	answer(0, REALLY);
	used(&write, VIRTIO_BLK_S_OK);
	flush = submit(VIRTIO_BLK_T_FLUSH, 0, 0, false);
	ck_assert_uint_eq(recorder.open_count, 1);
	ck_assert_int_eq(kind(0), DISK_JOB_SYNC);
	nothing_used();
	answer(0, REALLY);
	used(&flush, VIRTIO_BLK_S_OK);
}
END_TEST

START_TEST(a_flush_is_submitted_after_the_writes_that_it_covers)
{
	struct request writes[3], flush, later;

	start(DRV_ALL);
	for (unsigned i = 0; i < 3; i++)
		writes[i] = submit(VIRTIO_BLK_T_OUT, 8 * i, 4096, false);
	for (unsigned i = 0; i < 2; i++) {
		answer(0, REALLY);
		used(&writes[i], VIRTIO_BLK_S_OK);
	}
	/* The third isn't complete, and later ones are none of the flush's business. */
	flush = submit(VIRTIO_BLK_T_FLUSH, 0, 0, false);
	later = submit(VIRTIO_BLK_T_OUT, 64, 4096, false);
	ck_assert_int_eq(kind(0), DISK_JOB_WRITE);
	ck_assert_int_eq(kind(1), DISK_JOB_SYNC);
	ck_assert_int_eq(kind(2), DISK_JOB_WRITE);
	ck_assert(file_has(0, (uint32_t)writes[0].token, 4096));
	ck_assert(file_has(8, (uint32_t)writes[1].token, 4096));
	answer(1, REALLY);
	used(&flush, VIRTIO_BLK_S_OK);
	answer(1, REALLY);
	used(&later, VIRTIO_BLK_S_OK);
	answer(0, REALLY);
	used(&writes[2], VIRTIO_BLK_S_OK);
}
END_TEST

START_TEST(without_a_write_cache_each_change_is_synced_before_it_is_used)
{
	static const uint64_t without[] = { 0, VIRTIO_BLK_F_FLUSH | VIRTIO_BLK_F_CONFIG_WCE,
					    VIRTIO_BLK_F_FLUSH };
	struct request request;
	uint64_t range;

	start(DRV_ALL & ~without[_i]);
	if (!without[_i])
		drv_set_config(drv, 32, 1, 0);
	request = submit(VIRTIO_BLK_T_OUT, 0, 4096, false);
	ck_assert_int_eq(kind(0), DISK_JOB_WRITE);
	answer(0, REALLY);
	nothing_used();
	ck_assert_int_eq(kind(0), DISK_JOB_SYNC);
	nothing_used();
	answer(0, REALLY);
	used(&request, VIRTIO_BLK_S_OK);

	range = drv_alloc(drv, 32);
	((uint32_t *)drv_ptr(drv, range))[2] = 8;
	((uint32_t *)drv_ptr(drv, range))[4] = 16;
	((uint32_t *)drv_ptr(drv, range))[6] = 8;
	request = add_request(0, VIRTIO_BLK_T_DISCARD, 0, range, 32, false);
	drv_kick(drv, 0);
	drv_run(drv);
	for (unsigned i = 0; i < 2; i++) {
		nothing_used();
		ck_assert_int_eq(kind(0), DISK_JOB_PUNCH);
		answer(0, REALLY);
		nothing_used();
		ck_assert_int_eq(kind(0), DISK_JOB_SYNC);
		answer(0, REALLY);
	}
	used(&request, VIRTIO_BLK_S_OK);
	/* A read needs none. */
	request = submit(VIRTIO_BLK_T_IN, 0, 4096, true);
	answer(0, REALLY);
	used(&request, VIRTIO_BLK_S_OK);
}
END_TEST

START_TEST(after_a_sync_has_failed_no_flush_succeeds)
{
	struct request flush;

	start(DRV_ALL);
	flush = submit(VIRTIO_BLK_T_FLUSH, 0, 0, false);
	answer(0, -EIO);
	used(&flush, VIRTIO_BLK_S_IOERR);
	flush = submit(VIRTIO_BLK_T_FLUSH, 0, 0, false);
	answer(0, REALLY);
	used(&flush, VIRTIO_BLK_S_IOERR);
}
END_TEST

START_TEST(errors_of_the_host_are_errors_of_the_request)
{
	static const int64_t errors[] = { -EIO, -ENOSPC, -EDQUOT, 0 };
	struct request request;

	start(DRV_ALL);
	for (unsigned i = 0; i < 4; i++) {
		request = submit(VIRTIO_BLK_T_OUT, 0, 4096, false);
		answer(0, errors[i]);
		used(&request, VIRTIO_BLK_S_IOERR);
		request = submit(VIRTIO_BLK_T_IN, 0, 4096, true);
		answer(0, errors[i]);
		used(&request, VIRTIO_BLK_S_IOERR);
		for (unsigned k = 0; k < 4096; k++)
			ck_assert_uint_eq(((uint8_t *)drv_ptr(drv, request.data))[k], 0);
	}
	/* An error that passes is tried again. */
	request = submit(VIRTIO_BLK_T_OUT, 0, 4096, false);
	answer(0, -EINTR);
	nothing_used();
	answer(0, -EAGAIN);
	nothing_used();
	answer(0, REALLY);
	used(&request, VIRTIO_BLK_S_OK);
}
END_TEST

/* Carry out only the first @bytes of a job. */
static void answer_short(size_t bytes)
{
	struct disk_job *job = recorder.open[0];
	ssize_t done = job->kind == DISK_JOB_WRITE
			       ? pwrite(file, job->iov[0].iov_base, bytes, (off_t)job->offset)
			       : pread(file, job->iov[0].iov_base, bytes, (off_t)job->offset);

	ck_assert_int_eq(done, (ssize_t)bytes);
	recorder.open_count = 0;
	job->result = done;
	disk_jobs_add(&recorder.done, job);
}

START_TEST(short_transfers_go_on_where_they_ended)
{
	struct request request;

	start(DRV_ALL);
	for (unsigned in = 0; in < 2; in++) {
		request = submit(in ? VIRTIO_BLK_T_IN : VIRTIO_BLK_T_OUT, 2, 8192, in);
		if (!in)
			fill_pattern(request.data, 40, 8192);
		answer_short(1000);
		nothing_used();
		ck_assert_uint_eq(recorder.open[0]->offset, 2 * SECTOR + 1000);
		answer_short(24);
		nothing_used();
		answer(0, REALLY);
		used(&request, VIRTIO_BLK_S_OK);
		ck_assert(file_has(2, 40, 8192));
	}
	ck_assert(is_pattern(drv_ptr(drv, request.data), 40, 8192));
}
END_TEST

START_TEST(zeroing_falls_back_from_call_to_call)
{
	struct request request;
	uint64_t range;

	start(DRV_ALL);
	range = drv_alloc(drv, 16);
	((uint32_t *)drv_ptr(drv, range))[2] = 8;
	((uint32_t *)drv_ptr(drv, range))[3] = 1;
	request = add_request(0, VIRTIO_BLK_T_WRITE_ZEROES, 0, range, 16, false);
	drv_kick(drv, 0);
	drv_run(drv);
	ck_assert_int_eq(kind(0), DISK_JOB_PUNCH);
	answer(0, -EOPNOTSUPP);
	nothing_used();
	ck_assert_int_eq(kind(0), DISK_JOB_ZERO_RANGE);
	answer(0, -EOPNOTSUPP);
	nothing_used();
	ck_assert_int_eq(kind(0), DISK_JOB_WRITE);
	answer(0, REALLY);
	used(&request, VIRTIO_BLK_S_OK);
	/* It isn't asked again. */
	request = add_request(0, VIRTIO_BLK_T_WRITE_ZEROES, 0, range, 16, false);
	drv_kick(drv, 0);
	drv_run(drv);
	ck_assert_int_eq(kind(0), DISK_JOB_WRITE);
	answer(0, -ENOSPC);
	used(&request, VIRTIO_BLK_S_IOERR);
}
END_TEST

START_TEST(a_reset_waits_and_what_comes_back_then_is_not_used)
{
	uint32_t len;

	start(DRV_ALL);
	for (unsigned i = 0; i < 10; i++)
		submit(VIRTIO_BLK_T_OUT, 8 * i, 4096, false);
	ck_assert_uint_eq(recorder.open_count, 10);
	drv_reset(drv);
	ck_assert_uint_eq(recorder.open_count, 0);
	ck_assert_uint_eq(disk->in_flight, 0);
	drv_start(drv, DRV_ALL);
	ck_assert_int_eq(drv_take(drv, 0, &len), -1);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("order");
	Suite *suite = suite_create("virtio-blk-order");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, NULL, close_all);
	tcase_add_test(tcase, a_flush_is_used_after_fdatasync_has_returned);
	tcase_add_test(tcase, a_flush_is_submitted_after_the_writes_that_it_covers);
	tcase_add_loop_test(tcase, without_a_write_cache_each_change_is_synced_before_it_is_used, 0,
			    3);
	tcase_add_test(tcase, after_a_sync_has_failed_no_flush_succeeds);
	tcase_add_test(tcase, errors_of_the_host_are_errors_of_the_request);
	tcase_add_test(tcase, short_transfers_go_on_where_they_ended);
	tcase_add_test(tcase, zeroing_falls_back_from_call_to_call);
	tcase_add_test(tcase, a_reset_waits_and_what_comes_back_then_is_not_used);
	suite_add_tcase(suite, tcase);
	return drv_suite(suite);
}
