/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What KVM is asked to report beyond what it reports anyway.
 */
#include <config.h>

#include <errno.h>

#include "arch/arm64/arm64.h"
#include "core/error.h"

/* Vendor specific hypervisor service calls, of 32 and 64 bits: DEN0028, 6.2. */
#define VENDOR_CALLS_32 0x86000000u
#define VENDOR_CALLS_64 0xc6000000u
#define VENDOR_COUNT	0x10000u

int arch_intercept_sys_regs(AxVm *vm, AxError *err)
{
	(void)vm;
	return ax_error_set(err, -ENOTSUP, AX_ERROR_UNSUPPORTED, 0,
			    "KVM on arm64 does not report accesses to system registers");
}

static int trap_hypercalls(AxVm *vm, AxError *err)
{
	int ret;

	if (!vm->arch->has_filter)
		return ax_error_set(err, -ENOTSUP, AX_ERROR_UNSUPPORTED, 0,
				    "this KVM lacks the exit for HVC and SMC: the SMCCC filter "
				    "(Linux 6.4)");
	ret = arm64_forward_calls(vm, VENDOR_CALLS_32, VENDOR_COUNT);
	if (ret >= 0)
		ret = arm64_forward_calls(vm, VENDOR_CALLS_64, VENDOR_COUNT);
	return ret < 0 ? ax_error_sys(err, ret, "KVM_ARM_VM_SMCCC_FILTER") : 0;
}

int arch_intercept_hypercalls(AxVm *vm, unsigned flags, AxError *err)
{
	if (flags & AX_HYPERCALL_CONSOLE)
		return ax_error_set(err, -ENOTSUP, AX_ERROR_UNSUPPORTED, 0,
				    "the SBI debug console is riscv64's");
	if (flags & AX_HYPERCALL_MAP_GPA)
		return ax_error_set(err, -ENOTSUP, AX_ERROR_UNSUPPORTED, 0,
				    "hypercall 12 (KVM_CAP_EXIT_HYPERCALL) is x86-64's");
	return flags & AX_HYPERCALL_TRAP ? trap_hypercalls(vm, err) : 0;
}
