/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The instruction at the guest's PC.
 */
#ifndef AXVMM_ARCH_RISCV64_DECODE_H
#define AXVMM_ARCH_RISCV64_DECODE_H

#include "arch/riscv64/insn.h"
#include "arch/riscv64/riscv.h"

/* As its bytes lie in memory, 4 unless they end before. */
struct riscv_fetch {
	uint8_t bytes[4];
	size_t count;
	uint64_t pc;
};

/*
 * Fetch it. Owner, before KVM has completed the exit: PC is at the instruction then.
 *
 * @return 0; -EFAULT its first bytes are not to be read; or another negative errno
 */
int riscv_fetch(AxVCpu *vcpu, struct riscv_fetch *fetch, AxError *err);

#endif
