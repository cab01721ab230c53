/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decoding: from what KVM_RUN left behind to an AxVCpuExitReason. Pure; compiled and tested on
 * every host.
 */
#ifndef AXVMM_CORE_EXIT_H
#define AXVMM_CORE_EXIT_H

#include <axvmm/exit.h>

#include "sys/sys.h"

/* Flags of a row: what has to be done before the decoded exit is complete. */
#define EXIT_FINISH (1u << 0) /* arch_finish_exit() */

/*
 * Decode one return of KVM_RUN.
 *
 * @rc        0 or a negative errno, but not -EINTR: exit_reason is stale then
 * @run       the shared pages
 * @run_size  their size in bytes; offsets that KVM gives are checked against it
 * @exit      filled on success; .vcpu is left alone
 * @flags     EXIT_* of the row, filled on success
 * @return 0, or @rc when it is a failure of the host, which is no exit
 */
int exit_decode(int rc, const struct kvm_run *run, size_t run_size, AxVCpuExitReason *exit,
		unsigned *flags);

/* The largest KVM exit number that has a row of its own. For the test that walks the table. */
extern const unsigned exit_last_row;

/* Whether @size bytes are the size of a width: 1, 2, 4, 8. */
static inline bool exit_is_width(unsigned size)
{
	return size <= 8 && ((1u << size) & (1u << 1 | 1u << 2 | 1u << 4 | 1u << 8));
}

/* The width of a size for which exit_is_width() holds. */
static inline AxAccessWidth exit_width(unsigned size)
{
	return (AxAccessWidth)__builtin_ctz(size);
}

/* All bits of @len bytes, 1 to 8. */
static inline uint64_t exit_mask(unsigned len)
{
	return ~UINT64_C(0) >> (64 - 8 * len);
}

#endif
