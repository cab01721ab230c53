/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compressed clusters of qcow2 images, by zlib.
 */
#include <config.h>

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "boot/library.h"
#include "dev/backend/qcow2_image.h"

#ifdef HAVE_ZLIB

#include <zlib.h>

/* Deflate without a header, and with a window of 4 KiB. */
#define WINDOW_BITS (-12)

/* In the order of `wanted` below. */
struct functions {
	int (*init)(z_streamp stream, int window_bits, const char *version, int stream_size);
	int (*reset)(z_streamp stream);
	int (*inflate)(z_streamp stream, int flush);
	int (*end)(z_streamp stream);
};

static const struct ax_library_function wanted[] = {
	{ AX_LIBRARY_FUNCTION(inflateInit2_) },
	{ AX_LIBRARY_FUNCTION(inflateReset) },
	{ AX_LIBRARY_FUNCTION(inflate) },
	{ AX_LIBRARY_FUNCTION(inflateEnd) },
};

#define FUNCTIONS (sizeof(wanted) / sizeof(wanted[0]))

_Static_assert(sizeof(struct functions) == FUNCTIONS * sizeof(void *),
	       "a function for each that is wanted");

struct zlib {
	struct functions functions;
	void *handle;
	z_stream stream;
};

static int open_zlib(struct qcow2 *image)
{
	struct zlib *zlib = calloc(1, sizeof(*zlib));
	int ret;

	if (!zlib)
		return -ENOMEM;
	ret = ax_library_open("libz.so.1", "zlib1g", wanted, &zlib->functions, FUNCTIONS,
			      &zlib->handle, NULL);
	if (ret) {
		free(zlib);
		return ret;
	}
	if (zlib->functions.init(&zlib->stream, WINDOW_BITS, ZLIB_VERSION, sizeof(z_stream)) !=
	    Z_OK) {
		ax_library_close(zlib->handle);
		free(zlib);
		return -ENOMEM;
	}
	image->zlib = zlib;
	return 0;
}

void qcow2_inflate_close(struct qcow2 *image)
{
	if (!image->zlib)
		return;
	image->zlib->functions.end(&image->zlib->stream);
	ax_library_close(image->zlib->handle);
	free(image->zlib);
}

static int unpack(struct qcow2 *image, size_t len)
{
	struct functions *functions = &image->zlib->functions;
	z_stream *stream = &image->zlib->stream;
	int ret;

	functions->reset(stream);
	stream->next_in = image->packed;
	stream->avail_in = (uInt)len;
	stream->next_out = image->cluster;
	stream->avail_out = 1u << image->cluster_bits;
	ret = functions->inflate(stream, Z_FINISH);
	/* What follows in the last sector belongs to another cluster. */
	if (stream->avail_out || (ret != Z_STREAM_END && ret != Z_OK && ret != Z_BUF_ERROR))
		return -EIO;
	return 0;
}

int qcow2_inflate(struct qcow2 *image, uint64_t descriptor)
{
	/* Where in the file, at any byte; above it how many sectors it takes besides the first. */
	unsigned offset_bits = 62 - (image->cluster_bits - 8);
	uint64_t offset = descriptor & ((1ull << offset_bits) - 1);
	uint64_t len = ((descriptor >> offset_bits) + 1) * 512 - (offset & 511);
	ssize_t got;
	int ret;

	if (image->unpacked == descriptor && descriptor)
		return 0;
	ret = image->zlib ? 0 : open_zlib(image);
	if (ret)
		return ret;
	image->unpacked = 0;
	if (len > 2ull << image->cluster_bits)
		return -EIO;
	got = pread(image->fd, image->packed, (size_t)len, (off_t)offset);
	if (got < 0)
		return -errno;
	ret = unpack(image, (size_t)got);
	if (!ret)
		image->unpacked = descriptor;
	return ret;
}

#else

int qcow2_inflate(struct qcow2 *image, uint64_t descriptor)
{
	(void)image;
	(void)descriptor;
	return -ENOTSUP;
}

void qcow2_inflate_close(struct qcow2 *image)
{
	(void)image;
}

#endif
