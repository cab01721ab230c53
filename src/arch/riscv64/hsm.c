/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hart State Management under an extension ID of our own, which KVM forwards: AX_POWER_USER. What
 * sbi.h decides becomes CpuUp, CpuDown, Halt, or Nothing where only an answer is owed.
 */
#include <config.h>

#include "arch/riscv64/riscv.h"
#include "core/power.h"
#include "core/sbi.h"

static enum power_state state_of(void *opaque, uint64_t hart)
{
	AxVCpu *vcpu = arch_find_cpu(opaque, hart);

	if (!vcpu)
		return POWER_ABSENT;
	switch (vcpu_power(vcpu)) {
	case VCPU_POWER_OFF: return POWER_OFF;
	case VCPU_POWER_PENDING: return POWER_ON_PENDING;
	default: return POWER_ON;
	}
}

static bool is_entry(void *opaque, uint64_t address)
{
	return riscv_is_entry(opaque, address);
}

/* Decide; a start is claimed, and decided again if somebody else was faster. */
static void decide(AxVCpu *vcpu, const AxExitHypercall *call, struct sbi_answer *answer)
{
	struct power_view view = {
		.vm = vcpu->vm, .self = vcpu->id, .state_of = state_of, .is_entry = is_entry
	};

	for (;;) {
		AxVCpu *target;

		sbi_hsm_call(call->function, call->args, &view, answer);
		if (answer->action != SBI_ACT_HART_START)
			return;
		target = arch_find_cpu(vcpu->vm, answer->hart);
		if (vcpu_claim_start(target) == VCPU_POWER_OFF) {
			vcpu->arch->claimed = target;
			return;
		}
	}
}

/* The handler of CpuUp may still set an error, which gives up the claim: riscv_hsm_answered(). */
static void make_cpu_up(AxVCpu *vcpu, const struct sbi_answer *answer, AxVCpuExitReason *exit)
{
	exit->kind = AX_EXIT_CPU_UP;
	exit->cpu_up = (AxExitCpuUp){ .target_cpu = answer->hart,
				      .entry_point = answer->address,
				      .arg = answer->opaque };
	vcpu->pending.kind = AX_EXIT_HYPERCALL;
	vcpu->pending.by_arch = true;
}

void riscv_hsm_answered(AxVCpu *vcpu)
{
	if (vcpu->pending.error && vcpu->arch->claimed)
		vcpu_drop_claim(vcpu->arch->claimed);
	vcpu->arch->claimed = NULL;
}

/* The hart goes on elsewhere (SBI 2.0, table 11). What it resumes with is written right now. */
static int suspend(AxVCpu *vcpu, const struct sbi_answer *answer, AxError *err)
{
	if (answer->retentive)
		return 0;
	return riscv_reset(vcpu, answer->address, answer->opaque, 0, err);
}

int riscv_hsm_call(AxVCpu *vcpu, AxVCpuExitReason *exit, AxError *err)
{
	struct kvm_run *run = vcpu->run;
	struct sbi_answer answer;
	int ret;

	decide(vcpu, &exit->hypercall, &answer);
	run->riscv_sbi.ret[0] = (unsigned long)answer.error;
	run->riscv_sbi.ret[1] = answer.value;
	switch (answer.action) {
	case SBI_ACT_HART_START: make_cpu_up(vcpu, &answer, exit); return 0;
	case SBI_ACT_HART_STOP:
	case SBI_ACT_HART_SUSPEND:
		/* Now: KVM's answer must not fall into registers with which the hart goes on. */
		ret = vcpu_flush(vcpu, exit, err);
		if (ret < 0)
			return ret;
		if (answer.action == SBI_ACT_HART_STOP) {
			exit->kind = AX_EXIT_CPU_DOWN;
			exit->cpu_down = (AxExitCpuDown){ 0 };
			return 0;
		}
		exit->kind = AX_EXIT_HALT;
		return suspend(vcpu, &answer, err);
	default:
		exit->kind = AX_EXIT_NOTHING;
		vcpu->pending.kind = PENDING_UNKNOWN;
		return 0;
	}
}
