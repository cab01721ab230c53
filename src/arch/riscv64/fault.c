/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fault that a missing CSR gives: KVM knows only how to complete the access, so it does, and this
 * takes it back and traps the guest as the hart would have.
 */
#include <config.h>

#include <errno.h>
#include <string.h>

#include "arch/riscv64/decode.h"

/* What completing the access may change: one general purpose register, and PC. */
struct saved {
	uint64_t gpr[RISCV_GPRS];
	uint64_t pc;
};

static int save(AxVCpu *vcpu, struct saved *saved, AxError *err)
{
	int ret = riscv_get(vcpu, RISCV_REG_PC, &saved->pc, err);

	for (unsigned i = 1; !ret && i < RISCV_GPRS; i++)
		ret = riscv_get(vcpu, RISCV_REG_GPR(i), &saved->gpr[i], err);
	return ret;
}

static int restore(AxVCpu *vcpu, const struct saved *saved, AxError *err)
{
	uint64_t value;
	int ret = 0;

	for (unsigned i = 1; !ret && i < RISCV_GPRS; i++) {
		ret = riscv_get(vcpu, RISCV_REG_GPR(i), &value, err);
		if (!ret && value != saved->gpr[i])
			ret = riscv_set(vcpu, RISCV_REG_GPR(i), saved->gpr[i], err);
	}
	return ret;
}

/* stval: the instruction's bits, or 0 where they can't be read (privileged specification, 4.1.9). */
static int instruction_bits(AxVCpu *vcpu, uint64_t *bits, AxError *err)
{
	struct riscv_fetch fetch;
	int ret = riscv_fetch(vcpu, &fetch, err);

	*bits = 0;
	if (ret == -EFAULT)
		return 0;
	if (!ret)
		memcpy(bits, fetch.bytes, fetch.count);
	return ret;
}

/* Privileged specification, 4.1.1: what a trap to supervisor mode does to sstatus. */
static uint64_t trapped_status(uint64_t status, uint64_t mode)
{
	uint64_t after =
		status & ~(uint64_t)(RISCV_SSTATUS_SIE | RISCV_SSTATUS_SPIE | RISCV_SSTATUS_SPP);

	if (status & RISCV_SSTATUS_SIE)
		after |= RISCV_SSTATUS_SPIE;
	if (mode == KVM_RISCV_MODE_S)
		after |= RISCV_SSTATUS_SPP;
	return after;
}

int riscv_trap(AxVCpu *vcpu, uint64_t cause, uint64_t value, uint64_t pc, AxError *err)
{
	uint64_t status = 0, mode = 0, vector = 0;
	int ret = riscv_get(vcpu, RISCV_REG_CSR(sstatus), &status, err);

	if (!ret)
		ret = riscv_get(vcpu, RISCV_REG_MODE, &mode, err);
	if (!ret)
		ret = riscv_get(vcpu, RISCV_REG_CSR(stvec), &vector, err);
	if (!ret)
		ret = riscv_set(vcpu, RISCV_REG_CSR(sepc), pc, err);
	if (!ret)
		ret = riscv_set(vcpu, RISCV_REG_CSR(scause), cause, err);
	if (!ret)
		ret = riscv_set(vcpu, RISCV_REG_CSR(stval), value, err);
	if (!ret)
		ret = riscv_set(vcpu, RISCV_REG_CSR(sstatus), trapped_status(status, mode), err);
	if (!ret)
		ret = riscv_set(vcpu, RISCV_REG_MODE, KVM_RISCV_MODE_S, err);
	/* Exceptions go to the base, vectored or not. */
	return ret ? ret : riscv_set(vcpu, RISCV_REG_PC, vector & RISCV_STVEC_BASE, err);
}

int riscv_raise_illegal(AxVCpu *vcpu, AxVCpuExitReason *exit, AxError *err)
{
	struct saved saved;
	uint64_t bits;
	int ret = instruction_bits(vcpu, &bits, err);

	if (!ret)
		ret = save(vcpu, &saved, err);
	if (!ret)
		ret = vcpu_flush(vcpu, exit, err);
	if (ret)
		return ret;
	ret = restore(vcpu, &saved, err);
	return ret ? ret : riscv_trap(vcpu, RISCV_CAUSE_ILLEGAL_INSTRUCTION, bits, saved.pc, err);
}
