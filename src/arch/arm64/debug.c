/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Breakpoints and single-step.
 */
#include <config.h>

#include <errno.h>

#include "arch/arm64/arm64.h"
#include "core/error.h"

/* What ax_vcpu_set_debug() promises; the architecture has 2 to 16: DDI 0487, D2.8. */
#define BREAKPOINTS 4

/*
 * DBGBCR<n>_EL1: enabled (bit 0), at EL1 and EL0 (PMC, bits 2 to 1), all four bytes (BAS, bits 8 to
 * 5): D19.3.2.
 */
#define BCR_ENABLED   (1u << 0)
#define BCR_EL1_EL0   (3u << 1)
#define BCR_ALL_BYTES (0xfu << 5)

int arch_set_debug(AxVCpu *vcpu, bool single_step, const uint64_t *addresses, size_t count,
		   AxError *err)
{
	struct kvm_guest_debug debug = { 0 };
	int ret;

	if (count > BREAKPOINTS)
		return ax_error_argument(err, -EINVAL, "%zu hardware breakpoints: at most %d",
					 count, BREAKPOINTS);
	if (count && sys_check_extension(vcpu->vm->fd, KVM_CAP_GUEST_DEBUG_HW_BPS) < (int)count)
		return ax_error_set(err, -ENOTSUP, AX_ERROR_UNSUPPORTED, 0,
				    "this host has no %zu hardware breakpoints", count);
	if (single_step)
		debug.control |= KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP;
	if (count)
		debug.control |= KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_HW;
	for (size_t i = 0; i < count; i++) {
		debug.arch.dbg_bvr[i] = addresses[i];
		debug.arch.dbg_bcr[i] = BCR_ENABLED | BCR_EL1_EL0 | BCR_ALL_BYTES;
	}
	ret = sys_ioctl_struct(vcpu->fd, KVM_SET_GUEST_DEBUG, &debug);
	if (ret == -ENOTTY || ret == -EINVAL)
		return ax_error_set(err, -ENOTSUP, AX_ERROR_UNSUPPORTED, -ret,
				    "this KVM can't debug guests this way (KVM_SET_GUEST_DEBUG)");
	if (ret < 0)
		return ax_error_sys(err, ret, "KVM_SET_GUEST_DEBUG");
	vcpu->arch->single_step = single_step;
	return 0;
}
