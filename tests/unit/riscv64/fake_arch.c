/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What only riscv64's KVM has, for the fake: the AIA as a device, a line for external interrupts.
 * Source: Documentation/virt/kvm/api.rst.
 */
#include <errno.h>
#include <string.h>

#include "../fake_internal.h"

const struct fake_pair fake_arch_pairs[] = {
	{ FAKE_VCPU, KVM_GET_MP_STATE, KVM_SET_MP_STATE },
};
const unsigned fake_arch_pair_count = sizeof(fake_arch_pairs) / sizeof(fake_arch_pairs[0]);

const struct fake_cap_value fake_arch_caps[] = {
	{ KVM_CAP_DEVICE_CTRL, 1 },
	{ KVM_CAP_MP_STATE, 1 },
	{ KVM_CAP_VM_GPA_BITS, 50 },
};
const unsigned fake_arch_cap_count = sizeof(fake_arch_caps) / sizeof(fake_arch_caps[0]);

size_t fake_arch_size(unsigned long request, const void *arg)
{
	return 0;
}

void fake_arch_new_vcpu(struct fake_object *vcpu)
{
	struct kvm_mp_state mp_state = {
		.mp_state = vcpu->id ? KVM_MP_STATE_STOPPED : KVM_MP_STATE_RUNNABLE,
	};

	fake_blob_set(vcpu, KVM_GET_MP_STATE, &mp_state, sizeof(mp_state));
}

void fake_arch_enter(struct fake_object *vcpu)
{
}

static int vm_ioctl(struct fake_object *vm, unsigned long request)
{
	/* The AIA is an irqchip as far as lines and eventfds are concerned. */
	if (request == KVM_CREATE_DEVICE)
		vm->irqchip = true;
	return -ENOTTY;
}

static int device_ioctl(unsigned long request)
{
	return request == KVM_SET_DEVICE_ATTR || request == KVM_HAS_DEVICE_ATTR ? 0 : -ENOTTY;
}

static int interrupt(const struct fake_object *vcpu, const struct kvm_interrupt *request)
{
	if (request->irq != (uint32_t)KVM_INTERRUPT_SET &&
	    request->irq != (uint32_t)KVM_INTERRUPT_UNSET)
		return -EINVAL;
	return vcpu->vm->irqchip ? -ENXIO : 0;
}

static int vcpu_ioctl(struct fake_object *vcpu, unsigned long request, uintptr_t arg)
{
	switch (request) {
	case KVM_INTERRUPT: return interrupt(vcpu, (const struct kvm_interrupt *)arg);
	case KVM_SET_GUEST_DEBUG:
	case KVM_SET_SIGNAL_MASK: return 0;
	default: return -ENOTTY;
	}
}

int fake_arch_ioctl(struct fake_object *object, unsigned long request, uintptr_t arg)
{
	switch (object->kind) {
	case FAKE_VM: return vm_ioctl(object, request);
	case FAKE_VM_DEVICE: return device_ioctl(request);
	case FAKE_VCPU: return vcpu_ioctl(object, request, arg);
	default: return -ENOTTY;
	}
}
