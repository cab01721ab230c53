/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Breakpoints, watchpoints and single-step; floating point registers.
 */
#include <config.h>

#include <errno.h>

#include "arch/arm64/arm64.h"
#include "core/error.h"

/*
 * DBGBCR<n>_EL1 and DBGWCR<n>_EL1: enabled (bit 0), at EL1 and EL0 (PAC, bits 2 to 1), which bytes
 * (BAS, from bit 5 on): D19.3.2 and D19.3.11. LSC of watchpoints, bits 4 to 3: 1 loads, 2 stores.
 */
#define CR_ENABLED    (1u << 0)
#define CR_EL1_EL0    (3u << 1)
#define BCR_ALL_BYTES (0xfu << 5)
#define WCR_LOADS     (1u << 3)
#define WCR_STORES    (1u << 4)
#define WCR_BYTES     5

/* ESR_EL1.EC, bits 31 to 26, of BRK: DDI 0487, D19.2.37. */
#define ESR_EC(esr) ((unsigned)((esr) >> 26 & 0x3f))
#define EC_BRK	    0x3cu

/* Offsets into the vectors of synchronous exceptions: D1.3.1.5. */
#define VECTOR_SP_EL0 0x000u
#define VECTOR_SP_ELX 0x200u
#define VECTOR_LOWER  0x400u

/* D, A, I and F of PSTATE. */
#define PSTATE_DAIF (0xfu << 6)

#define ARM64_ELR_EL1  ARM64_CORE(elr_el1)
#define ARM64_SPSR_EL1 ARM64_CORE(spsr[KVM_SPSR_EL1])
#define ARM64_ESR_EL1  ARM64_SYS_REG(3, 0, 5, 2, 0)
#define ARM64_VBAR_EL1 ARM64_SYS_REG(3, 0, 12, 0, 0)
#define ARM64_FP(member) \
	(KVM_REG_ARM64 | KVM_REG_SIZE_U32 | KVM_REG_ARM_CORE | KVM_REG_ARM_CORE_REG(member))

#define V_REGS 32

static uint64_t watch_control(const AxDebugPoint *point)
{
	uint64_t bytes = ((UINT64_C(1) << point->length) - 1) << point->address % 8;
	uint64_t control = CR_ENABLED | CR_EL1_EL0 | bytes << WCR_BYTES;

	if (point->kind != AX_DEBUG_WRITE)
		control |= WCR_LOADS;
	if (point->kind != AX_DEBUG_READ)
		control |= WCR_STORES;
	return control;
}

static uint32_t count_of(AxVm *vm, int capability)
{
	int count = sys_check_extension(vm->fd, capability);

	return count > 0 ? (uint32_t)count : 0;
}

/* Fill the registers. -ENOSPC when there are fewer. */
static int place_points(AxVCpu *vcpu, const AxDebug *debug, struct kvm_guest_debug_arch *arch,
			AxError *err)
{
	uint32_t most_breaks = count_of(vcpu->vm, KVM_CAP_GUEST_DEBUG_HW_BPS);
	uint32_t most_watches = count_of(vcpu->vm, KVM_CAP_GUEST_DEBUG_HW_WPS);
	uint32_t breaks = 0, watches = 0;

	for (uint32_t i = 0; i < debug->count; i++) {
		const AxDebugPoint *point = &debug->points[i];
		bool is_break = point->kind == AX_DEBUG_EXECUTE;

		if (is_break ? breaks == most_breaks : watches == most_watches)
			return ax_error_set(err, most_breaks ? -ENOSPC : -ENOTSUP,
					    AX_ERROR_UNSUPPORTED, 0,
					    "this host has %u hardware breakpoints and %u "
					    "watchpoints, not more",
					    most_breaks, most_watches);
		if (is_break) {
			arch->dbg_bvr[breaks] = point->address;
			arch->dbg_bcr[breaks++] = CR_ENABLED | CR_EL1_EL0 | BCR_ALL_BYTES;
		} else {
			arch->dbg_wvr[watches] = point->address & ~UINT64_C(7);
			arch->dbg_wcr[watches++] = watch_control(point);
		}
	}
	return 0;
}

int arch_debug(AxVCpu *vcpu, const AxDebug *debug, AxError *err)
{
	struct kvm_guest_debug request = { 0 };
	bool single_step = debug->flags & AX_DEBUG_STEP;
	int ret = place_points(vcpu, debug, &request.arch, err);

	if (ret)
		return ret;
	if (single_step)
		request.control |= KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP;
	if (debug->flags & AX_DEBUG_BREAKPOINTS)
		request.control |= KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_SW_BP;
	if (debug->count)
		request.control |= KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_HW;
	ret = sys_ioctl_struct(vcpu->fd, KVM_SET_GUEST_DEBUG, &request);
	if (ret == -ENOTTY || ret == -EINVAL)
		return ax_error_set(err, -ENOTSUP, AX_ERROR_UNSUPPORTED, -ret,
				    "this KVM can't debug guests this way (KVM_SET_GUEST_DEBUG)");
	if (ret < 0)
		return ax_error_sys(err, ret, "KVM_SET_GUEST_DEBUG");
	vcpu->arch->single_step = single_step;
	return 0;
}

void arch_debug_limits(AxVm *vm, AxDebugLimits *limits)
{
	limits->breakpoints = count_of(vm, KVM_CAP_GUEST_DEBUG_HW_BPS);
	limits->watchpoints = count_of(vm, KVM_CAP_GUEST_DEBUG_HW_WPS);
	limits->can_step = count_of(vm, KVM_CAP_SET_GUEST_DEBUG);
	limits->has_instructions = limits->can_step;
}

static uint64_t vector_of(uint64_t pstate)
{
	switch (pstate & PSTATE_MODE) {
	case PSTATE_EL0: return VECTOR_LOWER;
	case PSTATE_EL1T: return VECTOR_SP_EL0;
	default: return VECTOR_SP_ELX;
	}
}

/* What a BRK does, but that KVM has kept it: D1.3.1. The processor ignores what PSTATE lacks here. */
int arch_give_breakpoint(AxVCpu *vcpu, const AxVCpuExitReason *exit, AxError *err)
{
	uint64_t pstate, vectors;
	int ret;

	if (ESR_EC(exit->debug.detail) != EC_BRK)
		return ax_error_argument(err, -EINVAL, "ESR 0x%llx is no BRK's",
					 (unsigned long long)exit->debug.detail);
	ret = arm64_get(vcpu, ARM64_PSTATE, &pstate, err);
	if (!ret)
		ret = arm64_get(vcpu, ARM64_VBAR_EL1, &vectors, err);
	if (!ret)
		ret = arm64_set(vcpu, ARM64_ELR_EL1, exit->debug.pc, err);
	if (!ret)
		ret = arm64_set(vcpu, ARM64_SPSR_EL1, pstate, err);
	if (!ret)
		ret = arm64_set(vcpu, ARM64_ESR_EL1, exit->debug.detail, err);
	if (!ret)
		ret = arm64_set(vcpu, ARM64_PSTATE, PSTATE_EL1H | PSTATE_DAIF, err);
	return ret ? ret : arm64_set(vcpu, ARM64_PC, vectors + vector_of(pstate), err);
}

int arch_get_fp(AxVCpu *vcpu, AxFpRegs *regs, AxError *err)
{
	uint64_t control = 0, status = 0;
	int ret = 0;

	for (unsigned i = 0; !ret && i < V_REGS; i++)
		ret = arm64_get_vector(vcpu, i, regs->vector[i], err);
	if (!ret)
		ret = arm64_get(vcpu, ARM64_FP(fp_regs.fpcr), &control, err);
	if (!ret)
		ret = arm64_get(vcpu, ARM64_FP(fp_regs.fpsr), &status, err);
	regs->control = (uint32_t)control;
	regs->status = (uint32_t)status;
	return ret;
}

int arch_set_fp(AxVCpu *vcpu, const AxFpRegs *regs, AxError *err)
{
	int ret = 0;

	for (unsigned i = 0; !ret && i < V_REGS; i++)
		ret = arm64_set_vector(vcpu, i, regs->vector[i], err);
	if (!ret)
		ret = arm64_set(vcpu, ARM64_FP(fp_regs.fpcr), regs->control, err);
	return ret ? ret : arm64_set(vcpu, ARM64_FP(fp_regs.fpsr), regs->status, err);
}
