/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The block device among threads: drivers on several queues, the loop on a thread of its own, resets in
 * between.
 */
#include <pthread.h>

#include "tests/unit/blk_fixture.h"

#define QUEUES 3u
#define ROUNDS 300u
#define LEN    4096u

static atomic_bool stop;

static void *run_loop(void *opaque)
{
	while (!atomic_load(&stop))
		(void)ax_loop_dispatch(drv->host, 10, NULL);
	return opaque;
}

/* A queue's driver: its own part of the disk, written and read again. */
struct driver {
	pthread_t thread;
	unsigned queue;
	struct request write, read;
	unsigned failures;
};

static void put_header(const struct request *request, uint32_t type, uint64_t sector)
{
	memcpy(drv_ptr(drv, request->header), &type, sizeof(type));
	memcpy((char *)drv_ptr(drv, request->header) + 8, &sector, sizeof(sector));
}

/* One request, waiting for it without the loop. False: it never came back, or failed. */
static bool carry_out(unsigned queue, const struct request *request, bool in)
{
	struct drv_segment segments[] = { { request->header, BLK_HEADER_SIZE, false },
					  { request->data, LEN, in },
					  { request->status, 1, true } };
	uint32_t len;

	*(uint8_t *)drv_ptr(drv, request->status) = 0xee;
	if (drv_add_chain(drv, queue, segments, 3, false) < 0)
		return false;
	drv_kick(drv, queue);
	for (unsigned i = 0; i < 20000; i++) {
		if (drv_take(drv, queue, &len) >= 0)
			return status_of(request) == VIRTIO_BLK_S_OK;
		usleep(100);
	}
	return false;
}

static void *run_driver(void *opaque)
{
	struct driver *driver = opaque;

	for (unsigned i = 0; i < ROUNDS; i++) {
		uint64_t sector = (driver->queue * 16 + i % 16) * (LEN / SECTOR);
		uint8_t *bytes = drv_ptr(drv, driver->write.data);

		for (unsigned k = 0; k < LEN; k++)
			bytes[k] = pattern(i + driver->queue, k);
		put_header(&driver->write, VIRTIO_BLK_T_OUT, sector);
		put_header(&driver->read, VIRTIO_BLK_T_IN, sector);
		if (!carry_out(driver->queue, &driver->write, false) ||
		    !carry_out(driver->queue, &driver->read, true) ||
		    !is_pattern(drv_ptr(drv, driver->read.data), i + driver->queue, LEN))
			driver->failures++;
	}
	return NULL;
}

static void start(uint32_t engine)
{
	AxDiskConfig config;

	drv = drv_new();
	make_file(QUEUES * 16 * LEN);
	config = disk_config(engine);
	open_disk(&config);
	drv_attach(drv, new_blk(QUEUES));
	drv_start(drv, DRV_ALL);
	atomic_store(&stop, false);
}

static struct request new_request(void)
{
	uint64_t page = drv_alloc(drv, 64);

	return (struct request){ .header = page, .status = page + 32, .data = drv_alloc(drv, LEN) };
}

START_TEST(queues_of_several_threads_do_not_mix)
{
	struct driver drivers[QUEUES];
	pthread_t loop;

	if (!_i && !has_uring())
		return;
	start(_i ? AX_DISK_ENGINE_THREADS : AX_DISK_ENGINE_URING);
	ck_assert_int_eq(pthread_create(&loop, NULL, run_loop, NULL), 0);
	for (unsigned i = 0; i < QUEUES; i++) {
		drivers[i] = (struct driver){ .queue = i };
		drivers[i].write = new_request();
		drivers[i].read = new_request();
		ck_assert_int_eq(pthread_create(&drivers[i].thread, NULL, run_driver, &drivers[i]),
				 0);
	}
	for (unsigned i = 0; i < QUEUES; i++) {
		pthread_join(drivers[i].thread, NULL);
		ck_assert_uint_eq(drivers[i].failures, 0);
	}
	atomic_store(&stop, true);
	pthread_join(loop, NULL);
}
END_TEST

START_TEST(a_reset_by_a_vcpu_waits_for_the_loop_and_the_disk)
{
	pthread_t loop;

	if (!_i && !has_uring())
		return;
	start(_i ? AX_DISK_ENGINE_THREADS : AX_DISK_ENGINE_URING);
	ck_assert_int_eq(pthread_create(&loop, NULL, run_loop, NULL), 0);
	for (unsigned round = 0; round < 50; round++) {
		for (unsigned i = 0; i < 16; i++)
			add_request(i % QUEUES, VIRTIO_BLK_T_OUT, 8 * i, drv_alloc(drv, LEN), LEN,
				    false);
		for (unsigned i = 0; i < QUEUES; i++)
			drv_kick(drv, i);
		usleep(round * 20);
		drv_reset(drv);
		virtio_lock(drv->virtio);
		ck_assert_uint_eq(disk->in_flight, 0);
		virtio_unlock(drv->virtio);
		drv_start(drv, round & 1 ? DRV_ALL : DRV_SPLIT);
	}
	atomic_store(&stop, true);
	pthread_join(loop, NULL);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("threads");
	Suite *suite = suite_create("virtio-blk-threads");

	tcase_set_timeout(tcase, 100);
	tcase_add_checked_fixture(tcase, NULL, close_all);
	tcase_add_loop_test(tcase, queues_of_several_threads_do_not_mix, 0, 2);
	tcase_add_loop_test(tcase, a_reset_by_a_vcpu_waits_for_the_loop_and_the_disk, 0, 2);
	suite_add_tcase(suite, tcase);
	return drv_suite(suite);
}
