/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Having KVM hand over what it would answer itself. CSRs come by themselves: those that KVM knows to
 * exist for the guest, but has no code for (seed; stopei and sireg without an in-kernel AIA). So do
 * SBI calls of the experimental range.
 */
#include <config.h>

#include <errno.h>

#include "arch/riscv64/riscv.h"
#include "core/error.h"

int arch_intercept_sys_regs(AxVm *vm, AxError *err)
{
	const struct sys_reg_range *last = &vm->sys_regs[vm->sys_reg_count - 1];

	if (last->first >= RISCV_CSRS || last->count > RISCV_CSRS - last->first)
		return ax_error_argument(err, -EINVAL, "%u CSRs at 0x%llx: there are 0 to 0x%x",
					 last->count, (unsigned long long)last->first,
					 RISCV_CSRS - 1);
	return 0;
}

static int not_supported(AxError *err, int sys_ret, const char *what)
{
	return ax_error_set(err, -ENOTSUP, AX_ERROR_UNSUPPORTED, -sys_ret,
			    "this KVM has no %s (axvmm doctor lists what it has)", what);
}

/* Only a vCPU tells which SBI extensions there are: one of a VM that is made for the question. */
static int try_console(AxVm *vm, AxError *err)
{
	AxVCpu probe = { .fd = -1 };
	int fd = sys_ioctl_value(vm->kvm_fd, KVM_CREATE_VM, 0), ret;

	if (fd < 0)
		return ax_error_sys(err, fd, "KVM_CREATE_VM");
	probe.fd = sys_ioctl_value(fd, KVM_CREATE_VCPU, 0);
	if (probe.fd < 0) {
		ret = ax_error_sys(err, probe.fd, "KVM_CREATE_VCPU");
	} else {
		ret = riscv_try_set(&probe, RISCV_REG_SBI(SYS_RISCV_SBI_EXT_DBCN), 1);
		if (ret)
			ret = not_supported(err, ret, "debug console (SBI extension DBCN)");
		sys_close(probe.fd);
	}
	sys_close(fd);
	return ret;
}

int arch_intercept_hypercalls(AxVm *vm, unsigned flags, AxError *err)
{
	int ret = 0;

	if (flags & AX_HYPERCALL_MAP_GPA)
		return not_supported(err, 0, "hypercall 12: it is x86-64's");
	if (flags & AX_HYPERCALL_CONSOLE)
		ret = try_console(vm, err);
	if (!ret)
		vm->arch->hypercall_flags = flags;
	return ret;
}
