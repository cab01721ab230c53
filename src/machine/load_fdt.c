/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an image on arm64 and riscv64 needs beside itself: a device tree, which tells of the command
 * line and of the initial RAM disk.
 *
 * Source: Linux, Documentation/arch/arm64/booting.rst, "Setup the device tree", and
 * Documentation/arch/riscv/boot.rst.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "machine/fdt.h"
#include "machine/load.h"

/* Linux maps no more of a tree than this. */
#define TREE_SIZE_MAX (2 * ONE_MIB)

/* What lies below is reached by 32-bit devices and by QEMU's habits. */
#define PREFERRED_END 0xc0000000

/* Linux cuts off what it has no room for, without a word. */
static int check_command_line(const struct load *load, AxError *err)
{
	const char *line = load->options->command_line;
	size_t len = line ? strlen(line) : 0;

	if (load->plan.format != load_arch.linux_format || len < load_arch.command_line_size)
		return 0;
	return load_error(load, err, -ENOSPC,
			  "a command line of %zu bytes is too long: Linux for %s reads %u", len,
			  ax_image_machine_name(load_arch.machine),
			  load_arch.command_line_size - 1);
}

int load_check(const struct load *load, AxError *err)
{
	const AxLoadOptions *options = load->options;
	const char *what = NULL;
	int ret = check_command_line(load, err);

	if (ret)
		return ret;

	if (options->module_count > 1)
		return load_error(load, err, -ENOTSUP,
				  "%u modules (initrds): a device tree tells of one; join them",
				  options->module_count);
	if (options->device_tree)
		return 0;
	if (options->command_line && options->command_line[0])
		what = "a command line";
	if (options->module_count)
		what = "a module (initrd)";
	if (!what)
		return 0;
	return load_error(load, err, -ENOTSUP,
			  "only a device tree can pass on %s, and there is none", what);
}

/* Beside the image, of which the end is what counts: things go to the end of RAM. */
static int no_room(const struct load *load, const char *name, const char *what, size_t size,
		   AxError *err)
{
	const AxImageSegment *last = &load->plan.segments[load->plan.segment_count - 1];
	uint64_t needed = last->gpa + last->memory_size - load->ram[0].base + size;
	uint64_t ram = 0;

	for (unsigned i = 0; i < load->ram_count; i++)
		ram += load->ram[i].size;
	return boot_error(err, AX_ERROR_IMAGE, 0, -ENOSPC, name,
			  "%s of %zu bytes does not fit beside the image into %llu MiB of RAM: at "
			  "least %llu MiB would do",
			  what, size, (unsigned long long)(ram / ONE_MIB),
			  (unsigned long long)((needed + TREE_SIZE_MAX) / ONE_MIB + 1));
}

static bool find_high(struct load *load, size_t size, uint64_t *gpa)
{
	return boot_layout_high(&load->layout, size, PAGE_SIZE, PREFERRED_END, gpa) ||
	       boot_layout_high(&load->layout, size, PAGE_SIZE, UINT64_MAX, gpa);
}

/* The start of RAM, when all of it is free. */
static bool find_start(struct load *load, size_t size, uint64_t *gpa)
{
	uint64_t start = load->ram[0].base;

	if (size > load->ram[0].size)
		return false;
	return boot_layout_low(&load->layout, size, PAGE_SIZE, start, start + size, gpa);
}

static int load_initrd(struct load *load, struct tree_chosen *chosen, AxError *err)
{
	const AxImageSource *source;
	uint64_t gpa;
	int ret;

	if (!load->options->module_count)
		return 0;
	source = &load->options->modules[0].source;
	if (!boot_sized(source, sizeof(*source)) || !source->bytes || !source->len)
		return boot_error(err, AX_ERROR_ARGUMENT, 0, -EINVAL, "module (initrd)",
				  "it is empty");
	if (!find_high(load, source->len, &gpa))
		return no_room(load, source->name, "the module (initrd)", source->len, err);
	ret = load_bytes(load, source, 0, source->len, gpa, err);
	if (ret)
		return ret;
	chosen->initrd_start = gpa;
	chosen->initrd_end = gpa + source->len;
	return 0;
}

static int place_tree(struct load *load, uint64_t *gpa, AxError *err)
{
	size_t size = load->tree.len;
	bool found = load_arch.tree_at_start && find_start(load, size, gpa);

	if (!found && !find_high(load, size, gpa))
		return no_room(load, load->source->name, "the device tree", size, err);
	if (ax_mem_write(load->vm, *gpa, load->tree.bytes, size))
		return load_lost_ram(load, *gpa, err);
	return 0;
}

int load_complete_tree(struct load *load, const struct tree_chosen *chosen, AxError *err)
{
	const AxLoadOptions *options = load->options;
	size_t room;

	if (options->device_tree_len > TREE_SIZE_MAX)
		return load_error(load, err, -ENOSPC,
				  "a device tree of %zu bytes is too large: Linux takes 2 MiB",
				  options->device_tree_len);
	room = options->device_tree_len + TREE_CHOSEN_ROOM;
	load->tree.bytes = malloc(room);
	if (!load->tree.bytes)
		return ax_error_set(err, -ENOMEM, AX_ERROR_RESOURCE, 0,
				    "no memory for a device tree");
	return tree_complete(options->device_tree, options->device_tree_len, chosen,
			     load->tree.bytes, room, &load->tree.len, err);
}

int load_finish(struct load *load, AxVCpuSetup *setup, AxBootRegisters *regs, AxError *err)
{
	struct tree_chosen chosen = { .command_line = load->options->command_line };
	uint64_t gpa = 0;
	int ret;

	if (!load->options->device_tree)
		return 0;
	ret = load_initrd(load, &chosen, err);
	if (!ret)
		ret = load_complete_tree(load, &chosen, err);
	if (!ret)
		ret = place_tree(load, &gpa, err);
	if (ret)
		return ret;
	setup->arg = gpa;
	return 0;
}
