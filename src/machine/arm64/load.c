/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where an arm64 image's device tree goes. The rest is load_fdt.c's.
 */
#include "machine/load.h"

const struct load_arch load_arch = { .machine = AX_IMAGE_FOR_ARM64, .tree_at_start = true };
