/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What KVM leaves to its user before the next entry: returning from calls, the rest of an access
 * without syndrome, and the sign of MMIO loads.
 */
#include <config.h>

#include <string.h>

#include "arch/arm64/arm64.h"
#include "core/vcpu.h"

/* The load at PC that KVM is about to complete: 0 when it extends a sign, 1 when not. */
static int find_signed_load(AxVCpu *vcpu, struct a64_insn *insn, AxError *err)
{
	uint32_t code;
	uint64_t pc;
	int ret = arm64_get(vcpu, ARM64_PC, &pc, err);

	if (!ret)
		ret = arm64_fetch(vcpu, pc, &code, err);
	if (ret)
		return ret;
	return !a64_decode(code, insn) || !insn->is_load || !insn->is_signed || insn->count != 1 ||
	       insn->regs[0] == A64_ZERO || insn->size != vcpu->run->mmio.len;
}

/*
 * Linux up to 6.12 at least leaves a signed load of MMIO without its sign (KVM-FACTS, gotcha 4): its
 * completion masks it away. So: have KVM complete the load, look, and write the register if it is
 * wrong. A KVM that is seen to do it right is not looked at again.
 */
static int extend_sign(AxVCpu *vcpu, AxVCpuExitReason *exit, AxError *err)
{
	struct a64_insn insn;
	uint64_t raw, is, should;
	int ret = find_signed_load(vcpu, &insn, err);

	if (ret)
		return ret < 0 ? ret : 0;
	memcpy(&raw, vcpu->run->mmio.data, sizeof(raw));
	should = a64_extend(&insn, raw);
	ret = vcpu_flush(vcpu, exit, err);
	if (ret)
		return ret;
	ret = arm64_get(vcpu, ARM64_X(insn.regs[0]), &is, err);
	if (ret)
		return ret;
	if (is == should) {
		atomic_store(&vcpu->vm->arch->extends_sign, true);
		return 0;
	}
	return arm64_set(vcpu, ARM64_X(insn.regs[0]), should, err);
}

int arch_complete(AxVCpu *vcpu, AxVCpuExitReason *exit, AxError *err)
{
	if (!vcpu->pending.by_arch)
		return atomic_load(&vcpu->vm->arch->extends_sign) ? 0
								  : extend_sign(vcpu, exit, err);
	if (vcpu->pending.kind == AX_EXIT_HYPERCALL)
		return arm64_finish_call(vcpu, err);
	return arm64_continue_access(vcpu, exit, err);
}
