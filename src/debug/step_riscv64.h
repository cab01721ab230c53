/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a hart may be after one instruction: KVM on riscv64 has no single-step. Pure.
 * Source: RISC-V unprivileged specification, 2.5 (jumps, branches), 8.2 (LR/SC), 16.4 (compressed);
 * privileged specification 1.12, 3.3.2 (SRET), 4.1.2 (stvec).
 */
#ifndef AXVMM_DEBUG_STEP_RISCV64_H
#define AXVMM_DEBUG_STEP_RISCV64_H

#include <stdbool.h>
#include <stdint.h>

#define STEP_PLACES_MAX 8

struct riscv_hart {
	uint64_t x[32];
	uint64_t pc;
	uint64_t sepc;
	uint64_t stvec;
	bool is_user;
	/* Instruction bytes at @address, at most 4: how many could be read. */
	unsigned (*fetch)(void *opaque, uint64_t address, uint8_t bytes[4]);
	void *opaque;
};

/*
 * The addresses of which the hart reaches one next, if no interrupt or fault comes before: it comes
 * back from these. What begins with LR is stepped over up to behind its SC, because a stop in between
 * would undo the reservation for ever.
 *
 * @return how many; 0: the instruction cannot be read
 */
unsigned riscv_next(const struct riscv_hart *hart, uint64_t places[STEP_PLACES_MAX]);

#endif
