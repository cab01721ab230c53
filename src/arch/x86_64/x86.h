/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of this folder share.
 */
#ifndef AXVMM_ARCH_X86_64_X86_H
#define AXVMM_ARCH_X86_64_X86_H

#include "arch/arch.h"

/* Control register, EFER and RFLAGS bits: SDM volume 3A, 2.5 and 2.2.1; volume 1, 3.4.3. */
#define X86_CR0_PE	 (1u << 0)
#define X86_CR0_ET	 (1u << 4)
#define X86_CR0_NE	 (1u << 5)
#define X86_CR0_PG	 (1u << 31)
#define X86_CR4_PAE	 (1u << 5)
#define X86_EFER_LME	 (1u << 8)
#define X86_EFER_LMA	 (1u << 10)
#define X86_RFLAGS_FIXED (1u << 1)
#define X86_RFLAGS_VM	 (1u << 17)

/* linux/kvm_para.h: KVM_HC_MAP_GPA_RANGE, the hypercall that KVM_CAP_EXIT_HYPERCALL hands over. */
#define X86_HC_MAP_GPA_RANGE 12

/* Inputs of an IOAPIC: 82093AA datasheet. */
#define X86_IOAPIC_PINS 24

/* Where a Xen guest would look for its hypercall page: Xen's own number. */
#define X86_XEN_HYPERCALL_MSR 0x40000000u

/* Of one vCPU. */
struct arch_vcpu {
	/*
	 * Vectors injected from any thread and not yet delivered (no irqchip) or taken into the
	 * APIC's IRR.
	 */
	_Atomic uint64_t inbox[4];
	atomic_bool nmi;  /* an NMI waits for delivery */
	atomic_bool init; /* INIT arrived: the next exit is CpuDown */
	bool has_cpuid;
	bool in_flight; /* KVM_INTERRUPT was made, and nothing shows yet that the guest has taken it
			 */
	struct kvm_guest_debug debug; /* what KVM was told last */
	struct apic *apic;	      /* AX_IRQCHIP_USER, else NULL */
	AxVCpuExitReason start;	      /* CpuUp that is repeated for each vCPU of start_targets */
	AxExitSendIpi start_targets;
	unsigned start_next; /* index of the vCPU at which to go on; vm->vcpu_count: done */
};

/* Of the VM. */
struct arch_vm {
	struct kvm_cpuid2 *cpuid; /* what KVM supports; NULL until it is needed */
	bool has_tsc_deadline;	  /* of the local APICs, with cpuid */
	unsigned hypercall_flags; /* AX_HYPERCALL_* that are on */
};

/* Whether KVM has the local APICs: it then starts CPUs, halts them and delivers interrupts itself. */
static inline bool x86_has_kernel_apic(const AxVm *vm)
{
	return vm->irqchip == AX_IRQCHIP_KERNEL || vm->irqchip == AX_IRQCHIP_SPLIT;
}

/* cpuid.c: give the vCPU its CPUID, once. */
int x86_set_cpuid(AxVCpu *vcpu, AxError *err);

/* setup.c: the state in which a vCPU runs from SIPI vector entry >> 12: real mode at @entry. */
int x86_enter_real(AxVCpu *vcpu, uint64_t entry, uint64_t stack, AxError *err);

/*
 * setup.c: interrupts that are on their way are gone, the APIC is as after reset. Owner, or Free.
 */
void x86_reset_interrupts(AxVCpu *vcpu);

/* registers.c */
int x86_get_regs(AxVCpu *vcpu, struct kvm_regs *regs, AxError *err);
int x86_set_regs(AxVCpu *vcpu, const struct kvm_regs *regs, AxError *err);
int x86_get_sregs(AxVCpu *vcpu, struct kvm_sregs *sregs, AxError *err);
int x86_set_sregs(AxVCpu *vcpu, const struct kvm_sregs *sregs, AxError *err);

/* ipi.c: a write of the ICR makes @exit CpuUp, SendIPI or Nothing. */
void x86_icr_write(AxVCpu *vcpu, uint32_t low, uint32_t high, AxVCpuExitReason *exit);

/* ipi.c: whether @targets means @candidate. */
bool x86_is_target(const AxVCpu *sender, const AxVCpu *candidate, const AxExitSendIpi *targets);

#endif
