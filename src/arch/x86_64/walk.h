/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a linear address to a physical one, by the tables of CR3. Pure; compiled and tested on every
 * host.
 * Source: Intel SDM volume 3A, 4.1.1 (modes), 4.3 (32-bit), 4.4 (PAE), 4.5 (4-level and 5-level).
 */
#ifndef AXVMM_ARCH_X86_64_WALK_H
#define AXVMM_ARCH_X86_64_WALK_H

#include <stdbool.h>
#include <stdint.h>

/* Registers that say how addresses are translated. */
struct x86_paging {
	uint64_t cr0;
	uint64_t cr3;
	uint64_t cr4;
	uint64_t efer;
};

#define X86_WALK_CR0_PG	  (1u << 31)
#define X86_WALK_CR4_PSE  (1u << 4)
#define X86_WALK_CR4_PAE  (1u << 5)
#define X86_WALK_CR4_LA57 (1u << 12)
#define X86_WALK_EFER_LMA (1u << 10)

/* Read an entry of @size bytes, 4 or 8, at @gpa: false when there is no RAM. */
typedef bool x86_walk_read_fn(void *opaque, uint64_t gpa, uint64_t *entry, unsigned size);

/*
 * Translate. Permissions are not looked at: this is what a debugger sees.
 *
 * @gpa     filled on success
 * @return  true; false where no page is mapped. Tables are the guest's and may say anything: at most
 *          five entries are read, all by @read.
 */
bool x86_walk(const struct x86_paging *paging, uint64_t addr, x86_walk_read_fn *read, void *opaque,
	      uint64_t *gpa);

#endif
