/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What only arm64's KVM has, for the fake: initialising vCPUs, the SMCCC filter, the GIC as a device
 * and the numbers of its lines, registers of 16 bytes. Source: Documentation/virt/kvm/api.rst.
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
	{ KVM_CAP_DEVICE_CTRL, 1 },	   { KVM_CAP_MP_STATE, 1 },
	{ KVM_CAP_ARM_NISV_TO_USER, 1 },   { KVM_CAP_ARM_INJECT_EXT_DABT, 1 },
	{ KVM_CAP_ARM_SYSTEM_SUSPEND, 1 }, { KVM_CAP_ARM_PSCI_0_2, 1 },
	{ KVM_CAP_GUEST_DEBUG_HW_BPS, 6 }, { KVM_CAP_SET_GUEST_DEBUG, 1 },
	{ KVM_CAP_VCPU_EVENTS, 1 },
};
const unsigned fake_arch_cap_count = sizeof(fake_arch_caps) / sizeof(fake_arch_caps[0]);

/* EL1 with its own stack pointer, all interrupts masked: api.rst 4.82. */
#define RESET_PSTATE 0x3c5
#define PSTATE_ID \
	(KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE | KVM_REG_ARM_CORE_REG(regs.pstate))

size_t fake_arch_size(unsigned long request, const void *arg)
{
	return 0;
}

static void set_mp_state(struct fake_object *vcpu, uint32_t state)
{
	struct kvm_mp_state mp_state = { .mp_state = state };

	fake_blob_set(vcpu, KVM_GET_MP_STATE, &mp_state, sizeof(mp_state));
}

void fake_arch_new_vcpu(struct fake_object *vcpu)
{
	set_mp_state(vcpu, KVM_MP_STATE_RUNNABLE);
}

void fake_arch_enter(struct fake_object *vcpu)
{
}

/* A shared interrupt by its number, of which the fake keeps the level; others it takes. */
static int irq_line(struct fake_object *vm, const struct kvm_irq_level *line)
{
	uint32_t type = line->irq >> KVM_ARM_IRQ_TYPE_SHIFT & KVM_ARM_IRQ_TYPE_MASK;
	uint32_t number = line->irq & KVM_ARM_IRQ_NUM_MASK;

	if ((type == KVM_ARM_IRQ_TYPE_CPU) == vm->irqchip)
		return -ENXIO;
	if (type != KVM_ARM_IRQ_TYPE_SPI)
		return 0;
	if (number < 32 || number - 32 >= FAKE_GSIS)
		return -EINVAL;
	vm->irq_level[number - 32] = (int)line->level;
	return 0;
}

static int vm_ioctl(struct fake_object *vm, unsigned long request, uintptr_t arg)
{
	struct kvm_vcpu_init *target = (struct kvm_vcpu_init *)arg;

	switch (request) {
	case KVM_CREATE_DEVICE: vm->irqchip = true; return -ENOTTY;
	case KVM_IRQ_LINE: return irq_line(vm, (const struct kvm_irq_level *)arg);
	case KVM_HAS_DEVICE_ATTR: /* the SMCCC filter */
	case KVM_SET_DEVICE_ATTR: return 0;
	case KVM_ARM_PREFERRED_TARGET:
		memset(target, 0, sizeof(*target));
		target->target = KVM_ARM_TARGET_GENERIC_V8;
		return 0;
	default: return -ENOTTY;
	}
}

static int device_ioctl(unsigned long request)
{
	return request == KVM_SET_DEVICE_ATTR || request == KVM_HAS_DEVICE_ATTR ? 0 : -ENOTTY;
}

static void reset(struct fake_object *vcpu)
{
	uint64_t pstate = RESET_PSTATE;
	struct kvm_one_reg reg = { .id = PSTATE_ID, .addr = (uintptr_t)&pstate };

	for (struct fake_one_reg *one = vcpu->one_regs; one; one = one->next)
		one->value = 0;
	fake_one_reg_ioctl(vcpu, KVM_SET_ONE_REG, &reg);
	set_mp_state(vcpu, KVM_MP_STATE_RUNNABLE);
}

/* The fake's registers have 8 bytes: these are two, the upper half under a number that is none. */
static int one_reg(struct fake_object *vcpu, unsigned long request, const struct kvm_one_reg *reg)
{
	struct kvm_one_reg half = *reg;

	if ((reg->id & KVM_REG_SIZE_MASK) != KVM_REG_SIZE_U128)
		return -ENOTTY;
	half.id = (reg->id & ~KVM_REG_SIZE_MASK) | KVM_REG_SIZE_U64;
	fake_one_reg_ioctl(vcpu, request, &half);
	half.id |= UINT64_C(1) << 40;
	half.addr += 8;
	return fake_one_reg_ioctl(vcpu, request, &half);
}

static int vcpu_ioctl(struct fake_object *vcpu, unsigned long request, uintptr_t arg)
{
	switch (request) {
	case KVM_ARM_VCPU_INIT: reset(vcpu); return 0;
	case KVM_GET_ONE_REG:
	case KVM_SET_ONE_REG: return one_reg(vcpu, request, (const struct kvm_one_reg *)arg);
	case KVM_SET_GUEST_DEBUG:
	case KVM_SET_SIGNAL_MASK: return 0;
	default: return -ENOTTY;
	}
}

int fake_arch_ioctl(struct fake_object *object, unsigned long request, uintptr_t arg)
{
	switch (object->kind) {
	case FAKE_VM: return vm_ioctl(object, request, arg);
	case FAKE_VM_DEVICE: return device_ioctl(request);
	case FAKE_VCPU: return vcpu_ioctl(object, request, arg);
	default: return -ENOTTY;
	}
}
