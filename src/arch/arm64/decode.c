/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which register an MMIO load fills.
 */
#include <config.h>

#include <errno.h>
#include <inttypes.h>

#include "arch/arm64/arm64.h"
#include "core/error.h"
#include "core/exit.h"

int arch_decode_mmio(AxVCpu *vcpu, AxVCpuExitReason *exit, AxError *err)
{
	struct a64_insn insn;
	uint32_t code;
	uint64_t pc;
	int ret = arm64_get(vcpu, ARM64_PC, &pc, err);

	if (!ret)
		ret = arm64_fetch(vcpu, pc, &code, err);
	if (ret == 1)
		return ax_error_argument(err, -EFAULT,
					 "the instruction at 0x%" PRIx64 " can't be read", pc);
	if (ret)
		return ret;
	/* What KVM reports as one access moves one register; others come from access.c. */
	if (!a64_decode(code, &insn) || !insn.is_load || insn.is_vector || insn.count != 1 ||
	    insn.size != exit->mmio_read.len)
		return ax_error_set(err, -ENOTSUP, AX_ERROR_UNSUPPORTED, 0,
				    "the instruction 0x%08" PRIx32
				    " at the guest's PC is no plain load into one register",
				    code);
	exit->mmio_read.reg = insn.regs[0];
	exit->mmio_read.reg_width = exit_width(insn.reg_size);
	exit->mmio_read.signed_ext = insn.is_signed;
	return 0;
}
