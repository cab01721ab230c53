/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel inside of a boot image: the ELF file in a bzImage, the Image in a zboot or gzip file.
 *
 * Source: Linux, Documentation/arch/x86/boot.rst, payload_offset and payload_length: the payload is
 * compressed by what its first bytes say, and its last four are the size of what comes out. Behind the
 * ELF file in it are relocations, for a kernel that is to move: they are left out.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "boot/bytes.h"
#include "boot/linux_x86.h"
#include "boot/unpack.h"

static const uint8_t elf_magic[4] = { 0x7f, 'E', 'L', 'F' };

#define SIZE_BYTES 4 /* behind the payload's stream */

/* Fields of an ELF64 header and of a program header: gABI 4.1, chapters 4 and 5. */
enum {
	ELF_PHOFF = 0x20,
	ELF_SHOFF = 0x28,
	ELF_PHENTSIZE = 0x36,
	ELF_PHNUM = 0x38,
	ELF_SHENTSIZE = 0x3a,
	ELF_SHNUM = 0x3c,
	ELF_HEADER_SIZE = 0x40,
	PHDR_OFFSET = 0x08,
	PHDR_FILESZ = 0x20,
	PHDR_SIZE = 0x38,
};

static const struct {
	const char *magic;
	size_t len;
	unpack_fn *unpack; /* NULL: cannot be done */
	const char *name;
} kinds[] = {
	{ "\x1f\x8b\x08", 3, unpack_gzip, "gzip" },
	{ "\x28\xb5\x2f\xfd", 4, unpack_zstd, "zstd" },
	{ "\xfd"
	  "7zXZ",
	  5, unpack_xz, "xz" },
	{ "\x5d\0\0", 3, unpack_xz, "lzma" },
	{ "\x02\x21\x4c\x18", 4, unpack_lz4, "LZ4" },
	{ "BZh", 3, NULL, "bzip2" },
	{ "\x89LZO", 4, NULL, "LZO" },
};

static int find_kind(const struct unpack *unpack, unpack_fn **fn, AxError *err)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (unpack->in_len < kinds[i].len ||
		    memcmp(unpack->in, kinds[i].magic, kinds[i].len) != 0)
			continue;
		*fn = kinds[i].unpack;
		if (*fn)
			return 0;
		return boot_error(err, AX_ERROR_IMAGE, 0, -ENOEXEC, unpack->name,
				  "is compressed by %s; accepted: gzip, zstd, xz, lzma, LZ4",
				  kinds[i].name);
	}
	return boot_error(
		err, AX_ERROR_IMAGE, 0, -ENOEXEC, unpack->name,
		"the kernel in it is compressed by nothing that is known; accepted: gzip, "
		"zstd, xz, lzma, LZ4");
}

/* Where the payload is, and how large what comes out of it. */
static int find_payload(struct unpack *unpack, const struct image *image, AxError *err)
{
	struct bzimage header;
	uint64_t unpacked;
	int ret = boot_bzimage_read(image, &header, err);

	if (ret)
		return ret;
	if (header.payload_size <= SIZE_BYTES) {
		boot_damaged(image, err,
			     "is a Linux bzImage that tells of %llu bytes of payload: no kernel is "
			     "in them",
			     (unsigned long long)header.payload_size);
		return -ENOEXEC;
	}
	unpack->in = image->bytes + header.payload;
	unpack->in_len = header.payload_size - SIZE_BYTES;
	unpacked = get_le32(unpack->in + unpack->in_len);
	/* gzip's own size at its end is the same four bytes. */
	if (unpack->in[0] == 0x1f)
		unpack->in_len = header.payload_size;
	if (unpacked < unpack->limit) {
		unpack->limit = unpacked;
		unpack->limit_is_images = true;
	}
	return 0;
}

/* How much of the bytes is the ELF file: its tables and segments; more than there are: it is damaged. */
static uint64_t elf_size(const uint8_t *bytes, size_t len)
{
	uint64_t phoff = get_le64(bytes + ELF_PHOFF), shoff = get_le64(bytes + ELF_SHOFF);
	uint64_t phnum = get_le16(bytes + ELF_PHNUM), end = ELF_HEADER_SIZE;

	if (get_le16(bytes + ELF_PHENTSIZE) != PHDR_SIZE || phoff > len ||
	    phnum * PHDR_SIZE > len - phoff || shoff > len)
		return UINT64_MAX;
	if (end < phoff + phnum * PHDR_SIZE)
		end = phoff + phnum * PHDR_SIZE;
	if (shoff)
		end = shoff +
		      (uint64_t)get_le16(bytes + ELF_SHENTSIZE) * get_le16(bytes + ELF_SHNUM);
	for (uint64_t i = 0; i < phnum; i++) {
		const uint8_t *phdr = bytes + phoff + i * PHDR_SIZE;
		uint64_t offset = get_le64(phdr + PHDR_OFFSET), size = get_le64(phdr + PHDR_FILESZ);

		if (offset > len || size > len - offset)
			return UINT64_MAX;
		if (end < offset + size)
			end = offset + size;
	}
	return end;
}

static int trim(AxImageSource *kernel, AxError *err)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), kept, mapped;
	uint64_t size = 0;

	if (kernel->len >= ELF_HEADER_SIZE && !memcmp(kernel->bytes,
						      "\x7f"
						      "ELF\x02",
						      5))
		size = elf_size(kernel->bytes, kernel->len);
	if (!size || size > kernel->len)
		return boot_error(err, AX_ERROR_IMAGE, 0, -ENOEXEC, kernel->name,
				  "what is in it is no ELF file of a 64-bit kernel, or damaged");
	kept = (size + page - 1) / page * page;
	mapped = (kernel->len + page - 1) / page * page;
	if (kept < mapped)
		munmap((uint8_t *)kernel->bytes + kept, mapped - kept);
	kernel->len = size;
	return 0;
}

static int extract_bzimage(const struct image *image, const char *name, uint64_t limit,
			   AxImageSource *kernel, AxError *err)
{
	struct unpack unpack = { .name = name, .machine = AX_IMAGE_FOR_X86_64, .limit = limit };
	unpack_fn *fn;
	int ret = find_payload(&unpack, image, err);

	if (!ret)
		ret = find_kind(&unpack, &fn, err);
	if (!ret)
		ret = unpack_with(&unpack, fn, kernel, err);
	if (!ret)
		ret = trim(kernel, err);
	if (ret)
		ax_image_file_close(kernel);
	return ret;
}

/* Anything may be in a gzip file. */
static int check_kernel(const AxImageSource *kernel, const char *name, AxError *err)
{
	static const uint32_t machines[] = { AX_IMAGE_FOR_ARM64, AX_IMAGE_FOR_RISCV64 };
	struct image image = { .bytes = kernel->bytes, .len = kernel->len };

	if (kernel->len >= sizeof(elf_magic) &&
	    !memcmp(kernel->bytes, elf_magic, sizeof(elf_magic)))
		return 0;
	for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++) {
		image.machine = machines[i];
		if (boot_linux_found(&image))
			return 0;
	}
	return boot_error(err, AX_ERROR_IMAGE, 0, -ENOEXEC, name,
			  "what is packed in it is no kernel; accepted: an Image for arm64 or "
			  "riscv64, an ELF file");
}

/* What @source is packed by itself. */
static int extract_packed(const AxImageSource *source, const char *name, uint64_t limit,
			  AxImageSource *kernel, AxError *err)
{
	/* The header of an Image tells its size; riscv64's has the same at the same place. */
	int ret = boot_unpack(source, AX_IMAGE_FOR_ARM64, limit, kernel, err);

	if (!ret && !kernel->bytes)
		return boot_error(err, AX_ERROR_IMAGE, 0, -ENOEXEC, name,
				  "has no compressed kernel in it; accepted: bzImage, EFI boot "
				  "image (zboot), gzip file");
	if (!ret)
		ret = check_kernel(kernel, name, err);
	if (ret)
		ax_image_file_close(kernel);
	return ret;
}

int ax_image_extract(const AxImageSource *source, uint64_t limit, AxImageSource *kernel,
		     AxError *err)
{
	AxImageHints hints = AX_IMAGE_HINTS_INIT;
	AxImageSource found = AX_IMAGE_SOURCE_INIT;
	struct image image = { .hints = &hints, .machine = AX_IMAGE_FOR_X86_64 };
	int ret;

	if (!boot_sized(source, sizeof(*source)) || !boot_sized(kernel, sizeof(*kernel)) ||
	    !source->bytes)
		return boot_error(err, AX_ERROR_ARGUMENT, 0, -EINVAL, "ax_image_extract",
				  "an argument is missing, or its size is not set");
	hints.name = source->name ? source->name : "image";
	image.bytes = source->bytes;
	image.len = source->len;
	ret = boot_bzimage_found(&image) ? extract_bzimage(&image, hints.name, limit, &found, err)
					 : extract_packed(source, hints.name, limit, &found, err);
	if (!ret)
		*kernel = found;
	return ret;
}
