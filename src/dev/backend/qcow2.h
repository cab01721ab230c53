/* SPDX-License-Identifier: Apache-2.0 */
/*
 * qcow2 images, for reading: what qemu-img makes of a disk. Versions 2 and 3, clusters that are plain,
 * compressed by deflate, zero or not there. No backing file, no encryption, no extended L2
 * entries, no external data file, no compression by zstd: those are refused by name.
 *
 * Source: the qcow2 image file format, docs/interop/qcow2.txt of QEMU 10.0.
 */
#ifndef AXVMM_DEV_BACKEND_QCOW2_H
#define AXVMM_DEV_BACKEND_QCOW2_H

#include <sys/uio.h>

#include <axvmm/error.h>

#define QCOW2_MAGIC "QFI\xfb"

struct qcow2;

/**
 * Look at an image.
 *
 * @param fd    borrowed until qcow2_free()
 * @param name  for messages
 * @return 0; -ENOEXEC it is damaged; -ENOTSUP it has what is not read here; -ENOMEM; -EIO
 */
int qcow2_open(int fd, const char *name, struct qcow2 **out, AxError *err);
/* NULL is allowed. */
void qcow2_free(struct qcow2 *image);

/* Bytes that the guest sees. */
uint64_t qcow2_size(const struct qcow2 *image);

/*
 * Read as preadv(2) does: bytes, less than were asked for at the end of a cluster; or a negative errno
 * of the kernel's, -EIO where the image is damaged. Thread: any.
 */
int64_t qcow2_read(struct qcow2 *image, const struct iovec *iov, unsigned count, uint64_t offset);

#endif
