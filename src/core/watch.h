/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the loop calls while an observer or a trace watches.
 */
#ifndef AXVMM_CORE_WATCH_H
#define AXVMM_CORE_WATCH_H

#include "core/vcpu.h"

/*
 * One or more exits, the last of which is in @exit, each told to those who watch. Owner, inside its
 * loop, when vcpu->snapshot->is_watched. Returns its AxHandled, or a negative errno.
 */
int watch_exit(AxVCpu *vcpu, AxVCpuExitReason *exit, AxError *err);

#endif
