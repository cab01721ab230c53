/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory as the guest sees it: KVM_TRANSLATE is not implemented on arm64, so the tables are walked
 * here.
 */
#include <config.h>

#include <errno.h>
#include <inttypes.h>

#include <axvmm/memory.h>

#include "arch/arm64/arm64.h"
#include "arch/arm64/walk.h"
#include "core/error.h"

/* The smallest page: what lies in one is mapped as one. */
#define PAGE 4096

/* With the MMU off one register is all that is read. */
static int get_regime(AxVCpu *vcpu, struct a64_regime *regime, AxError *err)
{
	int ret = arm64_get(vcpu, ARM64_SCTLR_EL1, &regime->sctlr, err);

	if (ret || !(regime->sctlr & A64_SCTLR_M))
		return ret;
	ret = arm64_get(vcpu, ARM64_TCR_EL1, &regime->tcr, err);
	if (!ret)
		ret = arm64_get(vcpu, ARM64_TTBR0_EL1, &regime->ttbr[0], err);
	if (!ret)
		ret = arm64_get(vcpu, ARM64_TTBR1_EL1, &regime->ttbr[1], err);
	return ret;
}

static bool read_descriptor(void *opaque, uint64_t ipa, uint64_t *value)
{
	return !ax_mem_read(opaque, ipa, value, sizeof(*value));
}

int arch_translate(AxVCpu *vcpu, uint64_t addr, uint64_t *gpa, AxError *err)
{
	struct a64_regime regime = { 0 };
	int ret = get_regime(vcpu, &regime, err);

	if (ret)
		return ret;
	return a64_walk(&regime, addr, read_descriptor, vcpu->vm, gpa) ? 0 : -EFAULT;
}

int arch_read_virtual(AxVCpu *vcpu, uint64_t addr, void *buffer, size_t len, AxError *err)
{
	struct a64_regime regime = { 0 };
	size_t done = 0;
	int ret = get_regime(vcpu, &regime, err);

	if (ret)
		return ret;
	if (len > INT32_MAX)
		len = INT32_MAX;
	while (done < len) {
		size_t piece = PAGE - (size_t)((addr + done) % PAGE);
		uint64_t ipa;

		if (piece > len - done)
			piece = len - done;
		if (!a64_walk(&regime, addr + done, read_descriptor, vcpu->vm, &ipa) ||
		    ax_mem_read(vcpu->vm, ipa, (char *)buffer + done, piece))
			break;
		done += piece;
	}
	if (len && !done)
		return ax_error_argument(err, -EFAULT,
					 "no RAM is mapped at virtual address 0x%" PRIx64, addr);
	return (int)done;
}

int arm64_fetch(AxVCpu *vcpu, uint64_t pc, uint32_t *insn, AxError *err)
{
	AxError ignored = AX_ERROR_INIT;
	int ret = arch_read_virtual(vcpu, pc, insn, sizeof(*insn), &ignored);

	if (ret == (int)sizeof(*insn))
		return 0;
	if (ret >= 0 || ret == -EFAULT)
		return 1;
	if (err)
		*err = ignored;
	return ret;
}
