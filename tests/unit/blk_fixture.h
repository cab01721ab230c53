/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file as a disk, the block device of it, and requests of a driver. Included by the one source of a
 * test program.
 */
#ifndef AXVMM_TESTS_UNIT_BLK_FIXTURE_H
#define AXVMM_TESTS_UNIT_BLK_FIXTURE_H

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <axvmm/disk.h>

#include "dev/virtio/blk.h"
#include "tests/unit/virtio_driver.h"

#define SECTOR 512u

static struct drv *drv;
static AxDisk *disk;
static char path[64];
static int file = -1; /* the same file, for the test to look at */

/* An empty file of @size bytes in the current directory. */
static void make_file(uint64_t size)
{
	strcpy(path, "axvmm-disk-XXXXXX");
	file = mkstemp(path);
	ck_assert_int_ge(file, 0);
	ck_assert_int_eq(ftruncate(file, (off_t)size), 0);
}

static void remove_file(void)
{
	if (file < 0)
		return;
	close(file);
	unlink(path);
	file = -1;
}

static AxDiskConfig disk_config(uint32_t engine)
{
	AxDiskConfig config = AX_DISK_CONFIG_INIT;

	config.path = path;
	config.engine = engine;
	return config;
}

/* Whether this host has io_uring; says so once where it hasn't. */
static __attribute__((unused)) bool has_uring(void)
{
	struct disk_engine *engine;
	AxError err = AX_ERROR_INIT;

	if (disk_uring_new(&engine, &err)) {
		printf("SKIP: io_uring: %s\n", err.message);
		return false;
	}
	engine->ops->free(engine);
	return true;
}

static __attribute__((unused)) void open_disk(const AxDiskConfig *config)
{
	AxError err = AX_ERROR_INIT;

	ck_assert_msg(!ax_disk_open(config, &disk, &err), "%s", err.message);
}

/* The device, with the disk that is open. */
static AxVirtio *new_blk(uint32_t queues)
{
	AxVirtioBlkConfig config = AX_VIRTIO_BLK_CONFIG_INIT;
	AxError err = AX_ERROR_INIT;
	AxVirtio *virtio;

	config.host = drv->host;
	config.disk = disk;
	config.serial = "serial-0123456789abc";
	config.queues = queues;
	ck_assert_msg(!ax_virtio_blk_new(&config, &virtio, &err), "%s", err.message);
	return virtio;
}

static __attribute__((unused)) void close_all(void)
{
	if (drv)
		drv_free(drv);
	drv = NULL;
	ax_disk_free(disk);
	disk = NULL;
	remove_file();
}

/* A file of @size bytes, opened by @engine, as a device that has been started with @features. */
static __attribute__((unused)) void start_blk(uint64_t size, uint32_t engine, uint64_t features)
{
	AxDiskConfig config;

	drv = drv_new();
	make_file(size);
	config = disk_config(engine);
	open_disk(&config);
	drv_attach(drv, new_blk(1));
	drv_start(drv, features);
}

/* A request: where its parts are. */
struct request {
	uint64_t header, data, status;
	uint32_t len;
	int token;
};

static struct request add_request(unsigned queue, uint32_t type, uint64_t sector, uint64_t data,
				  uint32_t len, bool in)
{
	struct request request = { .data = data, .len = len };
	uint64_t page = drv_alloc(drv, 64);
	struct drv_segment segments[3];
	unsigned count = 0;

	request.header = page;
	request.status = page + 32;
	memcpy(drv_ptr(drv, page), &type, sizeof(type));
	memcpy((char *)drv_ptr(drv, page) + 8, &sector, sizeof(sector));
	*(uint8_t *)drv_ptr(drv, request.status) = 0xee;
	segments[count++] = (struct drv_segment){ request.header, BLK_HEADER_SIZE, false };
	if (len)
		segments[count++] = (struct drv_segment){ data, len, in };
	segments[count++] = (struct drv_segment){ request.status, 1, true };
	request.token = drv_add_chain(drv, queue, segments, count, false);
	ck_assert_int_ge(request.token, 0);
	return request;
}

static uint8_t status_of(const struct request *request)
{
	return *(uint8_t *)drv_ptr(drv, request->status);
}

/* One request, from beginning to end: its status. */
static uint8_t do_request(uint32_t type, uint64_t sector, uint64_t data, uint32_t len, bool in)
{
	struct request request = add_request(0, type, sector, data, len, in);
	uint32_t written;

	drv_kick(drv, 0);
	ck_assert_int_eq(drv_wait(drv, 0, &written), request.token);
	ck_assert_uint_eq(written, in ? len + 1 : 1);
	return status_of(&request);
}

static __attribute__((unused)) uint8_t do_read(uint64_t sector, uint64_t data, uint32_t len)
{
	return do_request(VIRTIO_BLK_T_IN, sector, data, len, true);
}

static __attribute__((unused)) uint8_t do_write(uint64_t sector, uint64_t data, uint32_t len)
{
	return do_request(VIRTIO_BLK_T_OUT, sector, data, len, false);
}

static __attribute__((unused)) uint8_t do_flush(void)
{
	return do_request(VIRTIO_BLK_T_FLUSH, 0, 0, 0, false);
}

/* A discard or write-zeroes request of one range. */
static __attribute__((unused)) uint8_t do_range(uint32_t type, uint64_t sector, uint32_t sectors,
						uint32_t flags)
{
	uint64_t data = drv_alloc(drv, BLK_SEGMENT_SIZE);
	uint8_t *bytes = drv_ptr(drv, data);

	memcpy(bytes, &sector, 8);
	memcpy(bytes + 8, &sectors, 4);
	memcpy(bytes + 12, &flags, 4);
	return do_request(type, 0, data, BLK_SEGMENT_SIZE, false);
}

/* A pattern that tells where it belongs: byte i of @seed. */
static uint8_t pattern(uint32_t seed, uint64_t i)
{
	return (uint8_t)(seed * 167 + i * 13 + (i >> 9) * 31 + 1);
}

static __attribute__((unused)) void fill_pattern(uint64_t gpa, uint32_t seed, uint64_t len)
{
	uint8_t *bytes = drv_ptr(drv, gpa);

	for (uint64_t i = 0; i < len; i++)
		bytes[i] = pattern(seed, i);
}

static __attribute__((unused)) bool is_pattern(const uint8_t *bytes, uint32_t seed, uint64_t len)
{
	for (uint64_t i = 0; i < len; i++) {
		if (bytes[i] != pattern(seed, i))
			return false;
	}
	return true;
}

/* Whether the file has the pattern at @sector. */
static __attribute__((unused)) bool file_has(uint64_t sector, uint32_t seed, uint64_t len)
{
	uint8_t *bytes = malloc(len);
	bool same;

	ck_assert_int_eq(pread(file, bytes, len, (off_t)(sector * SECTOR)), (ssize_t)len);
	same = is_pattern(bytes, seed, len);
	free(bytes);
	return same;
}

static __attribute__((unused)) bool file_is_zero(uint64_t sector, uint64_t len)
{
	uint8_t *bytes = malloc(len);
	bool zero = true;

	ck_assert_int_eq(pread(file, bytes, len, (off_t)(sector * SECTOR)), (ssize_t)len);
	for (uint64_t i = 0; i < len; i++)
		zero &= !bytes[i];
	free(bytes);
	return zero;
}

#endif
