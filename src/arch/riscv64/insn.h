/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decoding the instructions that access memory: RV64GC with Zcb, and enough of the others to name
 * them. Pure; compiled and tested on every host.
 */
#ifndef AXVMM_ARCH_RISCV64_INSN_H
#define AXVMM_ARCH_RISCV64_INSN_H

#include <stddef.h>
#include <stdint.h>

#include <axvmm/exit.h>

enum riscv_access {
	RISCV_NO_ACCESS, /* another instruction, or none at all */
	RISCV_LOAD,
	RISCV_STORE,
	RISCV_FP_LOAD,
	RISCV_FP_STORE,
	RISCV_VECTOR, /* a vector load or store: neither reg nor width */
	RISCV_ATOMIC, /* LR, SC, AMO; reg is rd */
};

struct riscv_insn {
	enum riscv_access access;
	unsigned length;     /* bytes: 2 or 4; 0: the instruction is longer, or cut off */
	unsigned reg;	     /* the register that is filled or stored: x or, of FP ones, f */
	AxAccessWidth width; /* in memory */
	bool signed_ext;     /* a load that extends its sign to 64 bits */
};

/*
 * Decode one instruction.
 *
 * @bytes, @count  from its beginning; four are enough
 * @insn           filled, whatever the bytes are
 *
 * Source: unprivileged specification 20191213, tables 24.1 and 24.2 and 16.5; Zcb of "Code Size
 * Reduction" 1.0.4; Zfh.
 */
void riscv_decode(const uint8_t *bytes, size_t count, struct riscv_insn *insn);

#endif
