/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of qcow2 images: what qcow2.c and qcow2_inflate.c share.
 */
#ifndef AXVMM_DEV_BACKEND_QCOW2_IMAGE_H
#define AXVMM_DEV_BACKEND_QCOW2_IMAGE_H

#include <pthread.h>

#include "dev/backend/qcow2.h"

#define QCOW2_TABLES 16u /* L2 tables that are kept */
#define QCOW2_PIECES 64u

struct zlib;

struct qcow2 {
	int fd;
	uint64_t size;
	uint32_t cluster_bits;
	bool has_zero_flag;
	uint32_t l1_count;
	uint64_t l1_offset;
	uint64_t *l1; /* big endian */

	pthread_mutex_t mutex;		      /* guards what follows */
	uint64_t table_offsets[QCOW2_TABLES]; /* 0: none */
	uint8_t *tables;		      /* QCOW2_TABLES clusters */
	uint64_t unpacked; /* descriptor of the cluster that `cluster` has; 0: none */
	uint8_t *cluster;
	uint8_t *packed; /* two clusters: no compressed one is longer */
	struct zlib *zlib;
};

/*
 * Have image->cluster hold the compressed cluster of this descriptor (the L2 entry without its flags). 0;
 * -EIO it is damaged; -ENOTSUP there is no zlib; a negative errno of the kernel's. The mutex is held.
 */
int qcow2_inflate(struct qcow2 *image, uint64_t descriptor);
/* Let zlib go. */
void qcow2_inflate_close(struct qcow2 *image);

#endif
