/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What KVM on arm64 can do, and what that means for the exits.
 */
#include <config.h>

#include <unistd.h>

#include "arch/arm64/arm64.h"
#include "core/probe.h"
#include "core/psci.h"
#include "sys/sys.h"

const char arch_name[] = "arm64";

/* What the filter is asked for by. */
#define SMCCC_FILTER KVM_CAP_DEVICE_CTRL

/* Its KVM is no module but part of the kernel: it has this folder when EL2 is there. */
AxKvmKind arch_kvm_kind(void)
{
	return access("/sys/module/kvm", F_OK) ? AX_KVM_UNKNOWN : AX_KVM_ARM64;
}

static bool filter_is_there(AxVm *vm, int value)
{
	(void)value;
	return vm->arch->has_filter;
}

const struct probe_row arch_probe_rows[] = {
	/* The filter has no capability of its own: it is one of the VM's attributes. */
	{ SMCCC_FILTER, "DEVICE_CTRL", "the SMCCC filter: PSCI and hypercalls as exits",
	  "PSCI stays in the kernel (AX_POWER_KERNEL) and HVC is no exit: use Linux 6.4 or later",
	  filter_is_there },
	{ KVM_CAP_ARM_NISV_TO_USER, "ARM_NISV_TO_USER",
	  "MMIO by instructions that the processor does not describe (LDP, STP, writeback)",
	  "such instructions end the guest: use Linux 5.5 or later", NULL },
	{ KVM_CAP_ARM_INJECT_EXT_DABT, "ARM_INJECT_EXT_DABT",
	  "aborts for accesses that can't be carried out",
	  "such accesses end the guest: use Linux 5.5 or later", NULL },
	{ KVM_CAP_ARM_SYSTEM_SUSPEND, "ARM_SYSTEM_SUSPEND",
	  "SYSTEM_SUSPEND of KVM's PSCI as an exit", NULL, NULL },
	{ KVM_CAP_ARM_PSCI_0_2, "ARM_PSCI_0_2", "KVM's own PSCI", NULL, NULL },
	{ KVM_CAP_ARM_VM_IPA_SIZE, "ARM_VM_IPA_SIZE", "bits of guest physical addresses", NULL,
	  NULL },
	{ KVM_CAP_ARM_USER_IRQ, "ARM_USER_IRQ", "timers for guests without an in-kernel GIC", NULL,
	  NULL },
	{ KVM_CAP_ARM_PMU_V3, "ARM_PMU_V3", "performance counters for guests", NULL, NULL },
	{ KVM_CAP_ARM_SVE, "ARM_SVE", "scalable vectors for guests", NULL, NULL },
	{ KVM_CAP_ARM_PTRAUTH_ADDRESS, "ARM_PTRAUTH_ADDRESS", "pointer authentication for guests",
	  NULL, NULL },
	{ KVM_CAP_ARM_MTE, "ARM_MTE", "memory tags for guests", NULL, NULL },
	{ KVM_CAP_ARM_EL1_32BIT, "ARM_EL1_32BIT", "32-bit guests", NULL, NULL },
	{ KVM_CAP_GUEST_DEBUG_HW_BPS, "GUEST_DEBUG_HW_BPS", "how many hardware breakpoints", NULL,
	  NULL },
	{ KVM_CAP_VCPU_EVENTS, "VCPU_EVENTS", "aborts and SErrors can be injected", NULL, NULL },
};

const unsigned arch_probe_row_count = sizeof(arch_probe_rows) / sizeof(arch_probe_rows[0]);

static bool power_exit(const AxProbe *probe, const char *how_it_comes, const char **how)
{
	bool has_filter = probe_has(probe, SMCCC_FILTER);

	*how = has_filter ? how_it_comes
			  : "KVM answers PSCI by itself: it has no SMCCC filter (Linux 6.4)";
	return has_filter;
}

bool arch_probe_exit(const AxProbe *probe, uint32_t kind, const char **how)
{
	static const char no_sys_regs[] = "KVM on arm64 does not report system registers";
	static const char no_ports[] = "arm64 has no ports";

	switch (kind) {
	case AX_EXIT_NOTHING: *how = "a signal came"; return true;
	case AX_EXIT_HYPERCALL:
		*how = probe_has(probe, SMCCC_FILTER)
			       ? "HVC or SMC with a vendor's function ID (AX_HYPERCALL_TRAP), a "
				 "block in memory"
			       : "a block in memory, announced by MMIO; HVC and SMC are no exits "
				 "here";
		return true;
	case AX_EXIT_MMIO_READ:
	case AX_EXIT_MMIO_WRITE: *how = "an address without RAM"; return true;
	case AX_EXIT_SYS_REG_READ:
	case AX_EXIT_SYS_REG_WRITE: *how = no_sys_regs; return false;
	case AX_EXIT_IO_READ:
	case AX_EXIT_IO_WRITE: *how = no_ports; return false;
	case AX_EXIT_EXTERNAL_INTERRUPT: *how = "ax_vcpu_kick()"; return true;
	case AX_EXIT_NESTED_PAGE_FAULT:
		*how = probe_has(probe, KVM_CAP_MEMORY_FAULT_INFO)
			       ? "access to memory that the host cannot give; some say their "
				 "address"
			       : "access to memory that the host cannot give, without its address";
		return true;
	case AX_EXIT_HALT:
		return power_exit(probe, "PSCI CPU_SUSPEND; WFI waits in the kernel", how);
	case AX_EXIT_CPU_UP: return power_exit(probe, "PSCI CPU_ON", how);
	case AX_EXIT_CPU_DOWN: return power_exit(probe, "PSCI CPU_OFF", how);
	case AX_EXIT_SYSTEM_DOWN:
		*how = "PSCI SYSTEM_OFF, SYSTEM_RESET, SYSTEM_RESET2, SYSTEM_SUSPEND";
		return true;
	case AX_EXIT_FAIL_ENTRY:
		*how = "takes a vCPU with a PMU, which this library does not ask for, on a host "
		       "CPU with another";
		return false;
	case AX_EXIT_SEND_IPI: *how = "interrupts between CPUs are the GIC's"; return false;
	case AX_EXIT_INTERNAL_ERROR:
		*how = "where KVM lacks ARM_NISV_TO_USER: MMIO by an instruction that the "
		       "processor does not describe";
		return !probe_has(probe, KVM_CAP_ARM_NISV_TO_USER);
	case AX_EXIT_DEBUG:
		*how = "breakpoints and single-step, by ax_vcpu_set_debug()";
		return probe_has(probe, KVM_CAP_SET_GUEST_DEBUG);
	case AX_EXIT_IRQ_EOI: *how = "KVM's GIC does not report it"; return false;
	case AX_EXIT_UNSUPPORTED: *how = "something new that KVM says"; return true;
	default: *how = "unknown"; return false;
	}
}

const char *arch_probe_advice(const AxProbe *probe, unsigned index)
{
	if (!index && !probe_has(probe, SMCCC_FILTER))
		return "PSCI calls and hypercalls do not reach handlers: use Linux 6.4 or later.";
	return NULL;
}

/* Accesses to system registers are no exits: there is nothing to claim. */
int arch_probe_sys_regs(AxProbe *probe, AxVCpu *vcpu, AxError *err)
{
	(void)probe;
	(void)vcpu;
	(void)err;
	return 0;
}
