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
	if (load->plan.format == AX_IMAGE_MULTIBOOT)
		return 0;
	if (options->command_line && options->command_line[0])
		what = "a command line";
	if (options->module_count)
		what = "modules (initrds)";
	if (!what)
		return 0;
	return load_error(load, err, -ENOTSUP,
			  "its format, %s, has no way to pass on %s; multiboot has",
			  ax_image_format_name(load->plan.format), what);
}

int load_finish(struct load *load, AxVCpuSetup *setup, AxBootRegisters *regs, AxError *err)
{
	if (load->plan.format == AX_IMAGE_MULTIBOOT)
		return load_multiboot(load, regs, err);
	if (load->plan.mode == AX_MODE_REAL)
		return 0;
	return load_boot_block(load, setup, regs, err);
}
