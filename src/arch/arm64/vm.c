/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an arm64 VM needs before its vCPUs: the interrupt controller, calls that KVM forwards, and
 * accesses that it leaves to us.
 */
#include <config.h>

#include <errno.h>
#include <stdlib.h>

#include "arch/arm64/arm64.h"
#include "core/error.h"
#include "core/psci.h"

const uint64_t arch_hypercall_unknown = (uint64_t)-1; /* NOT_SUPPORTED: DEN0028, 7.1 */

/* KVM's MPIDR: Aff0 has 4 bits of the vCPU's id, Aff1 and Aff2 the next 8 each. */
AxVCpu *arch_find_cpu(AxVm *vm, uint64_t target)
{
	uint32_t aff0 = target & 0xff, aff1 = target >> 8 & 0xff, aff2 = target >> 16 & 0xff;

	if (target & ~UINT64_C(0xff00ffffff) || target >> 32 || aff0 > 0xf)
		return NULL;
	return ax_vm_vcpu(vm, aff0 | aff1 << 4 | aff2 << 12);
}

static int set_attr(int fd, uint32_t group, uint64_t attr, const void *value)
{
	struct kvm_device_attr request = { .group = group, .attr = attr, .addr = (uintptr_t)value };

	return sys_ioctl_struct(fd, KVM_SET_DEVICE_ATTR, &request);
}

int arm64_forward_calls(AxVm *vm, uint32_t first, uint32_t count)
{
	struct sys_smccc_filter filter = { .base = first,
					   .nr_functions = count,
					   .action = SYS_SMCCC_FILTER_FWD_TO_USER };

	return set_attr(vm->fd, SYS_ARM_VM_SMCCC_CTRL, SYS_ARM_VM_SMCCC_FILTER, &filter);
}

static bool has_filter(AxVm *vm)
{
	struct kvm_device_attr filter = { .group = SYS_ARM_VM_SMCCC_CTRL,
					  .attr = SYS_ARM_VM_SMCCC_FILTER };

	return sys_ioctl_struct(vm->fd, KVM_HAS_DEVICE_ATTR, &filter) >= 0;
}

/* PSCI through the filter where there is one, unless KVM's own is asked for. */
static int resolve_power(AxVm *vm, AxError *err)
{
	int ret;

	vm->arch->has_filter = has_filter(vm);
	if (vm->power == AX_POWER_AUTO)
		vm->power = vm->arch->has_filter ? AX_POWER_USER : AX_POWER_KERNEL;
	if (vm->power == AX_POWER_KERNEL)
		return 0;
	if (!vm->arch->has_filter)
		return ax_error_set(err, -ENOTSUP, AX_ERROR_UNSUPPORTED, 0,
				    "this KVM does not forward PSCI calls: it has no SMCCC filter "
				    "(Linux 6.4)");
	ret = arm64_forward_calls(vm, PSCI_GET_VERSION, PSCI_FUNCTIONS);
	if (ret >= 0)
		ret = arm64_forward_calls(vm, PSCI_64(PSCI_GET_VERSION), PSCI_FUNCTIONS);
	return ret < 0 ? ax_error_sys(err, ret, "KVM_ARM_VM_SMCCC_FILTER for PSCI") : 0;
}

static int create_gic(AxVm *vm, uint32_t type)
{
	struct kvm_create_device device = { .type = type };
	int ret = sys_ioctl_struct(vm->fd, KVM_CREATE_DEVICE, &device);

	return ret < 0 ? ret : (int)device.fd;
}

static int place_gic(AxVm *vm)
{
	uint64_t distributor = GIC_DISTRIBUTOR;
	uint64_t rest = vm->arch->gic_is_v2 ? GIC_CPU_INTERFACE : GIC_REDISTRIBUTORS;
	bool is_v2 = vm->arch->gic_is_v2;
	int ret;

	ret = set_attr(vm->arch->gic_fd, KVM_DEV_ARM_VGIC_GRP_ADDR,
		       is_v2 ? KVM_VGIC_V2_ADDR_TYPE_DIST : KVM_VGIC_V3_ADDR_TYPE_DIST,
		       &distributor);
	if (ret < 0)
		return ret;
	return set_attr(vm->arch->gic_fd, KVM_DEV_ARM_VGIC_GRP_ADDR,
			is_v2 ? KVM_VGIC_V2_ADDR_TYPE_CPU : KVM_VGIC_V3_ADDR_TYPE_REDIST, &rest);
}

/* GICv3, or GICv2 where the host has only that. */
static int create_kernel_gic(AxVm *vm, AxError *err)
{
	int ret = create_gic(vm, KVM_DEV_TYPE_ARM_VGIC_V3);

	if (ret == -ENODEV) {
		vm->arch->gic_is_v2 = true;
		ret = create_gic(vm, KVM_DEV_TYPE_ARM_VGIC_V2);
	}
	if (ret == -ENODEV || ret == -ENOTTY)
		return ax_error_set(err, -ENOTSUP, AX_ERROR_UNSUPPORTED, -ret,
				    "this KVM has no in-kernel GIC: use none");
	if (ret < 0)
		return ax_error_sys(err, ret, "KVM_CREATE_DEVICE for a GIC");
	vm->arch->gic_fd = ret;
	vm->irq_version = vm->arch->gic_is_v2 ? 2 : 3;
	ret = place_gic(vm);
	return ret < 0 ? ax_error_sys(err, ret, "KVM_DEV_ARM_VGIC_GRP_ADDR") : 0;
}

/* vm->lock is held. */
static int init_gic(AxVm *vm, AxError *err)
{
	unsigned most = vm->arch->gic_is_v2 ? GIC_MOST_V2_CPUS : GIC_MOST_V3_CPUS;
	int ret;

	if (vm->vcpu_count > most)
		return ax_error_argument(err, -EINVAL,
					 "%u vCPUs: GICv%d at its place has room for %u",
					 vm->vcpu_count, vm->arch->gic_is_v2 ? 2 : 3, most);
	ret = set_attr(vm->arch->gic_fd, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT,
		       NULL);
	if (ret < 0)
		return ax_error_sys(err, ret, "KVM_DEV_ARM_VGIC_CTRL_INIT");
	vm->arch->gic_ready = true;
	return 0;
}

int arch_vm_prepare(AxVm *vm, AxError *err)
{
	int ret = 0;

	if (vm->irqchip != AX_IRQCHIP_KERNEL)
		return 0;
	pthread_mutex_lock(&vm->lock);
	if (!vm->arch->gic_ready)
		ret = init_gic(vm, err);
	pthread_mutex_unlock(&vm->lock);
	return ret;
}

static int enable_if_there(AxVm *vm, unsigned cap, const char *name, AxError *err)
{
	int ret;

	if (!sys_check_extension(vm->fd, cap))
		return 0;
	ret = sys_enable_cap(vm->fd, cap, 0, 0);
	return ret < 0 ? ax_error_sys(err, ret, name) : 0;
}

int arch_vm_init(AxVm *vm, AxError *err)
{
	int ret;

	vm->arch = calloc(1, sizeof(*vm->arch));
	if (!vm->arch)
		return ax_error_nomem(err, "a VM");
	vm->arch->gic_fd = -1;
	vm->arch->can_abort = sys_check_extension(vm->fd, KVM_CAP_ARM_INJECT_EXT_DABT) > 0;
	ret = resolve_power(vm, err);
	if (!ret)
		ret = enable_if_there(vm, KVM_CAP_ARM_NISV_TO_USER, "KVM_CAP_ARM_NISV_TO_USER",
				      err);
	if (!ret)
		ret = enable_if_there(vm, KVM_CAP_ARM_SYSTEM_SUSPEND, "KVM_CAP_ARM_SYSTEM_SUSPEND",
				      err);
	if (ret)
		return ret;
	switch (vm->irqchip) {
	case AX_IRQCHIP_KERNEL: return create_kernel_gic(vm, err);
	case AX_IRQCHIP_USER:
	case AX_IRQCHIP_SPLIT:
		return ax_error_set(err, -ENOTSUP, AX_ERROR_UNSUPPORTED, 0,
				    "there is no userspace irqchip for arm64: use KVM's or none");
	default: return 0;
	}
}

void arch_vm_fini(AxVm *vm)
{
	if (!vm->arch)
		return;
	if (vm->arch->gic_fd >= 0)
		sys_close(vm->arch->gic_fd);
	free(vm->arch);
	vm->arch = NULL;
}
