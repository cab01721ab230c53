/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cheapest clock of this architecture, for what is measured at every exit.
 */
#ifndef AXVMM_ARCH_X86_64_COUNTER_H
#define AXVMM_ARCH_X86_64_COUNTER_H

#include <stdint.h>

/*
 * The time stamp counter: SDM 3B, 18.17. Not serialising: a few instructions more or less do not
 * matter here.
 */
static inline uint64_t arch_counter(void)
{
	return __builtin_ia32_rdtsc();
}

/* Its frequency in Hz; 0: nobody says. */
static inline uint64_t arch_counter_hz(void)
{
	return 0;
}

#endif
