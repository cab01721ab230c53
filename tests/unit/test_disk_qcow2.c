/* SPDX-License-Identifier: Apache-2.0 */
/*
 * qcow2 images, made here by hand: clusters that are plain, zero, compressed or not there; damage.
 */
#include <endian.h>

#include "dev/backend/qcow2.h"
#include "tests/unit/blk_fixture.h"

#define CLUSTER_BITS 12u
#define CLUSTER	     (1u << CLUSTER_BITS)
#define CLUSTERS     16u /* of the disk */

static struct image {
	uint8_t bytes[16 * CLUSTER];
} image;

static void put_u32(size_t at, uint32_t value)
{
	value = htobe32(value);
	memcpy(image.bytes + at, &value, sizeof(value));
}

static void put_u64(size_t at, uint64_t value)
{
	value = htobe64(value);
	memcpy(image.bytes + at, &value, sizeof(value));
}

/* The L2 entry of a cluster of the disk. */
static void put_entry(unsigned cluster, uint64_t value)
{
	put_u64(2 * CLUSTER + 8 * cluster, value);
}

/*
 * Cluster 0 of the file: header; 1: L1; 2: L2; 3 and 4: data. Cluster 0 of the disk is at 3, cluster 2 at 4,
 * 3 is zero, 4 is zero over data, 5 is compressed (at an odd byte of 5), the others aren't there.
 */
static void make_image(uint32_t version)
{
	size_t at = 5 * CLUSTER + 77;
	uint16_t len = CLUSTER;
	uint16_t not_len = (uint16_t)~len;

	memset(&image, 0, sizeof(image));
	memcpy(image.bytes, QCOW2_MAGIC, 4);
	put_u32(4, version);
	put_u32(20, CLUSTER_BITS);
	put_u64(24, CLUSTERS * CLUSTER);
	put_u32(36, 1);
	put_u64(40, CLUSTER);
	put_u32(100, 104);
	put_u64(CLUSTER, (1ull << 63) | 2 * CLUSTER);
	put_entry(0, (1ull << 63) | 3 * CLUSTER);
	put_entry(2, (1ull << 63) | 4 * CLUSTER);
	if (version == 3) {
		put_entry(3, 1);
		put_entry(4, (1ull << 63) | 4 * CLUSTER | 1);
	}
	/* Deflate's stored block, the last one: RFC 1951, 3.2.4. It takes 9 sectors, 8 after the first. */
	put_entry(5, (1ull << 62) | (8ull << (62 - (CLUSTER_BITS - 8))) | at);
	image.bytes[at] = 1;
	memcpy(image.bytes + at + 1, &len, 2);
	memcpy(image.bytes + at + 3, &not_len, 2);
	for (unsigned i = 0; i < CLUSTER; i++) {
		image.bytes[3 * CLUSTER + i] = pattern(0, i);
		image.bytes[4 * CLUSTER + i] = pattern(2, i);
		image.bytes[at + 5 + i] = pattern(5, i);
	}
}

static void write_image(size_t len)
{
	ck_assert_int_eq(ftruncate(file, 0), 0);
	ck_assert_int_eq(pwrite(file, image.bytes, len, 0), (ssize_t)len);
}

static AxDiskConfig qcow2_config(void)
{
	AxDiskConfig config = disk_config(AX_DISK_ENGINE_AUTO);

	config.read_only = true;
	return config;
}

/* What the guest must see of a cluster: a pattern's number, or -1 for zero. */
static int expected(unsigned cluster)
{
	switch (cluster) {
	case 0: return 0;
	case 2: return 2;
	case 5: return 5;
	default: return -1;
	}
}

static void check_cluster(const uint8_t *bytes, int seed)
{
	for (unsigned i = 0; i < CLUSTER; i++)
		ck_assert_uint_eq(bytes[i], seed < 0 ? 0 : pattern((uint32_t)seed, i));
}

START_TEST(each_kind_of_cluster_reads_right)
{
	AxDiskConfig config = qcow2_config();
	AxDiskInfo info = AX_DISK_INFO_INIT;
	uint64_t data;

	drv = drv_new();
	make_file(0);
	make_image((uint32_t)_i);
	write_image(sizeof(image.bytes));
	open_disk(&config);
	ck_assert_int_eq(ax_disk_info(disk, &info), 0);
	ck_assert_uint_eq(info.format, AX_DISK_QCOW2);
	ck_assert_uint_eq(info.bytes, CLUSTERS * CLUSTER);
	drv_attach(drv, new_blk(1));
	drv_start(drv, DRV_ALL);
	data = drv_alloc(drv, CLUSTERS * CLUSTER);
	memset(drv_ptr(drv, data), 0xff, CLUSTERS * CLUSTER);
	ck_assert_uint_eq(do_read(0, data, CLUSTERS * CLUSTER), VIRTIO_BLK_S_OK);
	for (unsigned i = 0; i < CLUSTERS; i++)
		check_cluster((uint8_t *)drv_ptr(drv, data) + i * CLUSTER, expected(i));
	/* Across a border, twice from the compressed one. */
	for (unsigned i = 0; i < 2; i++) {
		ck_assert_uint_eq(do_read(5 * 8 + 1, data, CLUSTER), VIRTIO_BLK_S_OK);
		for (unsigned k = 0; k < CLUSTER; k++)
			ck_assert_uint_eq(((uint8_t *)drv_ptr(drv, data))[k],
					  k < CLUSTER - SECTOR ? pattern(5, k + SECTOR) : 0);
	}
	ck_assert_uint_eq(do_write(0, data, CLUSTER), VIRTIO_BLK_S_IOERR);
}
END_TEST

struct damage {
	size_t at;
	unsigned size;
	uint64_t value;
	int ret;
	const char *text;
};

static const struct damage damages[] = {
	{ 4, 4, 4, -ENOTSUP, "version" },
	{ 4, 4, 1, -ENOTSUP, "version" },
	{ 8, 8, 64, -ENOTSUP, "backing file" },
	{ 20, 4, 8, -ENOEXEC, "clusters" },
	{ 20, 4, 22, -ENOEXEC, "clusters" },
	{ 24, 8, ~0ull, -ENOEXEC, "too large" },
	{ 24, 8, 1ull << 40, -ENOEXEC, "L1 table" },
	{ 24, 8, 0, -ENOEXEC, "is empty" },
	{ 24, 8, 1000, -ENOEXEC, "no multiple of 512" },
	{ 32, 4, 1, -ENOTSUP, "encryption" },
	{ 36, 4, 0, -ENOEXEC, "L1 table" },
	{ 36, 4, 0xffffffff, -ENOEXEC, "L1 table" },
	{ 40, 8, 1ull << 40, -ENOEXEC, "L1 table" },
	{ 40, 8, ~0ull, -ENOEXEC, "L1 table is at an impossible place" },
	{ 72, 8, 2, -ENOEXEC, "corrupt" },
	{ 72, 8, 4, -ENOTSUP, "data file" },
	{ 72, 8, 16, -ENOTSUP, "extended L2" },
	{ 72, 8, 32, -ENOTSUP, "newer" },
};

START_TEST(what_is_not_read_is_refused_by_name)
{
	const struct damage *damage = &damages[_i];
	AxDiskConfig config = qcow2_config();
	AxError err = AX_ERROR_INIT;
	int ret;

	make_file(0);
	make_image(3);
	if (damage->size == 4)
		put_u32(damage->at, (uint32_t)damage->value);
	else
		put_u64(damage->at, damage->value);
	write_image(sizeof(image.bytes));
	ret = ax_disk_open(&config, &disk, &err);
	ck_assert_int_eq(ret, damage->ret);
	ck_assert_msg(strstr(err.message, damage->text), "%s", err.message);
}
END_TEST

/* Its header names a file of the host's. */
START_TEST(what_a_guest_wrote_on_a_raw_disk_opens_no_other_file)
{
	static const char name[] = "/etc/passwd";
	AxDiskConfig config = disk_config(AX_DISK_ENGINE_AUTO);
	AxDiskInfo info = AX_DISK_INFO_INIT;
	AxError err = AX_ERROR_INIT;

	make_file(0);
	make_image(3);
	put_u64(8, 112);
	put_u32(16, sizeof(name) - 1);
	memcpy(image.bytes + 112, name, sizeof(name) - 1);
	write_image(sizeof(image.bytes));
	ck_assert_int_eq(ax_disk_open(&config, &disk, &err), -ENOTSUP);
	ck_assert_msg(strstr(err.message, "ask for the format raw"), "%s", err.message);
	config.read_only = true;
	ck_assert_int_eq(ax_disk_open(&config, &disk, &err), -ENOTSUP);
	ck_assert_msg(strstr(err.message, "backing file"), "%s", err.message);
	ck_assert_msg(strstr(err.message, "ask for the format raw"), "%s", err.message);
	config.format = AX_DISK_QCOW2;
	ck_assert_int_eq(ax_disk_open(&config, &disk, &err), -ENOTSUP);
	config.format = AX_DISK_RAW;
	config.read_only = false;
	open_disk(&config);
	ck_assert_int_eq(ax_disk_info(disk, &info), 0);
	ck_assert_uint_eq(info.format, AX_DISK_RAW);
	ck_assert_uint_eq(info.bytes, sizeof(image.bytes));
}
END_TEST

START_TEST(zstd_and_short_files_are_refused)
{
	AxDiskConfig config = qcow2_config();
	AxError err = AX_ERROR_INIT;

	make_file(0);
	make_image(3);
	put_u64(72, 8);
	image.bytes[104] = 1;
	write_image(sizeof(image.bytes));
	ck_assert_int_eq(ax_disk_open(&config, &disk, &err), -ENOTSUP);
	ck_assert_ptr_nonnull(strstr(err.message, "zstd"));
	make_image(3);
	write_image(60);
	ck_assert_int_eq(ax_disk_open(&config, &disk, &err), -ENOEXEC);
	write_image(4096);
	ck_assert_int_eq(ax_disk_open(&config, &disk, &err), -ENOEXEC);
	write_image(sizeof(image.bytes));
	config.direct = true;
	ck_assert_int_eq(ax_disk_open(&config, &disk, &err), -ENOTSUP);
	config.direct = false;
	config.engine = AX_DISK_ENGINE_URING;
	ck_assert_int_eq(ax_disk_open(&config, &disk, &err), -ENOTSUP);
}
END_TEST

/* Tables and clusters that point anywhere: an error or some bytes, never more. */
START_TEST(damaged_tables_give_errors)
{
	uint8_t buffer[2 * CLUSTER];
	struct iovec iov = { buffer, sizeof(buffer) };
	struct qcow2 *opened;
	uint32_t random = 1;

	make_file(0);
	for (unsigned round = 0; round < 2000; round++) {
		make_image(2 + (round & 1));
		for (unsigned i = 0; i < 3; i++) {
			random = random * 1664525u + 1013904223u;
			image.bytes[CLUSTER +
				    (random >> 8) % (2 * CLUSTER) % (i ? 2 * CLUSTER : 8)] =
				(uint8_t)(random >> 24);
			random = random * 1664525u + 1013904223u;
			put_entry((random >> 8) % CLUSTERS, (uint64_t)random << (random >> 27));
		}
		write_image(sizeof(image.bytes));
		if (qcow2_open(file, "image", &opened, NULL))
			continue;
		for (unsigned i = 0; i < CLUSTERS; i++) {
			int64_t got = qcow2_read(opened, &iov, 1, i * CLUSTER);

			ck_assert(got > 0 || got == -EIO || got == -EINVAL);
		}
		qcow2_free(opened);
	}
}
END_TEST

START_TEST(an_entry_with_a_bit_that_version_2_reserves_is_an_error)
{
	uint8_t buffer[SECTOR];
	struct iovec iov = { buffer, sizeof(buffer) };
	struct qcow2 *opened;

	make_file(0);
	make_image(2);
	put_entry(1, 1);
	write_image(sizeof(image.bytes));
	ck_assert_int_eq(qcow2_open(file, "image", &opened, NULL), 0);
	ck_assert_int_eq(qcow2_read(opened, &iov, 1, CLUSTER), -EIO);
	ck_assert_int_eq(qcow2_read(opened, &iov, 1, 0), SECTOR);
	ck_assert_int_eq(qcow2_read(opened, &iov, 1, (uint64_t)CLUSTERS * CLUSTER), 0);
	qcow2_free(opened);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("qcow2");
	Suite *suite = suite_create("disk-qcow2");

	tcase_set_timeout(tcase, 120);
	tcase_add_checked_fixture(tcase, NULL, close_all);
	tcase_add_loop_test(tcase, each_kind_of_cluster_reads_right, 2, 4);
	tcase_add_loop_test(tcase, what_is_not_read_is_refused_by_name, 0,
			    sizeof(damages) / sizeof(damages[0]));
	tcase_add_test(tcase, what_a_guest_wrote_on_a_raw_disk_opens_no_other_file);
	tcase_add_test(tcase, zstd_and_short_files_are_refused);
	tcase_add_test(tcase, damaged_tables_give_errors);
	tcase_add_test(tcase, an_entry_with_a_bit_that_version_2_reserves_is_an_error);
	suite_add_tcase(suite, tcase);
	return drv_suite(suite);
}
