/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unpacking gzip, by zlib. Source: RFC 1952.
 */
#include <config.h>

#include <errno.h>
#include <limits.h>

#include "boot/library.h"
#include "boot/unpack.h"

#ifdef HAVE_ZLIB
#include <zlib.h>

/* inflateInit2()'s windowBits for gzip's format, whatever the window. */
#define GZIP_WINDOW (16 + MAX_WBITS)

struct zlib {
	int (*init)(z_stream *stream, int window, const char *version, int size);
	int (*inflate)(z_stream *stream, int flush);
	int (*reset)(z_stream *stream);
	int (*end)(z_stream *stream);
};

static const struct ax_library_function functions[] = {
	{ AX_LIBRARY_FUNCTION(inflateInit2_) },
	{ AX_LIBRARY_FUNCTION(inflate) },
	{ AX_LIBRARY_FUNCTION(inflateReset) },
	{ AX_LIBRARY_FUNCTION(inflateEnd) },
};

/* As much as there is, in pieces that its counters hold. */
static unsigned piece(size_t len)
{
	return len < UINT_MAX ? (unsigned)len : UINT_MAX;
}

/* One call: what it took and gave is counted. */
static int step(const struct zlib *zlib, z_stream *stream, struct unpack *unpack)
{
	unsigned in = piece(unpack->in_len), out = piece(unpack->room - unpack->out_len);
	int result;

	stream->next_in = (Bytef *)unpack->in;
	stream->avail_in = in;
	stream->next_out = unpack->out + unpack->out_len;
	stream->avail_out = out;
	result = zlib->inflate(stream, Z_NO_FLUSH);
	unpack->in += in - stream->avail_in;
	unpack->in_len -= in - stream->avail_in;
	unpack->out_len += out - stream->avail_out;
	return result;
}

/* Members of a gzip file follow each other. */
static bool has_another(const struct unpack *unpack)
{
	return unpack->in_len >= 2 && unpack->in[0] == 0x1f && unpack->in[1] == 0x8b;
}

static int run(const struct zlib *zlib, z_stream *stream, struct unpack *unpack, AxError *err)
{
	for (;;) {
		int result = step(zlib, stream, unpack);

		if (result == Z_STREAM_END) {
			if (!has_another(unpack))
				return 0;
			result = zlib->reset(stream);
		}
		if (unpack->out_len == unpack->room) {
			int ret = unpack_more_room(unpack, err);

			if (ret)
				return ret;
		} else if (result == Z_BUF_ERROR || (result == Z_OK && !unpack->in_len)) {
			return unpack_damaged(unpack, "gzip", "it is cut off", err);
		}
		if (result == Z_MEM_ERROR)
			return boot_error(err, AX_ERROR_RESOURCE, 0, -ENOMEM, unpack->name,
					  "no memory to unpack it");
		if (result != Z_OK && result != Z_BUF_ERROR)
			return unpack_damaged(unpack, "gzip",
					      stream->msg ? stream->msg : "it is no gzip", err);
	}
}

int unpack_gzip(struct unpack *unpack, AxError *err)
{
	z_stream stream = { 0 };
	struct zlib zlib;
	void *handle;
	int ret;

	ret = ax_library_open("libz.so.1", "zlib1g", functions, &zlib,
			      sizeof(functions) / sizeof(functions[0]), &handle, err);
	if (ret)
		return ret;
	if (zlib.init(&stream, GZIP_WINDOW, ZLIB_VERSION, sizeof(stream)) != Z_OK) {
		ret = boot_error(err, AX_ERROR_RESOURCE, 0, -ENOMEM, unpack->name,
				 "no memory to unpack it");
	} else {
		ret = run(&zlib, &stream, unpack, err);
		zlib.end(&stream);
	}
	ax_library_close(handle);
	return ret;
}

#else

int unpack_gzip(struct unpack *unpack, AxError *err)
{
	return boot_error(err, AX_ERROR_UNSUPPORTED, 0, -ENOTSUP, unpack->name,
			  "is compressed by gzip, for which this library was built without zlib: "
			  "unpack it first");
}

#endif
