/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the loads of decode_cases.S need, and what they do to their register.
 */
#include "tests/kvm/decode_case.h"

#define AT (CODE_MMIO + DECODE_OFFSET)

enum { SP = 2, S0 = 8, S1 = 9, A0 = 10, A3 = 13, A4 = 14 };

const unsigned decode_arch_registers = 32;

void decode_arch_prepare(AxVCpu *vcpu, const struct decode_case *which)
{
	AxVCpuSetup setup = AX_VCPU_SETUP_INIT;
	AxError err = AX_ERROR_INIT;

	(void)which;
	setup.entry = CODE_START;
	ck_ok(ax_vcpu_setup(vcpu, &setup, &err), err);
}

uint64_t decode_arch_register(const struct decode_case *which, unsigned index, uint64_t junk)
{
	(void)which;
	switch (index) {
	case 0: return 0;
	case SP:
	case A0: return AT;
	case S0: return AT - 2047;
	case S1: return AT + 2048;
	case A3: return AT - 124;
	case A4: return AT - 248;
	default: return junk;
	}
}

/* All loads fill the whole register: unprivileged specification, 5.3. */
uint64_t decode_arch_result(const struct decode_case *which, uint64_t old, uint64_t loaded,
			    uint64_t *mask)
{
	uint64_t mem_mask = ax_access_width_mask((AxAccessWidth)which->mem_width);
	uint64_t value = loaded & mem_mask;

	if (which->signed_ext && (value & (mem_mask ^ mem_mask >> 1)))
		value |= ~mem_mask;
	*mask = ~UINT64_C(0);
	return which->reg ? value : old;
}
