/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of this folder share.
 */
#ifndef AXVMM_ARCH_ARM64_ARM64_H
#define AXVMM_ARCH_ARM64_ARM64_H

#include <asm/kvm.h>

#include "arch/arch.h"
#include "arch/arm64/insn.h"
#include "arch/line.h"

/* KVM's numbers of core registers: api.rst 4.68, "arm64 core/FP-SIMD registers". */
#define ARM64_CORE(member) \
	(KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE | KVM_REG_ARM_CORE_REG(member))
#define ARM64_X(number) (ARM64_X0 + 2 * (uint64_t)(number))
#define ARM64_X0	ARM64_CORE(regs.regs[0])
#define ARM64_SP_EL0	ARM64_CORE(regs.sp)
#define ARM64_PC	ARM64_CORE(regs.pc)
#define ARM64_PSTATE	ARM64_CORE(regs.pstate)
#define ARM64_SP_EL1	ARM64_CORE(sp_el1)
#define ARM64_SCTLR_EL1 ARM64_SYS_REG(3, 0, 1, 0, 0)
#define ARM64_TTBR0_EL1 ARM64_SYS_REG(3, 0, 2, 0, 0)
#define ARM64_TTBR1_EL1 ARM64_SYS_REG(3, 0, 2, 0, 1)
#define ARM64_TCR_EL1	ARM64_SYS_REG(3, 0, 2, 0, 2)

/* PSTATE as in SPSR_EL1: DDI 0487, C5.2.18. */
#define PSTATE_EL0   0x0u
#define PSTATE_EL1T  0x4u
#define PSTATE_EL1H  0x5u
#define PSTATE_MODE  0x1fu /* bit 4: AArch32 */
#define PSTATE_SS    (UINT64_C(1) << 21)
#define PSTATE_BTYPE (UINT64_C(3) << 10)

/* QEMU's virt board: DESIGN.md, section 6. */
#define GIC_DISTRIBUTOR	   0x08000000u
#define GIC_CPU_INTERFACE  0x08010000u /* GICv2 */
#define GIC_REDISTRIBUTORS 0x080a0000u /* GICv3: two pages of 64 KiB for each CPU */
#define GIC_MOST_V3_CPUS   123	       /* as many have room below the board's UART */
#define GIC_MOST_V2_CPUS   8

/* Private and shared interrupts: GIC architecture (IHI 0069), 2.2.1. */
#define GIC_FIRST_PPI 16
#define GIC_FIRST_SPI 32

/* A load or store without syndrome that is being carried out: access.c. */
struct arm64_access {
	struct a64_insn insn;
	uint64_t pc;
	uint64_t pstate;
	uint64_t base;	/* value of the base register, or PC */
	uint64_t index; /* value of the index register */
	uint64_t ipa;	/* of the first byte */
	unsigned done;	/* bytes */
	uint8_t bytes[A64_MAX_REGS * 16];
};

/* Of one vCPU. */
struct arch_vcpu {
	struct arm64_access access; /* while pending.by_arch and pending.kind is an MMIO access */
	AxVCpu *claimed;	    /* CpuUp: whose start is claimed while pending.by_arch */
	bool single_step;	    /* by arch_set_debug() */
	bool suspended;		    /* KVM_MP_STATE_SUSPENDED, by CPU_SUSPEND */
	struct cpu_line line;	    /* without irqchip */
};

/* Of the VM. */
struct arch_vm {
	struct kvm_vcpu_init target;
	bool has_target; /* under vm->lock until it is set */
	int gic_fd;	 /* -1: none */
	bool gic_is_v2;
	bool gic_ready;		  /* initialised. Under vm->lock */
	bool has_filter;	  /* KVM has the SMCCC filter */
	bool can_abort;		  /* KVM_CAP_ARM_INJECT_EXT_DABT */
	atomic_bool extends_sign; /* KVM was seen to extend the sign of MMIO loads */
};

/* registers.c: by KVM's number; registers of 64 bits or less. 0 or a negative errno. */
int arm64_get(AxVCpu *vcpu, uint64_t id, uint64_t *value, AxError *err);
int arm64_set(AxVCpu *vcpu, uint64_t id, uint64_t value, AxError *err);
/* registers.c: the 16 bytes of a SIMD&FP register. */
int arm64_get_vector(AxVCpu *vcpu, unsigned number, uint8_t bytes[16], AxError *err);
int arm64_set_vector(AxVCpu *vcpu, unsigned number, const uint8_t bytes[16], AxError *err);
/* registers.c: which stack pointer PSTATE selects, as KVM's number. */
uint64_t arm64_stack_pointer(uint64_t pstate);

/* vm.c: have KVM's SMCCC filter forward @count functions from @first on. 0 or a negative errno. */
int arm64_forward_calls(AxVm *vm, uint32_t first, uint32_t count);

/* power.c: the PSCI call with function ID @function was forwarded; makes @exit what it asks for. */
int arm64_psci(AxVCpu *vcpu, uint32_t function, AxVCpuExitReason *exit, AxError *err);
/* power.c: KVM's own PSCI says that the system goes down, or that a suspend ended. */
int arm64_system_event(AxVCpu *vcpu, AxVCpuExitReason *exit, AxError *err);
/* power.c: a call that CpuUp or SystemDown came of returns now, with pending.value. */
int arm64_finish_call(AxVCpu *vcpu, AxError *err);

/* virtual.c: the instruction at @pc: 0, or 1 when it can't be read, or a negative errno. */
int arm64_fetch(AxVCpu *vcpu, uint64_t pc, uint32_t *insn, AxError *err);

/*
 * access.c: KVM has met a load or store that the processor does not describe. Makes @exit its first
 * access, or Nothing when the guest gets an abort for it.
 */
int arm64_begin_access(AxVCpu *vcpu, AxVCpuExitReason *exit, AxError *err);
/*
 * access.c: the access in run->mmio has been answered: 0 all done; 1 the next is in @exit, or Debug
 * where each step stops.
 */
int arm64_continue_access(AxVCpu *vcpu, AxVCpuExitReason *exit, AxError *err);

/*
 * interrupt.c: the CPU's line falls for good, as if nobody had injected anything; or, after a reset that
 * took it down, is up again if somebody holds it. Owner, or Free.
 */
int arm64_drop_line(AxVCpu *vcpu, AxError *err);
int arm64_restore_line(AxVCpu *vcpu, AxError *err);

#endif
