/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Putting an image into the RAM of a VM: what does not depend on the architecture.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "machine/load.h"

int load_lost_ram(const struct load *load, uint64_t gpa, AxError *err)
{
	return boot_error(err, AX_ERROR_STATE, 0, -EFAULT, load->source->name,
			  "RAM at 0x%llx was removed while the image was loaded",
			  (unsigned long long)gpa);
}

void load_register(AxBootRegisters *regs, const char *name, uint64_t value)
{
	regs->registers[regs->count++] = (AxBootRegister){ name, value };
}

static int find_ram(struct load *load, AxError *err)
{
	AxRamInfo info;

	for (unsigned i = 0; ax_ram_info(load->vm, i, &info); i++) {
		if (info.flags & AX_RAM_READONLY)
			continue;
		if (load->ram_count == AX_RAM_RANGES_MAX)
			return load_error(load, err, -ENOSPC,
					  "the VM has more than %d pieces of RAM; add it in fewer",
					  AX_RAM_RANGES_MAX);
		load->ram[load->ram_count++] = (AxRamRange){ info.base, info.size };
	}
	if (load->ram_count == 0)
		return boot_error(err, AX_ERROR_ARGUMENT, 0, -EINVAL, load->source->name,
				  "the VM has no RAM to load it into: ax_ram_add() comes first");
	return 0;
}

/* Limits that hold for every format. */
static int check_options(const struct load *load, AxError *err)
{
	const AxLoadOptions *options = load->options;
	const char *line = options->command_line;

	if (line && strnlen(line, AX_COMMAND_LINE_MAX) == AX_COMMAND_LINE_MAX)
		return load_error(
			load, err, -ENOSPC,
			"a command line of %zu bytes is too long: at most %d are possible",
			strlen(line), AX_COMMAND_LINE_MAX - 1);
	if (options->module_count > AX_LOAD_MODULES_MAX)
		return load_error(load, err, -ENOSPC,
				  "%u modules (initrds) are too many: at most %d are possible",
				  options->module_count, AX_LOAD_MODULES_MAX);
	if (options->module_count && !options->modules)
		return boot_error(err, AX_ERROR_ARGUMENT, 0, -EINVAL, load->source->name,
				  "there are %u modules, but no list of them",
				  options->module_count);
	return 0;
}

static int parse(struct load *load, AxError *err)
{
	const AxLoadOptions *options = load->options;
	AxImageHints hints = AX_IMAGE_HINTS_INIT;

	hints.name = load->source->name;
	hints.given = options->given;
	hints.mode = options->mode;
	hints.load = options->load;
	hints.machine = load_arch.machine;
	hints.ram = load->ram;
	hints.ram_count = load->ram_count;
	return ax_image_parse(load->source->bytes, load->source->len, &hints, &load->plan, err);
}

static int write_zeros(struct load *load, AxGuestPhysAddr gpa, uint64_t len, AxError *err)
{
	static const uint8_t zeros[PAGE_SIZE];

	while (len) {
		uint64_t piece = len < PAGE_SIZE ? len : PAGE_SIZE;

		if (ax_mem_write(load->vm, gpa, zeros, piece))
			return load_lost_ram(load, gpa, err);
		gpa += piece;
		len -= piece;
	}
	return 0;
}

/*
 * Zero guest memory. Whole pages are given back to the host, which neither reads nor touches them: a
 * kernel's bss is tens of megabytes. What the host does not take back is written.
 */
static int zero(struct load *load, AxGuestPhysAddr gpa, uint64_t len, AxError *err)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	AxGuestPhysAddr first = (gpa + page - 1) & ~(page - 1), end = (gpa + len) & ~(page - 1);
	uint64_t discarded;
	int ret;

	if (first >= end || ax_ram_discard(load->vm, first, end - first, &discarded, NULL) ||
	    discarded != end - first)
		return write_zeros(load, gpa, len, err);
	ret = write_zeros(load, gpa, first - gpa, err);
	return ret ? ret : write_zeros(load, end, gpa + len - end, err);
}

/* Pages that are whole in the file as in RAM: how many bytes at @gpa are mapped from @offset on. */
static uint64_t map_pages(const struct load *load, const AxImageSource *source, uint64_t offset,
			  uint64_t size, AxGuestPhysAddr gpa)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), whole = size & ~(page - 1);

	if (!(load->options->flags & AX_LOAD_MAP) || !(source->flags & AX_SOURCE_FILE) || !whole ||
	    (offset | gpa) % page)
		return 0;
	/* What is said of RAM that cannot be mapped to: it is written. */
	return ax_ram_map_file(load->vm, gpa, whole, source->fd, offset, NULL) ? 0 : whole;
}

int load_bytes(const struct load *load, const AxImageSource *source, uint64_t offset, uint64_t size,
	       AxGuestPhysAddr gpa, AxError *err)
{
	uint64_t mapped = map_pages(load, source, offset, size, gpa);

	if (ax_mem_write(load->vm, gpa + mapped, (const uint8_t *)source->bytes + offset + mapped,
			 size - mapped))
		return load_lost_ram(load, gpa, err);
	return 0;
}

static int copy_segment(struct load *load, const AxImageSegment *segment, AxError *err)
{
	int ret = load_bytes(load, load->source, segment->file_offset, segment->file_size,
			     segment->gpa, err);

	if (ret)
		return ret;
	return zero(load, segment->gpa + segment->file_size,
		    segment->memory_size - segment->file_size, err);
}

static int load_all(struct load *load, AxVCpuSetup *setup, AxBootRegisters *regs, AxError *err)
{
	const AxImagePlan *plan = &load->plan;
	int ret;

	ret = load_check(load, err);
	if (ret)
		return ret;
	boot_layout_init(&load->layout, load->ram, load->ram_count);
	for (uint32_t i = 0; i < plan->segment_count; i++) {
		boot_layout_take(&load->layout, plan->segments[i].gpa,
				 plan->segments[i].memory_size);
		ret = copy_segment(load, &plan->segments[i], err);
		if (ret)
			return ret;
	}
	setup->mode = plan->mode;
	setup->entry = plan->entry;
	setup->page_table = 0;
	setup->stack = 0;
	regs->count = 0;
	return load_finish(load, setup, regs, err);
}

/* A compressed image by what is in it; otherwise @unpacked stays empty. */
static int unpack(struct load *load, AxImageSource *unpacked, AxError *err)
{
	uint64_t limit = 0;
	int ret;

	for (unsigned i = 0; i < load->ram_count; i++)
		limit += load->ram[i].size;
	ret = boot_unpack(load->source, load_arch.machine, limit, unpacked, err);
	if (!ret && unpacked->bytes)
		load->source = unpacked;
	return ret;
}

static int load_checked(struct load *load, AxVCpuSetup *setup, AxBootRegisters *regs, AxError *err)
{
	AxImageSource unpacked = AX_IMAGE_SOURCE_INIT;
	AxVCpuSetup new_setup = *setup;
	AxBootRegisters new_regs = *regs;
	int ret;

	load->plan.size = sizeof(load->plan);
	ret = find_ram(load, err);
	if (!ret)
		ret = check_options(load, err);
	if (!ret)
		ret = unpack(load, &unpacked, err);
	if (!ret)
		ret = parse(load, err);
	if (!ret)
		ret = load_all(load, &new_setup, &new_regs, err);
	ax_image_file_close(&unpacked);
	if (ret)
		return ret;
	*setup = new_setup;
	*regs = new_regs;
	return 0;
}

int load_into(AxVm *vm, const AxImageSource *source, const AxLoadOptions *options,
	      AxVCpuSetup *setup, AxBootRegisters *regs, struct load_tree *tree, AxError *err)
{
	static const AxLoadOptions defaults = AX_LOAD_OPTIONS_INIT;
	struct load load = { .vm = vm, .source = source, .options = options ? options : &defaults };
	int ret;

	if (!vm || !boot_sized(source, sizeof(*source)) ||
	    !boot_sized(load.options, sizeof(*options)) || !boot_sized(setup, sizeof(*setup)) ||
	    !boot_sized(regs, sizeof(*regs)))
		return boot_error(err, AX_ERROR_ARGUMENT, 0, -EINVAL, "ax_image_load",
				  "an argument is missing, or its size is not set");
	ret = load_checked(&load, setup, regs, err);
	if (ret || !tree)
		free(load.tree.bytes);
	else
		*tree = load.tree;
	return ret;
}

int ax_image_load(AxVm *vm, const AxImageSource *source, const AxLoadOptions *options,
		  AxVCpuSetup *setup, AxBootRegisters *regs, AxError *err)
{
	return load_into(vm, source, options, setup, regs, NULL, err);
}
