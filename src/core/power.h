/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a vCPU is on, and who may start it: what PSCI and SBI HSM answer from.
 *
 * A call that starts a CPU is answered before the CPU runs. So that two of them cannot both succeed,
 * the first claims the target; the claim ends when the target has started, or when whoever was told
 * of CpuUp refused it.
 */
#ifndef AXVMM_CORE_POWER_H
#define AXVMM_CORE_POWER_H

#include "core/vcpu.h"

enum vcpu_power {
	VCPU_POWER_ON,
	VCPU_POWER_OFF,
	VCPU_POWER_PENDING, /* claimed, or its start is posted */
};

/* Thread: any; not with vm->lock held. The answer may be old when it is there. */
enum vcpu_power vcpu_power(AxVCpu *vcpu);

/*
 * Claim the start of a CPU that is off. Returns what its state was before: the claim is the caller's
 * when it was VCPU_POWER_OFF. Thread: any; not with vm->lock held.
 */
enum vcpu_power vcpu_claim_start(AxVCpu *vcpu);

/* The start was refused. Thread: any; not with vm->lock held. */
void vcpu_drop_claim(AxVCpu *vcpu);

#endif
