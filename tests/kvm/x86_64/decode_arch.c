/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the loads of decode_cases.S need, and what they do to their register.
 */
#include "tests/kvm/decode_case.h"

#define AT (CODE_MMIO + DECODE_OFFSET)

enum { RBX = 3, RSP = 4, RBP = 5, RSI = 6, RDI = 7, R12 = 12, R13 = 13 };

const unsigned decode_arch_registers = 16;

void decode_arch_prepare(AxVCpu *vcpu, const struct decode_case *which)
{
	AxVCpuSetup setup = AX_VCPU_SETUP_INIT;
	AxError err = AX_ERROR_INIT;

	code_arch_setup(0, &setup);
	setup.mode = which->mode;
	setup.entry = CODE_START;
	ck_ok(ax_vcpu_setup(vcpu, &setup, &err), err);
	if (which->mode != AX_MODE_REAL)
		return;
	ck_ok(ax_vcpu_set_reg(vcpu, "ds", CODE_MMIO >> 4, &err), err);
	ck_ok(ax_vcpu_set_reg(vcpu, "ds.base", CODE_MMIO, &err), err);
}

uint64_t decode_arch_register(const struct decode_case *which, unsigned index, uint64_t junk)
{
	if (index == RDI)
		return 2;
	if (which->mode == AX_MODE_REAL)
		return index == RSI || index == RBX ? DECODE_OFFSET : junk;
	switch (index) {
	case RSP:
	case RBP:
	case RSI:
	case R12:
	case R13: return AT;
	default: return junk;
	}
}

/*
 * SDM 1, 3.4.1.1: 32-bit results are zero-extended in 64-bit mode; 16-bit and 8-bit ones leave the
 * rest alone.
 */
uint64_t decode_arch_result(const struct decode_case *which, uint64_t old, uint64_t loaded,
			    uint64_t *mask)
{
	uint64_t mem_mask = ax_access_width_mask((AxAccessWidth)which->mem_width);
	uint64_t reg_mask = ax_access_width_mask((AxAccessWidth)which->reg_width);
	uint64_t value = loaded & mem_mask;

	if (which->signed_ext && (value & (mem_mask ^ mem_mask >> 1)))
		value |= ~mem_mask;
	value &= reg_mask;
	if (which->reg_width < AX_WIDTH_DWORD)
		value |= old & ~reg_mask;
	/* Outside of 64-bit mode nobody can see the upper halves. */
	*mask = which->mode == AX_MODE_LONG ? ~UINT64_C(0) : UINT32_MAX;
	return value;
}
