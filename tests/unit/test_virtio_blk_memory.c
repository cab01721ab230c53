/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Disks and block devices on a host that runs out of memory, descriptors or threads: opening fails and
 * leaves nothing behind; what is open goes on, more slowly.
 */
#include "tests/unit/blk_fixture.h"
#include "tests/unit/fake_libc.h"

START_TEST(opening_fails_with_each_allocation_and_leaves_nothing)
{
	static const enum fake_libc_call calls[] = { LIBC_MALLOC, LIBC_EVENTFD, LIBC_MMAP };
	AxDiskConfig config = disk_config(AX_DISK_ENGINE_THREADS);
	AxError err;

	make_file(1 << 20);
	for (unsigned i = 0; i < 3; i++) {
		unsigned nth = 1;

		for (;; nth++) {
			int ret;

			err = (AxError)AX_ERROR_INIT;
			fake_libc_fail(calls[i], nth, calls[i] == LIBC_EVENTFD ? EMFILE : ENOMEM);
			ret = ax_disk_open(&config, &disk, &err);
			if (!fake_libc_failed(calls[i])) {
				ck_assert_int_eq(ret, 0);
				ax_disk_free(disk);
				disk = NULL;
				break;
			}
			ck_assert(ret == -ENOMEM || ret == -EIO);
			ck_assert(err.message[0]);
		}
		ck_assert_uint_gt(nth, 1);
	}
}
END_TEST

START_TEST(making_a_device_fails_with_each_allocation)
{
	AxVirtioBlkConfig config = AX_VIRTIO_BLK_CONFIG_INIT;
	AxDiskConfig opened = disk_config(AX_DISK_ENGINE_THREADS);
	AxVirtio *virtio;
	unsigned nth = 1;

	drv = drv_new();
	make_file(1 << 20);
	open_disk(&opened);
	config.host = drv->host;
	config.disk = disk;
	for (;; nth++) {
		int ret;

		fake_libc_fail(LIBC_MALLOC, nth, ENOMEM);
		ret = ax_virtio_blk_new(&config, &virtio, NULL);
		if (!fake_libc_failed(LIBC_MALLOC)) {
			ck_assert_int_eq(ret, 0);
			break;
		}
		ck_assert_int_eq(ret, -ENOMEM);
	}
	ck_assert_uint_gt(nth, 5);
	ax_virtio_free(virtio);
}
END_TEST

START_TEST(without_threads_the_one_that_asks_does_the_work)
{
	uint64_t data;

	start_blk(1 << 20, AX_DISK_ENGINE_THREADS, DRV_ALL);
	data = drv_alloc(drv, 8192);
	fill_pattern(data, 7, 8192);
	fake_libc_fail(LIBC_PTHREAD_CREATE, 1, EAGAIN);
	ck_assert_uint_eq(do_write(2, data, 8192), VIRTIO_BLK_S_OK);
	ck_assert(fake_libc_failed(LIBC_PTHREAD_CREATE));
	ck_assert(file_has(2, 7, 8192));
	/* The next time there is one. */
	ck_assert_uint_eq(do_flush(), VIRTIO_BLK_S_OK);
	ck_assert_uint_eq(do_read(2, data, 8192), VIRTIO_BLK_S_OK);
}
END_TEST

START_TEST(without_memory_for_more_requests_each_is_carried_out_all_the_same)
{
	struct request requests[24];
	unsigned done = 0;
	bool failed = false;

	if (!_i && !has_uring())
		return;
	start_blk(1 << 20, _i ? AX_DISK_ENGINE_THREADS : AX_DISK_ENGINE_URING, DRV_ALL);
	for (unsigned i = 0; i < 24; i++) {
		uint64_t data = drv_alloc(drv, 4096);

		fill_pattern(data, i, 4096);
		requests[i] = add_request(0, VIRTIO_BLK_T_OUT, 8 * i, data, 4096, false);
	}
	drv_kick(drv, 0);
	for (unsigned tries = 0; done < 24 && tries < 5000; tries++) {
		uint32_t len;

		/* The test's own calls are to have memory. */
		fake_libc_fail(LIBC_MALLOC, 1, ENOMEM);
		(void)ax_loop_dispatch(drv->host, 1, NULL);
		failed |= fake_libc_failed(LIBC_MALLOC);
		while (drv_take(drv, 0, &len) >= 0)
			done++;
	}
	ck_assert_uint_eq(done, 24);
	ck_assert(failed);
	for (unsigned i = 0; i < 24; i++) {
		ck_assert_uint_eq(status_of(&requests[i]), VIRTIO_BLK_S_OK);
		ck_assert(file_has(8 * i, i, 4096));
	}
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("memory");
	Suite *suite = suite_create("virtio-blk-memory");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, NULL, close_all);
	tcase_add_test(tcase, opening_fails_with_each_allocation_and_leaves_nothing);
	tcase_add_test(tcase, making_a_device_fails_with_each_allocation);
	tcase_add_test(tcase, without_threads_the_one_that_asks_does_the_work);
	tcase_add_loop_test(
		tcase, without_memory_for_more_requests_each_is_carried_out_all_the_same, 0, 2);
	suite_add_tcase(suite, tcase);
	return drv_suite(suite);
}
