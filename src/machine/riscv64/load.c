/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a riscv64 image's device tree goes: not below a kernel, where Linux before 6.4 does not look.
 * The rest is load_fdt.c's.
 */
#include "machine/load.h"

const struct load_arch load_arch = { .machine = AX_IMAGE_FOR_RISCV64, .tree_at_start = false };
