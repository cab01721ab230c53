/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that are no image of ours: say what they are, so that the reader knows what to do.
 */
#include <errno.h>
#include <string.h>

#include "boot/bytes.h"
#include "boot/image.h"

/* A few bytes at a fixed place. Order matters where one format lies inside another. */
static const struct signature {
	uint32_t offset;
	uint8_t len;
	const char *bytes;
	const char *name;
	const char *advice;
} signatures[] = {
	{ 0x202, 4, "HdrS", "a Linux bzImage", NULL },
	{ 0x38, 4, "ARM\x64", "a Linux Image for arm64", NULL },
	{ 0x38, 4, "RSC\x05", "a Linux Image for riscv64", NULL },
	{ 4, 4, "zimg", "a compressed EFI boot image", NULL },
	{ 0, 2, "\x1f\x8b", "a gzip file", "Unpack it first" },
	{ 0, 6,
	  "\xfd"
	  "7zXZ\0",
	  "an xz file", "Unpack it first" },
	{ 0, 4, "\x28\xb5\x2f\xfd", "a zstd file", "Unpack it first" },
	{ 0, 4, "\x04\x22\x4d\x18", "an lz4 file", "Unpack it first" },
	{ 0, 4, "\x02\x21\x4c\x18", "an lz4 file", "Unpack it first" },
	{ 0, 3, "BZh", "a bzip2 file", "Unpack it first" },
	{ 0, 4, "PK\3\4", "a zip file", "Unpack it first" },
	{ 257, 5, "ustar", "a tar archive", "Unpack it first" },
	{ 0, 5, "07070", "a cpio archive", "It may be an initrd" },
	{ 0, 8, "!<arch>\n", "an ar archive (a static library or a Debian package)", NULL },
	{ 0, 4, "\xd0\x0d\xfe\xed", "a device tree", NULL },
	{ 0, 4, "\x27\x05\x19\x56", "a U-Boot image", NULL },
	{ 0, 4, "QFI\xfb", "a qcow2 disk image", NULL },
	{ 0, 4, "KDMV", "a VMDK disk image", NULL },
	{ 0x8001, 5, "CD001", "an ISO 9660 disk image", NULL },
	{ 512, 8, "EFI PART", "a GPT disk image", NULL },
	{ 0, 4, "\xce\xfa\xed\xfe", "a Mach-O executable", NULL },
	{ 0, 4, "\xcf\xfa\xed\xfe", "a Mach-O executable", NULL },
	{ 0, 4, "\xca\xfe\xba\xbe", "a Java class or a universal Mach-O executable", NULL },
	{ 0, 4, "BC\xc0\xde", "LLVM bitcode", "Compile and link it first" },
	{ 0, 4, "\0asm", "a WebAssembly module", NULL },
	{ 0, 2, "#!", "a script", NULL },
	{ 510, 2, "\x55\xaa", "a boot sector or a disk image",
	  "A boot sector is a flat binary for real mode at 0x7c00" },
};

#define TEXT_LOOKED_AT 512

static bool has(const struct image *image, size_t offset, const void *bytes, size_t len)
{
	return offset <= image->len && len <= image->len - offset &&
	       memcmp(image->bytes + offset, bytes, len) == 0;
}

/* PE files begin with a DOS header that points to theirs: Microsoft's PE format, "MS-DOS stub". */
static bool is_pe(const struct image *image)
{
	return has(image, 0, "MZ", 2) && image->len >= 0x40 &&
	       has(image, get_le32(image->bytes + 0x3c), "PE\0\0", 4);
}

/* Bytes that follow the first one of a character in UTF-8; -1: it is not the first of any. */
static int utf8_following(uint8_t c)
{
	if (c < 0x80)
		return c >= 0x20 ? 0 : -1;
	if (c < 0xc2 || c > 0xf4)
		return -1;
	return c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
}

static bool is_text(const struct image *image)
{
	size_t len = image->len < TEXT_LOOKED_AT ? image->len : TEXT_LOOKED_AT;
	int following = 0;

	for (size_t i = 0; i < len; i++) {
		uint8_t c = image->bytes[i];

		if (following > 0) {
			if ((c & 0xc0) != 0x80)
				return false;
			following--;
		} else if (c != '\t' && c != '\n' && c != '\r' && c != '\f') {
			following = c == 0x7f ? -1 : utf8_following(c);
			if (following < 0)
				return false;
		}
	}
	return true;
}

/* The caller means a flat binary, but did not say all of it. */
static const char *missing_hint(const struct image *image)
{
	uint32_t given = image->hints->given;

	if (boot_machine(image->machine)->flat_offset)
		return NULL;
	if (given & AX_HINT_LOAD)
		return "The mode is missing";
	return given & AX_HINT_MODE ? "The load address is missing" : NULL;
}

/* What the bytes are, by name; NULL when nothing tells. Advice may be NULL. */
static const char *find_name(const struct image *image, const char **advice)
{
	size_t header;

	*advice = NULL;
	for (size_t i = 0; i < sizeof(signatures) / sizeof(signatures[0]); i++) {
		const struct signature *row = &signatures[i];

		if (has(image, row->offset, row->bytes, row->len)) {
			*advice = row->advice;
			return row->name;
		}
	}
	if (is_pe(image))
		return "a PE executable (Windows or EFI)";
	if (has(image, 0, "MZ", 2))
		return "a DOS executable";
	if (boot_multiboot_found(image, &header))
		return "multiboot 1";
	if (boot_multiboot2_found(image))
		return "multiboot 2";
	return is_text(image) ? "text" : NULL;
}

bool boot_foreign_found(const struct image *image)
{
	const char *advice;

	return find_name(image, &advice) != NULL;
}

int boot_foreign_refused(const struct image *image, AxError *err)
{
	const char *missing = missing_hint(image);
	const char *advice;
	const char *name = find_name(image, &advice);

	if (name)
		return boot_refused(image, err, missing ? missing : advice, "%s", name);
	return boot_refused(image, err, missing, "%zu byte%s of no known format", image->len,
			    image->len == 1 ? "" : "s");
}
