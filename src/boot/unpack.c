/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compressed images: a gzip file (Linux's Image.gz), and Linux's EFI boot image, which is a PE file with
 * a compressed Image in it ("zboot"), as arm64's and riscv64's distributions have them. What comes out is
 * as large as it says in its header, or as RAM is, at most.
 *
 * Source: RFC 1952, section 2.3; Linux, drivers/firmware/efi/libstub/zboot-header.S: "zimg" at 4, the
 * payload's offset at 8, its size at 12, the compression's name at 24.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "boot/bytes.h"
#include "boot/unpack.h"

enum {
	ZBOOT_MAGIC = 4,
	ZBOOT_OFFSET = 8,
	ZBOOT_SIZE = 12,
	ZBOOT_TYPE = 24,
	ZBOOT_TYPE_SIZE = 32,
	ZBOOT_HEADER_SIZE = 64,
};

/* Of the unpacked image: enough to see what it says of its size. */
#define HEADER_SIZE 64

static bool is_gzip(const AxImageSource *source)
{
	return source->len >= 3 && !memcmp(source->bytes, "\x1f\x8b\x08", 3);
}

static bool is_zboot(const AxImageSource *source)
{
	return source->len >= ZBOOT_HEADER_SIZE && !memcmp(source->bytes, "MZ", 2) &&
	       !memcmp((const uint8_t *)source->bytes + ZBOOT_MAGIC, "zimg", 4);
}

int unpack_damaged(const struct unpack *unpack, const char *kind, const char *why, AxError *err)
{
	return boot_error(err, AX_ERROR_IMAGE, 0, -ENOEXEC, unpack->name,
			  "the %s data in it is damaged: %s", kind, why);
}

static int too_large(const struct unpack *unpack, AxError *err)
{
	if (unpack->limit_is_images)
		return boot_error(err, AX_ERROR_IMAGE, 0, -ENOEXEC, unpack->name,
				  "is damaged: it unpacks to more than the 0x%llx bytes that the "
				  "image in it says it takes",
				  (unsigned long long)unpack->limit);
	return boot_error(err, AX_ERROR_IMAGE, 0, -ENOEXEC, unpack->name,
			  "unpacks to more than the guest's memory of %llu MiB",
			  (unsigned long long)(unpack->limit / ONE_MIB));
}

/* First the header's bytes, then all: one more than the limit, which tells that it is passed. */
int unpack_more_room(struct unpack *unpack, AxError *err)
{
	const struct image image = { .bytes = unpack->out,
				     .len = unpack->out_len,
				     .machine = unpack->machine };
	uint64_t size;

	if (unpack->header_seen || unpack->limit < HEADER_SIZE)
		return too_large(unpack, err);
	unpack->header_seen = true;
	size = boot_linux_found(&image) ? boot_linux_size(&image) : 0;
	if (size >= HEADER_SIZE && size < unpack->limit) {
		unpack->limit = size;
		unpack->limit_is_images = true;
	}
	unpack->room = unpack->limit + 1;
	return 0;
}

/* The payload of an EFI boot image. */
static int find_payload(struct unpack *unpack, bool *is_zstd, AxError *err)
{
	const uint8_t *header = unpack->in;
	uint64_t offset = get_le32(header + ZBOOT_OFFSET), size = get_le32(header + ZBOOT_SIZE);
	char type[ZBOOT_TYPE_SIZE + 1] = "";

	memcpy(type, header + ZBOOT_TYPE, ZBOOT_TYPE_SIZE);
	*is_zstd = strncmp(type, "zstd", 4) == 0;
	if (!*is_zstd && strcmp(type, "gzip") != 0)
		return boot_error(
			err, AX_ERROR_IMAGE, 0, -ENOEXEC, unpack->name,
			"is an EFI boot image of Linux, compressed by %s; accepted: gzip, "
			"zstd. Give the Image that is in it",
			type);
	if (offset > unpack->in_len || size > unpack->in_len - offset)
		return boot_error(
			err, AX_ERROR_IMAGE, 0, -ENOEXEC, unpack->name,
			"is an EFI boot image of Linux, but cut off: 0x%llx bytes at offset "
			"0x%llx, and the file has only 0x%zx bytes",
			(unsigned long long)size, (unsigned long long)offset, unpack->in_len);
	unpack->in += offset;
	unpack->in_len = size;
	return 0;
}

/* Memory of the most that may be needed, of which nothing is used until it is written to. */
static int reserve(struct unpack *unpack, AxError *err)
{
	void *out;

	/* Any file that shrinks to one byte in 2^20 is a bomb, whatever RAM there is. */
	if (unpack->limit >> 20 > unpack->in_len)
		unpack->limit = (uint64_t)unpack->in_len << 20;
	out = mmap(NULL, unpack->limit + 1, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (out == MAP_FAILED)
		return boot_error(err, AX_ERROR_RESOURCE, errno, -ENOMEM, unpack->name,
				  "no memory to unpack it");
	unpack->out = out;
	unpack->room = HEADER_SIZE < unpack->limit ? HEADER_SIZE : unpack->limit + 1;
	return 0;
}

/* Keep what is used: the caller's to close. */
static void hand_over(const struct unpack *unpack, size_t mapped, AxImageSource *unpacked)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t used = (unpack->out_len + page - 1) / page * page;

	if (used < mapped)
		munmap(unpack->out + used, mapped - used);
	unpacked->name = unpack->name;
	unpacked->bytes = unpack->out;
	unpacked->len = unpack->out_len;
	unpacked->flags = 0;
	unpacked->fd = -1;
}

int unpack_with(struct unpack *unpack, unpack_fn *fn, AxImageSource *unpacked, AxError *err)
{
	size_t mapped;
	int ret = reserve(unpack, err);

	if (ret)
		return ret;
	mapped = unpack->limit + 1;
	ret = fn(unpack, err);
	if (!ret && unpack->out_len > unpack->limit)
		ret = too_large(unpack, err);
	if (!ret && !unpack->out_len)
		ret = unpack_damaged(unpack, "compressed", "nothing is in it", err);
	if (ret)
		munmap(unpack->out, mapped);
	else
		hand_over(unpack, mapped, unpacked);
	return ret;
}

int boot_unpack(const AxImageSource *source, uint32_t machine, uint64_t limit,
		AxImageSource *unpacked, AxError *err)
{
	struct unpack unpack = { .name = source->name, .machine = machine, .limit = limit };
	bool is_zstd = false;
	int ret = 0;

	unpacked->bytes = NULL;
	if (!source->bytes || !boot_machine(machine)->has_packed ||
	    (!is_gzip(source) && !is_zboot(source)))
		return 0;
	unpack.in = source->bytes;
	unpack.in_len = source->len;
	if (is_zboot(source))
		ret = find_payload(&unpack, &is_zstd, err);
	return ret ? ret : unpack_with(&unpack, is_zstd ? unpack_zstd : unpack_gzip, unpacked, err);
}
