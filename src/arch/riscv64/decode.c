/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which register a load fills, from the instruction at the guest's PC; see decode.h.
 */
#include <config.h>

#include <errno.h>

#include "arch/riscv64/decode.h"
#include "core/error.h"

int riscv_fetch(AxVCpu *vcpu, struct riscv_fetch *fetch, AxError *err)
{
	int ret = riscv_get(vcpu, RISCV_REG_PC, &fetch->pc, err);

	if (ret)
		return ret;
	ret = arch_read_virtual(vcpu, fetch->pc, fetch->bytes, sizeof(fetch->bytes), err);
	if (ret < 0)
		return ret;
	fetch->count = (size_t)ret;
	return 0;
}

static const char *name_access(enum riscv_access access)
{
	switch (access) {
	case RISCV_FP_LOAD: return "a floating-point load";
	case RISCV_ATOMIC: return "an atomic access";
	case RISCV_VECTOR: return "a vector access";
	default: return "no load";
	}
}

int arch_decode_mmio(AxVCpu *vcpu, AxVCpuExitReason *exit, AxError *err)
{
	struct riscv_fetch fetch;
	struct riscv_insn insn;
	int ret = riscv_fetch(vcpu, &fetch, err);

	if (ret)
		return ret;
	riscv_decode(fetch.bytes, fetch.count, &insn);
	if (insn.access != RISCV_LOAD || ax_access_width_size(insn.width) != exit->mmio_read.len)
		return ax_error_set(err, -ENOTSUP, AX_ERROR_UNSUPPORTED, 0,
				    "the instruction at the guest's PC (%02x %02x ...) is %s",
				    fetch.bytes[0], fetch.count > 1 ? fetch.bytes[1] : 0,
				    insn.access == RISCV_LOAD ? "a load of another width"
							      : name_access(insn.access));
	exit->mmio_read.reg = insn.reg;
	exit->mmio_read.reg_width = AX_WIDTH_QWORD; /* all loads fill the whole register */
	exit->mmio_read.signed_ext = insn.signed_ext;
	return 0;
}
