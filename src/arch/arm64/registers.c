/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The register table of arm64, and reading and writing what it lists.
 */
#include <config.h>

#include <string.h>

#include "arch/arm64/arm64.h"
#include "core/error.h"

/* In the place of KVM's number: the stack pointer that PSTATE selects. */
#define SELECTED_SP 0

#define CORE(name, member, gdb)                        \
	{                                              \
		name, gdb, 8, true, ARM64_CORE(member) \
	}
#define X(number) CORE("x" #number, regs.regs[number], number)
#define SYSTEM(name, op0, op1, crn, crm, op2)                             \
	{                                                                 \
		name, -1, 8, true, ARM64_SYS_REG(op0, op1, crn, crm, op2) \
	}
#define CONSTANT(name, op0, op1, crn, crm, op2)                            \
	{                                                                  \
		name, -1, 8, false, ARM64_SYS_REG(op0, op1, crn, crm, op2) \
	}
#define FP_STATUS(name, member, gdb)                                          \
	{                                                                     \
		name, gdb, 4, true,                                           \
			KVM_REG_ARM64 | KVM_REG_SIZE_U32 | KVM_REG_ARM_CORE | \
				KVM_REG_ARM_CORE_REG(member)                  \
	}

/*
 * gdb numbers: gdb/features/aarch64-core.xml and aarch64-fpu.xml. Encodings: DDI 0487, D19.2. KVM has
 * the timer's registers under numbers of their own, for it once mixed two of them up: api.rst 4.68.
 */
const struct arch_reg arch_regs[] = {
	X(0),
	X(1),
	X(2),
	X(3),
	X(4),
	X(5),
	X(6),
	X(7),
	X(8),
	X(9),
	X(10),
	X(11),
	X(12),
	X(13),
	X(14),
	X(15),
	X(16),
	X(17),
	X(18),
	X(19),
	X(20),
	X(21),
	X(22),
	X(23),
	X(24),
	X(25),
	X(26),
	X(27),
	X(28),
	X(29),
	X(30),
	{ "sp", 31, 8, true, SELECTED_SP },
	CORE("pc", regs.pc, 32),
	{ "cpsr", 33, 4, true, ARM64_PSTATE },
	CORE("sp_el0", regs.sp, -1),
	CORE("sp_el1", sp_el1, -1),
	CORE("elr_el1", elr_el1, -1),
	CORE("spsr_el1", spsr[KVM_SPSR_EL1], -1),
	FP_STATUS("fpsr", fp_regs.fpsr, 66),
	FP_STATUS("fpcr", fp_regs.fpcr, 67),
	CONSTANT("midr_el1", 3, 0, 0, 0, 0),
	CONSTANT("mpidr_el1", 3, 0, 0, 0, 5),
	SYSTEM("sctlr_el1", 3, 0, 1, 0, 0),
	SYSTEM("cpacr_el1", 3, 0, 1, 0, 2),
	SYSTEM("ttbr0_el1", 3, 0, 2, 0, 0),
	SYSTEM("ttbr1_el1", 3, 0, 2, 0, 1),
	SYSTEM("tcr_el1", 3, 0, 2, 0, 2),
	SYSTEM("esr_el1", 3, 0, 5, 2, 0),
	SYSTEM("far_el1", 3, 0, 6, 0, 0),
	SYSTEM("par_el1", 3, 0, 7, 4, 0),
	SYSTEM("mair_el1", 3, 0, 10, 2, 0),
	SYSTEM("vbar_el1", 3, 0, 12, 0, 0),
	SYSTEM("contextidr_el1", 3, 0, 13, 0, 1),
	SYSTEM("tpidr_el0", 3, 3, 13, 0, 2),
	SYSTEM("tpidrro_el0", 3, 3, 13, 0, 3),
	SYSTEM("tpidr_el1", 3, 0, 13, 0, 4),
	SYSTEM("cntkctl_el1", 3, 0, 14, 1, 0),
	SYSTEM("mdscr_el1", 2, 0, 0, 2, 2),
	{ "cntv_ctl_el0", -1, 8, true, KVM_REG_ARM_TIMER_CTL },
	{ "cntv_cval_el0", -1, 8, true, KVM_REG_ARM_TIMER_CVAL },
	{ "cntvct_el0", -1, 8, false, KVM_REG_ARM_TIMER_CNT },
};

const unsigned arch_reg_count = sizeof(arch_regs) / sizeof(arch_regs[0]);

/* x0 to x30 */
#define GPR_COUNT 31

int arch_gpr(unsigned gpr)
{
	return gpr < GPR_COUNT ? (int)gpr : -1;
}

int arch_return_register(void)
{
	return 0; /* x0 */
}

static int one_reg(AxVCpu *vcpu, bool set, uint64_t id, void *bytes, AxError *err)
{
	struct kvm_one_reg reg = { .id = id, .addr = (uintptr_t)bytes };
	int ret = set ? sys_ioctl_struct(vcpu->fd, KVM_SET_ONE_REG, &reg)
		      : sys_ioctl_struct(vcpu->fd, KVM_GET_ONE_REG, &reg);

	if (ret < 0)
		return ax_error_sys(err, ret, set ? "KVM_SET_ONE_REG" : "KVM_GET_ONE_REG");
	return 0;
}

int arm64_get(AxVCpu *vcpu, uint64_t id, uint64_t *value, AxError *err)
{
	*value = 0;
	return one_reg(vcpu, false, id, value, err);
}

int arm64_set(AxVCpu *vcpu, uint64_t id, uint64_t value, AxError *err)
{
	return one_reg(vcpu, true, id, &value, err);
}

/* Each takes the room of four of the units in which KVM counts. */
static uint64_t vector_id(unsigned number)
{
	return KVM_REG_ARM64 | KVM_REG_SIZE_U128 | KVM_REG_ARM_CORE |
	       (KVM_REG_ARM_CORE_REG(fp_regs.vregs[0]) + 4 * (uint64_t)number);
}

int arm64_get_vector(AxVCpu *vcpu, unsigned number, uint8_t bytes[16], AxError *err)
{
	return one_reg(vcpu, false, vector_id(number), bytes, err);
}

int arm64_set_vector(AxVCpu *vcpu, unsigned number, const uint8_t bytes[16], AxError *err)
{
	uint8_t copy[16];

	memcpy(copy, bytes, sizeof(copy));
	return one_reg(vcpu, true, vector_id(number), copy, err);
}

uint64_t arm64_stack_pointer(uint64_t pstate)
{
	return (pstate & PSTATE_MODE) == PSTATE_EL1H ? ARM64_SP_EL1 : ARM64_SP_EL0;
}

/* KVM's number of a register of the table. */
static int id_of(AxVCpu *vcpu, const struct arch_reg *reg, uint64_t *id, AxError *err)
{
	uint64_t pstate;
	int ret;

	*id = reg->id;
	if (reg->id != SELECTED_SP)
		return 0;
	ret = arm64_get(vcpu, ARM64_PSTATE, &pstate, err);
	*id = arm64_stack_pointer(pstate);
	return ret;
}

int arch_get_reg(AxVCpu *vcpu, const struct arch_reg *reg, uint64_t *value, AxError *err)
{
	uint64_t id;
	int ret = id_of(vcpu, reg, &id, err);

	return ret ? ret : arm64_get(vcpu, id, value, err);
}

int arch_set_reg(AxVCpu *vcpu, const struct arch_reg *reg, uint64_t value, AxError *err)
{
	uint64_t id;
	int ret = id_of(vcpu, reg, &id, err);

	return ret ? ret : arm64_set(vcpu, id, value, err);
}
