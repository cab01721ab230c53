/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What only the architecture knows of an exit: SBI calls that are answered here, where a breakpoint
 * is.
 */
#include <config.h>

#include "arch/riscv64/riscv.h"
#include "core/sbi.h"

/* Experimental extensions: SBI 2.0, 3. */
#define SBI_EXPERIMENTAL_FIRST 0x08000000u
#define SBI_EXPERIMENTAL_LAST  0x08ffffffu

/* Whether there is an extension that KVM forwards: it does so with the question, too. */
static void answer_probe(AxVCpu *vcpu, AxVCpuExitReason *exit)
{
	const AxVm *vm = vcpu->vm;
	uint64_t asked = exit->hypercall.args[0];
	uint32_t ids[2];
	size_t count = 0;
	struct sbi_answer answer;

	if (vm->power == AX_POWER_USER)
		ids[count++] = SBI_EXT_AXH;
	/* The handler takes all of these. */
	if ((vm->arch->hypercall_flags & AX_HYPERCALL_TRAP) && asked >= SBI_EXPERIMENTAL_FIRST &&
	    asked <= SBI_EXPERIMENTAL_LAST)
		ids[count++] = (uint32_t)asked;
	sbi_base_call(exit->hypercall.function, exit->hypercall.args, ids, count, &answer);
	vcpu->run->riscv_sbi.ret[0] = (unsigned long)answer.error;
	vcpu->run->riscv_sbi.ret[1] = answer.value;
	exit->kind = AX_EXIT_NOTHING;
	vcpu->pending.kind = PENDING_UNKNOWN;
}

static int finish_sbi(AxVCpu *vcpu, AxVCpuExitReason *exit, AxError *err)
{
	switch (exit->hypercall.nr) {
	case SBI_EXT_BASE: answer_probe(vcpu, exit); return 0;
	case SBI_EXT_AXH:
		return vcpu->vm->power == AX_POWER_USER ? riscv_hsm_call(vcpu, exit, err) : 0;
	default: return 0;
	}
}

int arch_finish_exit(AxVCpu *vcpu, AxVCpuExitReason *exit, AxError *err)
{
	switch (vcpu->run->exit_reason) {
	case KVM_EXIT_RISCV_SBI: return finish_sbi(vcpu, exit, err);
	case KVM_EXIT_DEBUG: return riscv_get(vcpu, RISCV_REG_PC, &exit->debug.pc, err);
	default: return 0;
	}
}

/* An SBI call has one exit, and an access as many as KVM makes of it. */
bool arch_next_exit(AxVCpu *vcpu, AxVCpuExitReason *exit)
{
	(void)vcpu;
	(void)exit;
	return false;
}
