/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How kernels for x86-64 are started: Linux's boot protocol and PVH. Pure: what is in a header, and
 * the bytes of what a kernel finds in memory.
 *
 * Source: Linux, Documentation/arch/x86/boot.rst and zero-page.rst; Xen, public/arch-x86/hvm/start_info.h.
 */
#ifndef AXVMM_BOOT_LINUX_X86_H
#define AXVMM_BOOT_LINUX_X86_H

#include "boot/image.h"

/* What the notes of an ELF file say. */
struct elf_notes {
	bool has_pvh;
	bool is_linux;
	uint64_t pvh_entry; /* where has_pvh: physical, below 4 GiB */
};

/* Add to @notes what the notes in @len bytes say; damaged ones end the list. */
void boot_elf_read_notes(const uint8_t *bytes, size_t len, struct elf_notes *notes);

/* A piece of the guest's address space: type 1 is RAM, 2 reserved (ACPI 6.4, table 15.3). */
struct memory_piece {
	uint64_t base;
	uint64_t size;
	uint32_t type;
};

#define MEMORY_RAM	  1
#define MEMORY_RESERVED	  2
#define MEMORY_PIECES_MAX (AX_RAM_RANGES_MAX + 3)

/*
 * The map of a PC with @ram: what is RAM in 0xa0000 to 0xfffff is reserved, with tables in it. Returns
 * the number of @pieces, at most MEMORY_PIECES_MAX.
 */
unsigned boot_memory_map(const AxRamRange *ram, unsigned ram_count, struct memory_piece *pieces);

/* What PVH tells a guest; all addresses are physical. */
struct start_info {
	uint64_t command_line; /* 0: none */
	uint64_t rsdp;	       /* 0: none */
	const AxRamRange *modules;
	uint32_t module_count;
	const struct memory_piece *memory;
	uint32_t memory_count;
};

size_t boot_start_info_size(uint32_t modules, uint32_t memory);
/* Fill boot_start_info_size() bytes that the guest has at @gpa. */
void boot_start_info_build(const struct start_info *info, uint64_t gpa, uint8_t *bytes);

/* What the setup header of a bzImage says. */
struct bzimage {
	size_t setup_size;	   /* the 64-bit kernel begins here in the file */
	size_t header_end;	   /* of the setup header in the file; at most BOOT_PARAMS_E820 */
	uint64_t payload;	   /* the compressed kernel in the file, all of it there */
	uint64_t payload_size;	   /* 0: the header does not say */
	uint64_t load;		   /* where the kernel wants to be */
	uint64_t memory;	   /* bytes that it needs from there on */
	uint32_t command_line_max; /* bytes, without the zero byte */
	uint64_t initrd_end_max;   /* the initrd ends at or below it */
};

bool boot_bzimage_found(const struct image *image);
/* Read and check the header: 0, or -ENOEXEC with a message. */
int boot_bzimage_read(const struct image *image, struct bzimage *header, AxError *err);
int boot_bzimage_parse(const struct image *image, AxImagePlan *plan, AxError *err);

/* The kernel proper is entered here above where it lies: boot.rst, "64-bit Boot Protocol". */
#define BZIMAGE_ENTRY_OFFSET 0x200

/* The zero page: struct boot_params. */
#define BOOT_PARAMS_SIZE 4096
#define BOOT_PARAMS_E820 0x2d0

struct boot_params {
	uint64_t command_line; /* 0: none */
	uint64_t initrd;
	uint64_t initrd_size; /* 0: none */
	uint64_t rsdp;	      /* 0: none */
	const struct memory_piece *memory;
	unsigned memory_count;
};

/*
 * Fill the zero page. @header is the setup header of the image, @header_len bytes from file offset
 * BOOT_SETUP_HEADER on; NULL for a kernel without one (vmlinux).
 */
#define BOOT_SETUP_HEADER 0x1f1
void boot_params_build(const struct boot_params *params, const uint8_t *header, size_t header_len,
		       uint8_t bytes[BOOT_PARAMS_SIZE]);

#endif
