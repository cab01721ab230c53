/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where an arm64 image's device tree goes, and what its Linux takes. The rest is load_fdt.c's.
 */
#include "machine/load.h"

const struct load_arch load_arch = {
	.machine = AX_IMAGE_FOR_ARM64,
	.tree_at_start = true,
	.linux_format = AX_IMAGE_ARM64,
	.command_line_size =
		2048, /* COMMAND_LINE_SIZE: Linux, uapi/asm-generic/setup.h, and arm64's */
};
