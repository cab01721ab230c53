/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What this host's KVM can do: the part that all architectures share.
 */
#include <config.h>

#include <stdlib.h>

#include "core/error.h"
#include "core/pager.h"
#include "core/probe.h"
#include "sys/sys.h"

_Static_assert(AX_KVM_API_VERSION == SYS_KVM_API_VERSION, "one API version");

/* Numbers that Debian 12's headers lack: api.rst, 7.34 and 4.140. */
#ifndef KVM_CAP_GUEST_MEMFD
#define KVM_CAP_GUEST_MEMFD 234
#endif

static const struct probe_row common_rows[] = {
	{ KVM_CAP_USER_MEMORY, "USER_MEMORY", "guest RAM from this process's memory",
	  "nothing runs: this is no usable KVM", NULL },
	{ KVM_CAP_IMMEDIATE_EXIT, "IMMEDIATE_EXIT", "kicks that come before an entry are not lost",
	  "kicks and settling registers do not work: use Linux 4.13 or later", NULL },
	{ KVM_CAP_NR_MEMSLOTS, "NR_MEMSLOTS", "how many pieces of RAM a VM may have", NULL, NULL },
	{ KVM_CAP_NR_VCPUS, "NR_VCPUS", "how many vCPUs are recommended", NULL, NULL },
	{ KVM_CAP_MAX_VCPUS, "MAX_VCPUS", "how many vCPUs are possible", NULL, NULL },
	{ KVM_CAP_READONLY_MEM, "READONLY_MEM", "read-only RAM: flash, and guests that test it",
	  "AX_RAM_READONLY is refused", NULL },
	{ KVM_CAP_IRQCHIP, "IRQCHIP", "interrupt controllers in the kernel",
	  "--irqchip kernel is refused", NULL },
	{ KVM_CAP_IOEVENTFD, "IOEVENTFD", "notifications without an exit",
	  "notifications cost an exit and a write each", NULL },
	{ KVM_CAP_IRQFD, "IRQFD", "interrupts without a thread of ours",
	  "interrupts cost a system call each", NULL },
	{ KVM_CAP_MP_STATE, "MP_STATE", "whether a vCPU runs, waits or is off", NULL, NULL },
	{ KVM_CAP_SET_GUEST_DEBUG, "SET_GUEST_DEBUG", "breakpoints and single-step",
	  "no Debug exits: debug the guest by its own means", NULL },
	{ KVM_CAP_SYNC_REGS, "SYNC_REGS", "registers in shared memory", NULL, NULL },
	{ KVM_CAP_COALESCED_MMIO, "COALESCED_MMIO", "MMIO writes collected by KVM",
	  "writes to coalesced ranges cost an exit each", NULL },
	{ KVM_CAP_DIRTY_LOG_RING, "DIRTY_LOG_RING", "dirty pages in a ring", NULL, NULL },
	{ KVM_CAP_MEMORY_FAULT_INFO, "MEMORY_FAULT_INFO", "NestedPageFault says its address",
	  "NestedPageFault comes without an address: Linux 6.8 or later tells it for some faults",
	  NULL },
	{ KVM_CAP_GUEST_MEMFD, "GUEST_MEMFD", "guest memory that the host cannot map", NULL, NULL },
	{ KVM_CAP_BINARY_STATS_FD, "BINARY_STATS_FD", "KVM's own statistics",
	  "ax_vm_stats_open() is refused, and \"axvmm top\" has only our own", NULL },
};

#define COMMON_ROWS (sizeof(common_rows) / sizeof(common_rows[0]))

static const struct probe_row *row_at(unsigned index)
{
	if (index < COMMON_ROWS)
		return &common_rows[index];
	index -= COMMON_ROWS;
	return index < arch_probe_row_count ? &arch_probe_rows[index] : NULL;
}

AxKvmKind ax_kvm_kind(void)
{
	return arch_kvm_kind();
}

const char *ax_kvm_kind_name(AxKvmKind kind)
{
	static const char *const names[] = {
		[AX_KVM_UNKNOWN] = "unknown", [AX_KVM_VMX] = "VMX",
		[AX_KVM_SVM] = "SVM",	      [AX_KVM_SOFTWARE] = "software",
		[AX_KVM_ARM64] = "arm64",     [AX_KVM_RISCV64] = "riscv64",
	};

	return (unsigned)kind < sizeof(names) / sizeof(names[0]) ? names[kind] : "unknown";
}

const char *ax_arch_name(void)
{
	return arch_name;
}

bool probe_has(const AxProbe *probe, uint32_t number)
{
	const struct probe_row *row;

	for (unsigned i = 0; (row = row_at(i)); i++) {
		if (row->number == number)
			return probe->results[i].works;
	}
	return false;
}

static int probe_capabilities(AxProbe *probe, AxVm *vm, AxError *err)
{
	const struct probe_row *row;

	probe->results = calloc(COMMON_ROWS + arch_probe_row_count, sizeof(probe->results[0]));
	if (!probe->results)
		return ax_error_nomem(err, "the capabilities");
	for (unsigned i = 0; (row = row_at(i)); i++) {
		int value = sys_check_extension(vm->fd, row->number);

		probe->results[i].value = value;
		probe->results[i].works = value && (!row->works || row->works(vm, value));
	}
	return 0;
}

static int probe_all(AxProbe *probe, const char *kvm_path, AxError *err)
{
	AxVmOptions options = AX_VM_OPTIONS_INIT;
	AxVCpu *vcpu;
	AxVm *vm;
	int ret;

	options.kvm_path = kvm_path;
	ret = ax_vm_create(&options, &vm, err);
	if (ret)
		return ret;
	ret = ax_vcpu_create(vm, 0, &vcpu, err);
	if (!ret)
		ret = arch_probe_sys_regs(probe, vcpu, err);
	/* Last: what is tried changes the VM. */
	if (!ret)
		ret = probe_capabilities(probe, vm, err);
	ax_vm_destroy(vm);
	return ret;
}

int ax_probe_new(const char *kvm_path, AxProbe **out, AxError *err)
{
	AxProbe *probe = calloc(1, sizeof(*probe));
	int ret;

	if (!probe)
		return ax_error_nomem(err, "a probe");
	probe->kind = arch_kvm_kind();
	probe->pager_works = !pager_check_host(&probe->pager);
	ret = probe_all(probe, kvm_path, err);
	if (ret) {
		ax_probe_free(probe);
		return ret;
	}
	*out = probe;
	return 0;
}

void ax_probe_free(AxProbe *probe)
{
	if (!probe)
		return;
	free(probe->results);
	free(probe->sys_regs);
	free(probe);
}

bool ax_probe_capability(const AxProbe *probe, unsigned index, AxProbeCapability *out)
{
	const struct probe_row *row = row_at(index);

	if (!row || out->size < sizeof(*out))
		return false;
	out->name = row->name;
	out->number = row->number;
	out->value = probe->results[index].value;
	out->works = probe->results[index].works;
	out->use = row->use;
	out->without = row->without;
	return true;
}

bool ax_probe_exit(const AxProbe *probe, unsigned index, AxProbeExit *out)
{
	if (index >= AX_EXIT_KINDS || out->size < sizeof(*out))
		return false;
	out->kind = index;
	out->possible = arch_probe_exit(probe, index, &out->how);
	if (index == AX_EXIT_NESTED_PAGE_FAULT && !out->possible && probe->pager_works) {
		out->possible = true;
		out->how =
			"pages that a pager asks for (ax_pager_create()), on its own thread only";
	}
	return true;
}

bool ax_probe_host(const AxProbe *probe, unsigned index, AxProbeHost *out)
{
	if (index || out->size < sizeof(*out))
		return false;
	out->name = "userfaultfd";
	out->works = probe->pager_works;
	out->use = "RAM that is paged in on demand (ax_pager_create())";
	out->without = probe->pager_works ? NULL : probe->pager.message;
	return true;
}

bool ax_probe_sys_reg(const AxProbe *probe, unsigned index, AxProbeSysReg *out)
{
	size_t size = out->size;

	if (index >= probe->sys_reg_count || size < sizeof(*out))
		return false;
	*out = probe->sys_regs[index];
	out->size = size;
	return true;
}

const char *ax_probe_advice(const AxProbe *probe, unsigned index)
{
	return arch_probe_advice(probe, index);
}
