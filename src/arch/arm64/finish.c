/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What only the architecture knows of an exit: the arguments of calls, PSCI, debug registers.
 */
#include <config.h>

#include "arch/arm64/arm64.h"
#include "core/psci.h"

/*
 * HVC or SMC. KVM gives x0 alone, so that six more ioctls tell the rest: the exit path's rule
 * (DESIGN.md, section 5) allows for them.
 */
static int finish_call(AxVCpu *vcpu, AxVCpuExitReason *exit, AxError *err)
{
	AxExitHypercall *call = &exit->hypercall;
	/* w0 is the function: DEN0028, 2.5. Bit 30 says whether arguments have 64 bits: table 2-1. */
	uint32_t function = (uint32_t)call->nr;
	uint64_t mask = function & 0x40000000 ? UINT64_MAX : UINT32_MAX;
	int ret;

	if (vcpu->vm->power == AX_POWER_USER && psci_owns(function))
		return arm64_psci(vcpu, function, exit, err);
	for (unsigned i = 0; i < 6; i++) {
		ret = arm64_get(vcpu, ARM64_X(1 + i), &call->args[i], err);
		if (ret)
			return ret;
		call->args[i] &= mask;
	}
	call->nr = function;
	call->route = AX_ROUTE_SMCCC;
	vcpu->pending.route = AX_ROUTE_SMCCC;
	vcpu->pending.by_arch = true;
	return 0;
}

static int finish_debug(AxVCpu *vcpu, AxVCpuExitReason *exit, AxError *err)
{
	const struct kvm_debug_exit_arch *debug = &vcpu->run->debug.arch;

	exit->debug = (AxExitDebug){ .address = debug->far,
				     .detail = debug->hsr | (uint64_t)debug->hsr_high << 32 };
	return arm64_get(vcpu, ARM64_PC, &exit->debug.pc, err);
}

int arch_finish_exit(AxVCpu *vcpu, AxVCpuExitReason *exit, AxError *err)
{
	switch (vcpu->run->exit_reason) {
	case KVM_EXIT_HYPERCALL: return finish_call(vcpu, exit, err);
	case KVM_EXIT_ARM_NISV: return arm64_begin_access(vcpu, exit, err);
	case KVM_EXIT_SYSTEM_EVENT: return arm64_system_event(vcpu, exit, err);
	case KVM_EXIT_DEBUG: return finish_debug(vcpu, exit, err);
	default: return 0;
	}
}
