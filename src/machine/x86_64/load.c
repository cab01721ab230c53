/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an image on x86-64 needs beside itself.
 */
#include <errno.h>

#include "machine/x86_64/load.h"

const struct load_arch load_arch = { .machine = AX_IMAGE_FOR_X86_64 };

int load_check(const struct load *load, AxError *err)
{
	const AxLoadOptions *options = load->options;
	const char *what = NULL;

	if (options->device_tree)
		return load_error(load, err, -ENOTSUP, "an x86-64 guest is given no device tree");
	switch (load->plan.format) {
	case AX_IMAGE_MULTIBOOT:
	case AX_IMAGE_BZIMAGE:
	case AX_IMAGE_PVH:
	case AX_IMAGE_VMLINUX: return 0;
	default: break;
	}
	if (options->command_line && options->command_line[0])
		what = "a command line";
	if (options->module_count)
		what = "modules (initrds)";
	if (!what)
		return 0;
	return load_error(
		load, err, -ENOTSUP,
		"its format, %s, has no way to pass on %s; bzImage, PVH and multiboot have",
		ax_image_format_name(load->plan.format), what);
}

int load_finish(struct load *load, AxVCpuSetup *setup, AxBootRegisters *regs, AxError *err)
{
	switch (load->plan.format) {
	case AX_IMAGE_MULTIBOOT: return load_multiboot(load, regs, err);
	case AX_IMAGE_BZIMAGE:
	case AX_IMAGE_VMLINUX: return load_linux(load, setup, regs, err);
	case AX_IMAGE_PVH: return load_pvh(load, setup, regs, err);
	default: break;
	}
	if (load->plan.mode == AX_MODE_REAL)
		return 0;
	return load_boot_block(load, setup, regs, err);
}
