/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing a device tree in one go: libfdt's sequential writer, with the first error kept, so that who
 * describes a machine need not look after each property.
 */
#ifndef AXVMM_MACHINE_FDT_WRITER_H
#define AXVMM_MACHINE_FDT_WRITER_H

#include "machine/fdt.h"

struct tree_writer {
	void *fdt;
	int error; /* the first of libfdt's, 0 before */
};

/* Numbers by which nodes refer to each other. */
#define TREE_INTERRUPTS	   1 /* the interrupt controller of devices */
#define TREE_CLOCK	   2
#define TREE_FINISHER	   3
#define TREE_IMSIC	   4
#define TREE_GPIO	   5
#define TREE_HART_INTC(id) (16 + (id))

/* "name@unit"; without a unit when it is UINT64_MAX. */
void tree_open(struct tree_writer *w, const char *name, uint64_t unit);
void tree_close(struct tree_writer *w);

void tree_flag(struct tree_writer *w, const char *name);
void tree_string(struct tree_writer *w, const char *name, const char *value);
/* Several strings, each but the last followed by "\0" inside of @values; @size is sizeof the literal. */
void tree_strings(struct tree_writer *w, const char *name, const char *values, size_t size);
void tree_cells(struct tree_writer *w, const char *name, const uint32_t *cells, unsigned count);
void tree_cell(struct tree_writer *w, const char *name, uint32_t cell);
/* Pairs of address and size, of two cells each. */
void tree_reg(struct tree_writer *w, uint64_t base, uint64_t size);
void tree_reg2(struct tree_writer *w, uint64_t base, uint64_t size, uint64_t base2, uint64_t size2);

#define TREE_STRINGS(w, name, literal) tree_strings(w, name, literal, sizeof(literal))
#define TREE_CELLS(w, name, ...)                               \
	tree_cells(w, name, (const uint32_t[]){ __VA_ARGS__ }, \
		   sizeof((const uint32_t[]){ __VA_ARGS__ }) / sizeof(uint32_t))

#define TREE_NO_UNIT UINT64_MAX

/* What is on every board: slots for virtio devices, whose interrupts have @trigger as last cells. */
void tree_virtio(struct tree_writer *w, const struct tree_desc *desc, uint32_t index,
		 const uint32_t *interrupt, unsigned cells);
void tree_test_device(struct tree_writer *w, const struct tree_desc *desc);

/* Everything below the root that only this architecture has; "/chosen" and memory are there. */
void tree_arm64(struct tree_writer *w, const struct tree_desc *desc);
void tree_riscv64(struct tree_writer *w, const struct tree_desc *desc);

#endif
