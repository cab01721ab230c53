/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel in a boot image: what each compression gives, damage, limits.
 * The payloads were made of build_kernel()'s bytes by gzip, xz, zstd and lz4 -l.
 */
#include <stdlib.h>

#include "boot/bytes.h"
#include "boot/library.h"
#include "tests/unit/boot_builder.h"
#include "tests/unit/fake_libc.h"

#define SETUP_SIZE  1024
#define ELF_SIZE    0x800
#define KERNEL_SIZE (ELF_SIZE + 64) /* relocations stand behind it */
#define FILE_MAX    (SETUP_SIZE + 4096)

static const uint8_t by_gzip[] = {
	0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0xab, 0x77, 0xf5, 0x71, 0x63,
	0x62, 0x64, 0x64, 0x80, 0x01, 0x26, 0x06, 0x3b, 0x06, 0x28, 0x0f, 0x4c, 0x39, 0x30, 0x60,
	0x02, 0x07, 0x06, 0x0b, 0xa0, 0xa4, 0x03, 0x5c, 0x11, 0x2b, 0x5c, 0x35, 0x03, 0x32, 0x0b,
	0x42, 0xb3, 0x43, 0x79, 0x30, 0x5a, 0x80, 0x61, 0x50, 0x01, 0xc6, 0x11, 0x0e, 0x98, 0x46,
	0x38, 0x60, 0x1e, 0xe1, 0x80, 0x65, 0x84, 0x03, 0xd6, 0x11, 0x0e, 0xd8, 0x46, 0x38, 0x60,
	0x1f, 0xe1, 0xe0, 0x1d, 0x85, 0x00, 0x00, 0x7b, 0x63, 0x01, 0x81,
};

static const uint8_t by_xz[] = {
	0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00, 0x00, 0x01, 0x69, 0x22, 0xde, 0x36, 0x02, 0x00, 0x21,
	0x01, 0x1c, 0x00, 0x00, 0x00, 0x10, 0xcf, 0x58, 0xcc, 0xe0, 0x08, 0x3f, 0x00, 0x41, 0x5d,
	0x00, 0x3f, 0x91, 0x45, 0x84, 0x68, 0x3d, 0x89, 0xa6, 0xda, 0x8a, 0xcc, 0x93, 0xe2, 0x4e,
	0xf1, 0xe9, 0xe1, 0xe8, 0xf0, 0x00, 0x7d, 0x9d, 0x96, 0x0f, 0x44, 0x54, 0x6d, 0x93, 0x4c,
	0xf9, 0x53, 0x00, 0x3b, 0xab, 0x58, 0x9a, 0xd8, 0x1c, 0xe8, 0xea, 0x78, 0xc9, 0xed, 0x39,
	0x77, 0x45, 0x5b, 0xb9, 0xb9, 0x58, 0xd9, 0xc3, 0x45, 0x48, 0xe8, 0x70, 0x76, 0x44, 0x47,
	0xd9, 0xd4, 0x42, 0x4c, 0x16, 0x00, 0x00, 0x00, 0x00, 0x00, 0x7b, 0x63, 0x01, 0x81, 0x00,
	0x01, 0x59, 0xc0, 0x10, 0x00, 0x00, 0x00, 0xa6, 0x32, 0xd8, 0x51, 0x3e, 0x30, 0x0d, 0x8b,
	0x02, 0x00, 0x00, 0x00, 0x00, 0x01, 0x59, 0x5a,
};

static const uint8_t by_lzma[] = {
	0x5d, 0x00, 0x00, 0x01, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00,
	0x3f, 0x91, 0x45, 0x84, 0x68, 0x3d, 0x89, 0xa6, 0xda, 0x8a, 0xcc, 0x93, 0xe2, 0x4e,
	0xf1, 0xe9, 0xe1, 0xe8, 0xf0, 0x00, 0x7d, 0x9d, 0x96, 0x0f, 0x44, 0x54, 0x6d, 0x93,
	0x4c, 0xf9, 0x53, 0x00, 0x3b, 0xab, 0x58, 0x9a, 0xd8, 0x1c, 0xe8, 0xea, 0x78, 0xc9,
	0xed, 0x39, 0x77, 0x45, 0x5b, 0xb9, 0xb9, 0x58, 0xd9, 0xc3, 0x45, 0x48, 0xe8, 0x70,
	0x76, 0x44, 0x47, 0xd9, 0xd4, 0x49, 0xae, 0xdf, 0x9f, 0xff, 0xfd, 0x85, 0x50, 0x00,
};

static const uint8_t by_zstd[] = {
	0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x68, 0x65, 0x02, 0x00, 0xf2, 0x43, 0x0a, 0x11, 0xe0, 0x2d,
	0x07, 0x00, 0x40, 0x15, 0xae, 0xf1, 0x94, 0x73, 0x4c, 0xa0, 0x95, 0xdd, 0xdd, 0x3b, 0x05,
	0xcf, 0x14, 0x32, 0x44, 0x00, 0xcf, 0x06, 0x04, 0x4f, 0x0e, 0xbe, 0x0a, 0xa2, 0xaa, 0x7a,
	0xf0, 0x83, 0x69, 0x08, 0x40, 0x60, 0x6d, 0xb9, 0x0e, 0x20, 0xc0, 0x0f, 0x94, 0x84, 0x4f,
	0x1d, 0x9f, 0x62, 0xfc, 0x94, 0xf0, 0xa9, 0xe3, 0x53, 0x8c, 0x4f, 0x09, 0xff, 0xd4, 0x55,
	0xa0, 0x70, 0x8e, 0x79, 0x6e, 0xa2, 0xe1, 0x03, 0x21, 0xe2,
};

static const uint8_t by_lz4[] = {
	0x02, 0x21, 0x4c, 0x18, 0x69, 0x00, 0x00, 0x00, 0x84, 0x7f, 0x45, 0x4c, 0x46, 0x02, 0x01,
	0x01, 0x00, 0x01, 0x00, 0x43, 0x02, 0x00, 0x3e, 0x00, 0x0e, 0x00, 0x01, 0x07, 0x00, 0x2e,
	0x40, 0x00, 0x01, 0x00, 0x75, 0x40, 0x00, 0x38, 0x00, 0x01, 0x00, 0x40, 0x25, 0x00, 0x15,
	0x05, 0x2e, 0x00, 0x18, 0x00, 0x0a, 0x00, 0x02, 0x08, 0x00, 0x39, 0x07, 0x00, 0x00, 0x08,
	0x00, 0x2f, 0x10, 0x00, 0x01, 0x00, 0x7a, 0x1f, 0x01, 0x01, 0x00, 0xec, 0x1f, 0x02, 0x01,
	0x00, 0xec, 0x1f, 0x03, 0x01, 0x00, 0xec, 0x1f, 0x04, 0x01, 0x00, 0xec, 0x1f, 0x05, 0x01,
	0x00, 0xec, 0x1f, 0x06, 0x01, 0x00, 0xec, 0x1f, 0x07, 0x01, 0x00, 0xec, 0x1f, 0xee, 0x01,
	0x00, 0x27, 0x50, 0xee, 0xee, 0xee, 0xee, 0xee,
};

static const struct {
	const uint8_t *bytes;
	uint32_t len;
	const char *name;
} kinds[] = {
	{ by_gzip, sizeof(by_gzip), "gzip" }, { by_xz, sizeof(by_xz), "xz" },
	{ by_lzma, sizeof(by_lzma), "lzma" }, { by_zstd, sizeof(by_zstd), "zstd" },
	{ by_lz4, sizeof(by_lz4), "LZ4" },
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* Opened once for all of a test's calls, which makes them fast under valgrind. */
static const struct {
	const char *soname, *function;
} libraries[] = {
	{ "libz.so.1", "inflate" },
	{ "liblzma.so.5", "lzma_code" },
	{ "libzstd.so.1", "ZSTD_isError" },
	{ "liblz4.so.1", "LZ4_decompress_safe" },
};
#define LIBRARIES (sizeof(libraries) / sizeof(libraries[0]))
static void *opened[LIBRARIES];

static uint8_t kernel[KERNEL_SIZE], file[FILE_MAX];
static size_t file_len;
static AxImageSource extracted;
static AxError err;

/* An ELF file of one segment, and relocations behind it. */
static void build_kernel(void)
{
	memset(kernel, 0, sizeof(kernel));
	memcpy(kernel, (const uint8_t[]){ 0x7f, 'E', 'L', 'F', 2, 1, 1 }, 7);
	put_le16(kernel + 16, ET_EXEC);
	put_le16(kernel + 18, EM_X86_64);
	put_le32(kernel + 20, 1);
	put_le64(kernel + 24, 0x1000000);
	put_le64(kernel + 32, 0x40);
	put_le16(kernel + 52, 64);
	put_le16(kernel + 54, 56);
	put_le16(kernel + 56, 1);
	put_le16(kernel + 58, 64);
	put_le32(kernel + 0x40, PT_LOAD);
	put_le32(kernel + 0x44, PF_R | PF_X);
	put_le64(kernel + 0x48, 0x100);
	put_le64(kernel + 0x50, 0x1000000);
	put_le64(kernel + 0x58, 0x1000000);
	put_le64(kernel + 0x60, ELF_SIZE - 0x100);
	put_le64(kernel + 0x68, ELF_SIZE - 0x100);
	put_le64(kernel + 0x70, 0x1000);
	for (size_t i = 0x100; i < ELF_SIZE; i++)
		kernel[i] = (uint8_t)(i >> 8);
	memset(kernel + ELF_SIZE, 0xee, KERNEL_SIZE - ELF_SIZE);
}

static void set_up(void)
{
	for (size_t i = 0; i < LIBRARIES; i++) {
		const struct ax_library_function wanted = { .name = libraries[i].function };
		void *function;

		ax_library_open(libraries[i].soname, "", &wanted, &function, 1, &opened[i], NULL);
	}
	build_kernel();
}

static void tear_down(void)
{
	for (size_t i = 0; i < LIBRARIES; i++)
		ax_library_close(opened[i]);
}

/* One setup sector, then a payload that unpacks to @size bytes. */
static void build_bzimage(const uint8_t *payload, uint32_t len, uint32_t size)
{
	ck_assert_uint_le(SETUP_SIZE + len + 4, FILE_MAX);
	memset(file, 0, sizeof(file));
	file_len = SETUP_SIZE + (len + 4 < 0x400 ? 0x400 : len + 4);
	file[0x1f1] = 1;
	put_le16(file + 0x1fe, 0xaa55);
	file[0x201] = 0x6a;
	memcpy(file + 0x202, (const uint8_t[]){ 'H', 'd', 'r', 'S' }, 4);
	put_le16(file + 0x206, 0x20f);
	put_le16(file + 0x236, 1);
	put_le32(file + 0x24c, len + 4);
	memcpy(file + SETUP_SIZE, payload, len);
	put_le32(file + SETUP_SIZE + len, size);
}

/* RFC 1952 with one block that is stored (RFC 1951, 3.2.4): the whole of it, with its size at the end. */
static size_t stored(const uint8_t *bytes, uint16_t len, uint8_t *gzip)
{
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < len; i++) {
		crc ^= bytes[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc & 1 ? crc >> 1 ^ 0xedb88320 : crc >> 1;
	}
	memcpy(gzip, (const uint8_t[]){ 0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 1 }, 11);
	put_le16(gzip + 11, len);
	put_le16(gzip + 13, (uint16_t)~len);
	memcpy(gzip + 15, bytes, len);
	put_le32(gzip + 15 + len, ~crc);
	put_le32(gzip + 19 + len, len);
	return (size_t)len + 23;
}

/* What is extracted is closed by whoever has looked at it: nothing else stays mapped. */
static int extract(uint64_t limit)
{
	AxImageSource source = AX_IMAGE_SOURCE_INIT;
	uint8_t *copy = malloc(file_len); /* so that an analyser sees its end */
	int ret;

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, file, file_len);
	source.name = "it";
	source.bytes = copy;
	source.len = file_len;
	extracted = (AxImageSource)AX_IMAGE_SOURCE_INIT;
	err = (AxError)AX_ERROR_INIT;
	ret = ax_image_extract(&source, limit, &extracted, &err);
	ck_assert(!ret || (!extracted.bytes && fake_libc_mapped() == 0));
	free(copy);
	return ret;
}

/* A build without a library says so: there is nothing to see then. */
static bool is_left_out(int ret)
{
	return ret == -ENOTSUP && strstr(err.message, "built without");
}

static void refused(int ret, int expected, const char *piece)
{
	if (is_left_out(ret))
		return;
	ck_assert_msg(ret == expected, "%d: %s", ret, err.message);
	ck_assert_msg(strncmp(err.message, "it: ", 4) == 0 && strstr(err.message, piece), "%s",
		      err.message);
}

static void is_kernel(int ret, size_t len)
{
	if (is_left_out(ret))
		return;
	ck_assert_msg(ret == 0, "%d: %s", ret, err.message);
	ck_assert_str_eq(extracted.name, "it");
	ck_assert_uint_eq(extracted.len, len);
	ck_assert_mem_eq(extracted.bytes, kernel, len);
	ax_image_file_close(&extracted);
	ck_assert_uint_eq(fake_libc_mapped(), 0);
}

START_TEST(each_compression_gives_the_elf_file)
{
	for (size_t i = 0; i < KINDS; i++) {
		build_bzimage(kinds[i].bytes, kinds[i].len, KERNEL_SIZE);
		is_kernel(extract(MIB), ELF_SIZE);
		/* As much as there is, and no more than it says. */
		is_kernel(extract(KERNEL_SIZE), ELF_SIZE);
	}
}
END_TEST

START_TEST(more_than_it_says_is_damage)
{
	for (size_t i = 0; i < KINDS; i++) {
		build_bzimage(kinds[i].bytes, kinds[i].len, KERNEL_SIZE - 1);
		refused(extract(MIB), -ENOEXEC, "damaged");
		build_bzimage(kinds[i].bytes, kinds[i].len, 0);
		refused(extract(MIB), -ENOEXEC, "damaged");
	}
}
END_TEST

START_TEST(no_more_comes_out_than_the_limit)
{
	for (size_t i = 0; i < KINDS; i++) {
		build_bzimage(kinds[i].bytes, kinds[i].len, KERNEL_SIZE);
		refused(extract(KERNEL_SIZE - 1), -ENOEXEC, "unpacks to");
		refused(extract(100), -ENOEXEC, "unpacks to");
		refused(extract(1), -ENOEXEC, "unpacks to");
		refused(extract(0), -ENOEXEC, "unpacks to");
	}
}
END_TEST

START_TEST(each_cut_is_found)
{
	for (size_t i = 0; i < KINDS; i++) {
		for (uint32_t len = 5; len < kinds[i].len; len++) {
			build_bzimage(kinds[i].bytes, len, KERNEL_SIZE);
			refused(extract(MIB), -ENOEXEC, "damaged");
		}
	}
}
END_TEST

START_TEST(damage_does_no_harm)
{
	for (size_t i = 0; i < KINDS; i++) {
		for (uint32_t at = 0; at < kinds[i].len; at++) {
			int ret;

			build_bzimage(kinds[i].bytes, kinds[i].len, KERNEL_SIZE);
			file[SETUP_SIZE + at] ^= (uint8_t)(1u << at % 8);
			ret = extract(MIB);
			ck_assert_msg(!ret || ret == -ENOEXEC || ret == -ENOMEM || is_left_out(ret),
				      "%s, byte %u: %d", kinds[i].name, at, ret);
			ck_assert_uint_le(extracted.len, KERNEL_SIZE);
			ax_image_file_close(&extracted);
		}
	}
}
END_TEST

START_TEST(lz4_has_frames_and_blocks)
{
	uint8_t bytes[2 * sizeof(by_lz4)];

	/* One after the other. */
	memcpy(bytes, by_lz4, sizeof(by_lz4));
	memcpy(bytes + sizeof(by_lz4), by_lz4, sizeof(by_lz4));
	build_bzimage(bytes, sizeof(bytes), 2 * KERNEL_SIZE);
	is_kernel(extract(MIB), ELF_SIZE);
	/* A block that asks for what is not before it: with room for a whole one, it is that. */
	memset(bytes + 8, 0xff, 16);
	build_bzimage(bytes, sizeof(bytes), 16 * MIB);
	refused(extract(64 * MIB), -ENOEXEC, "a block makes no sense");
	build_bzimage(bytes, sizeof(bytes), KERNEL_SIZE);
	refused(extract(64 * MIB), -ENOEXEC, "it is damaged, or unpacks to too much");
	put_le32(bytes + 4, sizeof(bytes));
	build_bzimage(bytes, sizeof(bytes), KERNEL_SIZE);
	refused(extract(64 * MIB), -ENOEXEC, "it is cut off");
}
END_TEST

START_TEST(lzma_gets_no_more_memory_than_a_kernel_needs)
{
	uint8_t bytes[sizeof(by_lzma)];

	memcpy(bytes, by_lzma, sizeof(by_lzma));
	put_le32(bytes + 1, 0x60000000); /* of the dictionary */
	build_bzimage(bytes, sizeof(bytes), KERNEL_SIZE);
	refused(extract(MIB), -ENOMEM, "no memory");
}
END_TEST

START_TEST(no_memory_is_told)
{
	build_bzimage(by_zstd, sizeof(by_zstd), KERNEL_SIZE);
	fake_libc_fail(LIBC_MMAP, 1, ENOMEM);
	refused(extract(MIB), -ENOMEM, "no memory");
	ck_assert(fake_libc_failed(LIBC_MMAP));
}
END_TEST

START_TEST(other_payloads_are_refused)
{
	static const uint8_t bzip2[64] = "BZh9", lzo[64] = "\x89LZO", nothing[64] = "kernel";

	build_bzimage(bzip2, sizeof(bzip2), KERNEL_SIZE);
	refused(extract(MIB), -ENOEXEC, "is compressed by bzip2; accepted: gzip, zstd, xz");
	build_bzimage(lzo, sizeof(lzo), KERNEL_SIZE);
	refused(extract(MIB), -ENOEXEC, "is compressed by LZO; accepted: gzip, zstd, xz");
	build_bzimage(nothing, sizeof(nothing), KERNEL_SIZE);
	refused(extract(MIB), -ENOEXEC, "compressed by nothing that is known");
	for (uint32_t len = 1; len < 3; len++) {
		build_bzimage(by_gzip, len, KERNEL_SIZE);
		refused(extract(MIB), -ENOEXEC, "compressed by nothing that is known");
	}
	for (uint32_t len = 0; len <= 4; len++) {
		put_le32(file + 0x24c, len);
		refused(extract(MIB), -ENOEXEC, "no kernel is in them");
	}
	build_bzimage(by_gzip, sizeof(by_gzip), KERNEL_SIZE);
	put_le32(file + 0x24c, 0x40000000);
	refused(extract(MIB), -ENOEXEC, "its payload, 0x40000000 bytes at 0x400,");
	put_le16(file + 0x206, 0x202);
	refused(extract(MIB), -ENOEXEC, "boot protocol 2.2");
}
END_TEST

/* A bzImage with kernel[] as it is now, in gzip's format: its size is its own end. */
static int extract_kernel(uint16_t len)
{
	static uint8_t gzip[KERNEL_SIZE + 23];
	size_t size = stored(kernel, len, gzip) - 4;

	build_bzimage(gzip, (uint32_t)size, len);
	return extract(MIB);
}

START_TEST(what_stands_behind_the_elf_file_is_left_out)
{
	is_kernel(extract_kernel(KERNEL_SIZE), ELF_SIZE);
	/* Sections, too, are of it. */
	put_le64(kernel + 40, ELF_SIZE - 64);
	put_le16(kernel + 60, 1);
	is_kernel(extract_kernel(KERNEL_SIZE), ELF_SIZE);
	put_le16(kernel + 60, 2);
	is_kernel(extract_kernel(KERNEL_SIZE), KERNEL_SIZE);
	/* Neither: its header. */
	put_le64(kernel + 40, 0);
	put_le16(kernel + 56, 0);
	put_le64(kernel + 32, 0);
	is_kernel(extract_kernel(KERNEL_SIZE), 64);
	/* Tables behind segments. */
	put_le64(kernel + 32, ELF_SIZE);
	put_le16(kernel + 56, 1);
	memset(kernel + ELF_SIZE, 0, 56);
	is_kernel(extract_kernel(KERNEL_SIZE), ELF_SIZE + 56);
}
END_TEST

START_TEST(a_damaged_elf_file_is_refused)
{
	static const struct {
		size_t offset;
		uint64_t value;
	} wrong[] = {
		{ 0, 0x1010200464c457f },	   /* another magic */
		{ 0, 0x10101464c457f },		   /* for 32 bits */
		{ 32, KERNEL_SIZE + 1 },	   /* program headers */
		{ 32, UINT64_MAX },		   /* */
		{ 32, KERNEL_SIZE - 55 },	   /* */
		{ 40, KERNEL_SIZE + 1 },	   /* sections */
		{ 40, UINT64_MAX },		   /* */
		{ 48, 0x0001003700400000 },	   /* a header's size */
		{ 56, 0xffff },			   /* how many */
		{ 0x48, KERNEL_SIZE + 1 },	   /* a segment */
		{ 0x48, UINT64_MAX },		   /* */
		{ 0x60, KERNEL_SIZE - 0x100 + 1 }, /* its size */
		{ 0x60, UINT64_MAX },		   /* */
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		build_kernel();
		put_le64(kernel + wrong[i].offset, wrong[i].value);
		refused(extract_kernel(KERNEL_SIZE), -ENOEXEC,
			"no ELF file of a 64-bit kernel, or damaged");
	}
	build_kernel();
	refused(extract_kernel(63), -ENOEXEC, "no ELF file of a 64-bit kernel, or damaged");
	put_le64(kernel + 40, KERNEL_SIZE - 64);
	put_le16(kernel + 60, 2);
	refused(extract_kernel(KERNEL_SIZE), -ENOEXEC,
		"no ELF file of a 64-bit kernel, or damaged");
}
END_TEST

/* A gzip file of kernel[] as it is now. */
static int extract_gzip(void)
{
	file_len = stored(kernel, KERNEL_SIZE, file);
	return extract(MIB);
}

START_TEST(kernels_in_gzip_files_come_out_whole)
{
	static const char *const magics[] = { "ARM\x64", "RSC\x05" };

	is_kernel(extract_gzip(), KERNEL_SIZE);
	for (size_t i = 0; i < 2; i++) {
		memset(kernel, 0, sizeof(kernel));
		memcpy(kernel + 56, magics[i], 4);
		is_kernel(extract_gzip(), KERNEL_SIZE);
	}
	memset(kernel, 'x', sizeof(kernel));
	refused(extract_gzip(), -ENOEXEC, "what is packed in it is no kernel");
	file[20] ^= 1;
	refused(extract(MIB), -ENOEXEC, "damaged");
}
END_TEST

START_TEST(what_is_not_packed_is_refused)
{
	memcpy(file, kernel, sizeof(kernel));
	file_len = sizeof(kernel);
	refused(extract(MIB), -ENOEXEC, "has no compressed kernel in it");
	file_len = 1;
	refused(extract(MIB), -ENOEXEC, "has no compressed kernel in it");
}
END_TEST

START_TEST(missing_arguments_are_refused)
{
	AxImageSource source = AX_IMAGE_SOURCE_INIT, unset = { .size = 0 };

	extracted = (AxImageSource)AX_IMAGE_SOURCE_INIT;
	ck_assert_int_eq(ax_image_extract(&source, MIB, &extracted, NULL), -EINVAL);
	source.bytes = kernel;
	source.len = sizeof(kernel);
	ck_assert_int_eq(ax_image_extract(&source, MIB, &unset, NULL), -EINVAL);
	ck_assert_int_eq(ax_image_extract(&unset, MIB, &extracted, NULL), -EINVAL);
	ck_assert_int_eq(ax_image_extract(&source, MIB, &extracted, &err), -ENOEXEC);
	ck_assert_msg(strncmp(err.message, "image: ", 7) == 0, "%s", err.message);
}
END_TEST

RUN_TESTS_WITH("boot_extract", set_up, tear_down, each_compression_gives_the_elf_file,
	       more_than_it_says_is_damage, no_more_comes_out_than_the_limit, each_cut_is_found,
	       damage_does_no_harm, lz4_has_frames_and_blocks,
	       lzma_gets_no_more_memory_than_a_kernel_needs, no_memory_is_told,
	       other_payloads_are_refused, what_stands_behind_the_elf_file_is_left_out,
	       a_damaged_elf_file_is_refused, kernels_in_gzip_files_come_out_whole,
	       what_is_not_packed_is_refused, missing_arguments_are_refused)
