/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of ax_image_load() on x86-64.
 */
#ifndef AXVMM_MACHINE_X86_64_LOAD_H
#define AXVMM_MACHINE_X86_64_LOAD_H

#include <axvmm/memory.h>

#include "boot/image.h"

#define PAGE_SIZE 4096

/* Bytes of the boot GDT. */
#define GDT_SIZE 48

/* One call of ax_image_load(). */
struct load {
	AxVm *vm;
	const AxImageSource *source;
	const AxLoadOptions *options;
	unsigned ram_count;
	AxRamRange ram[AX_RAM_RANGES_MAX];
	AxImagePlan plan;
	struct layout layout; /* the image's segments are taken */
};

/* The image cannot be loaded as it is: a message with its name. */
#define load_error(load, err, ret, ...) \
	boot_error(err, AX_ERROR_IMAGE, 0, ret, (load)->source->name, __VA_ARGS__)

/* What was RAM a moment ago is no more. */
int load_lost_ram(const struct load *load, uint64_t gpa, AxError *err);

void load_register(AxBootRegisters *regs, const char *name, uint64_t value);

/* GDT_SIZE bytes at @bytes, which the guest has at @gpa: filled for @mode, and GDTR set to them. */
void load_gdt(uint8_t *bytes, uint64_t gpa, uint32_t mode, AxBootRegisters *regs);

/* Stack, page tables and GDT for protected and long mode. */
int load_boot_block(struct load *load, AxVCpuSetup *setup, AxBootRegisters *regs, AxError *err);

/* Modules, multiboot information, GDT. */
int load_multiboot(struct load *load, AxBootRegisters *regs, AxError *err);

#endif
