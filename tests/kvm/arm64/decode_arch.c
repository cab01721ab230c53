/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the loads of decode_cases.S need, and what they do to their register.
 */
#include "tests/kvm/decode_case.h"

#define AT (CODE_MMIO + DECODE_OFFSET)

enum { X1 = 1, X2 = 2, X3 = 3, X4 = 4, X5 = 5, X6 = 6 };

const unsigned decode_arch_registers = 31;

void decode_arch_prepare(AxVCpu *vcpu, const struct decode_case *which)
{
	AxVCpuSetup setup = AX_VCPU_SETUP_INIT;
	AxError err = AX_ERROR_INIT;

	(void)which;
	setup.entry = CODE_START;
	setup.stack = AT;
	ck_ok(ax_vcpu_setup(vcpu, &setup, &err), err);
}

uint64_t decode_arch_register(const struct decode_case *which, unsigned index, uint64_t junk)
{
	(void)which;
	switch (index) {
	case X1: return AT;
	case X2: return AT - 8;
	case X3: return 8;
	case X4: return UINT64_C(0x5a5a5a5afffffff8); /* as a word: -8 */
	case X5: return AT + 8;
	case X6: return UINT64_C(0x5a5a5a5a00000002);
	default: return junk;
	}
}

/* W registers are filled with zeroes above: DDI 0487, C1.2.5. */
uint64_t decode_arch_result(const struct decode_case *which, uint64_t old, uint64_t loaded,
			    uint64_t *mask)
{
	uint64_t mem_mask = ax_access_width_mask((AxAccessWidth)which->mem_width);
	uint64_t reg_mask = ax_access_width_mask((AxAccessWidth)which->reg_width);
	uint64_t value = loaded & mem_mask;

	(void)old;
	if (which->signed_ext && (value & (mem_mask ^ mem_mask >> 1)))
		value |= ~mem_mask;
	*mask = ~UINT64_C(0);
	return value & reg_mask;
}
