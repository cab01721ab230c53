/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cheapest clock of this architecture, for what is measured at every exit.
 */
#ifndef AXVMM_ARCH_RISCV64_COUNTER_H
#define AXVMM_ARCH_RISCV64_COUNTER_H

#include <stdint.h>

/* The CSR time, which Linux lets user space read: unprivileged specification, 8.1 (Zicntr). */
static inline uint64_t arch_counter(void)
{
	uint64_t value;

	__asm__ volatile("rdtime %0" : "=r"(value));
	return value;
}

/* Its frequency in Hz; 0: nobody says. */
static inline uint64_t arch_counter_hz(void)
{
	return 0;
}

#endif
