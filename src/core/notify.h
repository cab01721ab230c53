/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Notifications that KVM does not carry: what the dispatch asks about a guest's write.
 */
#ifndef AXVMM_CORE_NOTIFY_H
#define AXVMM_CORE_NOTIFY_H

#include "core/range.h"
#include "core/vcpu.h"

/*
 * A guest writes @width_bytes (1 to 8) of @value at @addr: true when a notification of the vCPU's
 * snapshot took the write. Its eventfd has been written then, and the write goes no further. Owner,
 * in the loop.
 */
bool notify_soft_write(AxVCpu *vcpu, enum range_space space, uint64_t addr, unsigned width_bytes,
		       uint64_t value);

/*
 * Whether a write anywhere in base .. base + length (not 0, not wrapping) could be one for
 * notify_soft_write(): the range cache stays away from such ranges.
 */
bool notify_overlaps(const struct snapshot *snapshot, enum range_space space, uint64_t base,
		     uint64_t length);

/* The same about all notifications, KVM's too. vm->lock is held. */
bool notify_within(AxVm *vm, enum range_space space, uint64_t base, uint64_t length);

#endif
