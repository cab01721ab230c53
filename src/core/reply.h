/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers to the last exit, for the core's own use: no checks, the caller knows what is pending.
 */
#ifndef AXVMM_CORE_REPLY_H
#define AXVMM_CORE_REPLY_H

#include "core/vcpu.h"

/* A block of AX_ROUTE_BLOCK as it lies in guest memory, little endian: guests/abi.h, section 4. */
struct hypercall_block {
	uint64_t nr;
	uint64_t args[6];
	uint64_t ret;
};

/* Where the elements of the pending port access lie. */
uint8_t *reply_port_bytes(AxVCpu *vcpu);

/* Answer the pending read (of one element). */
void reply_value(AxVCpu *vcpu, uint64_t value);

/*
 * What the guest gets when nobody answers: zero, no fault. Also clears what an earlier exit left in
 * the pages.
 */
void reply_default(AxVCpu *vcpu);

/* Answer the pending hypercall: 0, or -EFAULT: its block is no longer in RAM. */
int reply_hypercall(AxVCpu *vcpu, uint64_t value);

/*
 * Answer the pending hypercall with what the route has for "there is no such call". Returns the
 * value that the guest gets.
 */
uint64_t reply_unknown(AxVCpu *vcpu);

#endif
