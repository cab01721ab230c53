/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the loop calls while an observer or a trace watches.
 */
#ifndef AXVMM_CORE_WATCH_H
#define AXVMM_CORE_WATCH_H

#include "core/vcpu.h"

/* When the handler of a collected write was called. */
struct watch_times {
	uint64_t counter;
	uint64_t ns;
};

/*
 * One or more exits, the last of which is in @exit, each told to those who watch. Owner, inside its
 * loop, when its snapshot has an observer or a trace. Returns its AxHandled, or a negative errno.
 */
int watch_exit(AxVCpu *vcpu, AxVCpuExitReason *exit, AxError *err);

/*
 * Around the handler of a write that KVM had collected (coalesce.h): those who watch see it as the exit
 * that it would have been. An observer is told that it took KVM no time; in a trace the first one found
 * has the time of KVM_RUN. Nothing when nobody watches. Owner, in its loop.
 */
void watch_collected_begin(const AxVCpu *vcpu, struct watch_times *times);
void watch_collected_end(AxVCpu *vcpu, const struct watch_times *times,
			 const AxVCpuExitReason *exit, int handled);

#endif
