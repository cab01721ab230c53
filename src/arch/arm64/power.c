/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PSCI calls that KVM forwards: what core/psci.h decides becomes an exit, and the call's return.
 */
#include <config.h>

#include <axvmm/memory.h>

#include "arch/arm64/arm64.h"
#include "core/error.h"
#include "core/power.h"
#include "core/psci.h"

/* The affinity that KVM gives to a vCPU: see arch_find_cpu(). */
static uint64_t affinity_of(const AxVCpu *vcpu)
{
	return (vcpu->id & 0xf) | (vcpu->id >> 4 & 0xff) << 8 | (vcpu->id >> 12 & 0xff) << 16;
}

static enum power_state state_of(void *opaque, uint64_t affinity)
{
	AxVCpu *vcpu = arch_find_cpu(opaque, affinity);

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
	uint32_t insn;

	return address % A64_INSN_SIZE == 0 && !ax_mem_read(opaque, address, &insn, sizeof(insn));
}

static bool others_are_off(void *opaque, uint64_t self)
{
	AxVCpu *vcpu;

	for (unsigned i = 0; (vcpu = ax_vm_vcpu_at(opaque, i)); i++)
		if (affinity_of(vcpu) != self && vcpu_power(vcpu) != VCPU_POWER_OFF)
			return false;
	return true;
}

/* The call returns when the exit has been answered: arm64_finish_call(). */
static void return_later(AxVCpu *vcpu, uint64_t result)
{
	vcpu->pending = (struct pending){
		.kind = AX_EXIT_HYPERCALL, .route = AX_ROUTE_SMCCC, .by_arch = true, .value = result
	};
}

/* The call returns now. */
static int return_now(AxVCpu *vcpu, uint64_t result, AxVCpuExitReason *exit, AxError *err)
{
	exit->kind = AX_EXIT_NOTHING;
	vcpu->pending = (struct pending){ .kind = AX_EXIT_NOTHING };
	return arm64_set(vcpu, ARM64_X0, result, err);
}

/*
 * KVM lets the CPU wait for an interrupt at its next entry, as in WFI. One that can't (before Linux
 * 6.0) lets it go on at once, which a standby may do.
 */
static int suspend(AxVCpu *vcpu, const struct psci_answer *answer, AxVCpuExitReason *exit,
		   AxError *err)
{
	struct kvm_mp_state state = { .mp_state = KVM_MP_STATE_SUSPENDED };
	int ret = return_now(vcpu, answer->result, exit, err);

	if (ret)
		return ret;
	vcpu->arch->suspended = sys_ioctl_struct(vcpu->fd, KVM_SET_MP_STATE, &state) >= 0;
	exit->kind = AX_EXIT_HALT;
	return 0;
}

static void go_down(AxVCpu *vcpu, const struct psci_answer *answer, AxDownCause cause,
		    uint32_t type, AxVCpuExitReason *exit)
{
	exit->kind = AX_EXIT_SYSTEM_DOWN;
	exit->system_down = (AxExitSystemDown){ .cause = cause, .type = type };
	if (answer->action == PSCI_ACT_SYSTEM_RESET2) {
		/* data[0] as KVM has it: KVM_SYSTEM_EVENT_RESET_FLAG_PSCI_RESET2. */
		exit->system_down.ndata = 3;
		exit->system_down.data[0] = 1;
		exit->system_down.data[1] = answer->reset_type;
		exit->system_down.data[2] = answer->cookie;
	} else if (answer->action == PSCI_ACT_SYSTEM_SUSPEND) {
		exit->system_down.ndata = 2;
		exit->system_down.data[0] = answer->entry;
		exit->system_down.data[1] = answer->context;
	}
	return_later(vcpu, answer->result);
}

/* Another vCPU may have claimed the target since psci_call() looked: false, look again. */
static bool start(AxVCpu *vcpu, const struct psci_answer *answer, AxVCpuExitReason *exit)
{
	AxVCpu *target = arch_find_cpu(vcpu->vm, answer->target);

	if (!target || vcpu_claim_start(target) != VCPU_POWER_OFF)
		return false;
	vcpu->arch->claimed = target;
	exit->kind = AX_EXIT_CPU_UP;
	exit->cpu_up = (AxExitCpuUp){ .target_cpu = answer->target,
				      .entry_point = answer->entry,
				      .arg = answer->context };
	return_later(vcpu, answer->result);
	return true;
}

/* True: @exit is what the call asks for. */
static bool act(AxVCpu *vcpu, const struct psci_answer *answer, AxVCpuExitReason *exit, int *ret,
		AxError *err)
{
	*ret = 0;
	switch (answer->action) {
	case PSCI_ACT_CPU_ON: return start(vcpu, answer, exit);
	case PSCI_ACT_CPU_OFF:
		exit->kind = AX_EXIT_CPU_DOWN;
		exit->cpu_down = (AxExitCpuDown){ 0 };
		return_later(vcpu, answer->result);
		return true;
	case PSCI_ACT_CPU_SUSPEND: *ret = suspend(vcpu, answer, exit, err); return true;
	case PSCI_ACT_SYSTEM_OFF:
		go_down(vcpu, answer, AX_DOWN_POWER_OFF, KVM_SYSTEM_EVENT_SHUTDOWN, exit);
		return true;
	case PSCI_ACT_SYSTEM_RESET:
	case PSCI_ACT_SYSTEM_RESET2:
		go_down(vcpu, answer, AX_DOWN_RESET, KVM_SYSTEM_EVENT_RESET, exit);
		return true;
	case PSCI_ACT_SYSTEM_SUSPEND:
		go_down(vcpu, answer, AX_DOWN_SUSPEND, KVM_SYSTEM_EVENT_SUSPEND, exit);
		return true;
	default: *ret = return_now(vcpu, answer->result, exit, err); return true;
	}
}

int arm64_psci(AxVCpu *vcpu, uint32_t function, AxVCpuExitReason *exit, AxError *err)
{
	struct power_view view = { .vm = vcpu->vm,
				   .self = affinity_of(vcpu),
				   .state_of = state_of,
				   .is_entry = is_entry,
				   .others_are_off = others_are_off,
				   .system_suspend = true };
	struct psci_answer answer;
	uint64_t args[3];
	int ret;

	for (unsigned i = 0; i < 3; i++) {
		ret = arm64_get(vcpu, ARM64_X(1 + i), &args[i], err);
		if (ret)
			return ret;
	}
	do {
		psci_call(function, args, &view, &answer);
	} while (!act(vcpu, &answer, exit, &ret, err));
	return ret;
}

int arm64_finish_call(AxVCpu *vcpu, AxError *err)
{
	AxVCpu *claimed = vcpu->arch->claimed;
	uint64_t result = vcpu->pending.value;

	/* CpuUp was refused. */
	if (claimed && result != PSCI_SUCCESS)
		vcpu_drop_claim(claimed);
	vcpu->arch->claimed = NULL;
	vcpu->pending = (struct pending){ .kind = AX_EXIT_NOTHING };
	return arm64_set(vcpu, ARM64_X0, result, err);
}

/* An interrupt ends CPU_SUSPEND. */
static int wake_up(AxVCpu *vcpu, AxVCpuExitReason *exit, AxError *err)
{
	struct kvm_mp_state state = { .mp_state = KVM_MP_STATE_RUNNABLE };
	int ret = sys_ioctl_struct(vcpu->fd, KVM_SET_MP_STATE, &state);

	if (ret < 0)
		return ax_error_sys(err, ret, "KVM_SET_MP_STATE");
	vcpu->arch->suspended = false;
	exit->kind = AX_EXIT_NOTHING;
	return 0;
}

/* KVM has checked nothing of SYSTEM_SUSPEND's arguments but that the others are off: api.rst 7.36. */
static int kernel_suspend(AxVCpu *vcpu, AxVCpuExitReason *exit, AxError *err)
{
	int ret = arm64_get(vcpu, ARM64_X(1), &exit->system_down.data[0], err);

	if (!ret)
		ret = arm64_get(vcpu, ARM64_X(2), &exit->system_down.data[1], err);
	exit->system_down.ndata = 2;
	if (!ret)
		return_later(vcpu, PSCI_SUCCESS);
	return ret;
}

int arm64_system_event(AxVCpu *vcpu, AxVCpuExitReason *exit, AxError *err)
{
	if (exit->system_down.cause == AX_DOWN_WAKEUP && vcpu->arch->suspended)
		return wake_up(vcpu, exit, err);
	if (exit->system_down.cause == AX_DOWN_SUSPEND)
		return kernel_suspend(vcpu, exit, err);
	return 0;
}
