/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a debugger asks of the core: vCPUs that stand still for it.
 */
#ifndef AXVMM_CORE_DEBUG_H
#define AXVMM_CORE_DEBUG_H

#include <axvmm/debug.h>

#include "core/vcpu.h"

/*
 * Whether the VM is paused and this vCPU is one that a pause holds: then its registers are for any
 * thread. One that halts or is off is held when it wakes. One that ax_vcpu_run() drives is not held.
 */
bool vcpu_is_at_rest(const AxVCpu *vcpu);

/*
 * Whether the vCPU may not go on now: the VM is paused, or it is frozen and the run does not end.
 * Owner.
 */
bool vcpu_must_hold(const AxVCpu *vcpu);

/*
 * The run is about to end with @exit: tell the debugger, and stand still for as long as it wants.
 * Owner, outside of its loop.
 */
void debug_tell_dying(AxVCpu *vcpu, const AxVCpuExitReason *exit);

#endif
