/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a multiboot image finds in memory beside itself. Source: Multiboot Specification 0.6.96,
 * sections 3.2 and 3.3.
 *
 * Guests of this kind are written for PCs: they expect boot information below 640 KiB and modules
 * above 1 MiB behind the kernel, and nothing in the first page or in 0xa0000 to 0xfffff.
 */
#include <errno.h>
#include <string.h>

#include "machine/x86_64/load.h"

/* Below it guests start other CPUs, or have a stack. */
#define LOW_START 0x9000ull
#define LOW_END	  0xa0000ull
/* The information structure lies so many bytes behind the GDT's start. */
#define INFO_OFFSET 64
/* The address behind a module has 32 bits. */
#define MODULE_END (FOUR_GIB - PAGE_SIZE)

static uint64_t image_end(const struct load *load)
{
	const AxImageSegment *last = &load->plan.segments[load->plan.segment_count - 1];
	uint64_t end = last->gpa + last->memory_size;

	return end > ONE_MIB ? end : ONE_MIB;
}

/* RAM that would hold the image and all modules behind it, in MiB. */
static uint64_t enough_mib(const struct load *load)
{
	uint64_t end = image_end(load) + PAGE_SIZE;

	for (uint32_t i = 0; i < load->options->module_count; i++)
		end += load->options->modules[i].source.len + PAGE_SIZE;
	return (end - 1) / ONE_MIB + 1;
}

static int no_room(const struct load *load, const char *name, const char *what, uint64_t size,
		   AxError *err)
{
	uint64_t mib = enough_mib(load);

	if (mib > FOUR_GIB / ONE_MIB)
		return boot_error(
			err, AX_ERROR_IMAGE, 0, -ENOSPC, name,
			"%s of %llu bytes does not fit below 4 GiB: a smaller one would do", what,
			(unsigned long long)size);
	return boot_error(err, AX_ERROR_IMAGE, 0, -ENOSPC, name,
			  "%s of %llu bytes does not fit into RAM beside the image: %llu MiB of "
			  "RAM would do",
			  what, (unsigned long long)size, (unsigned long long)mib);
}

static int check_module(const AxLoadModule *module, AxError *err)
{
	const AxImageSource *source = &module->source;
	const char *string = module->string ? module->string : source->name;

	if (!boot_sized(source, sizeof(*source)) || !source->bytes || source->len == 0 || !string)
		return boot_error(err, AX_ERROR_ARGUMENT, 0, -EINVAL, "module (initrd)",
				  "it is empty, or has no name");
	if (strnlen(string, AX_COMMAND_LINE_MAX) == AX_COMMAND_LINE_MAX)
		return boot_error(err, AX_ERROR_IMAGE, 0, -ENOSPC, source->name,
				  "the module's string of %zu bytes is too long: at most %d are "
				  "possible",
				  strlen(string), AX_COMMAND_LINE_MAX - 1);
	return 0;
}

static int load_module(struct load *load, const AxLoadModule *module, AxMultibootModule *placed,
		       AxError *err)
{
	struct layout *layout = &load->layout;
	const AxImageSource *source = &module->source;
	uint64_t gpa;
	int ret = check_module(module, err);

	if (ret)
		return ret;
	if (!boot_layout_low(layout, source->len, PAGE_SIZE, image_end(load), MODULE_END, &gpa) &&
	    !boot_layout_low(layout, source->len, PAGE_SIZE, PAGE_SIZE, MODULE_END, &gpa))
		return no_room(load, source->name, "the module (initrd)", source->len, err);
	ret = load_bytes(load, source, 0, source->len, gpa, err);
	if (ret)
		return ret;
	placed->start = (uint32_t)gpa;
	placed->end = (uint32_t)(gpa + source->len);
	placed->string = module->string ? module->string : source->name;
	return 0;
}

static int load_info(struct load *load, const AxMultibootInfo *info, AxBootRegisters *regs,
		     AxError *err)
{
	struct layout *layout = &load->layout;
	AxMemView view;
	size_t size;
	uint64_t gpa;
	int ret = ax_multiboot_info_build(info, 0, NULL, 0, &size, err);

	if (ret)
		return ret;
	if (!boot_layout_low(layout, INFO_OFFSET + size, PAGE_SIZE, LOW_START, LOW_END, &gpa) &&
	    !boot_layout_low(layout, INFO_OFFSET + size, PAGE_SIZE, PAGE_SIZE, FOUR_GIB, &gpa))
		return no_room(load, load->source->name, "the multiboot information", size, err);
	if (ax_mem_get(load->vm, gpa, INFO_OFFSET + size, AX_MEM_WRITE, &view))
		return load_lost_ram(load, gpa, err);
	load_gdt(view.host, gpa, AX_MODE_PROTECTED, regs);
	ret = ax_multiboot_info_build(info, gpa + INFO_OFFSET, (uint8_t *)view.host + INFO_OFFSET,
				      size, &size, err);
	ax_mem_put(load->vm, &view, INFO_OFFSET + size);
	load_register(regs, "rax", AX_MULTIBOOT_MAGIC);
	load_register(regs, "rbx", gpa + INFO_OFFSET);
	return ret;
}

int load_multiboot(struct load *load, AxBootRegisters *regs, AxError *err)
{
	AxMultibootModule placed[AX_LOAD_MODULES_MAX];
	AxMultibootInfo info = AX_MULTIBOOT_INFO_INIT;
	int ret;

	boot_layout_take(&load->layout, 0, PAGE_SIZE);
	boot_layout_take(&load->layout, LOW_END, ONE_MIB - LOW_END);
	for (uint32_t i = 0; i < load->options->module_count; i++) {
		ret = load_module(load, &load->options->modules[i], &placed[i], err);
		if (ret)
			return ret;
	}
	info.command_line = load->options->command_line;
	info.loader_name = "axvmm";
	info.modules = placed;
	info.module_count = load->options->module_count;
	info.ram = load->ram;
	info.ram_count = load->ram_count;
	return load_info(load, &info, regs, err);
}
