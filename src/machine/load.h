/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of ax_image_load(): load.c puts the image into RAM, the architecture what it needs
 * beside.
 */
#ifndef AXVMM_MACHINE_LOAD_H
#define AXVMM_MACHINE_LOAD_H

#include <axvmm/memory.h>

#include "boot/image.h"

#define PAGE_SIZE 4096

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

/* What differs between architectures that boot alike. */
struct load_arch {
	uint32_t machine;   /* an AxImageMachine */
	bool tree_at_start; /* the device tree goes to the start of RAM when there is room */
};

extern const struct load_arch load_arch;

/*
 * The architecture's part: refuse what it cannot do with this plan and these options; then, with the
 * image in RAM, add what the boot needs and say how the vCPU begins (mode and entry are set).
 */
int load_check(const struct load *load, AxError *err);
int load_finish(struct load *load, AxVCpuSetup *setup, AxBootRegisters *regs, AxError *err);

#endif
