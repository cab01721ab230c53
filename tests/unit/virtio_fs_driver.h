/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest's side of a virtio file system device, on the driver of virtio_driver.h: RAM that can be
 * shared, and FUSE requests as the Linux kernel's protocol has them (include/uapi/linux/fuse.h).
 */
#ifndef AXVMM_TESTS_UNIT_VIRTIO_FS_DRIVER_H
#define AXVMM_TESTS_UNIT_VIRTIO_FS_DRIVER_H

#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <axvmm/share.h>

#include "tests/unit/core_fixture.h"
#include "tests/unit/virtio_driver.h"

#define FS_HIPRIO  0u
#define FS_REQUEST 1u

#define FUSE_LOOKUP 1u
#define FUSE_OPEN   14u
#define FUSE_READ   15u
#define FUSE_INIT   26u
#define FUSE_ROOT   1u

struct fuse_in {
	uint32_t len, opcode;
	uint64_t unique, node;
	uint32_t uid, gid, pid, padding;
};

struct fuse_out {
	uint32_t len;
	int32_t error;
	uint64_t unique;
};

/* RAM of a VM that is a memfd, in place of the driver's. No device is attached. */
static inline void share_ram(struct drv *drv)
{
	AxMemView view;

	ck_assert_int_eq(ax_ram_remove(drv->vm, DRV_RAM_BASE, NULL), 0);
	ck_assert_int_eq(ax_ram_add(drv->vm, DRV_RAM_BASE, DRV_RAM_SIZE, AX_RAM_MEMFD, NULL), 0);
	ck_assert_int_eq(ax_mem_get(drv->vm, DRV_RAM_BASE, DRV_RAM_SIZE, AX_MEM_READ, &view), 0);
	drv->ram = view.host;
	ax_mem_put(drv->vm, &view, 0);
}

/* Wait for a buffer of another process's: the loop has nothing to do meanwhile. */
static inline int wait_used(struct drv *drv, unsigned queue, uint32_t *len)
{
	time_t end = time(NULL) + 10;
	int token;

	while ((token = drv_take(drv, queue, len)) < 0) {
		ck_assert_msg(time(NULL) < end, "no buffer came back");
		ck_assert_int_ge(ax_loop_dispatch(drv->host, 10, NULL), 0);
	}
	return token;
}

/*
 * One request: its header, @args, and room for an answer of @room bytes behind the answer's header.
 * The answer's length; its bytes are at *answer in the guest's memory. Fails the test on an error.
 */
static inline uint32_t fuse(struct drv *drv, uint32_t opcode, uint64_t node, const void *args,
			    uint32_t args_len, uint32_t room, void **answer)
{
	static uint64_t unique = 2;
	struct fuse_in in = { .len = (uint32_t)sizeof(in) + args_len,
			      .opcode = opcode,
			      .unique = unique,
			      .node = node };
	uint64_t gpa = drv_alloc(drv, sizeof(in) + args_len), back = drv_alloc(drv, 4096 + room);
	struct drv_segment segments[2] = {
		{ gpa, in.len, false },
		{ back, (uint32_t)sizeof(struct fuse_out) + room, true },
	};
	const struct fuse_out *out = drv_ptr(drv, back);
	uint32_t len;

	unique += 2;
	memcpy(drv_ptr(drv, gpa), &in, sizeof(in));
	memcpy((uint8_t *)drv_ptr(drv, gpa) + sizeof(in), args, args_len);
	ck_assert_int_ge(drv_add_chain(drv, FS_REQUEST, segments, 2, true), 0);
	drv_kick(drv, FS_REQUEST);
	wait_used(drv, FS_REQUEST, &len);
	ck_assert_uint_ge(len, sizeof(*out));
	ck_assert_uint_eq(out->len, len);
	ck_assert_uint_eq(out->unique, in.unique);
	ck_assert_msg(!out->error, "request %u: error %d", opcode, out->error);
	*answer = (void *)(out + 1);
	return len - (uint32_t)sizeof(*out);
}

static inline void fuse_init(struct drv *drv)
{
	const uint32_t init[16] = { 7, 31, 128 << 10, 0 };
	uint32_t *answer;

	ck_assert_uint_ge(fuse(drv, FUSE_INIT, 0, init, 16, 64, (void **)&answer), 24);
	ck_assert_uint_eq(answer[0], 7);
}

/* Read a file of the root folder: its first @size bytes into @buffer; how many there were. */
static inline uint32_t fuse_read_file(struct drv *drv, const char *name, void *buffer,
				      uint32_t size)
{
	const uint32_t open_in[2] = { 0, 0 };
	uint64_t read_in[5] = { 0 };
	uint64_t *answer, node;
	uint32_t len;

	ck_assert_uint_ge(fuse(drv, FUSE_LOOKUP, FUSE_ROOT, name, (uint32_t)strlen(name) + 1, 128,
			       (void **)&answer),
			  128);
	node = answer[0];
	ck_assert_uint_ge(
		fuse(drv, FUSE_OPEN, node, open_in, sizeof(open_in), 16, (void **)&answer), 16);
	read_in[0] = answer[0]; /* fh; then offset, size */
	read_in[2] = size;
	len = fuse(drv, FUSE_READ, node, read_in, sizeof(read_in), size, (void **)&answer);
	memcpy(buffer, answer, len);
	return len;
}

#endif
