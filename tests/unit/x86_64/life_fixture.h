/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of one VM with two vCPUs, in parts that build on each other: each makes every ioctl of the
 * core that belongs to it, and ends at the first failure.
 */
#ifndef AXVMM_TESTS_UNIT_X86_64_LIFE_FIXTURE_H
#define AXVMM_TESTS_UNIT_X86_64_LIFE_FIXTURE_H

#include "arch/arch.h"
#include "tests/unit/x86_64/smp_fixture.h"

/* The life of one VM, of which each scenario is a part. */
struct life {
	AxVm *vm;
	AxVCpu *vcpus[2];
	AxError err;
};

/* Go on only while nothing fails. */
#define TRY(call)                    \
	do {                         \
		int ret_ = (call);   \
		if (ret_ < 0)        \
			return ret_; \
	} while (0)

static inline int create(struct life *life, AxIrqchip irqchip)
{
	AxVmOptions options = AX_VM_OPTIONS_INIT;

	options.irqchip = irqchip;
	return ax_vm_create(&options, &life->vm, &life->err);
}

static inline int create_bare(struct life *life)
{
	return create(life, AX_IRQCHIP_NONE);
}

static inline int create_kernel_irqchip(struct life *life)
{
	TRY(create(life, AX_IRQCHIP_KERNEL));
	return ax_vcpu_create(life->vm, 0, &life->vcpus[0], &life->err);
}

static inline int create_split_irqchip(struct life *life)
{
	TRY(create(life, AX_IRQCHIP_SPLIT));
	return ax_vcpu_create(life->vm, 0, &life->vcpus[0], &life->err);
}

static inline AxHandled no_register(AxVCpu *vcpu, void *opaque, AxSysRegAddr addr, uint64_t *value)
{
	(void)vcpu;
	(void)opaque;
	(void)addr;
	*value = 0;
	return AX_HANDLED;
}

static inline AxHandled no_call(AxVCpu *vcpu, void *opaque, const AxVCpuExitReason *exit,
				uint64_t *result)
{
	(void)vcpu;
	(void)opaque;
	(void)exit;
	*result = 0;
	return AX_HANDLED;
}

static const AxSysRegOps register_ops = { .size = sizeof(AxSysRegOps), .read = no_register };
static const AxHypercallOps hypercall_ops = { .size = sizeof(AxHypercallOps), .call = no_call };

static inline int claim_registers(struct life *life)
{
	TRY(create(life, AX_IRQCHIP_USER));
	return ax_sys_reg_add(life->vm, "r", 0x4b564d00, 8, &register_ops, NULL, &life->err);
}

static inline int set_hypercalls(struct life *life)
{
	AxHypercallConfig config = AX_HYPERCALL_CONFIG_INIT;

	TRY(claim_registers(life));
	config.flags = AX_HYPERCALL_TRAP | AX_HYPERCALL_MAP_GPA;
	config.block_mmio = 0xfe000030;
	config.block_port = 0x540;
	return ax_hypercall_set(life->vm, &config, &hypercall_ops, NULL, &life->err);
}

static inline int make_vcpus(struct life *life)
{
	TRY(set_hypercalls(life));
	TRY(ax_ram_add(life->vm, 0, 0x10000, 0, &life->err));
	for (unsigned i = 0; i < 2; i++)
		TRY(ax_vcpu_create(life->vm, i, &life->vcpus[i], &life->err));
	return 0;
}

static inline int set_up(struct life *life)
{
	AxVCpuSetup setup = AX_VCPU_SETUP_INIT;

	TRY(make_vcpus(life));
	setup.mode = AX_MODE_LONG;
	TRY(ax_vcpu_setup(life->vcpus[0], &setup, &life->err));
	setup.mode = AX_MODE_REAL;
	setup.flags = AX_SETUP_POWERED_OFF;
	TRY(ax_vcpu_setup(life->vcpus[1], &setup, &life->err));
	return ax_vcpu_bind(life->vcpus[0], AX_ANY_CPU, &life->err);
}

static inline int touch_registers(struct life *life)
{
	AxVCpu *vcpu = life->vcpus[0];
	uint64_t value, breakpoint = 0x1000;
	uint8_t byte;

	TRY(ax_vcpu_set_gpr(vcpu, 3, 7, &life->err));
	TRY(ax_vcpu_get_gpr(vcpu, 3, &value, &life->err));
	TRY(ax_vcpu_set_reg(vcpu, "cr3", 0x1000, &life->err));
	TRY(ax_vcpu_get_reg(vcpu, "cs.rights", &value, &life->err));
	TRY(ax_vcpu_set_entry(vcpu, 0x2000, &life->err));
	TRY(ax_vcpu_set_return_value(vcpu, 1, &life->err));
	TRY(ax_vcpu_set_debug(vcpu, true, &breakpoint, 1, &life->err));
	return ax_vcpu_read_virtual(vcpu, 0x1000, &byte, 1, &life->err);
}

static inline int use_registers(struct life *life)
{
	TRY(set_up(life));
	return touch_registers(life);
}

/* Until something comes out: what a failed entry may make of it is an exit, too. */
static inline int next_exit(struct life *life, AxVCpuExitReason *exit)
{
	do {
		TRY(ax_vcpu_run(life->vcpus[0], exit, &life->err));
	} while (exit->kind == AX_EXIT_NOTHING);
	return 0;
}

static inline int decode_a_load(struct life *life)
{
	AxVCpuExitReason exit;

	TRY(use_registers(life));
	TRY(ax_mem_write(life->vm, 0x2000, "\x8b\x07", 2));
	fake_push_mmio_read(0, 0xfe000000, 4);
	TRY(next_exit(life, &exit));
	if (exit.kind != AX_EXIT_MMIO_READ)
		return 0;
	TRY(ax_vcpu_decode_mmio(life->vcpus[0], &exit, &life->err));
	return ax_vcpu_settle(life->vcpus[0], &exit, &life->err);
}

/* The guest turns its APIC on; then a fixed interrupt, a second behind it, and an NMI. */
static inline int interrupt_guest(struct life *life)
{
	AxVCpu *vcpu = life->vcpus[0];
	AxVCpuExitReason exit;

	push_apic_enable(0);
	TRY(next_exit(life, &exit));
	TRY(ax_vcpu_dispatch(vcpu, &exit));
	TRY(ax_vcpu_settle(vcpu, &exit, &life->err));
	set_interrupt_flag(0, true);
	TRY(ax_vcpu_inject_interrupt(vcpu, 0x41, &life->err));
	TRY(ax_vcpu_run(vcpu, &exit, &life->err));
	set_interrupt_flag(0, true);
	TRY(ax_vcpu_inject_interrupt(vcpu, 0x61, &life->err));
	TRY(ax_vcpu_run(vcpu, &exit, &life->err));
	exit = (AxVCpuExitReason){ .kind = AX_EXIT_SEND_IPI,
				   .send_ipi = { .send_to_self = true, .mode = AX_IPI_NMI } };
	TRY(arch_send_ipi(vcpu, &exit, &life->err));
	return ax_vcpu_run(vcpu, &exit, &life->err);
}

static inline int interrupt(struct life *life)
{
	TRY(decode_a_load(life));
	return interrupt_guest(life);
}

static inline int signal_msi(struct life *life)
{
	TRY(create(life, AX_IRQCHIP_KERNEL));
	TRY(ax_vcpu_create(life->vm, 0, &life->vcpus[0], &life->err));
	return ax_vcpu_inject_interrupt(life->vcpus[0], 0x41, &life->err);
}

/* The end comes when the other vCPU has run, so that what fails there is the first reason. */
static inline int shut_down_after_1_ran(struct kvm_run *run, void *arg)
{
	(void)arg;
	while (fake_entries(1) == fake_immediate_exits(1)) {
		if (__atomic_load_n(&run->immediate_exit, __ATOMIC_SEQ_CST))
			return -EINTR;
		sleep_ms(0);
	}
	run->exit_reason = KVM_EXIT_SHUTDOWN;
	return 0;
}

/* All of it, with a run of both vCPUs at the end. */
static inline int live(struct life *life)
{
	AxVmResult result = AX_VM_RESULT_INIT;

	TRY(interrupt(life));
	TRY(ax_vcpu_unbind(life->vcpus[0], &life->err));
	TRY(ax_vcpu_start(life->vcpus[1], 0x3000, 0, &life->err));
	push_ipi(0, 1, ICR_FIXED | 0x51);
	fake_push(0, shut_down_after_1_ran, NULL);
	return ax_vm_run(life->vm, &result, &life->err);
}

#endif
