/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pieces of code for what only riscv64 has; see tests/kvm/code.h. The mailbox is a1, behind the hart's
 * ID in a0.
 */
#ifndef AXVMM_TESTS_KVM_RISCV64_CODE_RISCV_H
#define AXVMM_TESTS_KVM_RISCV64_CODE_RISCV_H

#include "tests/kvm/code.h"

#ifndef __ASSEMBLER__

/*
 * An SBI call: extension word 1, function word 2, arguments words 3 to 8; its error goes to word 9 and
 * its value to word 10, then CODE_END.
 */
CODE_DECLARE(sbi);
/*
 * As sbi; but when it is started again (by hart_start, or a hart that resumes) with word 12 as a1, a0
 * goes to word 13, satp to word 14 and sstatus to word 15; word 0 counts. Then CODE_END.
 */
CODE_DECLARE(sbi_again);
/*
 * Executes the instruction at code_execute_place, a nop of 4 bytes that the host replaces, with word 2
 * in a2 and CODE_MMIO in a3, then stores a2 to word 3, and ends with CODE_END. A trap counts in word 4; its scause goes to word
 * 5, stval to word 6, sepc to word 7, sstatus to word 8; it goes on behind the instruction.
 */
CODE_DECLARE(execute);
/* Where the instruction is, from its beginning. */
extern const uint32_t code_execute_place;
/*
 * Takes external interrupts, sleeping by WFI between them: an interrupt counts in word 0 and goes to
 * CODE_MMIO + CODE_TAKEN as a write of 4 bytes, after which the line is expected to be low. Word 3
 * becomes 1 when it is ready.
 */
CODE_DECLARE(line);
/*
 * Sleeps by WFI until a timer expires that it sets word 1 ticks ahead, by the SBI (word 2 is 0) or by
 * stimecmp (Sstc), again and again; counts in word 0. With word 3, which becomes 0, it sets the timer anew when
 * it is woken without one.
 */
CODE_DECLARE(timer);
/*
 * In-kernel IMSIC: as line, but claims by stopei: the identity's number adds 1 to word 4 + identity
 * - word 1.
 */
CODE_DECLARE(imsic);

/* A write to CODE_END says AX_STOP. Before the first vCPU. */
void code_stop_at_end(struct code_vm *vm);

/* ax_vm_run() until a handler says so, which is to be at CODE_END. */
void code_run_to_end(struct code_vm *vm);

#endif /* __ASSEMBLER__ */

/* Offset in the MMIO range. */
#define CODE_TAKEN 0x3010

#endif
