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

/* A device tree as the guest has it, in memory of its own; NULL where there is none. */
struct load_tree {
	void *bytes;
	size_t len;
};

/* One call of ax_image_load(). */
struct load {
	AxVm *vm;
	const AxImageSource *source;
	const AxLoadOptions *options;
	unsigned ram_count;
	AxRamRange ram[AX_RAM_RANGES_MAX];
	AxImagePlan plan;
	struct layout layout;  /* the image's segments are taken */
	struct load_tree tree; /* what load_finish() put into RAM */
};

/* The image cannot be loaded as it is: a message with its name. */
#define load_error(load, err, ret, ...) \
	boot_error(err, AX_ERROR_IMAGE, 0, ret, (load)->source->name, __VA_ARGS__)

/*
 * Put @size bytes of @source, from @offset on, at @gpa: pages are mapped where the options say so and
 * the host can, else copied. 0 or a negative errno.
 */
int load_bytes(const struct load *load, const AxImageSource *source, uint64_t offset, uint64_t size,
	       AxGuestPhysAddr gpa, AxError *err);

/* What was RAM a moment ago is no more. */
int load_lost_ram(const struct load *load, uint64_t gpa, AxError *err);

void load_register(AxBootRegisters *regs, const char *name, uint64_t value);

/* What differs between architectures that boot alike. */
struct load_arch {
	uint32_t machine;      /* an AxImageMachine */
	bool tree_at_start;    /* the device tree goes to the start of RAM when there is room */
	uint32_t linux_format; /* the AxImageFormat of its Linux */
	uint32_t command_line_size; /* what this Linux has room for, with the zero byte */
};

extern const struct load_arch load_arch;

/*
 * The architecture's part: refuse what it cannot do with this plan and these options; then, with the
 * image in RAM, add what the boot needs and say how the vCPU begins (mode and entry are set).
 */
int load_check(const struct load *load, AxError *err);
int load_finish(struct load *load, AxVCpuSetup *setup, AxBootRegisters *regs, AxError *err);

/*
 * ax_image_load() that also hands over the device tree, which is the caller's to free() on success;
 * NULL: it is not wanted.
 */
int load_into(AxVm *vm, const AxImageSource *source, const AxLoadOptions *options,
	      AxVCpuSetup *setup, AxBootRegisters *regs, struct load_tree *tree, AxError *err);

/*
 * The caller's device tree (options->device_tree) with its command line, and an initrd where @chosen has
 * one: load->tree. load_fdt.c.
 */
struct tree_chosen;
int load_complete_tree(struct load *load, const struct tree_chosen *chosen, AxError *err);

#endif
