/* SPDX-License-Identifier: Apache-2.0 */
/*
 * KVM's Advanced Interrupt Architecture: an APLIC, and an IMSIC for each hart.
 *
 * KVM wants it whole at once: after KVM_CREATE_DEVICE come the addresses of all IMSICs, then
 * CTRL_INIT, after which no vCPU joins. So it is made ready when somebody needs it.
 *
 * Seen on Linux 6.12: a hart that goes to sleep in the moment when a message comes is not woken, where
 * its IMSIC is the processor's; and where KVM emulates it, identities of which the lower six bits are
 * 32 or more get lost. Nothing can be done about either from here.
 */
#include <config.h>

#include <errno.h>

#include "arch/riscv64/riscv.h"
#include "core/error.h"

/* Registers of an IMSIC: AIA 1.0, 3.8. On RV64 those of 64 interrupts have even numbers. */
#define EIDELIVERY  0x70
#define EITHRESHOLD 0x72
#define EIP(i)	    (0x80 + 2 * (i))
#define EIE(i)	    (0xc0 + 2 * (i))
#define EI_WORDS    ((RISCV_IMSIC_IDS + 1) / 64)

static int set_attr(AxVm *vm, uint32_t group, uint64_t attr, const void *value)
{
	struct kvm_device_attr request = { .group = group, .attr = attr, .addr = (uintptr_t)value };

	return sys_ioctl_struct(vm->arch->aia, KVM_SET_DEVICE_ATTR, &request);
}

static int set_config(AxVm *vm, uint64_t attr, uint32_t value)
{
	return set_attr(vm, SYS_RISCV_AIA_CONFIG, attr, &value);
}

static int set_address(AxVm *vm, uint64_t attr, uint64_t address)
{
	return set_attr(vm, SYS_RISCV_AIA_ADDR, attr, &address);
}

int riscv_aia_create(AxVm *vm, AxError *err)
{
	struct kvm_create_device request = { .type = SYS_RISCV_DEV_TYPE_AIA };
	int ret = sys_ioctl_struct(vm->fd, KVM_CREATE_DEVICE, &request);

	if (ret == -ENODEV || ret == -EINVAL || ret == -ENOTTY)
		return ax_error_set(err, -ENOTSUP, AX_ERROR_UNSUPPORTED, -ret,
				    "this KVM has no AIA: use AX_IRQCHIP_NONE and a PLIC");
	if (ret < 0)
		return ax_error_sys(err, ret, "KVM_CREATE_DEVICE (AIA)");
	vm->arch->aia = (int)request.fd;
	ret = set_config(vm, SYS_RISCV_AIA_CONFIG_IDS, RISCV_IMSIC_IDS);
	if (ret >= 0)
		ret = set_config(vm, SYS_RISCV_AIA_CONFIG_SOURCES, RISCV_APLIC_SRCS);
	if (ret >= 0)
		ret = set_address(vm, SYS_RISCV_AIA_ADDR_APLIC, RISCV_APLIC_BASE);
	return ret < 0 ? ax_error_sys(err, ret, "KVM_SET_DEVICE_ATTR (AIA)") : 0;
}

void riscv_aia_destroy(AxVm *vm)
{
	if (vm->arch->aia >= 0)
		sys_close(vm->arch->aia);
	vm->arch->aia = -1;
}

/* As many as the highest hart ID needs. */
static uint32_t hart_bits(const AxVm *vm)
{
	uint32_t highest = 0;

	for (unsigned i = 0; i < vm->vcpu_count; i++) {
		if (vm->vcpus[i]->id > highest)
			highest = vm->vcpus[i]->id;
	}
	return highest ? 32 - (uint32_t)__builtin_clz(highest) : 0;
}

/* vm->lock is held. */
static int finish_locked(AxVm *vm)
{
	int ret = set_config(vm, SYS_RISCV_AIA_CONFIG_HART_BITS, hart_bits(vm));

	for (unsigned i = 0; ret >= 0 && i < vm->vcpu_count; i++) {
		uint64_t id = vm->vcpus[i]->id;

		/* KVM numbers vCPUs as they were created, here. */
		ret = set_address(vm, SYS_RISCV_AIA_ADDR_IMSIC(i),
				  RISCV_IMSIC_BASE + id * RISCV_IMSIC_SIZE);
	}
	if (ret >= 0)
		ret = set_attr(vm, SYS_RISCV_AIA_CTRL, SYS_RISCV_AIA_CTRL_INIT, NULL);
	return ret;
}

int arch_vm_prepare(AxVm *vm, AxError *err)
{
	int ret = 0;

	if (vm->irqchip != AX_IRQCHIP_KERNEL)
		return 0;
	pthread_mutex_lock(&vm->lock);
	if (!vm->arch->aia_ready) {
		ret = finish_locked(vm);
		vm->arch->aia_ready = ret >= 0;
	}
	pthread_mutex_unlock(&vm->lock);
	return ret < 0 ? ax_error_sys(err, ret, "KVM_SET_DEVICE_ATTR (AIA)") : 0;
}

static int clear_imsic(const AxVCpu *vcpu, uint64_t isel)
{
	static const uint64_t zero = 0;

	return set_attr(vcpu->vm, SYS_RISCV_AIA_IMSIC, SYS_RISCV_AIA_IMSIC_REG(vcpu->id, isel),
			&zero);
}

int riscv_aia_reset(AxVCpu *vcpu, AxError *err)
{
	bool ready;
	int ret;

	pthread_mutex_lock(&vcpu->vm->lock);
	ready = vcpu->vm->arch->aia_ready;
	pthread_mutex_unlock(&vcpu->vm->lock);
	if (!ready)
		return 0;
	ret = clear_imsic(vcpu, EIDELIVERY);
	if (ret >= 0)
		ret = clear_imsic(vcpu, EITHRESHOLD);
	for (unsigned i = 0; ret >= 0 && i < EI_WORDS; i++) {
		ret = clear_imsic(vcpu, EIE(i));
		if (ret >= 0)
			ret = clear_imsic(vcpu, EIP(i));
	}
	return ret < 0 ? ax_error_sys(err, ret, "KVM_SET_DEVICE_ATTR (IMSIC)") : 0;
}
