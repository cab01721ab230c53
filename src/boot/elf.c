/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ELF executables of both classes. Source: System V gABI 4.1, chapters 4 and 5; machine numbers:
 * the registry that the gABI refers to.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "boot/bytes.h"
#include "boot/linux_x86.h"

enum {
	EI_CLASS = 4,
	EI_DATA = 5,
	EI_VERSION = 6,
	CLASS_32 = 1,
	CLASS_64 = 2,
	DATA_LITTLE = 1,
	DATA_BIG = 2,
	TYPE_REL = 1,
	TYPE_EXEC = 2,
	TYPE_DYN = 3,
	TYPE_CORE = 4,
	MACHINE_386 = 3,
	MACHINE_X86_64 = 62,
	MACHINE_AARCH64 = 183,
	MACHINE_RISCV = 243,
	SEGMENT_LOAD = 1,
	SEGMENT_INTERP = 3,
	SEGMENT_NOTE = 4,
	FLAG_X = 1,
	FLAG_W = 2,
	FLAG_R = 4,
	COUNT_ELSEWHERE = 0xffff, /* PN_XNUM: a section header has the number */
};

/* The two classes differ in the size of their addresses, and so in every offset. */
struct elf_class {
	unsigned header_size, segment_size;
	unsigned entry, phoff, phentsize, phnum;
	unsigned flags, offset, vaddr, paddr, filesz, memsz;
};

static const struct elf_class class32 = {
	.header_size = 52,
	.segment_size = 32,
	.entry = 24,
	.phoff = 28,
	.phentsize = 42,
	.phnum = 44,
	.flags = 24,
	.offset = 4,
	.vaddr = 8,
	.paddr = 12,
	.filesz = 16,
	.memsz = 20,
};

static const struct elf_class class64 = {
	.header_size = 64,
	.segment_size = 56,
	.entry = 24,
	.phoff = 32,
	.phentsize = 54,
	.phnum = 56,
	.flags = 4,
	.offset = 8,
	.vaddr = 16,
	.paddr = 24,
	.filesz = 32,
	.memsz = 40,
};

/* Which ELF a machine starts, and in which mode. */
static const struct accepted {
	uint32_t machine;
	uint16_t elf_machine;
	uint8_t class;
	uint8_t format;
	uint8_t mode;
} accepted_files[] = {
	{ AX_IMAGE_FOR_X86_64, MACHINE_386, CLASS_32, AX_IMAGE_ELF32, AX_MODE_PROTECTED },
	{ AX_IMAGE_FOR_X86_64, MACHINE_X86_64, CLASS_64, AX_IMAGE_ELF64, AX_MODE_LONG },
	{ AX_IMAGE_FOR_ARM64, MACHINE_AARCH64, CLASS_64, AX_IMAGE_ELF64, AX_MODE_NATIVE },
	{ AX_IMAGE_FOR_RISCV64, MACHINE_RISCV, CLASS_64, AX_IMAGE_ELF64, AX_MODE_NATIVE },
};

/* Machines that a message can name. */
static const struct {
	uint16_t number;
	const char *name;
} machine_names[] = {
	{ 2, "SPARC" },
	{ MACHINE_386, "i386" },
	{ 4, "68000" },
	{ 8, "MIPS" },
	{ 20, "PowerPC" },
	{ 21, "64-bit PowerPC" },
	{ 22, "S/390" },
	{ 40, "32-bit Arm" },
	{ 43, "64-bit SPARC" },
	{ 50, "IA-64" },
	{ MACHINE_X86_64, "x86-64" },
	{ MACHINE_AARCH64, "AArch64" },
	{ MACHINE_RISCV, "RISC-V" },
	{ 247, "BPF" },
	{ 258, "LoongArch" },
};

static const uint8_t magic[4] = { 0x7f, 'E', 'L', 'F' };

struct elf {
	const struct elf_class *class;
	uint16_t type;
	uint16_t machine;
	uint64_t entry;
	uint64_t phoff;
	unsigned phnum;
	char name[48]; /* "ELF64 for AArch64" */
};

bool boot_elf_found(const struct image *image)
{
	return image->len >= sizeof(magic) && memcmp(image->bytes, magic, sizeof(magic)) == 0;
}

/* An address or size of the file's class. */
static uint64_t get_word(const struct elf *elf, const uint8_t *p)
{
	return elf->class == &class64 ? get_le64(p) : get_le32(p);
}

static void name_elf(struct elf *elf, const char *order)
{
	const char *bits = elf->class == &class64 ? "ELF64" : "ELF32";

	for (size_t i = 0; i < sizeof(machine_names) / sizeof(machine_names[0]); i++) {
		if (machine_names[i].number == elf->machine) {
			snprintf(elf->name, sizeof(elf->name), "%s%s for %s", order, bits,
				 machine_names[i].name);
			return;
		}
	}
	snprintf(elf->name, sizeof(elf->name), "%s%s for machine %u", order, bits, elf->machine);
}

/* The file's identity and header: what it is, if it is whole. */
static int read_header(const struct image *image, struct elf *elf, AxError *err)
{
	const uint8_t *bytes = image->bytes;

	if (image->len <= EI_VERSION)
		return boot_damaged(image, err, "is ELF, but cut off after %zu bytes", image->len);
	if (bytes[EI_CLASS] == CLASS_32)
		elf->class = &class32;
	else if (bytes[EI_CLASS] == CLASS_64)
		elf->class = &class64;
	else
		return boot_damaged(image, err,
				    "is ELF of class %u, neither 32 nor 64 bit: it is damaged",
				    bytes[EI_CLASS]);
	if (image->len < elf->class->header_size)
		return boot_damaged(image, err,
				    "is %s, but cut off after %zu bytes: its header has %u",
				    elf->class == &class64 ? "ELF64" : "ELF32", image->len,
				    elf->class->header_size);
	elf->type = get_le16(bytes + 16);
	elf->machine = get_le16(bytes + 18);
	if (bytes[EI_DATA] == DATA_BIG) {
		elf->machine = (uint16_t)(bytes[18] << 8 | bytes[19]);
		name_elf(elf, "big-endian ");
		return boot_refused(image, err, NULL, "%s", elf->name);
	}
	name_elf(elf, "");
	if (bytes[EI_DATA] != DATA_LITTLE || bytes[EI_VERSION] != 1 || get_le32(bytes + 20) != 1)
		return boot_damaged(
			image, err,
			"is %s with byte order %u and versions %u and %u, not 1, 1 and 1: it "
			"is damaged",
			elf->name, bytes[EI_DATA], bytes[EI_VERSION], get_le32(bytes + 20));
	elf->entry = get_word(elf, bytes + elf->class->entry);
	elf->phoff = get_word(elf, bytes + elf->class->phoff);
	elf->phnum = get_le16(bytes + elf->class->phnum);
	return 0;
}

static int check_type(const struct image *image, const struct elf *elf, AxError *err)
{
	switch (elf->type) {
	case TYPE_EXEC: return 0;
	case TYPE_REL:
		return boot_refused(image, err, "Link it first", "a relocatable object file (%s)",
				    elf->name);
	case TYPE_DYN:
		return boot_refused(image, err, "Link it to a fixed address: -static -no-pie",
				    "position-independent (%s)", elf->name);
	case TYPE_CORE: return boot_refused(image, err, NULL, "a core dump (%s)", elf->name);
	default: return boot_refused(image, err, NULL, "of type %u (%s)", elf->type, elf->name);
	}
}

/* The table of program headers lies in the file. */
static int check_table(const struct image *image, const struct elf *elf, AxError *err)
{
	unsigned entry_size = get_le16(image->bytes + elf->class->phentsize);

	if (elf->phnum == COUNT_ELSEWHERE)
		return boot_error(
			err, AX_ERROR_IMAGE, 0, -ENOSPC, image->hints->name,
			"is %s with 65535 or more program headers: link it to at most %d segments",
			elf->name, AX_IMAGE_SEGMENTS_MAX);
	if (elf->phnum > 0 && entry_size != elf->class->segment_size)
		return boot_damaged(image, err,
				    "is %s with program headers of %u bytes, not %u: it is damaged",
				    elf->name, entry_size, elf->class->segment_size);
	if (elf->phoff > image->len ||
	    (uint64_t)elf->phnum * elf->class->segment_size > image->len - elf->phoff)
		return boot_damaged(
			image, err,
			"is %s with %u program headers at offset 0x%llx, but cut off after "
			"0x%zx bytes",
			elf->name, elf->phnum, (unsigned long long)elf->phoff, image->len);
	return 0;
}

static AxMappingFlags mapping_flags(uint32_t flags)
{
	return (flags & FLAG_R ? AX_MAP_READ : 0) | (flags & FLAG_W ? AX_MAP_WRITE : 0) |
	       (flags & FLAG_X ? AX_MAP_EXECUTE : 0);
}

/* A note segment that lies in the file. */
static void read_notes(const struct image *image, const AxImageSegment *segment,
		       struct elf_notes *notes)
{
	if (segment->file_offset <= image->len &&
	    segment->file_size <= image->len - segment->file_offset)
		boot_elf_read_notes(image->bytes + segment->file_offset, segment->file_size, notes);
}

/* What the notes say of a kernel for x86-64 goes before what the header says. */
static void follow_notes(const struct image *image, const struct elf_notes *notes,
			 AxImagePlan *plan)
{
	if (image->machine != AX_IMAGE_FOR_X86_64 || plan->format == AX_IMAGE_MULTIBOOT)
		return;
	if (notes->has_pvh) {
		plan->format = AX_IMAGE_PVH;
		plan->mode = AX_MODE_PROTECTED;
		plan->entry = notes->pvh_entry;
	} else if (notes->is_linux && plan->format == AX_IMAGE_ELF64) {
		plan->format = AX_IMAGE_VMLINUX;
	}
}

/*
 * Add all loadable segments. The entry is a virtual address; the segment in whose virtual range it
 * lies says where that is. Where none does, it is taken for a physical address, as kernels that run
 * elsewhere first have it.
 */
static int add_segments(const struct image *image, const struct elf *elf, AxImagePlan *plan,
			AxError *err)
{
	const struct elf_class *class = elf->class;
	struct elf_notes notes = { false };
	bool translated = false;
	int ret;

	plan->entry = elf->entry;
	for (unsigned i = 0; i < elf->phnum; i++) {
		const uint8_t *header = image->bytes + elf->phoff + (size_t)i * class->segment_size;
		AxImageSegment segment = {
			.gpa = get_word(elf, header + class->paddr),
			.file_offset = get_word(elf, header + class->offset),
			.file_size = get_word(elf, header + class->filesz),
			.memory_size = get_word(elf, header + class->memsz),
			.flags = mapping_flags(get_le32(header + class->flags)),
		};
		uint64_t vaddr = get_word(elf, header + class->vaddr);

		if (get_le32(header) == SEGMENT_INTERP)
			return boot_refused(image, err, "Link it with -static",
					    "a dynamically linked program (%s)", elf->name);
		if (get_le32(header) == SEGMENT_NOTE)
			read_notes(image, &segment, &notes);
		if (get_le32(header) != SEGMENT_LOAD)
			continue;
		ret = boot_plan_add(image, plan, &segment, i, err);
		if (ret)
			return ret;
		if (!translated && elf->entry >= vaddr &&
		    elf->entry - vaddr < segment.memory_size) {
			plan->entry = segment.gpa + (elf->entry - vaddr);
			translated = true;
		}
	}
	follow_notes(image, &notes, plan);
	return boot_plan_finish(image, plan, err);
}

static int parse_whole(const struct image *image, const struct elf *elf, AxImagePlan *plan,
		       AxError *err)
{
	int ret = check_type(image, elf, err);

	if (!ret)
		ret = check_table(image, elf, err);
	return ret ? ret : add_segments(image, elf, plan, err);
}

int boot_elf_parse(const struct image *image, AxImagePlan *plan, AxError *err)
{
	struct elf elf = { 0 };
	int ret = read_header(image, &elf, err);

	if (ret)
		return ret;
	for (size_t i = 0; i < sizeof(accepted_files) / sizeof(accepted_files[0]); i++) {
		const struct accepted *row = &accepted_files[i];

		if (row->machine != image->machine || row->elf_machine != elf.machine ||
		    row->class != image->bytes[EI_CLASS])
			continue;
		if (boot_machine(image->machine)->has_multiboot && boot_multiboot2_found(image))
			return boot_refused(image, err, NULL, "multiboot 2 (%s)", elf.name);
		plan->format = row->format;
		plan->mode = row->mode;
		return parse_whole(image, &elf, plan, err);
	}
	return boot_refused(image, err, NULL, "%s", elf.name);
}

int boot_elf_parse_multiboot(const struct image *image, AxImagePlan *plan, AxError *err)
{
	struct elf elf = { 0 };
	int ret = read_header(image, &elf, err);

	if (ret)
		return ret;
	if (elf.machine != MACHINE_386 && elf.machine != MACHINE_X86_64)
		return boot_refused(image, err, NULL, "%s with a multiboot header", elf.name);
	return parse_whole(image, &elf, plan, err);
}
