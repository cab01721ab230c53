/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a vCPU begins: at EL1 with its own stack pointer, interrupts masked, MMU and caches off. That is
 * KVM's reset state (api.rst 4.82), to which KVM_ARM_VCPU_INIT returns everything.
 */
#include <config.h>

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "arch/arm64/arm64.h"
#include "core/error.h"

static int check_entry(uint64_t entry, AxError *err)
{
	if (entry % A64_INSN_SIZE)
		return ax_error_argument(err, -EINVAL,
					 "a CPU can't begin at 0x%" PRIx64
					 ": instructions are aligned to 4 bytes",
					 entry);
	return 0;
}

/* AX_SETUP_NO_CPUID has nothing to leave out here and is passed over. */
static int check_setup(const AxVCpuSetup *setup, AxError *err)
{
	if (setup->mode != AX_MODE_NATIVE)
		return ax_error_argument(err, -EINVAL, "mode %u is none of arm64", setup->mode);
	if (setup->stack % 16)
		return ax_error_argument(
			err, -EINVAL, "the stack pointer 0x%" PRIx64 " is not aligned to 16 bytes",
			setup->stack);
	return check_entry(setup->entry, err);
}

/* The host's kind of CPU, the same for all vCPUs. */
static int find_target(AxVm *vm, AxError *err)
{
	struct arch_vm *arch = vm->arch;
	int ret = 0;

	pthread_mutex_lock(&vm->lock);
	if (!arch->has_target) {
		ret = sys_ioctl_struct(vm->fd, KVM_ARM_PREFERRED_TARGET, &arch->target);
		arch->has_target = ret >= 0;
	}
	pthread_mutex_unlock(&vm->lock);
	return ret < 0 ? ax_error_sys(err, ret, "KVM_ARM_PREFERRED_TARGET") : 0;
}

/* Everything as after reset. */
static int reset(AxVCpu *vcpu, AxError *err)
{
	struct kvm_vcpu_init init;
	int ret = find_target(vcpu->vm, err);

	if (ret)
		return ret;
	init = vcpu->vm->arch->target;
	init.features[0] |= 1u << KVM_ARM_VCPU_PSCI_0_2;
	ret = sys_ioctl_struct(vcpu->fd, KVM_ARM_VCPU_INIT, &init);
	return ret < 0 ? ax_error_sys(err, ret, "KVM_ARM_VCPU_INIT") : 0;
}

/* After reset: registers are zero, so only others are written. */
static int set_unless_zero(AxVCpu *vcpu, uint64_t id, uint64_t value, AxError *err)
{
	return value ? arm64_set(vcpu, id, value, err) : 0;
}

static int enter(AxVCpu *vcpu, uint64_t entry, uint64_t arg, uint64_t stack, AxError *err)
{
	int ret = reset(vcpu, err);

	if (!ret)
		ret = set_unless_zero(vcpu, ARM64_PC, entry, err);
	if (!ret)
		ret = set_unless_zero(vcpu, ARM64_X0, arg, err);
	if (!ret)
		ret = set_unless_zero(vcpu, ARM64_SP_EL1, stack, err);
	vcpu->arch->suspended = false;
	return ret;
}

/* KVM holds the CPU inside KVM_RUN until the guest's CPU_ON. */
static int let_kvm_hold(AxVCpu *vcpu, AxError *err)
{
	struct kvm_mp_state state = { .mp_state = KVM_MP_STATE_STOPPED };
	int ret = sys_ioctl_struct(vcpu->fd, KVM_SET_MP_STATE, &state);

	return ret < 0 ? ax_error_sys(err, ret, "KVM_SET_MP_STATE") : 0;
}

int arch_vcpu_setup(AxVCpu *vcpu, const AxVCpuSetup *setup, AxError *err)
{
	bool is_off = setup->flags & AX_SETUP_POWERED_OFF;
	bool kvm_holds = vcpu->vm->power == AX_POWER_KERNEL;
	int ret = check_setup(setup, err);

	if (ret)
		return ret;
	ret = enter(vcpu, setup->entry, setup->arg, setup->stack, err);
	if (!ret)
		ret = arm64_drop_line(vcpu, err);
	if (ret)
		return ret;
	atomic_store(&vcpu->powered_off, is_off && !kvm_holds);
	return is_off && kvm_holds ? let_kvm_hold(vcpu, err) : 0;
}

int arch_set_entry(AxVCpu *vcpu, uint64_t entry, AxError *err)
{
	int ret = check_entry(entry, err);

	return ret ? ret : arm64_set(vcpu, ARM64_PC, entry, err);
}

int arch_check_start(AxVCpu *vcpu, uint64_t entry, AxError *err)
{
	(void)vcpu;
	return check_entry(entry, err);
}

/* CPU_ON: DEN0022, 5.6 and 6.4. */
int arch_start(AxVCpu *vcpu, uint64_t entry, uint64_t arg, AxError *err)
{
	int ret = enter(vcpu, entry, arg, 0, err);

	/* Devices hold the line, whatever becomes of the CPU: KVM_ARM_VCPU_INIT has let it fall. */
	return ret ? ret : arm64_restore_line(vcpu, err);
}

int arch_vcpu_init(AxVCpu *vcpu, AxError *err)
{
	vcpu->arch = calloc(1, sizeof(*vcpu->arch));
	if (!vcpu->arch)
		return ax_error_nomem(err, "a vCPU");
	cpu_line_init(&vcpu->arch->line);
	return 0;
}

void arch_vcpu_fini(AxVCpu *vcpu)
{
	if (!vcpu->arch)
		return;
	cpu_line_fini(&vcpu->arch->line);
	free(vcpu->arch);
	vcpu->arch = NULL;
}
