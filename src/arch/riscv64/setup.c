/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a hart begins: in supervisor mode without address translation and with interrupts off, a0 its
 * ID, a1 the argument; also when another hart starts it (SBI 2.0, 9.1). General purpose registers
 * and CSRs are as after reset, so that a vCPU may be set up again after it ran; floating-point and
 * vector registers keep what they have.
 */
#include <config.h>

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include <axvmm/memory.h>

#include "arch/riscv64/riscv.h"
#include "core/error.h"

/* Instructions begin at multiples of two bytes: unprivileged specification, 1.5, with C. */
#define INSN_ALIGN 2

/* CY, TM and IR: user mode may read cycle, time and instret, as KVM's own reset allows. */
#define SCOUNTEREN_RESET 7

static int check_entry(uint64_t entry, AxError *err)
{
	if (entry % INSN_ALIGN)
		return ax_error_argument(err, -EINVAL,
					 "a hart can't begin at 0x%" PRIx64
					 ": instructions are aligned to %d bytes",
					 entry, INSN_ALIGN);
	return 0;
}

bool riscv_is_entry(AxVm *vm, uint64_t entry)
{
	uint16_t insn;

	return entry % INSN_ALIGN == 0 && !ax_mem_read(vm, entry, &insn, sizeof(insn));
}

/* No interrupt waits: neither a message, nor the timer's or an IPI. */
static int reset_interrupts(AxVCpu *vcpu, AxError *err)
{
	int ret = vcpu->vm->irqchip == AX_IRQCHIP_KERNEL ? riscv_aia_reset(vcpu, err) : 0;

	if (ret)
		return ret;
	riscv_try_set(vcpu, RISCV_REG_TIMER(compare), UINT64_MAX);
	riscv_try_set(vcpu, RISCV_REG_TIMER(state), KVM_RISCV_TIMER_STATE_OFF);
	return riscv_set(vcpu, RISCV_REG_CSR(sip), 0, err);
}

static int reset_csrs(AxVCpu *vcpu, AxError *err)
{
	static const uint64_t zeroed[] = {
		RISCV_REG_CSR(sstatus),	 RISCV_REG_CSR(sie),  RISCV_REG_CSR(stvec),
		RISCV_REG_CSR(sscratch), RISCV_REG_CSR(sepc), RISCV_REG_CSR(scause),
		RISCV_REG_CSR(stval),	 RISCV_REG_CSR(satp),
	};
	int ret = 0;

	for (unsigned i = 0; !ret && i < sizeof(zeroed) / sizeof(zeroed[0]); i++)
		ret = riscv_set(vcpu, zeroed[i], 0, err);
	if (!ret)
		ret = riscv_set(vcpu, RISCV_REG_CSR(scounteren), SCOUNTEREN_RESET, err);
	/* Linux 6.6 and later. */
	riscv_try_set(vcpu, RISCV_REG_SENVCFG, 0);
	return ret;
}

static int reset_core(AxVCpu *vcpu, uint64_t entry, uint64_t arg, uint64_t stack, AxError *err)
{
	int ret = 0;

	for (unsigned i = 1; !ret && i < RISCV_GPRS; i++) {
		uint64_t value = 0;

		switch (i) {
		case RISCV_SP: value = stack; break;
		case RISCV_A0: value = vcpu->id; break;
		case RISCV_A1: value = arg; break;
		default: break;
		}
		ret = riscv_set(vcpu, RISCV_REG_GPR(i), value, err);
	}
	if (!ret)
		ret = riscv_set(vcpu, RISCV_REG_MODE, KVM_RISCV_MODE_S, err);
	return ret ? ret : riscv_set(vcpu, RISCV_REG_PC, entry, err);
}

int riscv_reset(AxVCpu *vcpu, uint64_t entry, uint64_t arg, uint64_t stack, AxError *err)
{
	int ret = reset_interrupts(vcpu, err);

	if (!ret)
		ret = reset_csrs(vcpu, err);
	if (!ret)
		ret = reset_core(vcpu, entry, arg, stack, err);
	/* Devices hold the line, whatever becomes of the hart. */
	return ret ? ret : riscv_restore_line(vcpu, err);
}

/* A hart other than the first is stopped in KVM until KVM's HSM or this says otherwise. */
static int set_mp_state(AxVCpu *vcpu, uint32_t state, AxError *err)
{
	struct kvm_mp_state request = { .mp_state = state };
	int ret = sys_ioctl_struct(vcpu->fd, KVM_SET_MP_STATE, &request);

	return ret < 0 ? ax_error_sys(err, ret, "KVM_SET_MP_STATE") : 0;
}

int arch_vcpu_setup(AxVCpu *vcpu, const AxVCpuSetup *setup, AxError *err)
{
	bool off = setup->flags & AX_SETUP_POWERED_OFF;
	bool kvm_holds = vcpu->vm->power == AX_POWER_KERNEL;
	int ret;

	if (setup->mode != AX_MODE_NATIVE)
		return ax_error_argument(err, -EINVAL, "mode %u is none of riscv64", setup->mode);
	ret = check_entry(setup->entry, err);
	if (ret)
		return ret;
	ret = riscv_drop_line(vcpu, err);
	if (!ret)
		ret = riscv_reset(vcpu, setup->entry, setup->arg, setup->stack, err);
	if (ret)
		return ret;
	atomic_store(&vcpu->powered_off, off && !kvm_holds);
	return set_mp_state(vcpu, off && kvm_holds ? KVM_MP_STATE_STOPPED : KVM_MP_STATE_RUNNABLE,
			    err);
}

int arch_set_entry(AxVCpu *vcpu, uint64_t entry, AxError *err)
{
	int ret = check_entry(entry, err);

	return ret ? ret : riscv_set(vcpu, RISCV_REG_PC, entry, err);
}

int arch_check_start(AxVCpu *vcpu, uint64_t entry, AxError *err)
{
	(void)vcpu;
	return check_entry(entry, err);
}

int arch_start(AxVCpu *vcpu, uint64_t entry, uint64_t arg, AxError *err)
{
	return riscv_reset(vcpu, entry, arg, 0, err);
}

/* Whether KVM offers an extension of the SBI to the guest: before the first KVM_RUN (api.rst 4.68). */
static int configure_sbi(AxVCpu *vcpu, AxError *err)
{
	AxVm *vm = vcpu->vm;
	int ret;

	/* Kernels that can't be told (before 6.4) answer HSM; harts that are held here stay so. */
	if (vm->power == AX_POWER_USER)
		riscv_try_set(vcpu, RISCV_REG_SBI(SYS_RISCV_SBI_EXT_HSM), 0);
	if (!(vm->arch->hypercall_flags & AX_HYPERCALL_CONSOLE))
		return 0;
	ret = riscv_try_set(vcpu, RISCV_REG_SBI(SYS_RISCV_SBI_EXT_DBCN), 1);
	return ret ? ax_error_sys(err, ret, "KVM_SET_ONE_REG (SBI extension DBCN)") : 0;
}

int arch_vcpu_init(AxVCpu *vcpu, AxError *err)
{
	bool too_late;

	vcpu->arch = calloc(1, sizeof(*vcpu->arch));
	if (!vcpu->arch)
		return ax_error_nomem(err, "a vCPU");
	cpu_line_init(&vcpu->arch->line);
	pthread_mutex_lock(&vcpu->vm->lock);
	too_late = vcpu->vm->arch->aia_ready;
	pthread_mutex_unlock(&vcpu->vm->lock);
	if (too_late)
		return ax_error_state(err,
				      "vCPU %u: KVM's AIA is in use, and takes no more harts then",
				      vcpu->id);
	return configure_sbi(vcpu, err);
}

void arch_vcpu_fini(AxVCpu *vcpu)
{
	if (!vcpu->arch)
		return;
	cpu_line_fini(&vcpu->arch->line);
	free(vcpu->arch);
	vcpu->arch = NULL;
}
