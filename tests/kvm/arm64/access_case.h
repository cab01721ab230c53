/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Load and store instructions for the piece "execute": what base registers and words it gives them is
 * said at CODE_DECLARE(execute).
 */
#ifndef AXVMM_TESTS_KVM_ARM64_ACCESS_CASE_H
#define AXVMM_TESTS_KVM_ARM64_ACCESS_CASE_H

#ifndef __ASSEMBLER__

#include "code_arm64.h"

struct access_case {
	const uint32_t *insn;
	const char *text;
};

/* Loads and stores that work on MMIO as on RAM, around the base; and those that abort. Each ends with
 * insn NULL. */
extern const struct access_case access_works[];
extern const struct access_case access_aborts[];

#endif /* __ASSEMBLER__ */

/* Word 15: how far x10 and sp are behind CODE_MMIO. */
#define ACCESS_OFFSET 0x100
/* x3 as an index. */
#define ACCESS_INDEX 0x18

#endif
