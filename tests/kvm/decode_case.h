/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Load instructions with what is known about them: the architecture's table for the test of
 * ax_vcpu_decode_mmio().
 *
 * Each is one instruction that reads at CODE_MMIO + DECODE_OFFSET when the registers are as
 * decode_arch_register() says and decode_arch_prepare() has done the rest.
 */
#ifndef AXVMM_TESTS_KVM_DECODE_CASE_H
#define AXVMM_TESTS_KVM_DECODE_CASE_H

/* Where in the MMIO range all of them read. */
#define DECODE_OFFSET 0x10

/*
 * decode_case.reg of an instruction that has no single register to fill, or fills it with something
 * else.
 */
#define DECODE_NONE 0xff

#ifndef __ASSEMBLER__

#include "code.h"

struct decode_case {
	const uint8_t *bytes;
	const char *text;  /* the instruction in the assembler's words */
	uint32_t size;	   /* of the instruction, in bytes */
	uint8_t mode;	   /* an AxCpuMode */
	uint8_t reg;	   /* as in ax_vcpu_get_gpr(), or DECODE_NONE */
	uint8_t mem_width; /* an AxAccessWidth: what is read */
	uint8_t reg_width; /* an AxAccessWidth: what of the register is filled */
	uint8_t signed_ext;
	uint8_t reserved[7];
};

/* Ends with bytes NULL. */
extern const struct decode_case decode_cases[];

/* Set what else the case needs, beside the general purpose registers. The vCPU is in state Free. */
void decode_arch_prepare(AxVCpu *vcpu, const struct decode_case *which);

/* Registers from 0 up to this. */
extern const unsigned decode_arch_registers;

/* The value of register @index at the start: either for addressing, or @junk. */
uint64_t decode_arch_register(const struct decode_case *which, unsigned index, uint64_t junk);

/*
 * What @old becomes when the case loads @loaded (of mem_width) into it; bits in *mask are defined.
 */
uint64_t decode_arch_result(const struct decode_case *which, uint64_t old, uint64_t loaded,
			    uint64_t *mask);

#endif /* __ASSEMBLER__ */

#endif
