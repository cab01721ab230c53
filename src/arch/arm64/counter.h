/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cheapest clock of this architecture, for what is measured at every exit.
 */
#ifndef AXVMM_ARCH_ARM64_COUNTER_H
#define AXVMM_ARCH_ARM64_COUNTER_H

#include <stdint.h>

/* The virtual counter, CNTVCT_EL0, which Linux lets user space read: Arm ARM, D12.2. */
static inline uint64_t arch_counter(void)
{
	uint64_t value;

	__asm__ volatile("mrs %0, cntvct_el0" : "=r"(value));
	return value;
}

/* Its frequency in Hz: CNTFRQ_EL0. */
static inline uint64_t arch_counter_hz(void)
{
	uint64_t value;

	__asm__ volatile("mrs %0, cntfrq_el0" : "=r"(value));
	return value;
}

#endif
