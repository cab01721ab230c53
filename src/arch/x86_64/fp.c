/* SPDX-License-Identifier: Apache-2.0 */
/*
 * x87 and SSE registers.
 */
#include <config.h>

#include <string.h>

#include "arch/x86_64/x86.h"
#include "core/error.h"

#define XMM_REGS 16

static int get_fpu(AxVCpu *vcpu, struct kvm_fpu *fpu, AxError *err)
{
	int ret = sys_ioctl_struct(vcpu->fd, KVM_GET_FPU, fpu);

	return ret < 0 ? ax_error_sys(err, ret, "KVM_GET_FPU") : 0;
}

int arch_get_fp(AxVCpu *vcpu, AxFpRegs *regs, AxError *err)
{
	struct kvm_fpu fpu;
	int ret = get_fpu(vcpu, &fpu, err);

	if (ret)
		return ret;
	memcpy(regs->vector, fpu.xmm, XMM_REGS * sizeof(regs->vector[0]));
	memcpy(regs->x87, fpu.fpr, sizeof(regs->x87));
	regs->x87_ip = fpu.last_ip;
	regs->x87_dp = fpu.last_dp;
	regs->x87_status = fpu.fsw;
	regs->x87_opcode = fpu.last_opcode;
	regs->x87_tag = fpu.ftwx;
	regs->control = fpu.fcw;
	regs->status = fpu.mxcsr;
	return 0;
}

int arch_set_fp(AxVCpu *vcpu, const AxFpRegs *regs, AxError *err)
{
	struct kvm_fpu fpu;
	int ret = get_fpu(vcpu, &fpu, err);

	if (ret)
		return ret;
	memcpy(fpu.xmm, regs->vector, XMM_REGS * sizeof(regs->vector[0]));
	memcpy(fpu.fpr, regs->x87, sizeof(regs->x87));
	fpu.last_ip = regs->x87_ip;
	fpu.last_dp = regs->x87_dp;
	fpu.fsw = (uint16_t)regs->x87_status;
	fpu.last_opcode = (uint16_t)regs->x87_opcode;
	fpu.ftwx = (uint8_t)regs->x87_tag;
	fpu.fcw = (uint16_t)regs->control;
	fpu.mxcsr = regs->status;
	ret = sys_ioctl_struct(vcpu->fd, KVM_SET_FPU, &fpu);
	return ret < 0 ? ax_error_sys(err, ret, "KVM_SET_FPU") : 0;
}
