/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers: from a value to the place in kvm_run where KVM takes it from at the next entry.
 * exit_reason is never changed: completion on arm64 and riscv64 is keyed on it (KVM-FACTS, gotcha
 * 1).
 */
#include <config.h>

#include <errno.h>
#include <string.h>

#include <axvmm/memory.h>

#include "arch/arch.h"
#include "core/error.h"
#include "core/reply.h"

/* SBI specification 2.0, chapter 3, table 1. */
#define SBI_ERR_NOT_SUPPORTED (-2)

uint8_t *reply_port_bytes(AxVCpu *vcpu)
{
	return (uint8_t *)vcpu->run + vcpu->run->io.data_offset;
}

/* Of all elements. They were found to lie inside the pages when the exit was taken. */
static size_t port_length(const AxVCpu *vcpu)
{
	return (size_t)vcpu->run->io.size * vcpu->run->io.count;
}

void reply_value(AxVCpu *vcpu, uint64_t value)
{
	struct kvm_run *run = vcpu->run;

	switch (vcpu->pending.kind) {
	case AX_EXIT_MMIO_READ:
		/* Bytes above mmio.len are ignored by KVM. */
		memcpy(run->mmio.data, &value, sizeof(run->mmio.data));
		break;
	case AX_EXIT_IO_READ: memcpy(reply_port_bytes(vcpu), &value, run->io.size); break;
	case AX_EXIT_SYS_REG_READ:
	case AX_EXIT_SYS_REG_WRITE:
		/* An earlier answer may have been a fault. */
		if (run->exit_reason == KVM_EXIT_RISCV_CSR) {
			run->riscv_csr.ret_value = (unsigned long)value;
			vcpu->pending.by_arch = false;
		} else if (vcpu->pending.kind == AX_EXIT_SYS_REG_READ) {
			run->msr.data = value;
			run->msr.error = 0;
		}
		break;
	default: break;
	}
}

void reply_default(AxVCpu *vcpu)
{
	switch (vcpu->pending.kind) {
	case AX_EXIT_IO_READ: memset(reply_port_bytes(vcpu), 0, port_length(vcpu)); break;
	case AX_EXIT_SYS_REG_READ:
	case AX_EXIT_SYS_REG_WRITE:
		if (vcpu->run->exit_reason != KVM_EXIT_RISCV_CSR)
			vcpu->run->msr.error = 0;
		reply_value(vcpu, 0);
		break;
	default: reply_value(vcpu, 0); break;
	}
}

int ax_vcpu_reply_read(AxVCpu *vcpu, uint64_t value)
{
	if (!vcpu_is_owner(vcpu))
		return -EPERM;
	switch (vcpu->pending.kind) {
	case AX_EXIT_IO_READ:
		if (vcpu->run->io.count > 1)
			return -EPERM;
		break;
	case AX_EXIT_MMIO_READ:
	case AX_EXIT_SYS_REG_READ: break;
	case AX_EXIT_SYS_REG_WRITE:
		/* A CSR instruction that writes also reads. */
		if (vcpu->run->exit_reason != KVM_EXIT_RISCV_CSR)
			return -EPERM;
		break;
	default: return -EPERM;
	}
	reply_value(vcpu, value);
	return 0;
}

int ax_vcpu_reply_bytes(AxVCpu *vcpu, const void *bytes, size_t len)
{
	if (!vcpu_is_owner(vcpu) || vcpu->pending.kind != AX_EXIT_IO_READ)
		return -EPERM;
	if (len != port_length(vcpu))
		return -EINVAL;
	memcpy(reply_port_bytes(vcpu), bytes, len);
	return 0;
}

int ax_vcpu_reply_fault(AxVCpu *vcpu)
{
	if (!vcpu_is_owner(vcpu))
		return -EPERM;
	if (vcpu->pending.kind != AX_EXIT_SYS_REG_READ &&
	    vcpu->pending.kind != AX_EXIT_SYS_REG_WRITE)
		return -EPERM;
	/* KVM has no way to say it of a CSR. */
	if (vcpu->run->exit_reason == KVM_EXIT_RISCV_CSR)
		vcpu->pending.by_arch = true;
	else
		vcpu->run->msr.error = 1;
	return 0;
}

int reply_hypercall(AxVCpu *vcpu, uint64_t value)
{
	struct kvm_run *run = vcpu->run;

	switch (vcpu->pending.route) {
	case AX_ROUTE_KVM: run->hypercall.ret = value; return 0;
	case AX_ROUTE_XEN: run->xen.u.hcall.result = value; return 0;
	case AX_ROUTE_SBI:
		run->riscv_sbi.ret[0] = (unsigned long)vcpu->pending.error;
		run->riscv_sbi.ret[1] = (unsigned long)value;
		return 0;
	case AX_ROUTE_SMCCC: vcpu->pending.value = value; return 0;
	default:
		return ax_mem_write(vcpu->vm,
				    vcpu->pending.block + offsetof(struct hypercall_block, ret),
				    &value, sizeof(value));
	}
}

uint64_t reply_unknown(AxVCpu *vcpu)
{
	bool is_sbi = vcpu->pending.route == AX_ROUTE_SBI;
	uint64_t value = is_sbi ? 0 : arch_hypercall_unknown;

	vcpu->pending.error = is_sbi ? SBI_ERR_NOT_SUPPORTED : 0;
	/*
	 * The block was RAM when the exit was decoded; should it be gone now, there is nobody to
	 * tell.
	 */
	reply_hypercall(vcpu, value);
	return value;
}

int ax_vcpu_set_return_error(AxVCpu *vcpu, int64_t error)
{
	if (!vcpu_is_owner(vcpu) || vcpu->pending.kind != AX_EXIT_HYPERCALL ||
	    vcpu->pending.route != AX_ROUTE_SBI)
		return -EPERM;
	vcpu->pending.error = error;
	return reply_hypercall(vcpu, vcpu->run->riscv_sbi.ret[1]);
}

int ax_vcpu_set_return_value(AxVCpu *vcpu, uint64_t value, AxError *err)
{
	int ret;

	if (vcpu->pending.kind == AX_EXIT_HYPERCALL) {
		if (!vcpu_is_owner(vcpu))
			return ax_error_state(err, "vCPU %u is another thread's", vcpu->id);
		vcpu->pending.error = 0;
		ret = reply_hypercall(vcpu, value);
		if (ret == -EFAULT)
			return ax_error_argument(err, ret,
						 "the hypercall block at 0x%llx is not in RAM",
						 (unsigned long long)vcpu->pending.block);
		return ret;
	}
	ret = vcpu_check_registers(vcpu, err);
	if (ret)
		return ret;
	return arch_set_reg(vcpu, &arch_regs[arch_return_register()], value, err);
}
