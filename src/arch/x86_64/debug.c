/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Breakpoints, and memory as the guest sees it.
 */
#include <config.h>

#include <errno.h>
#include <inttypes.h>

#include <axvmm/memory.h>

#include "arch/x86_64/x86.h"
#include "core/error.h"

#define BREAKPOINTS 4
#define PAGE	    4096

/*
 * DR7: enable breakpoint i for all tasks (bit 2i+1); condition 00 is execution. Bit 10 reads as
 * one: SDM 3B, 18.2.4.
 */
#define DR7_GLOBAL(i) (2u << (2 * (i)))
#define DR7_FIXED     (1u << 10)

int arch_set_debug(AxVCpu *vcpu, bool single_step, const uint64_t *addresses, size_t count,
		   AxError *err)
{
	struct kvm_guest_debug debug = { 0 };
	int ret;

	if (count > BREAKPOINTS)
		return ax_error_argument(err, -EINVAL, "%zu hardware breakpoints: x86-64 has %d",
					 count, BREAKPOINTS);
	if (single_step)
		debug.control |= KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP;
	if (count)
		debug.control |= KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_HW_BP;
	debug.arch.debugreg[7] = DR7_FIXED;
	for (size_t i = 0; i < count; i++) {
		debug.arch.debugreg[i] = addresses[i];
		debug.arch.debugreg[7] |= DR7_GLOBAL(i);
	}
	ret = sys_ioctl_struct(vcpu->fd, KVM_SET_GUEST_DEBUG, &debug);
	if (ret == -ENOTTY || ret == -EINVAL)
		return ax_error_set(err, -ENOTSUP, AX_ERROR_UNSUPPORTED, -ret,
				    "this KVM can't debug guests this way (KVM_SET_GUEST_DEBUG)");
	return ret < 0 ? ax_error_sys(err, ret, "KVM_SET_GUEST_DEBUG") : 0;
}

int arch_read_virtual(AxVCpu *vcpu, uint64_t addr, void *buffer, size_t len, AxError *err)
{
	size_t done = 0;

	if (len > INT32_MAX)
		len = INT32_MAX;
	while (done < len) {
		struct kvm_translation page = { .linear_address = addr + done };
		size_t piece = PAGE - (size_t)((addr + done) % PAGE);
		int ret = sys_ioctl_struct(vcpu->fd, KVM_TRANSLATE, &page);

		if (ret < 0)
			return ax_error_sys(err, ret, "KVM_TRANSLATE");
		if (piece > len - done)
			piece = len - done;
		if (!page.valid ||
		    ax_mem_read(vcpu->vm, page.physical_address, (char *)buffer + done, piece))
			break;
		done += piece;
	}
	if (len && !done)
		return ax_error_argument(err, -EFAULT,
					 "no RAM is mapped at virtual address 0x%" PRIx64, addr);
	return (int)done;
}
