/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of this folder share.
 */
#ifndef AXVMM_ARCH_RISCV64_RISCV_H
#define AXVMM_ARCH_RISCV64_RISCV_H

#include "arch/arch.h"
#include "arch/line.h"
#include "sys/riscv64/uapi.h"

/* Numbers of KVM's registers. General purpose registers have their own, from 1 on. */
#define RISCV_REG_CORE(index)	   SYS_RISCV_REG(KVM_REG_RISCV_CORE, index)
#define RISCV_REG_GPR(number)	   RISCV_REG_CORE(number)
#define RISCV_REG_PC		   RISCV_REG_CORE(KVM_REG_RISCV_CORE_REG(regs.pc))
#define RISCV_REG_MODE		   RISCV_REG_CORE(KVM_REG_RISCV_CORE_REG(mode))
#define RISCV_REG_CSR(name)	   SYS_RISCV_REG(KVM_REG_RISCV_CSR, KVM_REG_RISCV_CSR_REG(name))
#define RISCV_REG_SENVCFG	   SYS_RISCV_REG(KVM_REG_RISCV_CSR, SYS_RISCV_CSR_SENVCFG)
#define RISCV_REG_CONFIG(index)	   SYS_RISCV_REG(KVM_REG_RISCV_CONFIG, index)
#define RISCV_REG_TIMER(name)	   SYS_RISCV_REG(KVM_REG_RISCV_TIMER, KVM_REG_RISCV_TIMER_REG(name))
#define RISCV_REG_EXTENSION(index) SYS_RISCV_REG(KVM_REG_RISCV_ISA_EXT, index)
#define RISCV_REG_SBI(index)	   SYS_RISCV_REG(KVM_REG_RISCV_SBI_EXT, index)

/* General purpose registers by number: psABI, table 1. */
#define RISCV_GPRS 32
#define RISCV_SP   2
#define RISCV_A0   10
#define RISCV_A1   11

/* Fields of CSRs: privileged specification 1.12, 4.1.1 (sstatus) and 4.1.2 (stvec). */
#define RISCV_SSTATUS_SIE  (1u << 1)
#define RISCV_SSTATUS_SPIE (1u << 5)
#define RISCV_SSTATUS_SPP  (1u << 8)
#define RISCV_STVEC_BASE   (~UINT64_C(3))
#define RISCV_CSRS	   4096

/* scause: table 4.2. */
#define RISCV_CAUSE_ILLEGAL_INSTRUCTION 2
#define RISCV_CAUSE_BREAKPOINT	       3

/*
 * The in-kernel AIA, where QEMU's virt machine has the one that its supervisor sees: APLIC, and an
 * IMSIC page for each hart at RISCV_IMSIC_BASE + hart ID * RISCV_IMSIC_SIZE.
 */
#define RISCV_APLIC_BASE 0x0d000000u
#define RISCV_IMSIC_BASE 0x28000000u
#define RISCV_IMSIC_SIZE 0x1000u
#define RISCV_IMSIC_IDS	 255 /* interrupt identities 1 to 255 */
#define RISCV_APLIC_SRCS 96  /* wired interrupts 1 to 95 are usable */

/* Of one vCPU. */
struct arch_vcpu {
	AxVCpu *claimed;      /* whose start waits for the answer to CpuUp; NULL */
	struct cpu_line line; /* without irqchip */
};

/* Whether KVM sign-extends MMIO loads. */
enum riscv_extends { RISCV_EXTENDS_UNKNOWN, RISCV_EXTENDS_YES, RISCV_EXTENDS_NO };

/* Of the VM. */
struct arch_vm {
	unsigned hypercall_flags; /* AX_HYPERCALL_* that are on */
	_Atomic int extends;	  /* an enum riscv_extends */
	int aia;		  /* AX_IRQCHIP_KERNEL: the device's descriptor, else -1 */
	bool aia_ready;		  /* initialised: no more vCPUs; under vm->lock */
};

/* registers.c: a register by KVM's number. 0 or a negative errno. */
int riscv_get(AxVCpu *vcpu, uint64_t id, uint64_t *value, AxError *err);
int riscv_set(AxVCpu *vcpu, uint64_t id, uint64_t value, AxError *err);

/* The same without a word: -ENOENT or -EINVAL where KVM has no such register. */
int riscv_try_get(const AxVCpu *vcpu, uint64_t id, uint64_t *value);
int riscv_try_set(const AxVCpu *vcpu, uint64_t id, uint64_t value);

/* setup.c: as after reset, at @entry with the hart's ID and @arg. Owner, or Free. */
int riscv_reset(AxVCpu *vcpu, uint64_t entry, uint64_t arg, uint64_t stack, AxError *err);

/* setup.c: whether a hart may begin at @entry. */
bool riscv_is_entry(AxVm *vm, uint64_t entry);

/*
 * interrupt.c: the line falls for good, as nobody injected anything; or, after a reset that took it
 * down, it is up again if somebody holds it. Owner, or Free.
 */
int riscv_drop_line(AxVCpu *vcpu, AxError *err);
int riscv_restore_line(AxVCpu *vcpu, AxError *err);

/* hsm.c: a call of our own HSM extension in @exit. Reclassifies it. */
int riscv_hsm_call(AxVCpu *vcpu, AxVCpuExitReason *exit, AxError *err);

/* hsm.c: CpuUp has been answered: keep the claim, or drop it. */
void riscv_hsm_answered(AxVCpu *vcpu);

/* fault.c: what an exception at @pc does to a hart. Owner. */
int riscv_trap(AxVCpu *vcpu, uint64_t cause, uint64_t value, uint64_t pc, AxError *err);

/* fault.c: instead of completing the pending CSR access, raise an illegal instruction exception. */
int riscv_raise_illegal(AxVCpu *vcpu, AxVCpuExitReason *exit, AxError *err);

/* aia.c: make it; destroy it. */
int riscv_aia_create(AxVm *vm, AxError *err);
void riscv_aia_destroy(AxVm *vm);

/* aia.c: the hart's IMSIC is as after reset. Owner, or Free. 0 or a negative errno. */
int riscv_aia_reset(AxVCpu *vcpu, AxError *err);

#endif
