/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unpacking LZ4 in its legacy frames, which Linux's kernels have, by liblz4: a magic number, then
 * blocks, each with its size before it. Source: lz4_Frame_format.md, "Legacy frame"; Linux,
 * lib/decompress_unlz4.c has the same format.
 */
#include <config.h>

#include <errno.h>

#include "boot/bytes.h"
#include "boot/library.h"
#include "boot/unpack.h"

#ifdef HAVE_LZ4
#include <lz4.h>

#define LEGACY_MAGIC 0x184c2102u
#define BLOCK_MAX    (8u << 20) /* of what comes out of one */

struct lz4 {
	int (*decompress)(const char *from, char *to, int from_size, int to_size);
};

static const struct ax_library_function functions[] = {
	{ AX_LIBRARY_FUNCTION(LZ4_decompress_safe) },
};

/* A block of @size bytes is next. */
static int take_block(const struct lz4 *lz4, struct unpack *unpack, uint32_t size, AxError *err)
{
	size_t room = unpack->room - unpack->out_len;
	int len;

	if (size > unpack->in_len)
		return unpack_damaged(unpack, "LZ4", "it is cut off", err);
	if (size > LZ4_COMPRESSBOUND(BLOCK_MAX))
		return unpack_damaged(unpack, "LZ4", "a block is too large", err);
	if (room > BLOCK_MAX)
		room = BLOCK_MAX;
	len = lz4->decompress((const char *)unpack->in, (char *)unpack->out + unpack->out_len,
			      (int)size, (int)room);
	if (len < 0 && room < BLOCK_MAX)
		return unpack_damaged(unpack, "LZ4", "it is damaged, or unpacks to too much", err);
	if (len < 0)
		return unpack_damaged(unpack, "LZ4", "a block makes no sense", err);
	unpack->in += size;
	unpack->in_len -= size;
	unpack->out_len += (size_t)len;
	return 0;
}

static int run(const struct lz4 *lz4, struct unpack *unpack, AxError *err)
{
	int ret = unpack_more_room(unpack, err);

	while (!ret && unpack->in_len >= 4) {
		uint32_t size = get_le32(unpack->in);

		unpack->in += 4;
		unpack->in_len -= 4;
		/* Frames may follow each other. */
		if (size != LEGACY_MAGIC)
			ret = take_block(lz4, unpack, size, err);
	}
	return ret;
}

int unpack_lz4(struct unpack *unpack, AxError *err)
{
	struct lz4 lz4;
	void *handle;
	int ret;

	ret = ax_library_open("liblz4.so.1", "liblz4-1", functions, &lz4,
			      sizeof(functions) / sizeof(functions[0]), &handle, err);
	if (ret)
		return ret;
	ret = run(&lz4, unpack, err);
	ax_library_close(handle);
	return ret;
}

#else

int unpack_lz4(struct unpack *unpack, AxError *err)
{
	return boot_error(err, AX_ERROR_UNSUPPORTED, 0, -ENOTSUP, unpack->name,
			  "is compressed by LZ4, for which this library was built without liblz4");
}

#endif
