/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pieces of code for what only x86-64 has; see tests/kvm/code.h.
 */
#ifndef AXVMM_TESTS_KVM_X86_64_CODE_X86_H
#define AXVMM_TESTS_KVM_X86_64_CODE_X86_H

#include "tests/kvm/code.h"

#ifndef __ASSEMBLER__

/*
 * RDMSR (word 3 is 0) or WRMSR of the register in word 1 with the value in word 2, then CODE_END.
 * What EDX:EAX holds afterwards goes to word 4; word 5 counts general protection faults.
 */
CODE_DECLARE(msr);
/*
 * VMCALL (word 2 is 0) or VMMCALL with the number in word 1 and the arguments 1 to 6, by Xen's
 * convention, then CODE_END. The result goes to word 3.
 */
CODE_DECLARE(vmcall);
/*
 * Two vCPUs, local APICs in userspace. The first starts the second by INIT and SIPI, lets it run,
 * sends INIT to it while it runs, and starts it once more; then CODE_END. The second counts its
 * starts in word 0 of its mailbox and then spins; it starts in real mode at CODE_INIT_PAGE, where
 * the host has copied "init_target".
 */
CODE_DECLARE(init);
CODE_DECLARE(init_target);

/*
 * Run "store" from its beginning: a write of @value, @width bytes, to @port, and what has collected it
 * (AX_RANGE_COALESCED) handed out. Returns whether the write was an exit, which is not dispatched.
 */
bool code_write_port(struct code_vm *vm, unsigned port, unsigned width, uint32_t value);

#endif /* __ASSEMBLER__ */

#define CODE_INIT_PAGE 0x12000

#endif
