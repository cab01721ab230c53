/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Breakpoints: KVM on riscv64 knows the guest's own EBREAK only. Floating point registers.
 */
#include <config.h>

#include <errno.h>
#include <string.h>

#include "arch/riscv64/riscv.h"
#include "core/error.h"

#define RISCV_REG_F(number) SYS_RISCV_REG(KVM_REG_RISCV_FP_D, KVM_REG_RISCV_FP_D_REG(f[number]))
#define RISCV_REG_FCSR                                                      \
	((SYS_RISCV_REG(KVM_REG_RISCV_FP_D, KVM_REG_RISCV_FP_D_REG(fcsr)) & \
	  ~(uint64_t)KVM_REG_SIZE_MASK) |                                   \
	 KVM_REG_SIZE_U32)

#define F_REGS 32

int arch_debug(AxVCpu *vcpu, const AxDebug *debug, AxError *err)
{
	struct kvm_guest_debug request = { 0 };
	int ret;

	if (debug->count || (debug->flags & AX_DEBUG_STEP))
		return ax_error_set(
			err, -ENOTSUP, AX_ERROR_UNSUPPORTED, 0,
			"KVM on riscv64 has neither single-step nor hardware breakpoints: "
			"an EBREAK in the code is all that makes a Debug exit");
	if (debug->flags & AX_DEBUG_BREAKPOINTS)
		request.control = KVM_GUESTDBG_ENABLE;
	ret = sys_ioctl_struct(vcpu->fd, KVM_SET_GUEST_DEBUG, &request);
	if (ret == -ENOTTY || ret == -EINVAL)
		return ax_error_set(err, -ENOTSUP, AX_ERROR_UNSUPPORTED, -ret,
				    "this KVM can't debug guests (KVM_SET_GUEST_DEBUG)");
	return ret < 0 ? ax_error_sys(err, ret, "KVM_SET_GUEST_DEBUG") : 0;
}

void arch_debug_limits(AxVm *vm, AxDebugLimits *limits)
{
	(void)vm;
	limits->has_instructions = true;
}

/* stval is the address of the EBREAK, as hardware has it: privileged specification, 4.1.9. */
int arch_give_breakpoint(AxVCpu *vcpu, const AxVCpuExitReason *exit, AxError *err)
{
	return riscv_trap(vcpu, RISCV_CAUSE_BREAKPOINT, exit->debug.pc, exit->debug.pc, err);
}

static int no_fp(AxError *err, int ret)
{
	if (ret == -ENOENT || ret == -EINVAL)
		return ax_error_set(err, -ENOTSUP, AX_ERROR_UNSUPPORTED, -ret,
				    "the guest's hart has no floating point registers");
	return ax_error_sys(err, ret, "KVM_GET_ONE_REG");
}

int arch_get_fp(AxVCpu *vcpu, AxFpRegs *regs, AxError *err)
{
	uint64_t value = 0;
	int ret = 0;

	for (unsigned i = 0; !ret && i < F_REGS; i++) {
		ret = riscv_try_get(vcpu, RISCV_REG_F(i), &value);
		memcpy(regs->vector[i], &value, sizeof(value));
	}
	value = 0;
	if (!ret)
		ret = riscv_try_get(vcpu, RISCV_REG_FCSR, &value);
	regs->control = (uint32_t)value;
	return ret ? no_fp(err, ret) : 0;
}

int arch_set_fp(AxVCpu *vcpu, const AxFpRegs *regs, AxError *err)
{
	uint64_t value = 0;
	int ret = 0;

	for (unsigned i = 0; !ret && i < F_REGS; i++) {
		memcpy(&value, regs->vector[i], sizeof(value));
		ret = riscv_try_set(vcpu, RISCV_REG_F(i), value);
	}
	if (!ret)
		ret = riscv_try_set(vcpu, RISCV_REG_FCSR, regs->control);
	return ret ? no_fp(err, ret) : 0;
}
