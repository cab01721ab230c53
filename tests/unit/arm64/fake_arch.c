/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What only arm64's KVM has, for the fake: the kind of CPU, the GIC as a device, the SMCCC filter,
 * registers that KVM_ARM_VCPU_INIT clears. Source: Documentation/virt/kvm/api.rst.
 */
#include <errno.h>
#include <string.h>

#include "../fake_internal.h"

const struct fake_pair fake_arch_pairs[] = {
	{ FAKE_VCPU, KVM_GET_MP_STATE, KVM_SET_MP_STATE },
	{ FAKE_VCPU, KVM_GET_VCPU_EVENTS, KVM_SET_VCPU_EVENTS },
};
const unsigned fake_arch_pair_count = sizeof(fake_arch_pairs) / sizeof(fake_arch_pairs[0]);

const struct fake_cap_value fake_arch_caps[] = {
	{ KVM_CAP_ARM_VM_IPA_SIZE, 52 },   { KVM_CAP_ARM_PSCI_0_2, 1 },
	{ KVM_CAP_ARM_NISV_TO_USER, 1 },   { KVM_CAP_ARM_INJECT_EXT_DABT, 1 },
	{ KVM_CAP_ARM_SYSTEM_SUSPEND, 1 }, { KVM_CAP_ARM_USER_IRQ, 1 },
	{ KVM_CAP_VM_ATTRIBUTES, 1 },	   { KVM_CAP_DEVICE_CTRL, 1 },
	{ KVM_CAP_GUEST_DEBUG_HW_BPS, 6 }, { KVM_CAP_GUEST_DEBUG_HW_WPS, 4 },
	{ KVM_CAP_VCPU_EVENTS, 1 },
};
const unsigned fake_arch_cap_count = sizeof(fake_arch_caps) / sizeof(fake_arch_caps[0]);

size_t fake_arch_size(unsigned long request, const void *arg)
{
	return 0;
}

void fake_arch_new_vcpu(struct fake_object *vcpu)
{
	struct kvm_mp_state mp_state = { .mp_state = KVM_MP_STATE_RUNNABLE };

	fake_blob_set(vcpu, KVM_GET_MP_STATE, &mp_state, sizeof(mp_state));
}

void fake_arch_enter(struct fake_object *vcpu)
{
}

static int preferred_target(struct kvm_vcpu_init *init)
{
	memset(init, 0, sizeof(*init));
	init->target = KVM_ARM_TARGET_GENERIC_V8;
	return 0;
}

/* The SMCCC filter is all that a VM has; what a GIC is told is right. */
static int has_attr(const struct fake_object *object, const struct kvm_device_attr *attr)
{
	bool is_filter =
		attr->group == SYS_ARM_VM_SMCCC_CTRL && attr->attr == SYS_ARM_VM_SMCCC_FILTER;

	return object->kind == FAKE_VM && !is_filter ? -ENXIO : 0;
}

static int attr_ioctl(struct fake_object *object, unsigned long request, uintptr_t arg)
{
	switch (request) {
	case KVM_HAS_DEVICE_ATTR:
	case KVM_SET_DEVICE_ATTR: return has_attr(object, (const struct kvm_device_attr *)arg);
	default: return -ENOTTY;
	}
}

/* The GIC is an irqchip as far as lines and eventfds are concerned; SPIs begin at 32. */
static int vm_ioctl(struct fake_object *vm, unsigned long request, uintptr_t arg)
{
	struct kvm_irq_level *line = (struct kvm_irq_level *)arg;
	uint32_t type, number;

	switch (request) {
	case KVM_ARM_PREFERRED_TARGET: return preferred_target((struct kvm_vcpu_init *)arg);
	case KVM_CREATE_DEVICE: vm->irqchip = true; return -ENOTTY;
	case KVM_IRQ_LINE:
		type = line->irq >> KVM_ARM_IRQ_TYPE_SHIFT & KVM_ARM_IRQ_TYPE_MASK;
		number = line->irq & KVM_ARM_IRQ_NUM_MASK;
		if (type == KVM_ARM_IRQ_TYPE_CPU)
			return vm->irqchip ? -ENXIO : 0;
		if (!vm->irqchip)
			return -ENXIO;
		if (type == KVM_ARM_IRQ_TYPE_SPI && number >= 32 && number - 32 < FAKE_GSIS)
			vm->irq_level[number - 32] = line->level != 0;
		return 0;
	default: return attr_ioctl(vm, request, arg);
	}
}

/* Registers are zero after it, also those that a test has set. */
static int init_vcpu(struct fake_object *vcpu)
{
	for (struct fake_one_reg *reg = vcpu->one_regs; reg; reg = reg->next)
		memset(&reg->value, 0, sizeof(reg->value));
	fake_arch_new_vcpu(vcpu);
	return 0;
}

static int vcpu_ioctl(struct fake_object *vcpu, unsigned long request)
{
	switch (request) {
	case KVM_ARM_VCPU_INIT: return init_vcpu(vcpu);
	case KVM_SET_GUEST_DEBUG:
	case KVM_SET_SIGNAL_MASK: return 0;
	default: return -ENOTTY;
	}
}

int fake_arch_ioctl(struct fake_object *object, unsigned long request, uintptr_t arg)
{
	switch (object->kind) {
	case FAKE_VM: return vm_ioctl(object, request, arg);
	case FAKE_VM_DEVICE: return attr_ioctl(object, request, arg);
	case FAKE_VCPU: return vcpu_ioctl(object, request);
	default: return -ENOTTY;
	}
}
