/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stage 1 of the EL1&0 translation regime: from a virtual address to an intermediate physical one.
 * Pure; compiled and tested on every host.
 * Source: Arm Architecture Reference Manual (DDI 0487), D8.2 "Translation process" and D8.3
 * "Translation table descriptor formats"; D19.2 for the registers.
 */
#ifndef AXVMM_ARCH_ARM64_WALK_H
#define AXVMM_ARCH_ARM64_WALK_H

#include <stdbool.h>
#include <stdint.h>

/* Registers that say how addresses are translated. */
struct a64_regime {
	uint64_t sctlr;
	uint64_t tcr;
	uint64_t ttbr[2];
};

#define A64_SCTLR_M  (1u << 0)	/* MMU on */
#define A64_SCTLR_EE (1u << 25) /* tables are big endian */

/* Which of ttbr[] translates @addr: bit 55. */
static inline unsigned a64_half(uint64_t addr)
{
	return addr >> 55 & 1;
}

/* Read the 8 bytes of a descriptor at @ipa, a multiple of 8: false when there is no RAM. */
typedef bool a64_read_fn(void *opaque, uint64_t ipa, uint64_t *value);

/*
 * Translate. Permissions are not looked at: this is what a debugger sees.
 *
 * @ipa     filled on success
 * @return  true; false where no page is mapped, or the tables or registers make no sense. Tables are
 *          the guest's and may say anything: at most five descriptors are read, all by @read.
 */
bool a64_walk(const struct a64_regime *regime, uint64_t addr, a64_read_fn *read, void *opaque,
	      uint64_t *ipa);

#endif
