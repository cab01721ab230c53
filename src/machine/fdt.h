/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Device trees of the boards arm64 and riscv64, made from a plain description. Pure, and compiled on
 * every host; only the machines of these architectures have it in the installed library.
 *
 * Source: Devicetree Specification 0.4; Linux, Documentation/devicetree/bindings.
 */
#ifndef AXVMM_MACHINE_FDT_H
#define AXVMM_MACHINE_FDT_H

#include <axvmm/boot.h>

#define TREE_CPUS_MAX 255

/* Longest "riscv,isa" of a description, with its zero byte. */
#define TREE_ISA_SIZE 256

struct tree_arm64 {
	uint32_t gic; /* version of the GIC: 0 (there is none), 2, 3 */
	uint64_t gic_distributor;
	uint64_t gic_cpu_interface;  /* GICv2 */
	uint64_t gic_redistributors; /* GICv3: of the first CPU, the others' follow */
	const char *psci_method;     /* "hvc", "smc"; NULL: no PSCI */
	uint64_t gpio_base;	     /* a PL061 with the power button; 0: none */
	uint32_t gpio_irq;	     /* an SPI, a level */
	uint32_t power_pin;	     /* of the PL061 */
};

struct tree_riscv64 {
	uint64_t plic_base; /* 0: none */
	uint32_t plic_sources;
	uint64_t aplic_base; /* 0: none; with it the IMSICs of supervisor mode, a page each */
	uint32_t aplic_sources;
	uint64_t imsic_base;
	uint32_t imsic_ids;
	uint64_t finisher_base;
	uint64_t timebase_frequency; /* Hz, of the time CSR */
	const char *isa;	     /* "riscv,isa" */
};

struct tree_desc {
	uint32_t machine; /* AX_IMAGE_FOR_ARM64 or AX_IMAGE_FOR_RISCV64 */
	uint32_t cpus;	  /* ids 0, 1, ... */
	const AxRamRange *ram;
	uint32_t ram_count;
	uint64_t uart_base; /* arm64: a PL011; riscv64: a 16550A */
	uint32_t uart_irq;  /* arm64: an SPI; riscv64: a source; a level */
	uint64_t rtc_base;  /* arm64: a PL031; riscv64: a Goldfish RTC; 0: none */
	uint32_t rtc_irq;   /* as uart_irq */
	uint64_t test_base; /* of guests/abi.h's test device */
	uint64_t test_size;
	uint64_t virtio_base; /* of the first virtio-mmio slot */
	uint64_t virtio_size; /* of each; they follow each other */
	uint32_t virtio_irq;  /* of the first */
	bool virtio_is_level; /* else edges */
	uint32_t virtio_count;
	struct tree_arm64 arm64;
	struct tree_riscv64 riscv64;
};

/**
 * Build the tree of a machine: all but what /chosen says of this boot.
 *
 * @param buffer  filled on success
 * @param size    bytes of buffer
 * @param used    filled with the tree's size on success
 * @return 0; -ENOSPC the buffer is too small; -EINVAL the machine is none with a tree, or the
 *         number of CPUs is none
 *
 * Thread: any.
 */
int tree_build(const struct tree_desc *desc, void *buffer, size_t size, size_t *used, AxError *err);

/* More than tree_build() ever needs for @cpus CPUs and @slots virtio slots, in bytes. */
size_t tree_size_limit(uint32_t cpus, uint32_t slots);

/* The same into memory of its own: *tree is the caller's to free(), *len its size. Also -ENOMEM. */
int tree_new(const struct tree_desc *desc, void **tree, size_t *len, AxError *err);

/* What a boot adds to a tree. */
struct tree_chosen {
	const char *command_line; /* bootargs; NULL: as the tree has it */
	uint64_t initrd_start;
	uint64_t initrd_end; /* the byte after the last; 0: there is no initrd */
};

/* What tree_complete() needs beyond the tree's own size, in bytes. */
#define TREE_CHOSEN_ROOM (AX_COMMAND_LINE_MAX + 256)

/**
 * Copy a tree, which may be anybody's, and put into /chosen what this boot adds.
 *
 * @param tree    checked: it is refused when it is damaged
 * @param buffer  filled on success; 8-byte aligned
 * @param size    bytes of buffer
 * @param used    filled with the new tree's size on success
 * @return 0; -EINVAL the tree is damaged, or another version's; -ENOSPC
 *
 * Thread: any.
 */
int tree_complete(const void *tree, size_t len, const struct tree_chosen *chosen, void *buffer,
		  size_t size, size_t *used, AxError *err);

/* Write "rv64imafdc_..." from the letters of misa (bit 0 is A). Thread: any. */
void tree_isa(uint64_t letters, char isa[TREE_ISA_SIZE]);

#endif
