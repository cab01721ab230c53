/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What KVM on x86-64 can do, and what that means for the exits.
 */
#include <config.h>

#include <cpuid.h>
#include <unistd.h>

#include "arch/x86_64/x86.h"
#include "core/probe.h"
#include "sys/sys.h"

const char arch_name[] = "x86-64";

/* SDM 2A, CPUID.1:ECX; APM 3, CPUID Fn8000_0001_ECX. */
#define CPUID_VMX (1u << 5)
#define CPUID_SVM (1u << 2)

static bool is_loaded(const char *module_path)
{
	return !access(module_path, F_OK);
}

AxKvmKind arch_kvm_kind(void)
{
	unsigned eax, ebx, ecx, edx;

	if (__get_cpuid(1, &eax, &ebx, &ecx, &edx) && (ecx & CPUID_VMX) &&
	    is_loaded("/sys/module/kvm_intel"))
		return AX_KVM_VMX;
	if (__get_cpuid(0x80000001, &eax, &ebx, &ecx, &edx) && (ecx & CPUID_SVM) &&
	    is_loaded("/sys/module/kvm_amd"))
		return AX_KVM_SVM;
	return AX_KVM_SOFTWARE;
}

static bool msr_exits_work(AxVm *vm, int value)
{
	return sys_enable_cap(vm->fd, KVM_CAP_X86_USER_SPACE_MSR,
			      (uint64_t)value & KVM_MSR_EXIT_REASON_FILTER, 0) >= 0;
}

static bool msr_filter_works(AxVm *vm, int value)
{
	struct kvm_msr_filter filter = { .flags = KVM_MSR_FILTER_DEFAULT_ALLOW };

	(void)value;
	return sys_ioctl_struct(vm->fd, KVM_X86_SET_MSR_FILTER, &filter) >= 0;
}

static bool trap_works(AxVm *vm, int value)
{
	struct kvm_xen_hvm_config config = { .flags = KVM_XEN_HVM_CONFIG_INTERCEPT_HCALL,
					     .msr = X86_XEN_HYPERCALL_MSR };

	return (value & KVM_XEN_HVM_CONFIG_INTERCEPT_HCALL) &&
	       sys_ioctl_struct(vm->fd, KVM_XEN_HVM_CONFIG, &config) >= 0;
}

/* A KVM that interprets guest kernels takes the capability, but its guests never return from VMCALL. */
static bool hypercall_exit_works(AxVm *vm, int value)
{
	return arch_kvm_kind() != AX_KVM_SOFTWARE && (value & (1 << X86_HC_MAP_GPA_RANGE)) &&
	       sys_enable_cap(vm->fd, KVM_CAP_EXIT_HYPERCALL, 1 << X86_HC_MAP_GPA_RANGE, 0) >= 0;
}

const struct probe_row arch_probe_rows[] = {
	{ KVM_CAP_COALESCED_PIO, "COALESCED_PIO", "port writes collected by KVM",
	  "writes to coalesced ports cost an exit each", NULL },
	{ KVM_CAP_EXT_CPUID, "EXT_CPUID", "which processor features the guest gets", NULL, NULL },
	{ KVM_CAP_SET_TSS_ADDR, "SET_TSS_ADDR", "real mode on older Intel processors", NULL, NULL },
	{ KVM_CAP_X86_USER_SPACE_MSR, "X86_USER_SPACE_MSR", "MSR accesses as exits",
	  "no SysRegRead and SysRegWrite: use Linux 5.10 or later", msr_exits_work },
	{ KVM_CAP_X86_MSR_FILTER, "X86_MSR_FILTER", "which MSR accesses are exits",
	  "handlers for MSRs are refused: use Linux 5.10 or later", msr_filter_works },
	{ KVM_CAP_XEN_HVM, "XEN_HVM", "VMCALL and VMMCALL with any number as exits",
	  "VMCALL and VMMCALL are KVM's: guests make hypercalls by a block in memory "
	  "(guests/abi.h)",
	  trap_works },
	{ KVM_CAP_EXIT_HYPERCALL, "EXIT_HYPERCALL", "KVM's hypercall 12 as an exit",
	  "hypercall 12 is no exit: use Linux 5.14 or later, and a KVM with VMX or SVM",
	  hypercall_exit_works },
	{ KVM_CAP_SIGNAL_MSI, "SIGNAL_MSI", "message interrupts to in-kernel APICs", NULL, NULL },
	{ KVM_CAP_SPLIT_IRQCHIP, "SPLIT_IRQCHIP", "local APICs in the kernel, the rest outside",
	  NULL, NULL },
	{ KVM_CAP_TSC_DEADLINE_TIMER, "TSC_DEADLINE_TIMER", "the precise timer of in-kernel APICs",
	  NULL, NULL },
	{ KVM_CAP_X2APIC_API, "X2APIC_API", "more than 255 CPUs", NULL, NULL },
	{ KVM_CAP_ADJUST_CLOCK, "ADJUST_CLOCK", "the guest's clock can be set", NULL, NULL },
	{ KVM_CAP_XSAVE, "XSAVE", "vector registers can be saved", NULL, NULL },
	{ KVM_CAP_NESTED_STATE, "NESTED_STATE", "guests that virtualize", NULL, NULL },
	{ KVM_CAP_X86_NOTIFY_VMEXIT, "X86_NOTIFY_VMEXIT",
	  "guests that block the processor are ended", NULL, NULL },
};

const unsigned arch_probe_row_count = sizeof(arch_probe_rows) / sizeof(arch_probe_rows[0]);

static bool hypercall_how(const AxProbe *probe, const char **how)
{
	if (probe_has(probe, KVM_CAP_XEN_HVM))
		*how = "VMCALL or VMMCALL with any number (AX_HYPERCALL_TRAP), number 12, a block "
		       "in memory";
	else if (probe_has(probe, KVM_CAP_EXIT_HYPERCALL) && probe->kind != AX_KVM_SOFTWARE)
		*how = "VMCALL or VMMCALL with number 12 (AX_HYPERCALL_MAP_GPA), a block in memory";
	else
		*how = "a block in memory, announced by port or MMIO; VMCALL and VMMCALL are no "
		       "exits here";
	return true;
}

static bool page_fault_how(const AxProbe *probe, const char **how)
{
	if (probe->kind == AX_KVM_SOFTWARE) {
		*how = "this KVM makes accesses to inaccessible memory MMIO";
		return false;
	}
	*how = probe_has(probe, KVM_CAP_MEMORY_FAULT_INFO)
		       ? "access to memory that the host cannot give; some say their address"
		       : "access to memory that the host cannot give, without its address";
	return true;
}

bool arch_probe_exit(const AxProbe *probe, uint32_t kind, const char **how)
{
	static const char no_msr_exits[] = "needs X86_USER_SPACE_MSR and X86_MSR_FILTER";
	bool msr_exits = probe_has(probe, KVM_CAP_X86_USER_SPACE_MSR) &&
			 probe_has(probe, KVM_CAP_X86_MSR_FILTER);

	switch (kind) {
	case AX_EXIT_NOTHING: *how = "a signal came"; return true;
	case AX_EXIT_HYPERCALL: return hypercall_how(probe, how);
	case AX_EXIT_MMIO_READ:
	case AX_EXIT_MMIO_WRITE: *how = "an address without RAM"; return true;
	case AX_EXIT_SYS_REG_READ:
		*how = msr_exits ? "RDMSR of a claimed register" : no_msr_exits;
		return msr_exits;
	case AX_EXIT_SYS_REG_WRITE:
		*how = msr_exits ? "WRMSR of a claimed register" : no_msr_exits;
		return msr_exits;
	case AX_EXIT_IO_READ: *how = "IN, INS"; return true;
	case AX_EXIT_IO_WRITE: *how = "OUT, OUTS"; return true;
	case AX_EXIT_EXTERNAL_INTERRUPT: *how = "ax_vcpu_kick()"; return true;
	case AX_EXIT_NESTED_PAGE_FAULT: return page_fault_how(probe, how);
	case AX_EXIT_HALT: *how = "HLT, unless the irqchip is KVM's"; return true;
	case AX_EXIT_CPU_UP: *how = "SIPI, with the userspace APIC"; return true;
	case AX_EXIT_CPU_DOWN:
		*how = "INIT to a CPU that runs, with the userspace APIC";
		return true;
	case AX_EXIT_SYSTEM_DOWN: *how = "triple fault"; return true;
	case AX_EXIT_FAIL_ENTRY:
		*how = probe->kind == AX_KVM_SOFTWARE
			       ? "this KVM has no processor that could refuse an entry"
			       : "guest state that the processor refuses";
		return probe->kind != AX_KVM_SOFTWARE;
	case AX_EXIT_SEND_IPI: *how = "a write of the ICR, with the userspace APIC"; return true;
	case AX_EXIT_INTERNAL_ERROR: *how = "an instruction that KVM cannot emulate"; return true;
	case AX_EXIT_DEBUG:
		*how = "breakpoints and single-step, by ax_vcpu_set_debug()";
		return probe_has(probe, KVM_CAP_SET_GUEST_DEBUG);
	case AX_EXIT_IRQ_EOI:
		*how = "the guest ends an interrupt of a level, with a split irqchip";
		return probe_has(probe, KVM_CAP_SPLIT_IRQCHIP);
	case AX_EXIT_UNSUPPORTED: *how = "something new that KVM says"; return true;
	default: *how = "unknown"; return false;
	}
}

const char *arch_probe_advice(const AxProbe *probe, unsigned index)
{
	static const char *const software[] = {
		"No VMX or SVM: guest kernels are interpreted, at about 2 million instructions a "
		"second.",
		"For hardware speed enable VT-x or AMD-V in the firmware and load kvm_intel or "
		"kvm_amd; inside a VM "
		"have its host enable nested virtualization.",
	};

	if (probe->kind == AX_KVM_SOFTWARE && index < sizeof(software) / sizeof(software[0]))
		return software[index];
	return NULL;
}
