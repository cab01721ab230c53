/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The block device: every request by both engines, on split and on packed rings.
 */
#include "tests/unit/blk_fixture.h"

#define SIZE (1u << 20)

/* The loop index of a test: an engine and a kind of ring. */
#define VARIANTS 4

static bool start_variant(int variant)
{
	uint32_t engine = variant & 1 ? AX_DISK_ENGINE_THREADS : AX_DISK_ENGINE_URING;

	if (engine == AX_DISK_ENGINE_URING && !has_uring())
		return false;
	start_blk(SIZE, engine, variant & 2 ? DRV_ALL : DRV_SPLIT);
	return true;
}

START_TEST(it_says_what_the_disk_is)
{
	AxDiskInfo info = AX_DISK_INFO_INIT;

	start_blk(SIZE, AX_DISK_ENGINE_AUTO, DRV_ALL);
	ck_assert_uint_eq(drv_in(drv, VIRTIO_MMIO_DEVICE_ID), 2);
	ck_assert_str_eq(ax_virtio_name(drv->virtio), "blk");
	ck_assert_uint_eq(drv_config(drv, 0, 8), SIZE / SECTOR);
	ck_assert_uint_eq(drv_config(drv, 12, 4), 254);
	ck_assert_uint_eq(drv_config(drv, 20, 4), SECTOR);
	ck_assert_uint_eq(drv_config(drv, 32, 1), 1);
	ck_assert_uint_eq(drv_config(drv, 34, 2), 1);
	ck_assert_uint_eq(drv_config(drv, 56, 1), 1);
	ck_assert_uint_eq(drv_offered(drv) & VIRTIO_BLK_F_RO, 0);
	ck_assert_int_eq(ax_disk_info(disk, &info), 0);
	ck_assert_uint_eq(info.bytes, SIZE);
	info.size = 8;
	ck_assert_int_eq(ax_disk_info(disk, &info), -EINVAL);
}
END_TEST

START_TEST(what_is_written_is_in_the_file_and_is_read_again)
{
	uint64_t out, in;

	if (!start_variant(_i))
		return;
	out = drv_alloc(drv, 65536);
	in = drv_alloc(drv, 65536);
	fill_pattern(out, 1, 65536);
	ck_assert_uint_eq(do_write(3, out, 65536), VIRTIO_BLK_S_OK);
	ck_assert(file_has(3, 1, 65536));
	ck_assert(file_is_zero(0, 3 * SECTOR));
	ck_assert(file_is_zero(131, SECTOR));
	ck_assert_uint_eq(do_read(3, in, 65536), VIRTIO_BLK_S_OK);
	ck_assert(is_pattern(drv_ptr(drv, in), 1, 65536));
	ck_assert_uint_eq(do_flush(), VIRTIO_BLK_S_OK);
}
END_TEST

START_TEST(many_requests_at_once_come_back_each_with_its_own_data)
{
	struct request requests[60];
	int by_token[VIRTQ_SIZE_MAX];

	if (!start_variant(_i))
		return;
	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < 60; i++) {
			uint64_t data = drv_alloc(drv, 4096);

			if (!round)
				fill_pattern(data, i, 4096);
			requests[i] = add_request(0, round ? VIRTIO_BLK_T_IN : VIRTIO_BLK_T_OUT,
						  8 * i, data, 4096, round);
			by_token[requests[i].token] = (int)i;
		}
		drv_kick(drv, 0);
		for (unsigned i = 0; i < 60; i++) {
			uint32_t len;
			int token = drv_wait(drv, 0, &len);
			struct request *request = &requests[by_token[token]];

			ck_assert_uint_eq(status_of(request), VIRTIO_BLK_S_OK);
			if (round)
				ck_assert(is_pattern(drv_ptr(drv, request->data),
						     (uint32_t)by_token[token], 4096));
		}
	}
}
END_TEST

START_TEST(a_batch_has_fewer_interrupts_than_requests)
{
	uint32_t len;

	start_blk(SIZE, AX_DISK_ENGINE_AUTO, DRV_SPLIT & ~VIRTIO_F_EVENT_IDX);
	for (unsigned i = 0; i < 32; i++)
		add_request(0, VIRTIO_BLK_T_OUT, i, drv_alloc(drv, SECTOR), SECTOR, false);
	drv_kick(drv, 0);
	for (unsigned i = 0; i < 32; i++)
		ck_assert_int_ge(drv_wait(drv, 0, &len), 0);
	ck_assert_uint_le(atomic_load(&drv->pulses), 32);
}
END_TEST

START_TEST(the_serial_is_cut_to_the_buffer_and_padded_with_zeroes)
{
	uint64_t data;

	if (!start_variant(_i))
		return;
	data = drv_alloc(drv, 4096);
	memset(drv_ptr(drv, data), 0xff, 64);
	ck_assert_uint_eq(do_request(VIRTIO_BLK_T_GET_ID, 0, data, 20, true), VIRTIO_BLK_S_OK);
	ck_assert_int_eq(memcmp(drv_ptr(drv, data), "serial-0123456789abc\xff", 21), 0);
	memset(drv_ptr(drv, data), 0xff, 64);
	ck_assert_uint_eq(do_request(VIRTIO_BLK_T_GET_ID, 0, data, 6, true), VIRTIO_BLK_S_OK);
	ck_assert_int_eq(memcmp(drv_ptr(drv, data), "serial\xff", 7), 0);
	memset(drv_ptr(drv, data), 0xff, 64);
	ck_assert_uint_eq(do_request(VIRTIO_BLK_T_GET_ID, 0, data, 24, true), VIRTIO_BLK_S_OK);
	ck_assert_int_eq(memcmp(drv_ptr(drv, data), "serial-0123456789abc\0\0\0\0\xff", 25), 0);
}
END_TEST

START_TEST(discarded_and_zeroed_ranges_read_as_zero_and_give_space_back)
{
	uint64_t data;
	struct stat before, after;

	if (!start_variant(_i))
		return;
	data = drv_alloc(drv, SIZE);
	fill_pattern(data, 5, SIZE);
	ck_assert_uint_eq(do_write(0, data, SIZE), VIRTIO_BLK_S_OK);
	ck_assert_uint_eq(do_flush(), VIRTIO_BLK_S_OK);
	ck_assert_int_eq(fstat(file, &before), 0);
	ck_assert_uint_eq(do_range(VIRTIO_BLK_T_DISCARD, 256, 512, 0), VIRTIO_BLK_S_OK);
	ck_assert_int_eq(fstat(file, &after), 0);
	ck_assert_int_eq(after.st_size, SIZE);
	ck_assert_int_le(after.st_blocks, before.st_blocks - 256);
	ck_assert(file_is_zero(256, 512 * SECTOR));
	ck_assert(file_has(0, 5, 256 * SECTOR));
	/* Not on a block's boundary. */
	ck_assert_uint_eq(do_range(VIRTIO_BLK_T_WRITE_ZEROES, 3, 30, 1), VIRTIO_BLK_S_OK);
	ck_assert(file_is_zero(3, 30 * SECTOR));
	ck_assert(file_has(0, 5, 3 * SECTOR));
	ck_assert_uint_eq(do_range(VIRTIO_BLK_T_WRITE_ZEROES, 1000, 1048, 0), VIRTIO_BLK_S_OK);
	ck_assert(file_is_zero(1000, 1048 * SECTOR));
	ck_assert_uint_eq(do_range(VIRTIO_BLK_T_DISCARD, 0, 0, 0), VIRTIO_BLK_S_OK);
}
END_TEST

START_TEST(several_ranges_of_a_request_are_all_zeroed)
{
	uint64_t data, ranges;
	uint8_t *bytes;

	if (!start_variant(_i))
		return;
	data = drv_alloc(drv, SIZE);
	fill_pattern(data, 9, SIZE);
	ck_assert_uint_eq(do_write(0, data, SIZE), VIRTIO_BLK_S_OK);
	ranges = drv_alloc(drv, 16 * BLK_SEGMENT_SIZE);
	bytes = drv_ptr(drv, ranges);
	for (unsigned i = 0; i < 16; i++) {
		uint64_t sector = 100 * i;
		uint32_t sectors = i == 7 ? 0 : 10;

		memcpy(bytes + 16 * i, &sector, 8);
		memcpy(bytes + 16 * i + 8, &sectors, 4);
	}
	ck_assert_uint_eq(do_request(VIRTIO_BLK_T_WRITE_ZEROES, 0, ranges, 256, false),
			  VIRTIO_BLK_S_OK);
	for (unsigned i = 0; i < 16; i++)
		ck_assert_int_eq(file_is_zero(100 * i, 10 * SECTOR), i != 7);
}
END_TEST

START_TEST(a_file_system_without_zeroing_gets_zeroes_written)
{
	uint64_t data;

	if (!start_variant(_i))
		return;
	data = drv_alloc(drv, SIZE);
	fill_pattern(data, 5, SIZE);
	ck_assert_uint_eq(do_write(0, data, SIZE), VIRTIO_BLK_S_OK);
	disk->no_punch = disk->no_zero_range = true;
	/* Longer than one call writes. */
	ck_assert_uint_eq(do_range(VIRTIO_BLK_T_WRITE_ZEROES, 1, 2046, 1), VIRTIO_BLK_S_OK);
	ck_assert(file_is_zero(1, 2046 * SECTOR));
	ck_assert(file_has(0, 5, SECTOR));
	/* A hint that nobody can follow. */
	ck_assert_uint_eq(do_range(VIRTIO_BLK_T_DISCARD, 0, 1, 0), VIRTIO_BLK_S_OK);
	ck_assert(file_has(0, 5, SECTOR));
}
END_TEST

START_TEST(the_write_cache_can_be_turned_off_and_a_reset_turns_it_on)
{
	uint64_t data;

	start_blk(SIZE, AX_DISK_ENGINE_AUTO, DRV_ALL);
	data = drv_alloc(drv, 4096);
	drv_set_config(drv, 32, 1, 0);
	ck_assert_uint_eq(drv_config(drv, 32, 1), 0);
	ck_assert_uint_eq(do_write(0, data, 4096), VIRTIO_BLK_S_OK);
	/* Nothing else can be written. */
	drv_set_config(drv, 0, 8, 1);
	drv_set_config(drv, 20, 4, 0);
	ck_assert_uint_eq(drv_config(drv, 0, 8), SIZE / SECTOR);
	ck_assert_uint_eq(drv_config(drv, 20, 4), SECTOR);
	ck_assert_uint_eq(drv_config(drv, 32, 1), 0);
	drv_start(drv, DRV_ALL);
	ck_assert_uint_eq(drv_config(drv, 32, 1), 1);
	/* Section 5.2.5.2: without flushes, none. */
	drv_start(drv, DRV_ALL & ~VIRTIO_BLK_F_FLUSH);
	ck_assert_uint_eq(drv_config(drv, 32, 1), 0);
	/* Without the feature the field is not the driver's. */
	drv_start(drv, DRV_ALL & ~VIRTIO_BLK_F_CONFIG_WCE);
	drv_set_config(drv, 32, 1, 0);
	ck_assert_uint_eq(drv_config(drv, 32, 1), 1);
}
END_TEST

START_TEST(each_queue_works)
{
	AxDiskConfig config;

	drv = drv_new();
	make_file(SIZE);
	config = disk_config(AX_DISK_ENGINE_AUTO);
	open_disk(&config);
	drv_attach(drv, new_blk(4));
	drv_start(drv, DRV_ALL);
	ck_assert(drv->features & VIRTIO_BLK_F_MQ);
	ck_assert_uint_eq(drv_config(drv, 34, 2), 4);
	for (unsigned i = 0; i < 4; i++) {
		uint64_t data = drv_alloc(drv, 4096);

		fill_pattern(data, i, 4096);
		add_request(i, VIRTIO_BLK_T_OUT, 8 * i, data, 4096, false);
		drv_kick(drv, i);
	}
	for (unsigned i = 0; i < 4; i++) {
		uint32_t len;

		ck_assert_int_ge(drv_wait(drv, i, &len), 0);
		ck_assert(file_has(8 * i, i, 4096));
	}
}
END_TEST

START_TEST(a_read_only_disk_refuses_to_change)
{
	AxDiskConfig config;
	uint64_t data;

	drv = drv_new();
	make_file(SIZE);
	config = disk_config(_i & 1 ? AX_DISK_ENGINE_THREADS : AX_DISK_ENGINE_AUTO);
	config.read_only = true;
	open_disk(&config);
	drv_attach(drv, new_blk(1));
	drv_start(drv, DRV_ALL);
	ck_assert(drv->features & VIRTIO_BLK_F_RO);
	data = drv_alloc(drv, 4096);
	fill_pattern(data, 1, 4096);
	ck_assert_uint_eq(do_write(0, data, 4096), VIRTIO_BLK_S_IOERR);
	ck_assert_uint_eq(do_range(VIRTIO_BLK_T_DISCARD, 0, 1, 0), VIRTIO_BLK_S_UNSUPP);
	ck_assert_uint_eq(do_range(VIRTIO_BLK_T_WRITE_ZEROES, 0, 1, 0), VIRTIO_BLK_S_UNSUPP);
	ck_assert(file_is_zero(0, 4096));
	ck_assert_uint_eq(do_read(0, data, 4096), VIRTIO_BLK_S_OK);
	ck_assert_uint_eq(do_flush(), VIRTIO_BLK_S_OK);
}
END_TEST

START_TEST(a_reset_waits_for_what_is_in_flight_and_a_reboot_keeps_the_disk)
{
	uint64_t data;

	if (!start_variant(_i))
		return;
	for (unsigned round = 0; round < 20; round++) {
		for (unsigned i = 0; i < 40; i++) {
			data = drv_alloc(drv, 16384);
			fill_pattern(data, round, 16384);
			add_request(0, VIRTIO_BLK_T_OUT, 32 * i, data, 16384, false);
		}
		drv_kick(drv, 0);
		ax_loop_dispatch(drv->host, 0, NULL);
		drv_reset(drv);
		ck_assert_uint_eq(disk->in_flight, 0);
		if (round == 10)
			drv_reboot(drv);
		drv_start(drv, DRV_ALL);
	}
	data = drv_alloc(drv, 16384);
	fill_pattern(data, 77, 16384);
	ck_assert_uint_eq(do_write(0, data, 16384), VIRTIO_BLK_S_OK);
	ck_assert(file_has(0, 77, 16384));
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("blk");
	Suite *suite = suite_create("virtio-blk");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, NULL, close_all);
	tcase_add_test(tcase, it_says_what_the_disk_is);
	tcase_add_loop_test(tcase, what_is_written_is_in_the_file_and_is_read_again, 0, VARIANTS);
	tcase_add_loop_test(tcase, many_requests_at_once_come_back_each_with_its_own_data, 0,
			    VARIANTS);
	tcase_add_test(tcase, a_batch_has_fewer_interrupts_than_requests);
	tcase_add_loop_test(tcase, the_serial_is_cut_to_the_buffer_and_padded_with_zeroes, 0,
			    VARIANTS);
	tcase_add_loop_test(tcase, discarded_and_zeroed_ranges_read_as_zero_and_give_space_back, 0,
			    VARIANTS);
	tcase_add_loop_test(tcase, several_ranges_of_a_request_are_all_zeroed, 0, VARIANTS);
	tcase_add_loop_test(tcase, a_file_system_without_zeroing_gets_zeroes_written, 0, VARIANTS);
	tcase_add_test(tcase, the_write_cache_can_be_turned_off_and_a_reset_turns_it_on);
	tcase_add_test(tcase, each_queue_works);
	tcase_add_loop_test(tcase, a_read_only_disk_refuses_to_change, 0, 2);
	tcase_add_loop_test(tcase, a_reset_waits_for_what_is_in_flight_and_a_reboot_keeps_the_disk,
			    0, VARIANTS);
	suite_add_tcase(suite, tcase);
	return drv_suite(suite);
}
