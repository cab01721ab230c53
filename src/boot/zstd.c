/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unpacking zstd, by libzstd, which by itself refuses windows of more than 128 MiB. Source: RFC 8878.
 */
#include <config.h>

#include <errno.h>

#include "boot/library.h"
#include "boot/unpack.h"

#ifdef HAVE_ZSTD
#include <zstd.h>

struct zstd {
	ZSTD_DStream *(*create)(void);
	size_t (*free)(ZSTD_DStream *stream);
	size_t (*decompress)(ZSTD_DStream *stream, ZSTD_outBuffer *out, ZSTD_inBuffer *in);
	unsigned (*is_error)(size_t result);
	const char *(*error_name)(size_t result);
};

static const struct ax_library_function functions[] = {
	{ AX_LIBRARY_FUNCTION(ZSTD_createDStream) },	{ AX_LIBRARY_FUNCTION(ZSTD_freeDStream) },
	{ AX_LIBRARY_FUNCTION(ZSTD_decompressStream) }, { AX_LIBRARY_FUNCTION(ZSTD_isError) },
	{ AX_LIBRARY_FUNCTION(ZSTD_getErrorName) },
};

static int run(const struct zstd *zstd, ZSTD_DStream *stream, struct unpack *unpack, AxError *err)
{
	ZSTD_inBuffer in = { unpack->in, unpack->in_len, 0 };
	size_t result;

	/* What follows a frame is padding, or what Linux's build adds: the size. */
	do {
		ZSTD_outBuffer out = { unpack->out, unpack->room, unpack->out_len };
		size_t in_before = in.pos;

		result = zstd->decompress(stream, &out, &in);
		if (zstd->is_error(result))
			return unpack_damaged(unpack, "zstd", zstd->error_name(result), err);
		if (result && out.pos == unpack->room) {
			int ret;

			unpack->out_len = out.pos;
			ret = unpack_more_room(unpack, err);
			if (ret)
				return ret;
		} else if (result && in.pos == in_before && out.pos == unpack->out_len) {
			return unpack_damaged(unpack, "zstd", "it is cut off", err);
		}
		unpack->out_len = out.pos;
	} while (result);
	return 0;
}

int unpack_zstd(struct unpack *unpack, AxError *err)
{
	ZSTD_DStream *stream;
	struct zstd zstd;
	void *handle;
	int ret;

	ret = ax_library_open("libzstd.so.1", "libzstd1", functions, &zstd,
			      sizeof(functions) / sizeof(functions[0]), &handle, err);
	if (ret)
		return ret;
	stream = zstd.create();
	if (stream)
		ret = run(&zstd, stream, unpack, err);
	else
		ret = boot_error(err, AX_ERROR_RESOURCE, 0, -ENOMEM, unpack->name,
				 "no memory to unpack it");
	zstd.free(stream);
	ax_library_close(handle);
	return ret;
}

#else

int unpack_zstd(struct unpack *unpack, AxError *err)
{
	return boot_error(
		err, AX_ERROR_UNSUPPORTED, 0, -ENOTSUP, unpack->name,
		"is compressed by zstd, for which this library was built without libzstd: "
		"unpack it first");
}

#endif
