/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What Linux, and guests that start by PVH, find in memory beside themselves: command line, initial RAM
 * disk, memory map, and where the ACPI tables are.
 *
 * Low memory is as on a PC: nothing in the first page or in 0xa0000 to 0xfffff; what tells of the boot
 * lies below 640 KiB if there is room, the initial RAM disk as high as possible.
 *
 * Source: Linux, Documentation/arch/x86/boot.rst, "64-bit Boot Protocol"; Xen, docs/misc/pvh.pandoc.
 */
#include <errno.h>
#include <string.h>

#include "boot/linux_x86.h"
#include "machine/x86_64/load.h"

#define LOW_START 0x9000ull
#define LOW_END	  0xa0000ull

/* Archives of an initramfs begin at a multiple of this: Linux, early-userspace/buffer-format.rst. */
#define ARCHIVE_ALIGNMENT 4

struct start {
	uint64_t command_line;
	unsigned module_count;
	AxRamRange modules[AX_LOAD_MODULES_MAX];
	unsigned memory_count;
	struct memory_piece memory[MEMORY_PIECES_MAX];
};

static uint64_t archive_size(const AxLoadModule *module)
{
	return (module->source.len + ARCHIVE_ALIGNMENT - 1) & ~(uint64_t)(ARCHIVE_ALIGNMENT - 1);
}

static uint64_t modules_size(const struct load *load)
{
	uint64_t size = 0;

	for (uint32_t i = 0; i < load->options->module_count; i++)
		size += archive_size(&load->options->modules[i]);
	return size;
}

static int no_room(const struct load *load, const char *name, const char *what, uint64_t size,
		   AxError *err)
{
	const AxImageSegment *last = &load->plan.segments[load->plan.segment_count - 1];
	uint64_t enough = last->gpa + last->memory_size + AX_BOOT_BLOCK_SIZE + modules_size(load) +
			  (uint64_t)PAGE_SIZE * (load->options->module_count + 2);
	uint64_t ram = 0;

	for (unsigned i = 0; i < load->ram_count; i++)
		ram += load->ram[i].size;
	return boot_error(
		err, AX_ERROR_IMAGE, 0, -ENOSPC, name,
		"%s of %llu bytes does not fit beside the kernel into %llu MiB of RAM; %llu "
		"MiB would do",
		what, (unsigned long long)size, (unsigned long long)(ram / ONE_MIB),
		(unsigned long long)((enough - 1) / ONE_MIB + 1));
}

static int check_modules(const struct load *load, AxError *err)
{
	for (uint32_t i = 0; i < load->options->module_count; i++) {
		const AxImageSource *source = &load->options->modules[i].source;

		if (!boot_sized(source, sizeof(*source)) || !source->bytes || !source->len)
			return boot_error(err, AX_ERROR_ARGUMENT, 0, -EINVAL, "module (initrd)",
					  "it is empty");
	}
	return 0;
}

/* As high as possible, below @limit if that is lower than all of RAM. */
static bool find_high(struct load *load, uint64_t size, uint64_t limit, uint64_t *gpa)
{
	uint64_t low = limit < FOUR_GIB ? limit : FOUR_GIB;

	return boot_layout_high(&load->layout, size, PAGE_SIZE, low, gpa) ||
	       boot_layout_high(&load->layout, size, PAGE_SIZE, limit, gpa);
}

/* Modules one behind the other: Linux takes several archives as one. */
static int load_initrd(struct load *load, uint64_t limit, AxRamRange *initrd, AxError *err)
{
	const AxLoadOptions *options = load->options;
	uint64_t size = modules_size(load), at;
	int ret;

	if (!options->module_count)
		return 0;
	if (!find_high(load, size, limit, &initrd->base))
		return no_room(load, options->modules[0].source.name, "the initrd", size, err);
	at = initrd->base;
	for (uint32_t i = 0; i < options->module_count; i++) {
		const AxImageSource *source = &options->modules[i].source;

		ret = load_bytes(load, source, 0, source->len, at, err);
		if (ret)
			return ret;
		at += archive_size(&options->modules[i]);
	}
	initrd->size = size;
	return 0;
}

/* Each one by itself. */
static int load_modules(struct load *load, struct start *start, AxError *err)
{
	const AxLoadOptions *options = load->options;

	for (uint32_t i = 0; i < options->module_count; i++) {
		const AxImageSource *source = &options->modules[i].source;
		uint64_t gpa;
		int ret;

		if (!find_high(load, source->len, FOUR_GIB, &gpa))
			return no_room(load, source->name, "the module (initrd)", source->len, err);
		ret = load_bytes(load, source, 0, source->len, gpa, err);
		if (ret)
			return ret;
		start->modules[start->module_count++] = (AxRamRange){ gpa, source->len };
	}
	return 0;
}

/* Find room for what tells of the boot. */
static bool find_low(struct load *load, uint64_t size, uint64_t *gpa)
{
	return boot_layout_low(&load->layout, size, PAGE_SIZE, LOW_START, LOW_END, gpa) ||
	       boot_layout_low(&load->layout, size, PAGE_SIZE, PAGE_SIZE, FOUR_GIB, gpa);
}

static int load_command_line(struct load *load, struct start *start, AxError *err)
{
	const char *line = load->options->command_line ? load->options->command_line : "";
	size_t size = strlen(line) + 1;

	if (!find_low(load, size, &start->command_line))
		return no_room(load, load->source->name, "the command line", size, err);
	if (ax_mem_write(load->vm, start->command_line, line, size))
		return load_lost_ram(load, start->command_line, err);
	return 0;
}

static int begin(struct load *load, struct start *start, AxError *err)
{
	int ret = check_modules(load, err);

	if (ret)
		return ret;
	boot_layout_take(&load->layout, 0, PAGE_SIZE);
	boot_layout_take(&load->layout, LOW_END, ONE_MIB - LOW_END);
	start->memory_count = boot_memory_map(load->ram, load->ram_count, start->memory);
	return load_command_line(load, start, err);
}

/* The setup header, which the parser has checked; a vmlinux has none. */
static int read_header(const struct load *load, struct bzimage *header, AxError *err)
{
	const AxImageHints hints = { .size = sizeof(hints), .name = load->source->name };
	const struct image image = { .bytes = load->source->bytes,
				     .len = load->source->len,
				     .hints = &hints,
				     .machine = AX_IMAGE_FOR_X86_64 };

	return boot_bzimage_read(&image, header, err);
}

static int check_command_line(const struct load *load, const struct bzimage *header, AxError *err)
{
	const char *line = load->options->command_line;

	if (!line || strlen(line) <= header->command_line_max)
		return 0;
	return load_error(load, err, -ENOSPC,
			  "a command line of %zu bytes is too long: this kernel takes %u",
			  strlen(line), header->command_line_max);
}

static int put_boot_params(struct load *load, const struct boot_params *params,
			   const struct bzimage *header, AxBootRegisters *regs, AxError *err)
{
	const uint8_t *file = load->source->bytes;
	AxMemView view;
	uint64_t gpa;

	if (!find_low(load, BOOT_PARAMS_SIZE, &gpa))
		return no_room(load, load->source->name, "the zero page", BOOT_PARAMS_SIZE, err);
	if (ax_mem_get(load->vm, gpa, BOOT_PARAMS_SIZE, AX_MEM_WRITE, &view))
		return load_lost_ram(load, gpa, err);
	if (header)
		boot_params_build(params, file + BOOT_SETUP_HEADER,
				  header->header_end - BOOT_SETUP_HEADER, view.host);
	else
		boot_params_build(params, NULL, 0, view.host);
	ax_mem_put(load->vm, &view, BOOT_PARAMS_SIZE);
	load_register(regs, "rsi", gpa);
	return 0;
}

int load_linux(struct load *load, AxVCpuSetup *setup, AxBootRegisters *regs, AxError *err)
{
	bool has_header = load->plan.format == AX_IMAGE_BZIMAGE;
	struct bzimage header = { .command_line_max = AX_COMMAND_LINE_MAX,
				  .initrd_end_max = UINT64_MAX };
	struct boot_params params;
	struct start start = { 0 };
	AxRamRange initrd = { 0, 0 };
	int ret = 0;

	if (has_header)
		ret = read_header(load, &header, err);
	if (!ret)
		ret = check_command_line(load, &header, err);
	if (!ret)
		ret = begin(load, &start, err);
	if (!ret)
		ret = load_initrd(load, header.initrd_end_max, &initrd, err);
	if (ret)
		return ret;
	params = (struct boot_params){ .command_line = start.command_line,
				       .initrd = initrd.base,
				       .initrd_size = initrd.size,
				       .rsdp = load->options->acpi_rsdp,
				       .memory = start.memory,
				       .memory_count = start.memory_count };
	ret = put_boot_params(load, &params, has_header ? &header : NULL, regs, err);
	return ret ? ret : load_boot_block(load, setup, regs, err);
}

int load_pvh(struct load *load, AxVCpuSetup *setup, AxBootRegisters *regs, AxError *err)
{
	struct start start = { 0 };
	struct start_info info;
	AxMemView view;
	uint64_t gpa;
	size_t size;
	int ret = begin(load, &start, err);

	if (!ret)
		ret = load_modules(load, &start, err);
	if (ret)
		return ret;
	info = (struct start_info){ .command_line = start.command_line,
				    .rsdp = load->options->acpi_rsdp,
				    .modules = start.modules,
				    .module_count = start.module_count,
				    .memory = start.memory,
				    .memory_count = start.memory_count };
	size = boot_start_info_size(info.module_count, info.memory_count);
	if (!find_low(load, size, &gpa))
		return no_room(load, load->source->name, "the start information", size, err);
	if (ax_mem_get(load->vm, gpa, size, AX_MEM_WRITE, &view))
		return load_lost_ram(load, gpa, err);
	boot_start_info_build(&info, gpa, view.host);
	ax_mem_put(load->vm, &view, size);
	load_register(regs, "rbx", gpa);
	return load_boot_block(load, setup, regs, err);
}
