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

/*
 * The range that an access of @width (RANGE_NO_WIDTH too) at @addr is inside of, for the fast path:
 * looked up, and kept in the vCPU's cache. NULL when there is none, or when the access has to go
 * through dispatch_exit().
 */
const struct range *dispatch_cache(AxVCpu *vcpu, enum range_space space, uint64_t addr,
				   unsigned width);

#endif
