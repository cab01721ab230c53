/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest's memory and registers as an ELF core. Source: System V ABI, chapters 4 and 5; the notes are
 * those of Linux's own cores.
 *
 * Pages that the guest and the host never touched are holes: of anonymous memory /proc/self/pagemap
 * tells, of a memfd SEEK_DATA does; where neither does, pages of zeros are.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <axvmm/memory.h>
#include <axvmm/probe.h>

#include "debug/crash.h"

#define PAGE	  4096u
#define CHUNK	  (256u * PAGE)
#define NOTE_NAME "CORE"

/* Offsets into struct elf_prstatus: prstatus.c. */
#define PR_CURSIG 12
#define PR_PID	  32

/* A page was there once: Documentation/admin-guide/mm/pagemap.rst. */
#define PAGEMAP_PRESENT (UINT64_C(1) << 63)
#define PAGEMAP_SWAPPED (UINT64_C(1) << 62)

static int write_at(int fd, const void *bytes, size_t length, uint64_t offset)
{
	const char *at = bytes;

	while (length) {
		ssize_t written = pwrite(fd, at, length, (off_t)offset);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return written ? -errno : -EIO;
		at += written;
		offset += (uint64_t)written;
		length -= (size_t)written;
	}
	return 0;
}

static unsigned count_ram(AxVm *vm)
{
	AxRamInfo info;
	unsigned count = 0;

	while (ax_ram_info(vm, count, &info))
		count++;
	return count;
}

static unsigned count_vcpus(AxVm *vm)
{
	unsigned count = 0;

	while (ax_vm_vcpu_at(vm, count))
		count++;
	return count;
}

static size_t note_size(const struct prstatus_layout *layout)
{
	/* The name and its zero byte take 8, as everything is aligned to 4. */
	return sizeof(Elf64_Nhdr) + 8 + ((layout->size + 3u) & ~3u);
}

static void fill_note(AxVCpu *vcpu, const struct prstatus_layout *layout, unsigned index,
		      uint8_t *note)
{
	Elf64_Nhdr header = { .n_namesz = sizeof(NOTE_NAME),
			      .n_descsz = layout->size,
			      .n_type = NT_PRSTATUS };
	uint8_t *status = note + sizeof(header) + 8;
	uint32_t pid = index + 1;

	memcpy(note, &header, sizeof(header));
	memcpy(note + sizeof(header), NOTE_NAME, sizeof(NOTE_NAME));
	memcpy(status + PR_PID, &pid, sizeof(pid));
	for (unsigned i = 0; i < layout->count; i++) {
		uint64_t value = 0;

		if (layout->names[i])
			ax_vcpu_get_reg(vcpu, layout->names[i], &value, NULL);
		memcpy(status + layout->regs + 8 * i, &value, sizeof(value));
	}
}

static int write_notes(AxVm *vm, int fd, const struct prstatus_layout *layout, uint64_t offset)
{
	size_t size = note_size(layout);
	uint8_t *note = malloc(size);
	AxVCpu *vcpu;
	int ret = note ? 0 : -ENOMEM;

	for (unsigned i = 0; !ret && (vcpu = ax_vm_vcpu_at(vm, i)); i++) {
		memset(note, 0, size);
		fill_note(vcpu, layout, i, note);
		ret = write_at(fd, note, size, offset + i * size);
	}
	free(note);
	return ret;
}

static bool is_zero(const uint8_t *bytes, size_t length)
{
	return !bytes[0] && !memcmp(bytes, bytes + 1, length - 1);
}

/* A line of /proc/self/maps: proc(5). "first-last mode offset device inode path" */
static bool take_mapping(const char *line, uintptr_t *first, uintptr_t *last, uint64_t *inode)
{
	char *at, *end;

	*first = strtoul(line, &at, 16);
	if (*at != '-')
		return false;
	*last = strtoul(at + 1, &at, 16);
	for (unsigned i = 0; i < 3; i++) {
		if (*at != ' ')
			return false;
		at += 1 + strcspn(at + 1, " ");
	}
	*inode = strtoull(at, &end, 10);
	return end != at;
}

/* How far from @at on there is nothing but memory without a file: the end of that. */
static uintptr_t anonymous_until(FILE *maps, uintptr_t at)
{
	uintptr_t first, last, end = at;
	uint64_t inode;
	char line[512];

	rewind(maps);
	while (fgets(line, sizeof(line), maps)) {
		/* What is below comes first, and what follows without a gap. */
		if (!take_mapping(line, &first, &last, &inode) || last <= end)
			continue;
		if (first > end || inode)
			break;
		end = last;
	}
	return end;
}

/*
 * Which pages of a chunk have anything: one bit of @map for each of @pages. A page of a file (an image
 * that is mapped instead of copied) does before anybody has touched it.
 */
static void look_for_pages(int pagemap, const AxRamInfo *ram, uint64_t offset, const uint8_t *host,
			   unsigned pages, bool is_anonymous, bool *map)
{
	uint64_t entries[CHUNK / PAGE];
	ssize_t size = (ssize_t)(pages * sizeof(entries[0]));
	bool known = ram->fd < 0 && is_anonymous && sysconf(_SC_PAGESIZE) == PAGE &&
		     pread(pagemap, entries, (size_t)size,
			   (off_t)((uintptr_t)host / PAGE * sizeof(entries[0]))) == size;

	for (unsigned i = 0; i < pages; i++)
		map[i] = !known || (entries[i] & (PAGEMAP_PRESENT | PAGEMAP_SWAPPED));
	if (ram->fd >= 0) {
		off_t data = lseek(ram->fd, (off_t)offset, SEEK_DATA);
		bool none = data < 0 ? errno == ENXIO : (uint64_t)data >= offset + pages * PAGE;

		for (unsigned i = 0; none && i < pages; i++)
			map[i] = false;
	}
}

/* A page that is there may have to be waited for (pager.h): one at a time, and those alone. */
static int copy_pages(AxVm *vm, int fd, uint64_t gpa, unsigned pages, const bool *map,
		      uint64_t offset)
{
	for (unsigned i = 0; i < pages; i++) {
		uint8_t page[PAGE];
		int ret;

		if (!map[i] || ax_mem_read(vm, gpa + i * PAGE, page, sizeof(page)) ||
		    is_zero(page, sizeof(page)))
			continue;
		ret = write_at(fd, page, sizeof(page), offset + i * PAGE);
		if (ret)
			return ret;
	}
	return 0;
}

static int write_ram(AxVm *vm, int fd, int pagemap, FILE *maps, const AxRamInfo *ram,
		     uint64_t offset)
{
	uintptr_t anonymous = 0;
	AxMemView first;
	const uint8_t *host;
	int ret = 0;

	/* A piece of RAM is one mapping. */
	if (ax_mem_get(vm, ram->base, PAGE, AX_MEM_READ, &first))
		return 0;
	host = first.host;
	for (uint64_t at = 0; !ret && at < ram->size; at += CHUNK) {
		uint64_t left = ram->size - at;
		unsigned pages = (unsigned)((left < CHUNK ? left : CHUNK) / PAGE);
		bool map[CHUNK / PAGE];

		if (maps && anonymous < (uintptr_t)host + at + pages * PAGE)
			anonymous = anonymous_until(maps, (uintptr_t)host + at);
		look_for_pages(pagemap, ram, at, host + at, pages,
			       anonymous >= (uintptr_t)host + at + pages * PAGE, map);
		ret = copy_pages(vm, fd, ram->base + at, pages, map, offset + at);
	}
	ax_mem_put(vm, &first, 0);
	return ret;
}

static uint64_t page_up(uint64_t value)
{
	return (value + PAGE - 1) & ~(uint64_t)(PAGE - 1);
}

/* The headers: where everything is. @end: where the file ends. */
static int write_headers(AxVm *vm, int fd, const struct prstatus_layout *layout, uint64_t *notes,
			 uint64_t *memory, uint64_t *end)
{
	unsigned pieces = count_ram(vm);
	size_t size = sizeof(Elf64_Ehdr) + (pieces + 1) * sizeof(Elf64_Phdr);
	uint8_t *headers = calloc(1, size);
	Elf64_Ehdr *header = (Elf64_Ehdr *)headers;
	Elf64_Phdr *program;
	AxRamInfo ram;
	int ret;

	if (!headers)
		return -ENOMEM;
	program = (Elf64_Phdr *)(headers + sizeof(*header));
	memcpy(header->e_ident, ELFMAG, SELFMAG);
	header->e_ident[EI_CLASS] = ELFCLASS64;
	header->e_ident[EI_DATA] = ELFDATA2LSB;
	header->e_ident[EI_VERSION] = EV_CURRENT;
	header->e_type = ET_CORE;
	header->e_machine = layout->machine;
	header->e_version = EV_CURRENT;
	header->e_phoff = sizeof(*header);
	header->e_ehsize = sizeof(*header);
	header->e_phentsize = sizeof(*program);
	header->e_phnum = (uint16_t)(pieces + 1);
	program->p_type = PT_NOTE;
	program->p_offset = *notes = size;
	program->p_filesz = program->p_memsz = count_vcpus(vm) * note_size(layout);
	*memory = *end = page_up(size + program->p_filesz);
	for (unsigned i = 0; i < pieces && ax_ram_info(vm, i, &ram); i++) {
		program++;
		program->p_type = PT_LOAD;
		program->p_flags = PF_R | PF_W | PF_X;
		program->p_offset = *end;
		program->p_vaddr = program->p_paddr = ram.base;
		program->p_filesz = program->p_memsz = ram.size;
		program->p_align = PAGE;
		*end += ram.size;
	}
	ret = write_at(fd, headers, size, 0);
	free(headers);
	return ret;
}

int crash_write_core(AxVm *vm, int fd)
{
	const struct prstatus_layout *layout = prstatus_find(ax_arch_name());
	uint64_t notes, memory, end;
	AxRamInfo ram;
	int ret, pagemap;
	FILE *maps;

	if (!layout)
		return -ENOTSUP;
	ret = write_headers(vm, fd, layout, &notes, &memory, &end);
	if (!ret)
		ret = write_notes(vm, fd, layout, notes);
	if (ret)
		return ret;
	pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	maps = fopen("/proc/self/maps", "re");
	for (unsigned i = 0; !ret && ax_ram_info(vm, i, &ram); i++) {
		ret = write_ram(vm, fd, pagemap, maps, &ram, memory);
		memory += ram.size;
	}
	if (pagemap >= 0)
		close(pagemap);
	if (maps)
		fclose(maps);
	if (!ret && ftruncate(fd, (off_t)end))
		ret = -errno;
	return ret;
}
