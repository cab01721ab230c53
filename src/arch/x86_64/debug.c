/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Breakpoints, and memory as the guest sees it.
 */
#include <config.h>

#include <errno.h>
#include <inttypes.h>

#include <axvmm/memory.h>
#include <axvmm/probe.h>

#include "arch/x86_64/walk.h"
#include "arch/x86_64/x86.h"
#include "core/error.h"

#define BREAKPOINTS 4
#define PAGE	    4096

/*
 * DR7: enable breakpoint i for all tasks (bit 2i+1); condition in bits 16+4i, length in 18+4i. Bit 10
 * reads as one: SDM 3B, 18.2.4.
 */
#define DR7_GLOBAL(i)	       (2u << (2 * (i)))
#define DR7_CONDITION(i, bits) ((uint64_t)(bits) << (16 + 4 * (i)))
#define DR7_LENGTH(i, bits)    ((uint64_t)(bits) << (18 + 4 * (i)))
#define DR7_FIXED	       (1u << 10)

/* Documentation/virt/kvm/api.rst, KVM_SET_GUEST_DEBUG; Debian 12's headers have it. */
#ifndef KVM_GUESTDBG_BLOCKIRQ
#define KVM_GUESTDBG_BLOCKIRQ 0x00100000
#endif
#ifndef KVM_CAP_SET_GUEST_DEBUG2
#define KVM_CAP_SET_GUEST_DEBUG2 195
#endif

static uint64_t condition_of(const AxDebugPoint *point)
{
	switch (point->kind) {
	case AX_DEBUG_EXECUTE: return 0;
	case AX_DEBUG_WRITE: return 1;
	default: return 3;
	}
}

/* LEN of DR7 by the number of bytes. */
static uint64_t length_of(const AxDebugPoint *point)
{
	if (point->kind == AX_DEBUG_EXECUTE)
		return 0;
	return point->length == 8 ? 2 : point->length - 1;
}

static bool blocks_interrupts(const AxVm *vm)
{
	int controls = sys_check_extension(vm->fd, KVM_CAP_SET_GUEST_DEBUG2);

	return controls > 0 && (controls & KVM_GUESTDBG_BLOCKIRQ);
}

static int set_guest_debug(AxVCpu *vcpu, const struct kvm_guest_debug *debug, AxError *err)
{
	int ret = sys_ioctl_struct(vcpu->fd, KVM_SET_GUEST_DEBUG, debug);

	if (ret == -ENOTTY || ret == -EINVAL)
		return ax_error_set(err, -ENOTSUP, AX_ERROR_UNSUPPORTED, -ret,
				    "this KVM can't debug guests this way (KVM_SET_GUEST_DEBUG)");
	return ret < 0 ? ax_error_sys(err, ret, "KVM_SET_GUEST_DEBUG") : 0;
}

int arch_debug(AxVCpu *vcpu, const AxDebug *debug, AxError *err)
{
	struct kvm_guest_debug request = { 0 };
	int ret;

	if (debug->count > BREAKPOINTS)
		return ax_error_argument(err, -ENOSPC,
					 "%u breakpoints and watchpoints: x86-64 has %d registers "
					 "for them",
					 debug->count, BREAKPOINTS);
	if (debug->flags & AX_DEBUG_STEP) {
		request.control |= KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP;
		if ((debug->flags & AX_DEBUG_NO_INTERRUPTS) && blocks_interrupts(vcpu->vm))
			request.control |= KVM_GUESTDBG_BLOCKIRQ;
	}
	if (debug->flags & AX_DEBUG_BREAKPOINTS)
		request.control |= KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_SW_BP;
	if (debug->count)
		request.control |= KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_HW_BP;
	request.arch.debugreg[7] = DR7_FIXED;
	for (uint32_t i = 0; i < debug->count; i++) {
		request.arch.debugreg[i] = debug->points[i].address;
		request.arch.debugreg[7] |= DR7_GLOBAL(i) |
					    DR7_CONDITION(i, condition_of(&debug->points[i])) |
					    DR7_LENGTH(i, length_of(&debug->points[i]));
	}
	ret = set_guest_debug(vcpu, &request, err);
	if (!ret)
		vcpu->arch->debug = request;
	return ret;
}

/*
 * KVM keeps what INT3 or #DB left behind: rip, and how long the instruction was. The call sets
 * everything anew, and so says again what is to stay.
 */
int arch_give_breakpoint(AxVCpu *vcpu, const AxVCpuExitReason *exit, AxError *err)
{
	struct kvm_guest_debug request = vcpu->arch->debug;

	/* Vectors 1 (#DB) and 3 (#BP): SDM 3A, table 6-1. */
	if (exit->debug.exception == 3)
		request.control |= KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_INJECT_BP;
	else if (exit->debug.exception == 1)
		request.control |= KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_INJECT_DB;
	else
		return ax_error_argument(err, -EINVAL, "exception %u is no breakpoint's",
					 exit->debug.exception);
	return set_guest_debug(vcpu, &request, err);
}

static bool read_entry(void *opaque, uint64_t gpa, uint64_t *entry, unsigned size)
{
	*entry = 0;
	return !ax_mem_read(opaque, gpa, entry, size);
}

/* In software: KVM_TRANSLATE says nothing of guests of some KVMs, and costs a call for each page. */
int arch_translate(AxVCpu *vcpu, uint64_t addr, uint64_t *gpa, AxError *err)
{
	struct x86_paging paging;
	struct kvm_sregs sregs;
	int ret = x86_get_sregs(vcpu, &sregs, err);

	if (ret)
		return ret;
	paging = (struct x86_paging){
		.cr0 = sregs.cr0, .cr3 = sregs.cr3, .cr4 = sregs.cr4, .efer = sregs.efer
	};
	return x86_walk(&paging, addr, read_entry, vcpu->vm, gpa) ? 0 : -EFAULT;
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
