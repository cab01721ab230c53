/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What KVM leaves to its user before the next entry: the sign of MMIO loads, the fault that a missing
 * CSR gives, and whether a hart that CpuUp claimed is to be started.
 */
#include <config.h>

#include <errno.h>

#include "arch/riscv64/decode.h"
#include "core/exit.h"

/* What a load of @len bytes, whose top bit is set, gives with its sign extended. */
static uint64_t sign_extended(uint64_t data, unsigned len)
{
	return data | ~exit_mask(len);
}

/*
 * Kernels up to 6.12 at least fill the register of LB, LH and LW with the zero-extended value
 * (KVM-FACTS, gotcha 4). The instruction can be looked at only before KVM completes the load, since
 * that advances PC; the register only afterwards.
 */
static int extend_sign(AxVCpu *vcpu, AxVCpuExitReason *exit, AxError *err)
{
	const struct kvm_run *run = vcpu->run;
	unsigned len = run->mmio.len;
	uint64_t data = 0, value;
	struct riscv_fetch fetch;
	struct riscv_insn insn;
	int ret;

	if (vcpu->vm->arch->extends == RISCV_EXTENDS_YES)
		return 0;
	/* The guest may have changed its tables meanwhile: then it gets what KVM gives. */
	ret = riscv_fetch(vcpu, &fetch, err);
	if (ret)
		return ret == -EFAULT ? 0 : ret;
	riscv_decode(fetch.bytes, fetch.count, &insn);
	if (insn.access != RISCV_LOAD || !insn.signed_ext || !insn.reg ||
	    ax_access_width_size(insn.width) != len)
		return 0;
	for (unsigned i = 0; i < len; i++)
		data |= (uint64_t)run->mmio.data[i] << (8 * i);
	ret = vcpu_flush(vcpu, exit, err);
	if (ret)
		return ret;
	ret = riscv_get(vcpu, RISCV_REG_GPR(insn.reg), &value, err);
	if (ret)
		return ret;
	if (value == sign_extended(data, len)) {
		vcpu->vm->arch->extends = RISCV_EXTENDS_YES;
		return 0;
	}
	return riscv_set(vcpu, RISCV_REG_GPR(insn.reg), sign_extended(data, len), err);
}

int arch_complete(AxVCpu *vcpu, AxVCpuExitReason *exit, AxError *err)
{
	struct pending *pending = &vcpu->pending;

	if (!pending->by_arch)
		return extend_sign(vcpu, exit, err);
	pending->by_arch = false;
	switch (pending->kind) {
	case AX_EXIT_SYS_REG_READ:
	case AX_EXIT_SYS_REG_WRITE: return riscv_raise_illegal(vcpu, exit, err);
	default: riscv_hsm_answered(vcpu); return 0;
	}
}
