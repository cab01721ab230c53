/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What only x86-64's KVM has, for the fake: CPUID, MSRs, segment state after reset, the PIT, Xen
 * hypercalls. Source: Documentation/virt/kvm/api.rst; reset state: SDM 3A, table 10-1.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../fake_internal.h"

const struct fake_pair fake_arch_pairs[] = {
	{ FAKE_VCPU, KVM_GET_REGS, KVM_SET_REGS },
	{ FAKE_VCPU, KVM_GET_SREGS, KVM_SET_SREGS },
	{ FAKE_VCPU, KVM_GET_SREGS2, KVM_SET_SREGS2 },
	{ FAKE_VCPU, KVM_GET_FPU, KVM_SET_FPU },
	{ FAKE_VCPU, KVM_GET_LAPIC, KVM_SET_LAPIC },
	{ FAKE_VCPU, KVM_GET_MP_STATE, KVM_SET_MP_STATE },
	{ FAKE_VCPU, KVM_GET_VCPU_EVENTS, KVM_SET_VCPU_EVENTS },
	{ FAKE_VCPU, KVM_GET_DEBUGREGS, KVM_SET_DEBUGREGS },
	{ FAKE_VCPU, KVM_GET_XSAVE, KVM_SET_XSAVE },
	{ FAKE_VCPU, KVM_GET_XCRS, KVM_SET_XCRS },
	{ FAKE_VM, KVM_GET_CLOCK, KVM_SET_CLOCK },
	{ FAKE_VM, KVM_GET_PIT2, KVM_SET_PIT2 },
};
const unsigned fake_arch_pair_count = sizeof(fake_arch_pairs) / sizeof(fake_arch_pairs[0]);

const struct fake_cap_value fake_arch_caps[] = {
	{ KVM_CAP_EXT_CPUID, 1 },
	{ KVM_CAP_SET_TSS_ADDR, 1 },
	{ KVM_CAP_SET_IDENTITY_MAP_ADDR, 1 },
	{ KVM_CAP_PIT2, 1 },
	{ KVM_CAP_PIT_STATE2, 1 },
	{ KVM_CAP_SPLIT_IRQCHIP, 1 },
	{ KVM_CAP_USER_NMI, 1 },
	{ KVM_CAP_VCPU_EVENTS, 1 },
	{ KVM_CAP_XSAVE, 1 },
	{ KVM_CAP_XCRS, 1 },
	{ KVM_CAP_DEBUGREGS, 1 },
	{ KVM_CAP_X86_USER_SPACE_MSR, 7 }, /* every reason */
	{ KVM_CAP_X86_MSR_FILTER, 1 },
	{ KVM_CAP_XEN_HVM, KVM_XEN_HVM_CONFIG_HYPERCALL_MSR | KVM_XEN_HVM_CONFIG_INTERCEPT_HCALL },
	{ KVM_CAP_EXIT_HYPERCALL, 1 << 12 }, /* KVM_HC_MAP_GPA_RANGE */
	{ KVM_CAP_EXIT_ON_EMULATION_FAILURE, 1 },
	{ KVM_CAP_GET_TSC_KHZ, 1 },
	{ KVM_CAP_TSC_CONTROL, 1 },
	{ KVM_CAP_TSC_DEADLINE_TIMER, 1 },
	{ KVM_CAP_X2APIC_API, 3 },
	{ KVM_CAP_SET_BOOT_CPU_ID, 1 },
	{ KVM_CAP_INTERNAL_ERROR_DATA, 1 },
	{ KVM_CAP_MCE, 32 },
};
const unsigned fake_arch_cap_count = sizeof(fake_arch_caps) / sizeof(fake_arch_caps[0]);

/* A small CPU: long mode, x2APIC, NX, and KVM's own leaves. */
static const struct kvm_cpuid_entry2 supported_cpuid[] = {
	{ .function = 0x0, .eax = 0xd, .ebx = 0x756e6547, .ecx = 0x6c65746e, .edx = 0x49656e69 },
	{ .function = 0x1, .eax = 0x806f8, .ebx = 0x800, .ecx = 0x80202001, .edx = 0x178bfbff },
	{ .function = 0x7, .flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX, .ebx = 0x9c0 },
	{ .function = 0xb, .index = 0, .flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX },
	{ .function = 0xb, .index = 1, .flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX },
	{ .function = 0x40000000,
	  .eax = 0x40000001,
	  .ebx = 0x4b4d564b,
	  .ecx = 0x564b4d56,
	  .edx = 0x4d },
	{ .function = 0x40000001, .eax = 0x01007efb },
	{ .function = 0x80000000, .eax = 0x80000008 },
	{ .function = 0x80000001, .ecx = 0x1, .edx = 0x20100800 },
	{ .function = 0x80000008, .eax = 0x3030 },
};
#define CPUID_ENTRIES (sizeof(supported_cpuid) / sizeof(supported_cpuid[0]))

static const uint32_t msr_indices[] = {
	0x10,  0x11,	   0x12,       0x174,	   0x175,      0x176,	   0x1a0,
	0x277, 0xc0000080, 0xc0000081, 0xc0000082, 0xc0000083, 0xc0000084, 0xc0000102,
};
#define MSR_INDICES (sizeof(msr_indices) / sizeof(msr_indices[0]))

size_t fake_arch_size(unsigned long request, const void *arg)
{
	switch (request) {
	case KVM_SET_CPUID2: {
		const struct kvm_cpuid2 *cpuid = arg;

		return sizeof(*cpuid) + cpuid->nent * sizeof(cpuid->entries[0]);
	}
	case KVM_GET_MSRS:
	case KVM_SET_MSRS: {
		const struct kvm_msrs *msrs = arg;

		return sizeof(*msrs) + msrs->nmsrs * sizeof(msrs->entries[0]);
	}
	case KVM_SET_GSI_ROUTING: {
		const struct kvm_irq_routing *routing = arg;

		return sizeof(*routing) + routing->nr * sizeof(routing->entries[0]);
	}
	default: return 0;
	}
}

static void set_segment(struct kvm_segment *segment, uint8_t type, uint8_t s)
{
	*segment = (struct kvm_segment){ .limit = 0xffff, .type = type, .present = 1, .s = s };
}

void fake_arch_new_vcpu(struct fake_object *vcpu)
{
	struct kvm_regs regs = { .rip = 0xfff0, .rflags = 2, .rdx = 0x600 };
	struct kvm_sregs sregs = { .cr0 = 0x60000010, .apic_base = 0xfee00800 };
	struct kvm_mp_state mp_state = { .mp_state = KVM_MP_STATE_RUNNABLE };

	if (vcpu->id)
		sregs.apic_base &= ~UINT64_C(0x100);
	else
		sregs.apic_base |= 0x100; /* bootstrap processor */
	if (vcpu->id && vcpu->vm->irqchip)
		mp_state.mp_state = KVM_MP_STATE_UNINITIALIZED;
	set_segment(&sregs.cs, 0xb, 1);
	sregs.cs.selector = 0xf000;
	sregs.cs.base = 0xffff0000;
	set_segment(&sregs.ds, 0x3, 1);
	sregs.es = sregs.fs = sregs.gs = sregs.ss = sregs.ds;
	set_segment(&sregs.tr, 0xb, 0);
	set_segment(&sregs.ldt, 0x2, 0);
	sregs.gdt.limit = sregs.idt.limit = 0xffff;
	fake_blob_set(vcpu, KVM_GET_REGS, &regs, sizeof(regs));
	fake_blob_set(vcpu, KVM_GET_SREGS, &sregs, sizeof(sregs));
	fake_blob_set(vcpu, KVM_GET_MP_STATE, &mp_state, sizeof(mp_state));
}

static int get_supported_cpuid(struct kvm_cpuid2 *cpuid)
{
	if (cpuid->nent < CPUID_ENTRIES)
		return -E2BIG;
	memcpy(cpuid->entries, supported_cpuid, sizeof(supported_cpuid));
	cpuid->nent = CPUID_ENTRIES;
	return 0;
}

static int get_msr_list(struct kvm_msr_list *list)
{
	uint32_t room = list->nmsrs;

	list->nmsrs = MSR_INDICES;
	if (room < MSR_INDICES)
		return -E2BIG;
	memcpy(list->indices, msr_indices, sizeof(msr_indices));
	return 0;
}

static int kvm_ioctl(unsigned long request, uintptr_t arg)
{
	switch (request) {
	case KVM_GET_SUPPORTED_CPUID: return get_supported_cpuid((struct kvm_cpuid2 *)arg);
	case KVM_GET_MSR_INDEX_LIST:
	case KVM_GET_MSR_FEATURE_INDEX_LIST: return get_msr_list((struct kvm_msr_list *)arg);
	default: return -ENOTTY;
	}
}

static int create_pit(struct fake_object *vm)
{
	return vm->irqchip ? 0 : -ENOENT;
}

static int set_msr_filter(const struct kvm_msr_filter *filter)
{
	/* KVM reads every bitmap: so do we, for the sanitizers' sake. */
	for (unsigned i = 0; i < KVM_MSR_FILTER_MAX_RANGES; i++) {
		const struct kvm_msr_filter_range *range = &filter->ranges[i];
		unsigned bits = 0;

		if (!range->nmsrs)
			continue;
		if (range->nmsrs > 8 * 0x600 || !range->flags)
			return -EINVAL;
		for (unsigned byte = 0; byte < (range->nmsrs + 7) / 8; byte++)
			bits += range->bitmap[byte] != 0;
		(void)bits;
	}
	return 0;
}

static int vm_ioctl(struct fake_object *vm, unsigned long request, uintptr_t arg)
{
	switch (request) {
	case KVM_SET_TSS_ADDR:
	case KVM_SET_IDENTITY_MAP_ADDR:
	case KVM_SET_BOOT_CPU_ID: return 0;
	case KVM_CREATE_PIT2: return create_pit(vm);
	case KVM_XEN_HVM_CONFIG: return fake_cap(KVM_CAP_XEN_HVM) ? 0 : -ENOTTY;
	case KVM_X86_SET_MSR_FILTER: return set_msr_filter((const struct kvm_msr_filter *)arg);
	default: return -ENOTTY;
	}
}

/* MSRs are kept as single registers whose ID is the number. */
static int move_msrs(struct fake_object *vcpu, unsigned long request, struct kvm_msrs *msrs)
{
	unsigned long one = request == KVM_SET_MSRS ? KVM_SET_ONE_REG : KVM_GET_ONE_REG;

	for (uint32_t i = 0; i < msrs->nmsrs; i++) {
		struct kvm_one_reg reg = { .id = KVM_REG_SIZE_U64 | msrs->entries[i].index,
					   .addr = (uintptr_t)&msrs->entries[i].data };

		(void)fake_one_reg_ioctl(vcpu, one, &reg);
	}
	return (int)msrs->nmsrs;
}

/* Virtual addresses are physical ones; what lies in no slot is not mapped. */
static int translate(const struct fake_object *vcpu, struct kvm_translation *translation)
{
	uint64_t addr = translation->linear_address;

	translation->physical_address = addr;
	translation->valid = 0;
	for (const struct fake_slot *slot = vcpu->vm->slots; slot; slot = slot->next)
		if (addr >= slot->region.guest_phys_addr &&
		    addr - slot->region.guest_phys_addr < slot->region.memory_size)
			translation->valid = 1;
	translation->writeable = 1;
	return 0;
}

/* Without an in-kernel irqchip: the one that the guest takes when it is entered. */
static int interrupt(struct fake_object *vcpu, const struct kvm_interrupt *request)
{
	struct kvm_vcpu_events events;

	if (vcpu->vm->irqchip)
		return -ENXIO;
	if (request->irq > 255)
		return -EINVAL;
	(void)fake_blob_get(vcpu, KVM_GET_VCPU_EVENTS, &events, sizeof(events));
	if (events.interrupt.injected)
		return -EEXIST;
	events.interrupt.injected = 1;
	events.interrupt.nr = (uint8_t)request->irq;
	fake_blob_set(vcpu, KVM_GET_VCPU_EVENTS, &events, sizeof(events));
	return 0;
}

void fake_arch_enter(struct fake_object *vcpu)
{
	struct kvm_vcpu_events events;

	if (fake_blob_get(vcpu, KVM_GET_VCPU_EVENTS, &events, sizeof(events)) &&
	    events.interrupt.injected) {
		events.interrupt.injected = 0;
		fake_blob_set(vcpu, KVM_GET_VCPU_EVENTS, &events, sizeof(events));
	}
	/* A guest with interrupts on; a step may say otherwise. */
	vcpu->run->ready_for_interrupt_injection = 1;
	vcpu->run->if_flag = 1;
}

static int vcpu_ioctl(struct fake_object *vcpu, unsigned long request, uintptr_t arg)
{
	switch (request) {
	case KVM_SET_CPUID2: {
		const struct kvm_cpuid2 *cpuid = (const struct kvm_cpuid2 *)arg;

		fake_blob_set(vcpu, KVM_GET_CPUID2, cpuid, fake_arch_size(request, cpuid));
		return 0;
	}
	case KVM_GET_CPUID2: {
		struct kvm_cpuid2 *cpuid = (struct kvm_cpuid2 *)arg;
		size_t size = sizeof(*cpuid) + cpuid->nent * sizeof(cpuid->entries[0]);

		return fake_blob_get(vcpu, request, cpuid, size) ? 0 : -EINVAL;
	}
	case KVM_GET_MSRS:
	case KVM_SET_MSRS: return move_msrs(vcpu, request, (struct kvm_msrs *)arg);
	case KVM_TRANSLATE: return translate(vcpu, (struct kvm_translation *)arg);
	case KVM_INTERRUPT: return interrupt(vcpu, (const struct kvm_interrupt *)arg);
	case KVM_NMI:
	case KVM_SMI:
	case KVM_SET_TSC_KHZ:
	case KVM_SET_GUEST_DEBUG:
	case KVM_SET_SIGNAL_MASK: return 0;
	case KVM_GET_TSC_KHZ: return 2000000;
	default: return -ENOTTY;
	}
}

int fake_arch_ioctl(struct fake_object *object, unsigned long request, uintptr_t arg)
{
	switch (object->kind) {
	case FAKE_KVM: return kvm_ioctl(request, arg);
	case FAKE_VM: return vm_ioctl(object, request, arg);
	case FAKE_VCPU: return vcpu_ioctl(object, request, arg);
	default: return -ENOTTY;
	}
}
