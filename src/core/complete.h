/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether the architecture has something to complete before the vCPU is entered again.
 */
#ifndef AXVMM_CORE_COMPLETE_H
#define AXVMM_CORE_COMPLETE_H

#include "arch/arch.h"

/* The answered load is shorter than a register, and its top bit is set: a sign, maybe. */
static inline bool may_have_sign(const struct kvm_run *run)
{
	return run->mmio.len < sizeof(run->mmio.data) && run->mmio.data[run->mmio.len - 1] & 0x80;
}

/* Nothing at all where KVM completes everything. Owner. */
static inline bool must_complete(const AxVCpu *vcpu)
{
	if (!ARCH_COMPLETES)
		return false;
	return vcpu->pending.by_arch ||
	       (vcpu->pending.kind == AX_EXIT_MMIO_READ && may_have_sign(vcpu->run));
}

#endif
