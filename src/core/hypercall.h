/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hypercalls by a block in guest memory: AX_ROUTE_BLOCK.
 */
#ifndef AXVMM_CORE_HYPERCALL_H
#define AXVMM_CORE_HYPERCALL_H

#include "core/vcpu.h"

/*
 * When @exit is a write that announces a hypercall block, and the block is sane, make it the
 * Hypercall that it means. Otherwise @exit stays as it is. Owner, after the exit has been noted as
 * pending.
 */
void hypercall_from_block(AxVCpu *vcpu, AxVCpuExitReason *exit);

#endif
