/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unpacking xz and its forerunner lzma, by liblzma. Source: The .xz File Format, 1.1.0.
 */
#include <config.h>

#include <errno.h>

#include "boot/library.h"
#include "boot/unpack.h"

#ifdef HAVE_LZMA
#include <lzma.h>

/* Of the decoder's own: dictionaries of kernels have at most 128 MiB. */
#define MEMORY_MAX (256ull << 20)

struct xz {
	lzma_ret (*init)(lzma_stream *stream, uint64_t memory_max, uint32_t flags);
	lzma_ret (*code)(lzma_stream *stream, lzma_action action);
	void (*end)(lzma_stream *stream);
};

static const struct ax_library_function functions[] = {
	{ AX_LIBRARY_FUNCTION(lzma_auto_decoder) },
	{ AX_LIBRARY_FUNCTION(lzma_code) },
	{ AX_LIBRARY_FUNCTION(lzma_end) },
};

static int failed(const struct unpack *unpack, lzma_ret result, AxError *err)
{
	if (result == LZMA_MEM_ERROR || result == LZMA_MEMLIMIT_ERROR)
		return boot_error(err, AX_ERROR_RESOURCE, 0, -ENOMEM, unpack->name,
				  "no memory to unpack it");
	return unpack_damaged(unpack, "xz",
			      result == LZMA_BUF_ERROR ? "it is cut off" : "it makes no sense",
			      err);
}

static int run(const struct xz *xz, lzma_stream *stream, struct unpack *unpack, AxError *err)
{
	lzma_ret result;

	stream->next_in = unpack->in;
	stream->avail_in = unpack->in_len;
	do {
		stream->next_out = unpack->out + unpack->out_len;
		stream->avail_out = unpack->room - unpack->out_len;
		result = xz->code(stream, LZMA_RUN);
		unpack->out_len = unpack->room - stream->avail_out;
		if (result == LZMA_OK && !stream->avail_out) {
			int ret = unpack_more_room(unpack, err);

			if (ret)
				return ret;
		}
	} while (result == LZMA_OK);
	return result == LZMA_STREAM_END ? 0 : failed(unpack, result, err);
}

int unpack_xz(struct unpack *unpack, AxError *err)
{
	lzma_stream stream = LZMA_STREAM_INIT;
	struct xz xz;
	lzma_ret result;
	void *handle;
	int ret;

	ret = ax_library_open("liblzma.so.5", "liblzma5", functions, &xz,
			      sizeof(functions) / sizeof(functions[0]), &handle, err);
	if (ret)
		return ret;
	result = xz.init(&stream, MEMORY_MAX, 0);
	ret = result == LZMA_OK ? run(&xz, &stream, unpack, err) : failed(unpack, result, err);
	xz.end(&stream);
	ax_library_close(handle);
	return ret;
}

#else

int unpack_xz(struct unpack *unpack, AxError *err)
{
	return boot_error(err, AX_ERROR_UNSUPPORTED, 0, -ENOTSUP, unpack->name,
			  "is compressed by xz, for which this library was built without liblzma");
}

#endif
