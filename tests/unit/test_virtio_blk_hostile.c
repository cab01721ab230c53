/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The block device and requests that no driver should make: each is refused, and changes nothing.
 */
#include "tests/unit/blk_fixture.h"

#define SIZE	 (1u << 20)
#define CAPACITY (SIZE / SECTOR)

static uint64_t data;

static void set_up(void)
{
	start_blk(SIZE, AX_DISK_ENGINE_AUTO, DRV_ALL);
	data = drv_alloc(drv, SIZE + 4096);
	fill_pattern(data, 1, SIZE);
}

START_TEST(sectors_beyond_the_end_are_refused)
{
	static const struct {
		uint64_t sector;
		uint32_t len;
		uint8_t status;
	} cases[] = {
		{ CAPACITY - 1, SECTOR, VIRTIO_BLK_S_OK },
		{ CAPACITY - 1, 2 * SECTOR, VIRTIO_BLK_S_IOERR },
		{ CAPACITY, SECTOR, VIRTIO_BLK_S_IOERR },
		{ CAPACITY, 0, VIRTIO_BLK_S_OK },
		{ CAPACITY + 1, 0, VIRTIO_BLK_S_IOERR },
		{ UINT64_MAX, SECTOR, VIRTIO_BLK_S_IOERR },
		{ UINT64_MAX / SECTOR, SECTOR, VIRTIO_BLK_S_IOERR },
		{ UINT64_MAX / SECTOR + 1, SECTOR, VIRTIO_BLK_S_IOERR },
		{ 1ull << 55, 8 * SECTOR, VIRTIO_BLK_S_IOERR },
		{ (1ull << 63) - 1, 8 * SECTOR, VIRTIO_BLK_S_IOERR },
		{ 0, SIZE, VIRTIO_BLK_S_OK },
		{ 0, SIZE + SECTOR, VIRTIO_BLK_S_IOERR },
		{ 0, 511, VIRTIO_BLK_S_IOERR },
		{ 0, 513, VIRTIO_BLK_S_IOERR },
		{ 0, 1, VIRTIO_BLK_S_IOERR },
	};
	struct stat status;

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ck_assert_uint_eq(do_write(cases[i].sector, data, cases[i].len), cases[i].status);
		ck_assert_uint_eq(do_read(cases[i].sector, data, cases[i].len), cases[i].status);
		ck_assert_int_eq(fstat(file, &status), 0);
		ck_assert_int_eq(status.st_size, SIZE);
	}
	ck_assert(!drv_is_broken(drv));
}
END_TEST

START_TEST(unknown_requests_are_unsupported)
{
	static const uint32_t types[] = { 2, 3, 5, 7, 9, 10, 12, 14, 15, 16, 0x80000000, ~0u };

	for (unsigned i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		ck_assert_uint_eq(do_request(types[i], 0, data, SECTOR, false),
				  VIRTIO_BLK_S_UNSUPP);
		ck_assert_uint_eq(do_request(types[i], 0, data, SECTOR, true), VIRTIO_BLK_S_UNSUPP);
	}
	ck_assert(file_is_zero(0, SIZE));
}
END_TEST

START_TEST(ranges_are_checked)
{
	static const struct {
		uint64_t sector;
		uint32_t sectors, flags;
		uint8_t discard, zeroes;
	} cases[] = {
		{ CAPACITY, 1, 0, VIRTIO_BLK_S_IOERR, VIRTIO_BLK_S_IOERR },
		{ CAPACITY - 1, 2, 0, VIRTIO_BLK_S_IOERR, VIRTIO_BLK_S_IOERR },
		{ UINT64_MAX, 1, 0, VIRTIO_BLK_S_IOERR, VIRTIO_BLK_S_IOERR },
		{ UINT64_MAX, UINT32_MAX, 0, VIRTIO_BLK_S_IOERR, VIRTIO_BLK_S_IOERR },
		{ 0, UINT32_MAX, 0, VIRTIO_BLK_S_IOERR, VIRTIO_BLK_S_IOERR },
		{ 0, 8, 1, VIRTIO_BLK_S_UNSUPP, VIRTIO_BLK_S_OK },
		{ 0, 8, 2, VIRTIO_BLK_S_UNSUPP, VIRTIO_BLK_S_UNSUPP },
		{ 0, 8, 0x80000001, VIRTIO_BLK_S_UNSUPP, VIRTIO_BLK_S_UNSUPP },
		{ CAPACITY, 0, 0, VIRTIO_BLK_S_OK, VIRTIO_BLK_S_OK },
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ck_assert_uint_eq(do_range(VIRTIO_BLK_T_DISCARD, cases[i].sector, cases[i].sectors,
					   cases[i].flags),
				  cases[i].discard);
		ck_assert_uint_eq(do_range(VIRTIO_BLK_T_WRITE_ZEROES, cases[i].sector,
					   cases[i].sectors, cases[i].flags),
				  cases[i].zeroes);
	}
	/* No range, half of one, one more than there may be. */
	memset(drv_ptr(drv, data), 0, 4096);
	ck_assert_uint_eq(do_request(VIRTIO_BLK_T_DISCARD, 0, data, 0, false), VIRTIO_BLK_S_IOERR);
	ck_assert_uint_eq(do_request(VIRTIO_BLK_T_DISCARD, 0, data, 8, false), VIRTIO_BLK_S_IOERR);
	ck_assert_uint_eq(do_request(VIRTIO_BLK_T_DISCARD, 0, data, 24, false), VIRTIO_BLK_S_IOERR);
	ck_assert_uint_eq(do_request(VIRTIO_BLK_T_DISCARD, 0, data, 16 * 17, false),
			  VIRTIO_BLK_S_IOERR);
	ck_assert_uint_eq(do_request(VIRTIO_BLK_T_WRITE_ZEROES, 0, data, 16 * 16, false),
			  VIRTIO_BLK_S_OK);
}
END_TEST

START_TEST(what_was_not_negotiated_is_unsupported)
{
	drv_start(drv, DRV_ALL & ~(VIRTIO_BLK_F_DISCARD | VIRTIO_BLK_F_WRITE_ZEROES));
	ck_assert_uint_eq(do_range(VIRTIO_BLK_T_DISCARD, 0, 8, 0), VIRTIO_BLK_S_UNSUPP);
	ck_assert_uint_eq(do_range(VIRTIO_BLK_T_WRITE_ZEROES, 0, 8, 0), VIRTIO_BLK_S_UNSUPP);
}
END_TEST

/* A chain as it comes; whether the device is broken by it. */
static bool breaks(const struct drv_segment *segments, unsigned count)
{
	bool broken;

	ck_assert_int_ge(drv_add_chain(drv, 0, segments, count, false), 0);
	drv_kick(drv, 0);
	drv_run(drv);
	broken = drv_is_broken(drv);
	if (broken)
		drv_start(drv, DRV_ALL);
	return broken;
}

START_TEST(a_request_without_header_or_status_breaks_the_device)
{
	uint64_t header = drv_alloc(drv, 64);
	struct drv_segment only_header = { header, 16, false };
	struct drv_segment only_status = { header, 1, true };
	struct drv_segment half_header[] = { { header, 15, false }, { header + 32, 1, true } };
	struct drv_segment no_status[] = { { header, 16, false }, { data, 512, false } };

	((uint32_t *)drv_ptr(drv, header))[0] = VIRTIO_BLK_T_OUT;
	ck_assert(breaks(&only_header, 1));
	ck_assert(breaks(&only_status, 1));
	ck_assert(breaks(half_header, 2));
	ck_assert(breaks(no_status, 2));
	/* It works after a reset. */
	ck_assert_uint_eq(do_write(0, data, SECTOR), VIRTIO_BLK_S_OK);
}
END_TEST

START_TEST(parts_may_lie_anywhere_in_segments)
{
	uint64_t out = drv_alloc(drv, 4096), in = drv_alloc(drv, 4096);
	struct drv_segment write[40], read[40];
	uint32_t len;
	unsigned count;

	/* Header and data in pieces of 27 bytes, that of a write; the status with the last of a read's data. */
	((uint32_t *)drv_ptr(drv, out))[0] = VIRTIO_BLK_T_OUT;
	((uint64_t *)drv_ptr(drv, out))[1] = 7;
	fill_pattern(out + 16, 9, SECTOR);
	count = 0;
	for (uint32_t at = 0; at < 16 + SECTOR; at += 27)
		write[count++] = (struct drv_segment){
			out + at, 16 + SECTOR - at < 27 ? 16 + SECTOR - at : 27, false
		};
	write[count++] = (struct drv_segment){ in, 1, true };
	ck_assert_int_ge(drv_add_chain(drv, 0, write, count, false), 0);
	drv_kick(drv, 0);
	drv_wait(drv, 0, &len);
	ck_assert_uint_eq(len, 1);
	ck_assert_uint_eq(*(uint8_t *)drv_ptr(drv, in), VIRTIO_BLK_S_OK);
	ck_assert(file_has(7, 9, SECTOR));

	((uint32_t *)drv_ptr(drv, out))[0] = VIRTIO_BLK_T_IN;
	count = 0;
	for (uint32_t at = 0; at < 16; at++)
		read[count++] = (struct drv_segment){ out + at, 1, false };
	for (uint32_t at = 0; at < SECTOR + 1; at += 27)
		read[count++] =
			(struct drv_segment){ in + at, SECTOR + 1 - at < 27 ? SECTOR + 1 - at : 27,
					      true };
	memset(drv_ptr(drv, in), 0xff, 4096);
	ck_assert_int_ge(drv_add_chain(drv, 0, read, count, false), 0);
	drv_kick(drv, 0);
	drv_wait(drv, 0, &len);
	ck_assert_uint_eq(len, SECTOR + 1);
	ck_assert(is_pattern(drv_ptr(drv, in), 9, SECTOR));
	ck_assert_uint_eq(((uint8_t *)drv_ptr(drv, in))[SECTOR], VIRTIO_BLK_S_OK);
	ck_assert_uint_eq(((uint8_t *)drv_ptr(drv, in))[SECTOR + 1], 0xff);
}
END_TEST

START_TEST(a_write_with_room_for_an_answer_zeroes_it)
{
	uint64_t header = drv_alloc(drv, 64);
	struct drv_segment segments[] = { { header, 16, false },
					  { data, SECTOR, false },
					  { data + 4096, 100, true },
					  { header + 32, 1, true } };
	uint32_t len;

	((uint32_t *)drv_ptr(drv, header))[0] = VIRTIO_BLK_T_OUT;
	memset(drv_ptr(drv, data + 4096), 0xff, 200);
	ck_assert_int_ge(drv_add_chain(drv, 0, segments, 4, true), 0);
	drv_kick(drv, 0);
	drv_wait(drv, 0, &len);
	ck_assert_uint_eq(len, 101);
	for (unsigned i = 0; i < 200; i++)
		ck_assert_uint_eq(((uint8_t *)drv_ptr(drv, data + 4096))[i], i < 100 ? 0 : 0xff);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("hostile");
	Suite *suite = suite_create("virtio-blk-hostile");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, set_up, close_all);
	tcase_add_test(tcase, sectors_beyond_the_end_are_refused);
	tcase_add_test(tcase, unknown_requests_are_unsupported);
	tcase_add_test(tcase, ranges_are_checked);
	tcase_add_test(tcase, what_was_not_negotiated_is_unsupported);
	tcase_add_test(tcase, a_request_without_header_or_status_breaks_the_device);
	tcase_add_test(tcase, parts_may_lie_anywhere_in_segments);
	tcase_add_test(tcase, a_write_with_room_for_an_answer_zeroes_it);
	suite_add_tcase(suite, tcase);
	return drv_suite(suite);
}
