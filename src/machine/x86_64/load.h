/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of ax_image_load() on x86-64.
 */
#ifndef AXVMM_MACHINE_X86_64_LOAD_H
#define AXVMM_MACHINE_X86_64_LOAD_H

#include "machine/load.h"

/* Bytes of the boot GDT. */
#define GDT_SIZE 48

/* GDT_SIZE bytes at @bytes, which the guest has at @gpa: filled for @mode, and GDTR set to them. */
void load_gdt(uint8_t *bytes, uint64_t gpa, uint32_t mode, AxBootRegisters *regs);

/* Stack, page tables and GDT for protected and long mode. */
int load_boot_block(struct load *load, AxVCpuSetup *setup, AxBootRegisters *regs, AxError *err);

/* A bzImage's or vmlinux's zero page, command line, initrd; PVH's; both with load_boot_block(). */
int load_linux(struct load *load, AxVCpuSetup *setup, AxBootRegisters *regs, AxError *err);
int load_pvh(struct load *load, AxVCpuSetup *setup, AxBootRegisters *regs, AxError *err);

/* Modules, multiboot information, GDT. */
int load_multiboot(struct load *load, AxBootRegisters *regs, AxError *err);

#endif
