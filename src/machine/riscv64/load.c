/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a riscv64 image's device tree goes, and what its Linux takes. The rest is load_fdt.c's.
 */
#include "machine/load.h"

const struct load_arch load_arch = {
	.machine = AX_IMAGE_FOR_RISCV64,
	.linux_format = AX_IMAGE_RISCV64,
	.command_line_size =
		1024, /* COMMAND_LINE_SIZE: Linux, riscv's uapi/asm/setup.h, since 6.4 */
};
