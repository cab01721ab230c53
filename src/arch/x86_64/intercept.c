/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Having KVM hand over what it would answer itself: MSRs and hypercalls.
 */
#include <config.h>

#include <errno.h>
#include <stdlib.h>

#include "arch/x86_64/x86.h"
#include "core/error.h"

/* KVM_MSR_FILTER_MAX_BITMAP_SIZE bytes of bitmap, a bit for each MSR: api.rst 4.97. */
#define FILTER_MSRS (KVM_MSR_FILTER_MAX_BITMAP_SIZE * 8)

static int not_supported(AxError *err, int sys_ret, const char *what)
{
	return ax_error_set(err, -ENOTSUP, AX_ERROR_UNSUPPORTED, sys_ret < 0 ? -sys_ret : 0,
			    "this KVM has no %s (axvmm doctor lists what it has)", what);
}

/* Let everything else be; deny, that is report, what is claimed. Bits of the bitmap: 1 allows. */
static int set_filter(AxVm *vm, uint8_t *bitmap, AxError *err)
{
	struct kvm_msr_filter filter = { .flags = KVM_MSR_FILTER_DEFAULT_ALLOW };
	int ret;

	for (unsigned i = 0; i < vm->sys_reg_count; i++) {
		filter.ranges[i].flags = KVM_MSR_FILTER_READ | KVM_MSR_FILTER_WRITE;
		filter.ranges[i].base = (uint32_t)vm->sys_regs[i].first;
		filter.ranges[i].nmsrs = vm->sys_regs[i].count;
		filter.ranges[i].bitmap = bitmap;
	}
	ret = sys_ioctl_struct(vm->fd, KVM_X86_SET_MSR_FILTER, &filter);
	return ret < 0 ? ax_error_sys(err, ret, "KVM_X86_SET_MSR_FILTER") : 0;
}

int arch_intercept_sys_regs(AxVm *vm, AxError *err)
{
	const struct sys_reg_range *last = &vm->sys_regs[vm->sys_reg_count - 1];
	uint8_t *nothing_allowed;
	int ret;

	if (last->first + last->count - 1 > UINT32_MAX || last->count > FILTER_MSRS)
		return ax_error_argument(
			err, -EINVAL,
			"%u MSRs at 0x%llx: numbers have 32 bits, and a range at most "
			"%d MSRs",
			last->count, (unsigned long long)last->first, FILTER_MSRS);
	if (!sys_check_extension(vm->fd, KVM_CAP_X86_USER_SPACE_MSR) ||
	    !sys_check_extension(vm->fd, KVM_CAP_X86_MSR_FILTER))
		return not_supported(
			err, 0, "MSR exits (KVM_CAP_X86_USER_SPACE_MSR, KVM_CAP_X86_MSR_FILTER)");
	ret = sys_enable_cap(vm->fd, KVM_CAP_X86_USER_SPACE_MSR,
			     KVM_MSR_EXIT_REASON_INVAL | KVM_MSR_EXIT_REASON_UNKNOWN |
				     KVM_MSR_EXIT_REASON_FILTER,
			     0);
	if (ret < 0)
		return not_supported(err, ret,
				     "MSR exits (KVM_CAP_X86_USER_SPACE_MSR can't be enabled)");
	nothing_allowed = calloc(1, KVM_MSR_FILTER_MAX_BITMAP_SIZE);
	if (!nothing_allowed)
		return ax_error_nomem(err, "an MSR filter");
	ret = set_filter(vm, nothing_allowed, err);
	free(nothing_allowed);
	return ret;
}

static int trap_hypercalls(AxVm *vm, AxError *err)
{
	struct kvm_xen_hvm_config config = { .flags = KVM_XEN_HVM_CONFIG_INTERCEPT_HCALL,
					     .msr = X86_XEN_HYPERCALL_MSR };
	int ret;

	if (!(sys_check_extension(vm->fd, KVM_CAP_XEN_HVM) & KVM_XEN_HVM_CONFIG_INTERCEPT_HCALL))
		return not_supported(err, 0,
				     "hypercall interception (KVM_CAP_XEN_HVM, INTERCEPT_HCALL)");
	ret = sys_ioctl_struct(vm->fd, KVM_XEN_HVM_CONFIG, &config);
	return ret < 0 ? not_supported(err, ret, "hypercall interception (KVM_XEN_HVM_CONFIG)") : 0;
}

static int exit_on_map_gpa(AxVm *vm, AxError *err)
{
	int ret;

	if (!(sys_check_extension(vm->fd, KVM_CAP_EXIT_HYPERCALL) & (1 << X86_HC_MAP_GPA_RANGE)))
		return not_supported(err, 0, "exit for hypercall 12 (KVM_CAP_EXIT_HYPERCALL)");
	ret = sys_enable_cap(vm->fd, KVM_CAP_EXIT_HYPERCALL, 1 << X86_HC_MAP_GPA_RANGE, 0);
	return ret < 0 ? not_supported(err, ret, "exit for hypercall 12 (KVM_CAP_EXIT_HYPERCALL)")
		       : 0;
}

int arch_intercept_hypercalls(AxVm *vm, unsigned flags, AxError *err)
{
	int ret = 0;

	if (flags & AX_HYPERCALL_CONSOLE)
		return not_supported(err, 0, "debug console: it is riscv64's");
	if (flags & AX_HYPERCALL_TRAP)
		ret = trap_hypercalls(vm, err);
	if (!ret && (flags & AX_HYPERCALL_MAP_GPA))
		ret = exit_on_map_gpa(vm, err);
	if (!ret)
		vm->arch->hypercall_flags = flags;
	return ret;
}
