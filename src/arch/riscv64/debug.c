/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Breakpoints: KVM on riscv64 knows the guest's own EBREAK only.
 */
#include <config.h>

#include <errno.h>

#include "arch/riscv64/riscv.h"
#include "core/error.h"

/* What the interface has room for, on every architecture. */
#define ADDRESSES 4

int arch_set_debug(AxVCpu *vcpu, bool single_step, const uint64_t *addresses, size_t count,
		   AxError *err)
{
	struct kvm_guest_debug debug = { 0 };
	int ret;

	if (count > ADDRESSES)
		return ax_error_argument(err, -EINVAL, "%zu breakpoints: at most %d are possible",
					 count, ADDRESSES);
	if (single_step || count)
		return ax_error_set(
			err, -ENOTSUP, AX_ERROR_UNSUPPORTED, 0,
			"KVM on riscv64 has neither single-step nor hardware breakpoints: "
			"an EBREAK in the code is all that makes a Debug exit");
	if (addresses)
		debug.control = KVM_GUESTDBG_ENABLE;
	ret = sys_ioctl_struct(vcpu->fd, KVM_SET_GUEST_DEBUG, &debug);
	if (ret == -ENOTTY || ret == -EINVAL)
		return ax_error_set(err, -ENOTSUP, AX_ERROR_UNSUPPORTED, -ret,
				    "this KVM can't debug guests (KVM_SET_GUEST_DEBUG)");
	return ret < 0 ? ax_error_sys(err, ret, "KVM_SET_GUEST_DEBUG") : 0;
}
