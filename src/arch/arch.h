/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The seam between the core and one architecture. Every folder beside this file implements all of
 * it.
 */
#ifndef AXVMM_ARCH_ARCH_H
#define AXVMM_ARCH_ARCH_H

#include <config.h> /* AX_ARCH_SEAM */

#include <axvmm/debug.h>

#include "core/vcpu.h"
#include "core/vm.h"

/*
 * ARCH_COMPLETES       1: arch_complete() has something to do
 * ARCH_IRQ_LINES       how many lines ax_irq_get() knows: 0 to one less
 * ARCH_LINE_HAS_LEVEL  1: without irqchip an interrupt stays up until arch_clear_interrupt()
 * ARCH_IRQFD_PULSES    1: a line that KVM raised by an irqfd falls again by itself
 * ARCH_HAS_DEBUG_REGISTERS  1: arch_debug() takes points
 * ARCH_MACHINE         ELF's number of it: recordings say it
 * ARCH_ADDS_IRQCHIP    1: arch_vm_add_irqchip() has something to do
 * ARCH_PREPARES        1: arch_vm_prepare() has something to do
 */
#include AX_ARCH_SEAM

/* The one table of registers. `id` is the architecture's own: a KVM_REG_* or an index. */
struct arch_reg {
	const char *name;
	int gdb_number; /* -1: none */
	uint32_t bytes;
	bool settable;
	uint64_t id;
};

extern const struct arch_reg arch_regs[];
extern const unsigned arch_reg_count;

/*
 * Index in arch_regs of the general purpose register @gpr, and of the return register; -1: no such.
 */
int arch_gpr(unsigned gpr);
int arch_return_register(void);

/* What a hypercall that nobody takes returns. */
extern const uint64_t arch_hypercall_unknown;

/* After KVM_CREATE_VM: interrupt controllers, what the VM needs before vCPUs. fini undoes it. */
int arch_vm_init(AxVm *vm, AxError *err);
void arch_vm_fini(AxVm *vm);

/*
 * Before the first vCPU is created, and before anything needs it: the in-kernel irqchip. As late as that,
 * because the memory that the VM is given before then costs less (x86_64/vm.c). Once; only where
 * ARCH_ADDS_IRQCHIP, elsewhere it need not be defined. vm->lock is held.
 */
int arch_vm_add_irqchip(AxVm *vm, AxError *err);

/*
 * Before the first vCPU is entered and before an interrupt line is used: what KVM takes only once
 * all vCPUs exist. Called when a vCPU is bound and when a line is asked for, so any number of times;
 * only where ARCH_PREPARES, elsewhere it need not be defined. Thread: any; not with vm->lock held.
 */
int arch_vm_prepare(AxVm *vm, AxError *err);

/* After KVM_CREATE_VCPU: allocate vcpu->arch. fini frees it; also called when init failed. */
int arch_vcpu_init(AxVCpu *vcpu, AxError *err);
void arch_vcpu_fini(AxVCpu *vcpu);

/*
 * Initial state of a vCPU. The arguments are checked here: -EINVAL before anything is changed. Sets
 * vcpu->powered_off, false where KVM itself holds the CPU back.
 */
int arch_vcpu_setup(AxVCpu *vcpu, const AxVCpuSetup *setup, AxError *err);

/* Check, then apply, what CpuUp asks: 0 or -EINVAL; owner's thread for the second. */
int arch_check_start(AxVCpu *vcpu, uint64_t entry, AxError *err);
int arch_start(AxVCpu *vcpu, uint64_t entry, uint64_t arg, AxError *err);

/* ax_vcpu_set_entry(). */
int arch_set_entry(AxVCpu *vcpu, uint64_t entry, AxError *err);

/* A register of arch_regs. */
int arch_get_reg(AxVCpu *vcpu, const struct arch_reg *reg, uint64_t *value, AxError *err);
int arch_set_reg(AxVCpu *vcpu, const struct arch_reg *reg, uint64_t value, AxError *err);

/*
 * Finish an exit of a row that asks for it (EXIT_FINISH): read what only registers tell, reclassify
 * what only the architecture knows. Owner, right after KVM_RUN. 0 or a negative errno of the host.
 */
int arch_finish_exit(AxVCpu *vcpu, AxVCpuExitReason *exit, AxError *err);

/*
 * Do what KVM leaves to its user once an exit is answered, before the next entry. Owner; called only
 * where ARCH_COMPLETES, and there
 *
 *  - when pending.by_arch: arch_finish_exit() has set it because KVM will not complete this exit. A
 *    read's answer is in run->mmio.data, a hypercall's (SMCCC) in pending.value and pending.error.
 *    Returns 0 with by_arch false: kind Nothing when all is done, another kind when KVM completes the
 *    rest at the next entry (riscv64: CpuUp has been answered); or 1 with the
 *    next access of the same instruction in @exit and in run->mmio (the fields that KVM would fill;
 *    never exit_reason), pending.kind set and by_arch still true;
 *  - for every MMIO read whose answer has its top bit set: KVM may leave the sign extension of a load
 *    undone. The architecture then decodes the instruction, flushes (vcpu_flush()) and corrects the
 *    register. Returns 0, whether something was done or not: pending as it is then.
 *
 * A negative errno is the host's failure.
 */
int arch_complete(AxVCpu *vcpu, AxVCpuExitReason *exit, AxError *err);

/*
 * Another exit of the instruction that was finished before (REQUEST_EXIT): false when there is none
 * left.
 */
bool arch_next_exit(AxVCpu *vcpu, AxVCpuExitReason *exit);

/*
 * Interrupts. inject, clear (takes back what was injected and lowers a line that has a level): any
 * thread. deliver: owner, between entries. can_wake: a halted vCPU would go
 * on.
 */
int arch_inject(AxVCpu *vcpu, unsigned vector, AxError *err);
int arch_clear_interrupt(AxVCpu *vcpu, unsigned vector, AxError *err);
int arch_deliver(AxVCpu *vcpu, AxError *err);
bool arch_can_wake(AxVCpu *vcpu);

/* The number by which KVM_IRQ_LINE knows input @gsi of the in-kernel interrupt controller. */
uint32_t arch_irq_line(uint32_t gsi);

/* The vCPU that CpuUp means by @target: an APIC ID, an MPIDR affinity, a hart ID; NULL: none. */
AxVCpu *arch_find_cpu(AxVm *vm, uint64_t target);

/* Whether the halt just reported can end by nothing but another vCPU's doing. */
bool arch_halt_is_final(AxVCpu *vcpu);

/* Do what SendIPI asks, as hardware would. Owner of the sender. */
int arch_send_ipi(AxVCpu *vcpu, const AxVCpuExitReason *exit, AxError *err);

/* Have KVM report accesses to the VM's claimed system registers (vm->sys_regs). */
int arch_intercept_sys_regs(AxVm *vm, AxError *err);

/* Turn the routes of AX_HYPERCALL_* on: -ENOTSUP what KVM lacks. */
int arch_intercept_hypercalls(AxVm *vm, unsigned flags, AxError *err);

/*
 * ax_vcpu_debug(), whose points have been checked but for their number; ax_debug_limits(), filled with
 * zeros; ax_vcpu_give_breakpoint().
 */
int arch_debug(AxVCpu *vcpu, const AxDebug *debug, AxError *err);
void arch_debug_limits(AxVm *vm, AxDebugLimits *limits);
int arch_give_breakpoint(AxVCpu *vcpu, const AxVCpuExitReason *exit, AxError *err);

/* ax_vcpu_get_fp(), filled with zeros; ax_vcpu_set_fp(). */
int arch_get_fp(AxVCpu *vcpu, AxFpRegs *regs, AxError *err);
int arch_set_fp(AxVCpu *vcpu, const AxFpRegs *regs, AxError *err);

/* ax_vcpu_decode_mmio(), ax_vcpu_translate(), ax_vcpu_read_virtual(). */
int arch_decode_mmio(AxVCpu *vcpu, AxVCpuExitReason *exit, AxError *err);
int arch_translate(AxVCpu *vcpu, uint64_t addr, uint64_t *gpa, AxError *err);
int arch_read_virtual(AxVCpu *vcpu, uint64_t addr, void *buffer, size_t len, AxError *err);

#endif
