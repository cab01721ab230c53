/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guests that write the userspace APIC: interrupt commands as the MMIO writes that they are.
 */
#ifndef AXVMM_TESTS_UNIT_X86_64_SMP_FIXTURE_H
#define AXVMM_TESTS_UNIT_X86_64_SMP_FIXTURE_H

#include "tests/unit/run_fixture.h"

#define APIC_PAGE 0xfee00000

/* Offsets of its registers, and ICR bits: SDM 3A, table 11-1 and figure 11-12. */
#define REG_ID	     0x020
#define REG_TPR	     0x080
#define REG_EOI	     0x0b0
#define REG_LDR	     0x0d0
#define REG_DFR	     0x0e0
#define REG_SVR	     0x0f0
#define REG_ICR_LOW  0x300
#define REG_ICR_HIGH 0x310

#define ICR_FIXED	  0x000
#define ICR_LOWEST	  0x100
#define ICR_SMI		  0x200
#define ICR_NMI		  0x400
#define ICR_INIT	  0x500
#define ICR_SIPI	  0x600
#define ICR_LOGICAL_MODE  0x00800
#define ICR_LEVEL_ASSERT  0x04000
#define ICR_LEVEL_TRIGGER 0x08000
#define ICR_TO_SELF	  0x40000
#define ICR_TO_ALL	  0x80000
#define ICR_TO_OTHERS	  0xc0000

static inline void push_apic_write(unsigned vcpu, uint32_t offset, uint32_t value)
{
	fake_push_mmio_write(vcpu, APIC_PAGE + offset, 4, value);
}

/* Two exits: the destination, then the command. */
static inline void push_ipi(unsigned vcpu, uint32_t destination, uint32_t low)
{
	push_apic_write(vcpu, REG_ICR_HIGH, destination << 24);
	push_apic_write(vcpu, REG_ICR_LOW, low);
}

/* SVR's enable bit, with the spurious vector that reset has. */
static inline void push_apic_enable(unsigned vcpu)
{
	push_apic_write(vcpu, REG_SVR, 0x1ff);
}

/* Where a vCPU would begin: CS base plus IP. */
static inline uint64_t entry_of(unsigned vcpu)
{
	struct kvm_sregs sregs;
	struct kvm_regs regs;

	ck_assert(fake_get_state(vcpu, KVM_GET_SREGS, &sregs, sizeof(sregs)));
	ck_assert(fake_get_state(vcpu, KVM_GET_REGS, &regs, sizeof(regs)));
	return sregs.cs.base + regs.rip;
}

#endif
