/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a decoded exit to its handler.
 */
#ifndef AXVMM_CORE_DISPATCH_H
#define AXVMM_CORE_DISPATCH_H

#include "core/vcpu.h"

/*
 * Hand @exit to whoever registered for it, and give the guest the answer. The owner's thread,
 * inside its loop (vcpu->snapshot holds).
 *
 * @answer  what a read or a hypercall got, for observers
 * @return the handler's verdict; AX_UNHANDLED when nobody took it
 */
AxHandled dispatch_exit(AxVCpu *vcpu, const AxVCpuExitReason *exit, uint64_t *answer);

/*
 * Whether @exit, which nobody took, is dealt with all the same, by the VM's option for unclaimed
 * addresses.
 */
bool dispatch_ignores(const AxVCpu *vcpu, const AxVCpuExitReason *exit);

/* AX_UNCLAIMED_WARN: log an address that nobody claims, once. */
void dispatch_warn(AxVCpu *vcpu, const AxVCpuExitReason *exit);

/* The lock of a range around a call of its ops. */
static inline void range_lock(const struct range *range)
{
	if (__builtin_expect(range->lock != NULL, 0))
		ax_lock(range->lock);
}

static inline void range_unlock(const struct range *range)
{
	if (__builtin_expect(range->lock != NULL, 0))
		ax_unlock(range->lock);
}

static inline AxHandled range_read(const struct range *range, AxVCpu *vcpu, uint64_t offset,
				   AxAccessWidth width, uint64_t *value)
{
	AxHandled handled;

	if (!range->ops->read)
		return AX_UNHANDLED;
	range_lock(range);
	handled = range->ops->read(vcpu, range->opaque, offset, width, value);
	range_unlock(range);
	return handled;
}

static inline AxHandled range_write(const struct range *range, AxVCpu *vcpu, uint64_t offset,
				    AxAccessWidth width, uint64_t value)
{
	AxHandled handled;

	if (!range->ops->write)
		return AX_UNHANDLED;
	range_lock(range);
	handled = range->ops->write(vcpu, range->opaque, offset, width, value);
	range_unlock(range);
	return handled;
}

#endif
