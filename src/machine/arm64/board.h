/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The arm64 board's addresses that more than one of its files needs, and what these call of each other.
 */
#ifndef AXVMM_MACHINE_ARM64_BOARD_H
#define AXVMM_MACHINE_ARM64_BOARD_H

#include <string.h>

#include "machine/machine.h"

#define FLASH_BASE 0x00000000
#define FLASH_SIZE (2 * AX_MACHINE_FIRMWARE_MAX)
#define RAM_BASE   0x40000000

/* struct board's load_firmware. */
int arm64_load_firmware(AxMachine *machine, const AxImageSource *firmware,
			const AxLoadOptions *options, AxVCpuSetup *setup, AxError *err);

#endif
