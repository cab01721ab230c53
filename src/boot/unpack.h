/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compressed images: what the formats share, and one function for each kind of compression.
 */
#ifndef AXVMM_BOOT_UNPACK_H
#define AXVMM_BOOT_UNPACK_H

#include "boot/image.h"

/* One stream that is unpacked. */
struct unpack {
	const char *name; /* of the image, in messages */
	uint32_t machine; /* an AxImageMachine */
	const uint8_t *in;
	size_t in_len;
	uint8_t *out;
	size_t out_len; /* bytes that are there */
	size_t room;	/* that may be there by now */
	uint64_t limit; /* bytes of the result, at most */
	bool header_seen;
	bool limit_is_images; /* its own header says so, not the caller */
};

/* There is no room any more: there is more, or the image is too large (-ENOEXEC). */
int unpack_more_room(struct unpack *unpack, AxError *err);

/* The stream is damaged: -ENOEXEC. */
int unpack_damaged(const struct unpack *unpack, const char *kind, const char *why, AxError *err);

/*
 * Unpack from unpack->in to unpack->out. 0; -ENOEXEC damaged, or too large; -ENOTSUP the library is
 * not there; -ENOMEM.
 */
typedef int unpack_fn(struct unpack *unpack, AxError *err);
unpack_fn unpack_gzip, unpack_zstd, unpack_xz, unpack_lz4;

/*
 * Get memory for unpack->limit bytes, unpack by @fn, and hand the result over: 0, or as @fn; -ENOEXEC
 * nothing or too much came out.
 *
 * @unpacked  filled on success: the caller's to close
 */
int unpack_with(struct unpack *unpack, unpack_fn *fn, AxImageSource *unpacked, AxError *err);

#endif
