/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an x86-64 VM needs before its vCPUs: interrupt controllers, KVM's own pages.
 */
#include <config.h>

#include <errno.h>
#include <stdlib.h>

#include "arch/x86_64/apic.h"
#include "arch/x86_64/x86.h"
#include "core/error.h"

const uint64_t arch_hypercall_unknown = (uint64_t)-1000; /* KVM_ENOSYS: linux/kvm_para.h */

/*
 * Four pages below 4 GiB that Intel processors without "unrestricted guest" need for real mode
 * (api.rst 4.36 and 4.42): where QEMU's BIOS would be, so that no machine has RAM there.
 */
#define IDENTITY_MAP_ADDRESS 0xfeffc000u
#define TSS_ADDRESS	     0xfeffd000u
#define KVM_PAGES_SIZE	     0x4000u

static int set_kvm_pages(AxVm *vm, AxError *err)
{
	uint64_t identity_map = IDENTITY_MAP_ADDRESS;
	int ret = sys_ioctl_struct(vm->fd, KVM_SET_IDENTITY_MAP_ADDR, &identity_map);

	if (ret < 0)
		return ax_error_sys(err, ret, "KVM_SET_IDENTITY_MAP_ADDR");
	ret = sys_ioctl_value(vm->fd, KVM_SET_TSS_ADDR, TSS_ADDRESS);
	if (ret < 0)
		return ax_error_sys(err, ret, "KVM_SET_TSS_ADDR");
	/* On every host, whether its processor needs them or not. */
	vm->reserved = (struct vm_reserved){ .base = IDENTITY_MAP_ADDRESS,
					     .size = KVM_PAGES_SIZE,
					     .what = "KVM's own pages for real mode" };
	return 0;
}

static int no_kernel_irqchip(int os_errno, AxError *err)
{
	return ax_error_set(
		err, -ENOTSUP, AX_ERROR_UNSUPPORTED, os_errno,
		"this KVM has no in-kernel irqchip: AX_IRQCHIP_USER or none would do for a guest "
		"without APIC timers");
}

static int create_kernel_irqchip(AxVm *vm, AxError *err)
{
	int ret = sys_ioctl_value(vm->fd, KVM_CREATE_IRQCHIP, 0);

	if (ret == -ENOTTY || ret == -ENXIO || ret == -EINVAL)
		return no_kernel_irqchip(-ret, err);
	return ret < 0 ? ax_error_sys(err, ret, "KVM_CREATE_IRQCHIP") : 0;
}

/* Local APICs in KVM; the IOAPIC is a device, for whose pins KVM keeps routes: api.rst 7.5. */
static int create_split_irqchip(AxVm *vm, AxError *err)
{
	int ret = sys_enable_cap(vm->fd, KVM_CAP_SPLIT_IRQCHIP, X86_IOAPIC_PINS, 0);

	return ret < 0 ? ax_error_sys(err, ret, "KVM_CAP_SPLIT_IRQCHIP") : 0;
}

/*
 * What there is to be is decided before there is any: KVM registers the PIC and the IOAPIC on its bus,
 * whose old table it frees after a grace period (SRCU), and the next change of the memory slots waits for
 * that: 4 to 8 ms where it was measured, which slots that come first do not pay.
 */
int arch_vm_add_irqchip(AxVm *vm, AxError *err)
{
	switch (vm->irqchip) {
	case AX_IRQCHIP_KERNEL: return create_kernel_irqchip(vm, err);
	case AX_IRQCHIP_SPLIT: return create_split_irqchip(vm, err);
	default: return 0;
	}
}

/* The APIC page: each vCPU sees its own. */
static AxHandled apic_page_read(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
				uint64_t *value)
{
	uint32_t reg;

	(void)opaque;
	if (width != AX_WIDTH_DWORD ||
	    !apic_read(vcpu->arch->apic, (uint32_t)offset, (uint8_t)vcpu->run->cr8, &reg))
		return AX_UNHANDLED;
	*value = reg;
	return AX_HANDLED;
}

/* ICR's low half does not come here: finish.c makes it another exit. */
static AxHandled apic_page_write(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
				 uint64_t value)
{
	struct apic *apic = vcpu->arch->apic;
	uint8_t tpr_class = (uint8_t)vcpu->run->cr8;

	(void)opaque;
	if (width != AX_WIDTH_DWORD ||
	    !apic_write(apic, (uint32_t)offset, (uint32_t)value, &tpr_class))
		return AX_UNHANDLED;
	vcpu->run->cr8 = tpr_class;
	/* TPR and EOI may let another interrupt through: that costs one more entry. */
	if (apic_deliverable(apic, tpr_class) >= 0)
		vcpu_request(vcpu, REQUEST_INTERRUPT);
	return AX_HANDLED;
}

static const AxRangeOps apic_page_ops = { .size = sizeof(AxRangeOps),
					  .read = apic_page_read,
					  .write = apic_page_write };

static int create_user_apic(AxVm *vm, AxError *err)
{
	AxRange range = AX_RANGE_INIT;

	ax_record_refuse(vm->record, "local APIC",
			 "what it says depends on when KVM takes interrupts from it");
	range.name = "local APIC";
	range.base = APIC_BASE;
	range.length = APIC_SIZE;
	range.ops = &apic_page_ops;
	return range_add_uncached(vm, RANGE_MMIO, &range, NULL, err);
}

/* Who starts CPUs is who has their local APICs. */
static int resolve_power(AxVm *vm, AxError *err)
{
	AxPower power = x86_has_kernel_apic(vm) ? AX_POWER_KERNEL : AX_POWER_USER;

	if (vm->power != AX_POWER_AUTO && vm->power != power)
		return ax_error_set(
			err, -ENOTSUP, AX_ERROR_UNSUPPORTED, 0,
			"on x86-64 CPUs are started by KVM with AX_IRQCHIP_KERNEL and _SPLIT, "
			"else by its user");
	vm->power = power;
	return 0;
}

AxVCpu *arch_find_cpu(AxVm *vm, uint64_t target)
{
	return target <= UINT32_MAX ? ax_vm_vcpu(vm, (uint32_t)target) : NULL;
}

int arch_vm_init(AxVm *vm, AxError *err)
{
	int ret;

	ret = resolve_power(vm, err);
	if (ret)
		return ret;
	vm->arch = calloc(1, sizeof(*vm->arch));
	if (!vm->arch)
		return ax_error_nomem(err, "a VM");
	ret = set_kvm_pages(vm, err);
	if (ret)
		return ret;
	switch (vm->irqchip) {
	case AX_IRQCHIP_KERNEL:
		return sys_check_extension(vm->fd, KVM_CAP_IRQCHIP) ? 0 : no_kernel_irqchip(0, err);
	case AX_IRQCHIP_SPLIT:
		if (sys_check_extension(vm->fd, KVM_CAP_SPLIT_IRQCHIP))
			return 0;
		return ax_error_set(err, -ENOTSUP, AX_ERROR_UNSUPPORTED, 0,
				    "this KVM has no split irqchip (KVM_CAP_SPLIT_IRQCHIP)");
	case AX_IRQCHIP_USER: return create_user_apic(vm, err);
	default: return 0;
	}
}

void arch_vm_fini(AxVm *vm)
{
	if (!vm->arch)
		return;
	free(vm->arch->cpuid);
	free(vm->arch);
	vm->arch = NULL;
}
