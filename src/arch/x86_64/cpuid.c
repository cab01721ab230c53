/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CPUID: what KVM supports, corrected for the vCPU's number and for what this VM has.
 */
#include <config.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "arch/x86_64/topology.h"
#include "arch/x86_64/x86.h"
#include "core/error.h"

/* Leaves and bits: SDM volume 2A, CPUID; KVM's own: Documentation/virt/kvm/x86/cpuid.rst. */
#define LEAF_FEATURES		  0x1
#define FEATURES_ECX_X2APIC	  (1u << 21)
#define FEATURES_ECX_TSC_DEADLINE (1u << 24)
#define FEATURES_ECX_HYPERVISOR	  (1u << 31)
#define FEATURES_EDX_APIC	  (1u << 9)
#define LEAF_KVM_FEATURES	  0x40000001
#define KVM_PV_UNHALT		  (1u << 7)
#define KVM_PV_SEND_IPI		  (1u << 11)
#define KVM_PV_SCHED_YIELD	  (1u << 13)
#define KVM_PV_MAP_GPA_RANGE	  (1u << 16)

/* More than any processor had so far; doubled when KVM says that it is too few. */
#define FIRST_ENTRIES 128
#define MOST_ENTRIES  4096

/* Fill *out, which the caller frees; it stays as it is on failure. */
static int get_supported(const AxVm *vm, struct kvm_cpuid2 **out, AxError *err)
{
	for (uint32_t entries = FIRST_ENTRIES; entries <= MOST_ENTRIES; entries *= 2) {
		struct kvm_cpuid2 *cpuid =
			calloc(1, sizeof(*cpuid) + entries * sizeof(struct kvm_cpuid_entry2));
		int ret;

		if (!cpuid)
			return ax_error_nomem(err, "CPUID");
		cpuid->nent = entries;
		ret = sys_ioctl_struct(vm->kvm_fd, KVM_GET_SUPPORTED_CPUID, cpuid);
		if (ret >= 0) {
			struct kvm_cpuid2 *fitting = realloc(
				cpuid,
				sizeof(*cpuid) + cpuid->nent * sizeof(struct kvm_cpuid_entry2));

			/* It is kept as long as the VM is. */
			*out = fitting ? fitting : cpuid;
			return 0;
		}
		free(cpuid);
		if (ret != -E2BIG)
			return ax_error_sys(err, ret, "KVM_GET_SUPPORTED_CPUID");
	}
	return ax_error_sys(err, -E2BIG, "KVM_GET_SUPPORTED_CPUID");
}

static void correct_kvm_features(const AxVm *vm, struct kvm_cpuid_entry2 *entry)
{
	unsigned flags = vm->arch->hypercall_flags;

	/*
	 * Trapped hypercalls never reach KVM: what needs them is not there (KVM-FACTS, Xen
	 * interception). Without the in-kernel APIC the first two have no meaning either.
	 */
	if ((flags & AX_HYPERCALL_TRAP) || !x86_has_kernel_apic(vm))
		entry->eax &= ~(KVM_PV_UNHALT | KVM_PV_SEND_IPI | KVM_PV_SCHED_YIELD);
	if (flags & AX_HYPERCALL_MAP_GPA)
		entry->eax |= KVM_PV_MAP_GPA_RANGE;
}

static void correct(const AxVCpu *vcpu, struct kvm_cpuid_entry2 *entry)
{
	const AxVm *vm = vcpu->vm;

	switch (entry->function) {
	case LEAF_FEATURES:
		entry->ecx |= FEATURES_ECX_HYPERVISOR;
		if (!x86_has_kernel_apic(vm))
			entry->ecx &= ~(FEATURES_ECX_X2APIC | FEATURES_ECX_TSC_DEADLINE);
		else if (vm->arch->has_tsc_deadline)
			entry->ecx |= FEATURES_ECX_TSC_DEADLINE;
		if (vm->irqchip == AX_IRQCHIP_NONE)
			entry->edx &= ~FEATURES_EDX_APIC;
		break;
	case LEAF_KVM_FEATURES: correct_kvm_features(vm, entry); break;
	default: break;
	}
}

/* Of the vCPUs that there are; who is created later is no part of the arrangement that this one sees. */
static uint32_t highest_id(const AxVm *vm)
{
	uint32_t highest = 0;

	for (unsigned i = 0; i < vm->vcpu_count; i++) {
		if (vm->vcpus[i]->id > highest)
			highest = vm->vcpus[i]->id;
	}
	return highest;
}

int x86_set_cpuid(AxVCpu *vcpu, AxError *err)
{
	AxVm *vm = vcpu->vm;
	struct kvm_cpuid2 *supported = vm->arch->cpuid;
	uint32_t cpus = highest_id(vm) + 1;
	struct kvm_cpuid2 *cpuid;
	size_t size;
	int ret;

	/* KVM refuses KVM_SET_CPUID2 once the vCPU has run (api.rst 4.20), and it never changes. */
	if (vcpu->arch->has_cpuid)
		return 0;
	if (!supported) {
		ret = get_supported(vm, &supported, err);
		if (!supported)
			return ret;
		vm->arch->cpuid = supported;
		/* Never among what is supported: it needs KVM's local APICs (api.rst 4.46). */
		vm->arch->has_tsc_deadline =
			x86_has_kernel_apic(vm) &&
			sys_check_extension(vm->kvm_fd, KVM_CAP_TSC_DEADLINE_TIMER);
	}
	size = sizeof(*cpuid) + supported->nent * sizeof(struct kvm_cpuid_entry2);
	cpuid = malloc(size + 2 * X86_LEVELS * sizeof(struct kvm_cpuid_entry2));
	if (!cpuid)
		return ax_error_nomem(err, "CPUID");
	memcpy(cpuid, supported, size);
	for (uint32_t i = 0; i < cpuid->nent; i++) {
		correct(vcpu, &cpuid->entries[i]);
		x86_correct_topology(&cpuid->entries[i], vcpu->id, cpus);
	}
	cpuid->nent = x86_list_levels(cpuid->entries, cpuid->nent, vcpu->id, cpus);
	ret = sys_ioctl_struct(vcpu->fd, KVM_SET_CPUID2, cpuid);
	free(cpuid);
	vcpu->arch->has_cpuid = ret >= 0;
	return ret < 0 ? ax_error_sys(err, ret, "KVM_SET_CPUID2") : 0;
}
