/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of the PLIC: its state, and what plic.c (the object, its lines, its state as bytes) and
 * plic_regs.c (the guest's side) call of each other. Everything here runs with the lock held.
 *
 * Source: RISC-V Platform-Level Interrupt Controller Specification 1.0.0: section 3 (memory map), 4 to
 * 9 (priorities, pending, enables, thresholds, claim, completion) and 1.2 (gateways).
 */
#ifndef AXVMM_DEV_PLIC_H
#define AXVMM_DEV_PLIC_H

#include "dev/dev.h"

#define PLIC_SOURCES_MAX 1023
#define PLIC_HARTS_MAX	 4096
#define PLIC_WORDS	 ((PLIC_SOURCES_MAX + 1) / 32)
#define PLIC_PRIORITIES	 7 /* the highest; SiFive's and QEMU's have seven levels */

#define PLIC_PRIORITY	    0x000000 /* 4 bytes a source */
#define PLIC_PENDING	    0x001000 /* a bit a source */
#define PLIC_ENABLE	    0x002000 /* 0x80 bytes a context */
#define PLIC_ENABLE_STRIDE  0x80
#define PLIC_CONTEXT	    0x200000 /* 0x1000 bytes a context: threshold, claim and completion */
#define PLIC_CONTEXT_STRIDE 0x1000
#define PLIC_THRESHOLD	    0
#define PLIC_CLAIM	    4

struct plic_context {
	uint32_t enabled[PLIC_WORDS];
	uint8_t threshold;
	bool output; /* what the hart's line was set to last */
};

struct AxPlic {
	struct ax_dev_link link;
	AxLock *lock;
	uint32_t sources;	/* 1 to sources; source 0 is none */
	uint32_t words;		/* of each bitmap that can have bits set */
	uint32_t context_count; /* two a hart, not 0 */
	uint32_t vector;
	AxVm *vm;		    /* whose harts are driven; NULL: none */
	uint32_t level[PLIC_WORDS]; /* the lines, as devices drive them: no part of the state */
	uint32_t pending[PLIC_WORDS];
	uint32_t claimed[PLIC_WORDS]; /* claimed and not completed: their gateways are shut */
	uint8_t priority[PLIC_SOURCES_MAX + 1];
	struct plic_context *contexts;
};

/* Drive a context's line to where the registers say it belongs; the same for all of them. */
void plic_update_context(AxPlic *plic, uint32_t index);
void plic_update(AxPlic *plic);

static inline bool plic_bit(const uint32_t *words, uint32_t source)
{
	return words[source / 32] >> (source % 32) & 1;
}

static inline void plic_set_bit(uint32_t *words, uint32_t source, bool value)
{
	uint32_t bit = UINT32_C(1) << (source % 32);

	if (value)
		words[source / 32] |= bit;
	else
		words[source / 32] &= ~bit;
}

/* The bits of a word of any bitmap that stand for sources. */
uint32_t plic_valid_bits(const AxPlic *plic, uint32_t word);

extern const AxRangeOps plic_ops;

#endif
