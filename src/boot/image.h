/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of src/boot: what the parsers share.
 */
#ifndef AXVMM_BOOT_IMAGE_H
#define AXVMM_BOOT_IMAGE_H

#include <axvmm/boot.h>

#define FOUR_GIB (1ull << 32)
#define ONE_MIB	 (1ull << 20)

/* Bytes of a name that go into a message: its end, where a path has the file's own name. */
#define IMAGE_NAME_SHOWN 48

/* The bytes that are parsed, untrusted, and what the caller said, checked. */
struct image {
	const uint8_t *bytes;
	size_t len;
	const AxImageHints *hints;
	uint32_t machine; /* an AxImageMachine, never AX_IMAGE_FOR_THIS */
};

/*
 * Whether an argument struct, which begins with its size, has all of the @known bytes that this
 * library reads, and nothing but zero beyond them: a caller of a newer library may have set what
 * this one can't do. False for NULL.
 */
bool boot_sized(const void *given, size_t known);

/* What a machine accepts. */
struct boot_machine {
	const char *arch; /* AX_ARCH_NAME of a build for it */
	const char *name;
	const char *accepted; /* formats, for messages */
	uint64_t limit;	      /* segments end at or below it */
	uint64_t flat_offset; /* a flat binary's default place above the start of RAM; 0: none */
	bool has_modes;	      /* a flat binary needs a mode */
	bool has_multiboot;
	bool has_packed; /* compressed images are unpacked: boot_unpack() */
};

/* The row of an AxImageMachine: NULL for a value that is none, or AX_IMAGE_FOR_THIS. */
const struct boot_machine *boot_machine(uint32_t machine);

/*
 * Fill @err (NULL allowed) with "<name>: <message>" and return @ret. Bytes that are no printable
 * text become '?', so that a message is one line whatever the name is. A NULL name is "image".
 */
int boot_error(AxError *err, AxErrorCode code, int os_errno, int ret, const char *name,
	       const char *format, ...) AX_PRINTF(6, 7);

/* The image is damaged or does not fit: -ENOEXEC. */
#define boot_damaged(image, err, ...) \
	boot_error(err, AX_ERROR_IMAGE, 0, -ENOEXEC, (image)->hints->name, __VA_ARGS__)

/* The image is something else: "<name>: is <found>; accepted: <formats>[. <advice>]", -ENOEXEC. */
int boot_refused(const struct image *image, AxError *err, const char *advice, const char *found,
		 ...) AX_PRINTF(4, 5);

/*
 * Add a segment: checks that it lies in the file, below the machine's limit and in RAM. One of no
 * size in memory is left out. @index is the segment's number in the file, for messages.
 */
int boot_plan_add(const struct image *image, AxImagePlan *plan, const AxImageSegment *segment,
		  unsigned index, AxError *err);

/* All segments are there and the entry is set: sort, check overlaps and the entry. */
int boot_plan_finish(const struct image *image, AxImagePlan *plan, AxError *err);

/* Fill @plan, whose format, machine, ... are zero. The image begins with the format's magic. */
int boot_elf_parse(const struct image *image, AxImagePlan *plan, AxError *err);
int boot_multiboot_parse(const struct image *image, size_t header, AxImagePlan *plan, AxError *err);
int boot_flat_parse(const struct image *image, AxImagePlan *plan, AxError *err);
int boot_linux_parse(const struct image *image, AxImagePlan *plan, AxError *err);

/* Add the segments and entry of an ELF file that multiboot starts: i386 or x86-64, either class. */
int boot_elf_parse_multiboot(const struct image *image, AxImagePlan *plan, AxError *err);

bool boot_elf_found(const struct image *image);
/* Linux's header, for the machine that the image is parsed for. */
bool boot_linux_found(const struct image *image);
/* The multiboot header: true with its offset. A header has the magic and a right checksum. */
bool boot_multiboot_found(const struct image *image, size_t *header);
bool boot_multiboot2_found(const struct image *image);

/* Bytes in no accepted format: whether they are something that has a name, and say what they are. */
bool boot_foreign_found(const struct image *image);
int boot_foreign_refused(const struct image *image, AxError *err);

/* Memory that an image with Linux's header asks for, in bytes; 0: it does not say. */
uint64_t boot_linux_size(const struct image *image);

/*
 * Unpack a compressed image of a machine that has such: gzip files, and EFI boot images of Linux.
 *
 * @limit     bytes of the result at most, such as all of RAM
 * @unpacked  bytes and len filled, memory of its own: ax_image_file_close(). bytes is NULL when the
 *            image is not compressed, and on failure; its name is the source's
 *
 * Returns 0; -ENOEXEC damaged, or too large; -ENOTSUP the library that unpacks is not there; -ENOMEM.
 */
int boot_unpack(const AxImageSource *source, uint32_t machine, uint64_t limit,
		AxImageSource *unpacked, AxError *err);

/* Where things may be put: RAM without what is taken. */
#define LAYOUT_TAKEN_MAX (AX_IMAGE_SEGMENTS_MAX + AX_LOAD_MODULES_MAX + 8)

struct layout {
	const AxRamRange *ram; /* in order of address */
	unsigned ram_count;
	unsigned taken_count;
	AxRamRange taken[LAYOUT_TAKEN_MAX];
};

void boot_layout_init(struct layout *layout, const AxRamRange *ram, unsigned ram_count);
/* Mark a range as taken. It need not be RAM. The caller stays below LAYOUT_TAKEN_MAX. */
void boot_layout_take(struct layout *layout, uint64_t base, uint64_t size);
/*
 * Find and take @size bytes (not 0), @align a power of two, that are RAM and free: the lowest at or
 * above @from, or the highest, and below @limit.
 */
bool boot_layout_low(struct layout *layout, uint64_t size, uint64_t align, uint64_t from,
		     uint64_t limit, uint64_t *base);
bool boot_layout_high(struct layout *layout, uint64_t size, uint64_t align, uint64_t limit,
		      uint64_t *base);

#endif
