/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pieces of code for what only arm64 has; see tests/kvm/code.h.
 */
#ifndef AXVMM_TESTS_KVM_ARM64_CODE_ARM64_H
#define AXVMM_TESTS_KVM_ARM64_CODE_ARM64_H

#include "tests/kvm/code.h"

#ifndef __ASSEMBLER__

/*
 * A call: function word 1, arguments words 2 to 7; HVC, or SMC when word 8 is not 0. x0 goes to word
 * 9, then CODE_END.
 */
CODE_DECLARE(call);
/*
 * Where CPU_ON and the like begin, at CODE_CALL_PAGE, to which the host has copied it: x0, the
 * context, is a mailbox. Its word 0 counts the starts; word 10 gets SCTLR_EL1, word 11 CurrentEL, word
 * 12 DAIF. Then it makes the call that the mailbox says.
 */
CODE_DECLARE(call_target);
/*
 * Executes the instruction in word 1 with word 2 in x2, word 3 in x3, words 16 and 17 in v0, words 18
 * and 19 in v1, and CODE_MMIO + word 15 in x10 and sp; then stores x2, x3, x10 and sp to words 8, 9,
 * 10 and 11, v0 and v1 to words 20 to 23, and ends with CODE_END. An exception counts in word 4; its
 * ESR goes to word 5, FAR to word 6, ELR to word 7; it goes on behind the instruction.
 */
CODE_DECLARE(execute);
/* Where the instruction is, from its beginning. */
extern const uint32_t code_execute_place;
/*
 * Takes the interrupts of a CPU without irqchip, sleeping by WFI between them: each counts in word 0
 * and goes to CODE_MMIO + CODE_TAKEN as a write of 4 bytes, after which the line is expected to be
 * low. Word 3 becomes 1 when it is ready.
 */
CODE_DECLARE(line);
/*
 * Sleeps by WFI with the in-kernel GIC's interrupts on: INTID 20 to 23, and 36 to 39 as edges. Each
 * counts in word 4 + INTID % 16 and in word 0, and goes to CODE_MMIO + CODE_TAKEN as a write of 4
 * bytes, before its end is told to the GIC. Word 3 becomes 1 when it is ready.
 */
CODE_DECLARE(gic);
/* CPU_SUSPEND (standby) with interrupts masked, for ever: word 0 counts its returns. */
CODE_DECLARE(suspend);

#endif /* __ASSEMBLER__ */

#define CODE_CALL_PAGE 0x12000

/* Offset in the MMIO range. */
#define CODE_TAKEN 0x3010

#endif
