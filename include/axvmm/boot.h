/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guest images: saying what a file is, and putting it into a VM's RAM. Part of libaxvmm-machine.
 *
 *   ax_image_file_open()  a file's bytes
 *   ax_image_parse()      bytes -> plan; touches no VM and no file
 *   ax_image_load()       bytes -> RAM of a VM, and how its first vCPU begins
 *   ax_boot_setup()       gives a vCPU that beginning
 *
 * Image bytes are untrusted. A damaged or hostile image is refused with -ENOEXEC (code
 * AX_ERROR_IMAGE) and a message that names the image, what was found in it and what would be
 * accepted.
 */
#ifndef AXVMM_BOOT_H
#define AXVMM_BOOT_H

#include <axvmm/error.h>
#include <axvmm/types.h>
#include <axvmm/vcpu.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What an image is. Numbered for ever. */
typedef enum AxImageFormat {
	AX_IMAGE_NONE = 0,
	AX_IMAGE_FLAT = 1,  /* bytes without a header; starts at its first byte */
	AX_IMAGE_ELF32 = 2, /* System V gABI, class 32, executable */
	AX_IMAGE_ELF64 = 3, /* class 64 */
	AX_IMAGE_MULTIBOOT = 4, /* Multiboot 0.6.96, in an ELF file or not; x86-64 only */
	AX_IMAGE_ARM64 = 5, /* Linux's header of arm64: kernels, U-Boot */
	AX_IMAGE_RISCV64 = 6, /* Linux's header of riscv64 */
	AX_IMAGE_BZIMAGE = 7, /* Linux's header of x86, boot protocol 2.12 or later, 64-bit entry */
	AX_IMAGE_PVH = 8,     /* ELF with Xen's note PHYS32_ENTRY: x86-64 only */
	AX_IMAGE_VMLINUX = 9  /* ELF64 of Linux for x86-64 without that note: entered as a bzImage */
} AxImageFormat;

/* The machine an image is for. Numbered for ever. */
typedef enum AxImageMachine {
	AX_IMAGE_FOR_THIS = 0,	 /* the architecture that this library was built for */
	AX_IMAGE_FOR_X86_64 = 1, /* and its 32-bit and 16-bit modes */
	AX_IMAGE_FOR_ARM64 = 2,
	AX_IMAGE_FOR_RISCV64 = 3
} AxImageMachine;

/*
 * "flat binary", "ELF32", "ELF64", "multiboot", "arm64 Image", "riscv64 Image", "bzImage", "PVH",
 * "vmlinux"; "unknown" for a value that is none. Thread: any.
 */
AX_API const char *ax_image_format_name(uint32_t format);
/* "x86-64", "arm64", "riscv64", for AX_IMAGE_FOR_THIS one of them; else "unknown". Thread: any. */
AX_API const char *ax_image_machine_name(uint32_t machine);

/* One piece of RAM: where an image may be put. */
typedef struct AxRamRange {
	AxGuestPhysAddr base;
	uint64_t size; /* bytes, not 0; base + size does not wrap */
} AxRamRange;

#define AX_RAM_RANGES_MAX 32

#define AX_HINT_MODE	  (1u << 0) /* AxImageHints.mode holds */
#define AX_HINT_LOAD	  (1u << 1) /* AxImageHints.load holds */

/*
 * What the caller knows beside the bytes. A flat binary says nothing itself: on x86-64 it needs a
 * load address and a mode, which have no default here. On arm64 and riscv64 it goes 512 KiB and
 * 2 MiB above the start of the first range of RAM unless the caller says otherwise. The other
 * formats say both themselves; an image of theirs is refused (-EINVAL) when the caller says
 * something else than it (the load address is then that of the lowest segment).
 */
typedef struct AxImageHints {
	size_t size;	      /* sizeof(AxImageHints): AX_IMAGE_HINTS_INIT */
	const char *name;     /* of the image, in messages; NULL: "image" */
	uint32_t given;	      /* AX_HINT_* */
	uint32_t mode;	      /* an AxCpuMode */
	AxGuestPhysAddr load; /* of the first byte; real mode: a multiple of 16 below 1 MiB */
	uint32_t machine;     /* an AxImageMachine */
	uint32_t ram_count;   /* 1 to AX_RAM_RANGES_MAX */
	const AxRamRange *ram; /* where segments may lie; borrowed during the call */
} AxImageHints;

#define AX_IMAGE_HINTS_INIT { sizeof(AxImageHints), NULL, 0, 0, 0, 0, 0, NULL }

/* More segments than this and an image is refused. */
#define AX_IMAGE_SEGMENTS_MAX 32

/* file_size bytes from file_offset go to gpa; the rest up to memory_size is zero. */
typedef struct AxImageSegment {
	AxGuestPhysAddr gpa;
	uint64_t file_offset;
	uint64_t file_size;   /* may be 0 */
	uint64_t memory_size; /* not 0, at least file_size */
	AxMappingFlags flags; /* what the image says it is for; nothing enforces it */
	uint32_t reserved;    /* 0 */
} AxImageSegment;

/*
 * Where everything goes and how it starts. What ax_image_parse() promises of it, whatever the bytes
 * were: each segment lies in the file and in one range of RAM, no two overlap, and the entry lies
 * in one of them.
 */
typedef struct AxImagePlan {
	size_t size;		  /* sizeof(AxImagePlan): AX_IMAGE_PLAN_INIT */
	uint32_t format;	  /* an AxImageFormat */
	uint32_t machine;	  /* an AxImageMachine, never AX_IMAGE_FOR_THIS */
	uint32_t mode;		  /* an AxCpuMode */
	uint32_t multiboot_flags; /* AX_IMAGE_MULTIBOOT: flags of the header; else 0 */
	AxGuestPhysAddr entry;	  /* first instruction, a physical address */
	uint32_t segment_count;	  /* 1 to AX_IMAGE_SEGMENTS_MAX */
	uint32_t reserved;	  /* 0 */
	AxImageSegment segments[AX_IMAGE_SEGMENTS_MAX]; /* in order of address */
} AxImagePlan;

#define AX_IMAGE_PLAN_INIT { sizeof(AxImagePlan), 0, 0, 0, 0, 0, 0, 0, { { 0, 0, 0, 0, 0, 0 } } }

/**
 * Say what an image is, check all of it that loading depends on, and plan where it goes.
 *
 * The format is sniffed, in this order: a multiboot header, ELF, a Linux header for the hints'
 * machine, else a flat binary when the hints say how to start it, or when the machine has a default
 * and the file is not of another format that has a name. An ELF file is taken when it is an executable with a fixed address (ET_EXEC)
 * for the hints' machine; its segments go to their physical addresses (p_paddr), its entry point is
 * translated to a physical address by the segment in whose virtual range it lies.
 * Position-independent files (ET_DYN) are refused: they run where somebody has applied their
 * relocations, and nobody has.
 *
 * On x86-64 ELF32, multiboot and PVH start in 32-bit protected mode, ELF64, bzImage and vmlinux in long
 * mode with the first 4 GiB mapped; so all segments lie below 4 GiB. A bzImage goes where its header
 * prefers to be and gets as much memory as it asks for (init_size).
 *
 * An image with a Linux header goes to a 2 MiB boundary and its text offset above that: the first
 * boundary in RAM, on arm64 the second where the text offset is less than 64 KiB, so that there is
 * room for the device tree below it. It gets as much memory as its header asks for.
 *
 * @param bytes  the whole file; only read; NULL allowed when len is 0
 * @param hints  borrowed during the call
 * @param plan   its `size` set by the caller; filled on success, else unspecified
 * @return 0; -EINVAL the hints make no sense or contradict the image; -ENOEXEC the image; -ENOSPC
 *         more than AX_IMAGE_SEGMENTS_MAX segments
 *
 * Thread: any.
 * Source: System V gABI 4.1, chapter 5; Multiboot Specification 0.6.96, section 3.1; Xen,
 * docs/misc/pvh.pandoc; Linux, Documentation/arch/x86/boot.rst,
 * Documentation/arch/arm64/booting.rst and Documentation/arch/riscv/boot-image-header.rst.
 */
AX_API int ax_image_parse(const void *bytes, size_t len, const AxImageHints *hints,
			  AxImagePlan *plan, AxError *err);

#define AX_SOURCE_FILE (1u << 0) /* AxImageSource.fd holds */

/* A file's bytes, or any others. */
typedef struct AxImageSource {
	size_t size;	   /* sizeof(AxImageSource): AX_IMAGE_SOURCE_INIT */
	const char *name;  /* in messages; borrowed */
	const void *bytes; /* borrowed; or mapped by ax_image_file_open() */
	size_t len;
	uint32_t flags; /* AX_SOURCE_* */
	int32_t fd;	/* of the file that has these bytes from its beginning; ax_image_file_open()'s */
} AxImageSource;

#define AX_IMAGE_SOURCE_INIT { sizeof(AxImageSource), NULL, NULL, 0, 0, -1 }

/**
 * Map a file read-only and privately. Pages are read when they are looked at. Who truncates the
 * file while it is mapped takes this process down (SIGBUS), as with any mapping.
 *
 * @param path  borrowed until ax_image_file_close(): it becomes the source's name
 * @param file  its `size` set by the caller; on success filled and owned by the caller, who calls
 *              ax_image_file_close(); else untouched
 * @return 0; -ENOENT; -EACCES; -ENOEXEC a directory, a device, a pipe or an empty file; -ENOMEM;
 *         -EINVAL; -EIO. The message begins with the path
 *
 * Thread: any.
 */
AX_API int ax_image_file_open(const char *path, AxImageSource *file, AxError *err);

/* Unmap. The source is empty then; an empty one and NULL are allowed. Thread: any. */
AX_API void ax_image_file_close(AxImageSource *file);

/**
 * Take out the kernel that a boot image unpacks when it starts: the ELF file (vmlinux) in a Linux
 * bzImage, for ax_image_load() to start by PVH or as it is; the Image in an EFI boot image (zboot) or
 * a gzip file. Compressions: gzip, zstd; for a bzImage xz, lzma and LZ4, too.
 *
 * @param source  borrowed
 * @param limit   bytes of the result, at most
 * @param kernel  its `size` set by the caller; on success filled and owned by the caller, who calls
 *                ax_image_file_close(); else untouched
 * @return 0; -ENOEXEC there is none in it, it is damaged, or larger than @limit; -ENOTSUP this host has
 *         no library for its compression; -ENOMEM; -EINVAL
 *
 * Thread: any. Works on every host for every architecture.
 */
AX_API int ax_image_extract(const AxImageSource *source, uint64_t limit, AxImageSource *kernel,
			    AxError *err);

/* Bytes of a command line, or of a module's string, with its zero byte. */
#define AX_COMMAND_LINE_MAX 4096
#define AX_LOAD_MODULES_MAX 32

/* A file for the guest to find in its memory: an initial RAM disk, say. */
typedef struct AxLoadModule {
	AxImageSource source; /* borrowed during ax_image_load(); not empty */
	const char *string;   /* what the guest is told about it; NULL: the source's name */
} AxLoadModule;

/*
 * Pages of files (AX_SOURCE_FILE) are mapped, not copied, where image and RAM let them:
 * ax_ram_map_file(), with what it says of files that change.
 */
#define AX_LOAD_MAP (1u << 0)

/* What is loaded beside the image, and what is said about it. */
typedef struct AxLoadOptions {
	size_t size;	/* sizeof(AxLoadOptions): AX_LOAD_OPTIONS_INIT */
	uint32_t given; /* AX_HINT_*: as in AxImageHints */
	uint32_t mode;
	AxGuestPhysAddr load;
	const char *command_line; /* NULL or "": none */
	const AxLoadModule *modules;
	uint32_t module_count; /* up to AX_LOAD_MODULES_MAX */
	uint32_t flags;	       /* AX_LOAD_* */
	const void *device_tree; /* arm64, riscv64: a flattened one; NULL: the guest gets none */
	size_t device_tree_len;
	AxGuestPhysAddr acpi_rsdp; /* x86-64: where ACPI's RSDP will be, below 1 MiB; 0: none */
} AxLoadOptions;

#define AX_LOAD_OPTIONS_INIT { sizeof(AxLoadOptions), 0, 0, 0, NULL, NULL, 0, 0, NULL, 0, 0 }

#define AX_BOOT_REGISTERS_MAX 8

/* A register by the name that ax_vcpu_set_reg() knows: a constant string. */
typedef struct AxBootRegister {
	const char *name;
	uint64_t value;
} AxBootRegister;

/* What AxVCpuSetup has no member for. */
typedef struct AxBootRegisters {
	size_t size; /* sizeof(AxBootRegisters): AX_BOOT_REGISTERS_INIT */
	uint32_t count;
	uint32_t reserved; /* 0 */
	AxBootRegister registers[AX_BOOT_REGISTERS_MAX];
} AxBootRegisters;

#define AX_BOOT_REGISTERS_INIT { sizeof(AxBootRegisters), 0, 0, { { NULL, 0 } } }

/**
 * Put an image, and what goes with it, into a VM's RAM, and say how the vCPU that starts it begins.
 *
 * RAM is what ax_ram_info() lists, but for read-only RAM. Bytes are copied once; zero-filling
 * leaves pages alone that are zero already, so that RAM nobody uses stays untouched. What the boot
 * needs beyond the image on x86-64:
 *
 * - ELF and flat binaries in protected and long mode get a block of AX_BOOT_BLOCK_SIZE bytes, 4 KiB
 *   aligned, as high as possible in RAM below 4 GiB (so usually at its end) where no segment lies:
 *   a page of stack, which may grow on below the block where RAM is free; six pages of page tables
 *   for long mode, which map the first 4 GiB to themselves in pages of 2 MiB, writable, for the
 *   kernel only; a page with the GDT. All of it is the guest's, to keep or to replace.
 * - GDT, also with multiboot: AX_BOOT_SELECTOR_*. GDTR points to it; CS, DS, ES, SS, FS, GS and TR
 *   hold its selectors.
 * - Real mode gets nothing but the image.
 * - multiboot gets EAX = 0x2BADB002 and EBX = the address of the information structure, which lies
 *   with all that it points to but the modules below 640 KiB if there is room. Modules follow the
 *   image, page aligned. There is no stack (section 3.2).
 *
 * - bzImage and vmlinux get the block, and RSI = the address of the zero page, which tells of the command
 *   line, of the modules, joined to one initial RAM disk as high as possible, of the memory map and of
 *   ACPI's RSDP. PVH gets the block, too, and EBX = the address of hvm_start_info, with modules one by
 *   one. The first page and 0xa0000 to 0xfffff are left alone.
 *
 * With the other formats of x86-64 a command line or modules are refused (-ENOTSUP) instead of being
 * dropped, as a device tree is with all of them.
 *
 * On arm64 and riscv64 it is the device tree that tells. It is copied into RAM, with the command
 * line and one module, the initial RAM disk, added to its node /chosen; the guest gets its address
 * in x0, or in a1 beside its hart ID in a0. On arm64 the tree lies at the start of RAM, where U-Boot
 * and others look for it, unless the image lies there. Else, and on riscv64, it lies as high as
 * possible below 3 GiB, or anywhere above when there is no room, and so does the module. There is no
 * stack.
 *
 * @param vm       with its RAM, before vCPUs run
 * @param source   the image; borrowed during the call
 * @param options  NULL: all defaults; borrowed during the call
 * @param setup    its `size` set by the caller; mode, entry, page_table, stack and, with a device
 *                 tree, arg filled on success, other members keep their values
 * @param regs     its `size` set by the caller; filled on success
 * @return 0; as ax_image_parse(); -ENOSPC the modules or the tables do not fit into RAM, a string
 *         or the number of modules is beyond its limit; -EINVAL the device tree is damaged; -ENOTSUP.
 *         On failure RAM may hold a part of the image
 *
 * Thread: the one that builds the VM.
 */
AX_API int ax_image_load(AxVm *vm, const AxImageSource *source, const AxLoadOptions *options,
			 AxVCpuSetup *setup, AxBootRegisters *regs, AxError *err);

#define AX_BOOT_BLOCK_SIZE 0x8000

/*
 * Selectors of the boot GDT. All segments are flat, ring 0; the task state segment is marked busy,
 * begins at 0 and is nobody's.
 */
#define AX_BOOT_SELECTOR_CODE  0x08 /* of the mode that the guest starts in */
#define AX_BOOT_SELECTOR_DATA  0x10
#define AX_BOOT_SELECTOR_TASK  0x18 /* takes two entries, as in long mode */
#define AX_BOOT_SELECTOR_OTHER 0x28 /* code: 32 bit for who starts in long mode, else 64 bit */

/**
 * ax_vcpu_setup() and then every register of @regs.
 *
 * @return as ax_vcpu_setup() and ax_vcpu_set_reg()
 *
 * Thread: any one; the vCPU is in state Created or Free.
 */
AX_API int ax_boot_setup(AxVCpu *vcpu, const AxVCpuSetup *setup, const AxBootRegisters *regs,
			 AxError *err);

/* A module where it already lies in guest memory. */
typedef struct AxMultibootModule {
	uint32_t start;	    /* guest physical address of the first byte */
	uint32_t end;	    /* and of the byte after the last; not below start */
	const char *string; /* NULL: "" */
} AxMultibootModule;

/* What the information structure says. */
typedef struct AxMultibootInfo {
	size_t size;		  /* sizeof(AxMultibootInfo): AX_MULTIBOOT_INFO_INIT */
	const char *command_line; /* NULL: "" */
	const char *loader_name;  /* NULL: none */
	const AxMultibootModule *modules;
	uint32_t module_count; /* up to AX_LOAD_MODULES_MAX */
	uint32_t ram_count;    /* 1 to AX_RAM_RANGES_MAX */
	const AxRamRange *ram; /* in order of address */
} AxMultibootInfo;

#define AX_MULTIBOOT_INFO_INIT { sizeof(AxMultibootInfo), NULL, NULL, NULL, 0, 0, NULL }

#define AX_MULTIBOOT_MAGIC 0x2badb002u /* EAX when the guest starts, section 3.2 */

/**
 * Build the multiboot information structure with its memory map, strings and module list, for guest
 * address @gpa.
 *
 * The memory map gives each RAM range as available (type 1), with what lies in 0xa0000 to 0xfffff
 * as reserved (type 2), because guests expect adapter memory there. mem_lower and mem_upper are in
 * KiB. flags: 0 (memory), 2 (command line), 3 (modules, when there are any), 6 (memory map), 9
 * (loader name, when there is one).
 *
 * @param gpa     where the caller will put the bytes, 4-byte aligned; gpa + *used stays below 4 GiB
 * @param buffer  filled on success; NULL: only *used is
 * @param size    bytes of buffer
 * @param used    filled with the bytes needed, on success and when the buffer is too small
 * @return 0; -ENOSPC the buffer is too small or a limit is passed; -EINVAL
 *
 * Thread: any.
 * Source: Multiboot Specification 0.6.96, section 3.3.
 */
AX_API int ax_multiboot_info_build(const AxMultibootInfo *info, AxGuestPhysAddr gpa, void *buffer,
				   size_t size, size_t *used, AxError *err);

#ifdef __cplusplus
}
#endif

#endif
