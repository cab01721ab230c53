/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The register table of riscv64, and reading and writing what it lists, one by one.
 */
#include <config.h>

#include <errno.h>

#include "arch/riscv64/riscv.h"
#include "core/error.h"

/* No register of KVM's: x0. */
#define ID_ZERO 0

/* gdb's own numbers: x0 at 0, pc at 32, f0 at 33, CSR n at 65 + n, the privilege level behind. */
#define GDB_PC	     32
#define GDB_CSR(csr) (65 + (csr))
#define GDB_PRIV     (65 + RISCV_CSRS)

#define GPR(name, number)                                    \
	{                                                    \
		name, number, 8, true, RISCV_REG_GPR(number) \
	}
#define CSR(name, number)                                            \
	{                                                            \
#name, GDB_CSR(number), 8, true, RISCV_REG_CSR(name) \
	}
#define CONFIG(name, index)                                 \
	{                                                   \
		name, -1, 8, false, RISCV_REG_CONFIG(index) \
	}
#define TIMER(name, member, settable)                          \
	{                                                      \
		name, -1, 8, settable, RISCV_REG_TIMER(member) \
	}

/* Whether KVM has the guest have an extension: by the numbers of api.rst 4.68. */
#define EXTENSION(name, number)                                        \
	{                                                              \
		"isa." name, -1, 8, false, RISCV_REG_EXTENSION(number) \
	}

/* General purpose registers first, by number; CSR numbers: privileged specification, table 2.3. */
const struct arch_reg arch_regs[] = {
	{ "zero", 0, 8, false, ID_ZERO },
	GPR("ra", 1),
	GPR("sp", RISCV_SP),
	GPR("gp", 3),
	GPR("tp", 4),
	GPR("t0", 5),
	GPR("t1", 6),
	GPR("t2", 7),
	GPR("s0", 8),
	GPR("s1", 9),
	GPR("a0", RISCV_A0),
	GPR("a1", RISCV_A1),
	GPR("a2", 12),
	GPR("a3", 13),
	GPR("a4", 14),
	GPR("a5", 15),
	GPR("a6", 16),
	GPR("a7", 17),
	GPR("s2", 18),
	GPR("s3", 19),
	GPR("s4", 20),
	GPR("s5", 21),
	GPR("s6", 22),
	GPR("s7", 23),
	GPR("s8", 24),
	GPR("s9", 25),
	GPR("s10", 26),
	GPR("s11", 27),
	GPR("t3", 28),
	GPR("t4", 29),
	GPR("t5", 30),
	GPR("t6", 31),
	{ "pc", GDB_PC, 8, true, RISCV_REG_PC },
	CSR(sstatus, 0x100),
	CSR(sie, 0x104),
	CSR(stvec, 0x105),
	CSR(scounteren, 0x106),
	CSR(sscratch, 0x140),
	CSR(sepc, 0x141),
	CSR(scause, 0x142),
	CSR(stval, 0x143),
	CSR(sip, 0x144),
	CSR(satp, 0x180),
	{ "mode", GDB_PRIV, 8, true, RISCV_REG_MODE }, /* 0 U, 1 S */
	CONFIG("isa", KVM_REG_RISCV_CONFIG_REG(isa)),  /* as misa, without its MXL */
	EXTENSION("svpbmt", KVM_RISCV_ISA_EXT_SVPBMT),
	EXTENSION("sstc", KVM_RISCV_ISA_EXT_SSTC),
	EXTENSION("svinval", KVM_RISCV_ISA_EXT_SVINVAL),
	EXTENSION("zbb", SYS_RISCV_ISA_EXT_ZBB),
	EXTENSION("ssaia", SYS_RISCV_ISA_EXT_SSAIA),
	EXTENSION("svnapot", SYS_RISCV_ISA_EXT_SVNAPOT),
	EXTENSION("zba", SYS_RISCV_ISA_EXT_ZBA),
	EXTENSION("zbs", SYS_RISCV_ISA_EXT_ZBS),
	TIMER("timer.frequency", frequency, false),
	TIMER("timer.time", time, false),
	TIMER("timer.compare", compare, true),
	TIMER("timer.state", state, false),
};

const unsigned arch_reg_count = sizeof(arch_regs) / sizeof(arch_regs[0]);

int arch_gpr(unsigned gpr)
{
	return gpr >= 1 && gpr < RISCV_GPRS ? (int)gpr : -1;
}

int arch_return_register(void)
{
	return RISCV_A0;
}

int riscv_try_get(const AxVCpu *vcpu, uint64_t id, uint64_t *value)
{
	struct kvm_one_reg request = { .id = id, .addr = (uintptr_t)value };
	int ret = sys_ioctl_struct(vcpu->fd, KVM_GET_ONE_REG, &request);

	return ret < 0 ? ret : 0;
}

int riscv_try_set(const AxVCpu *vcpu, uint64_t id, uint64_t value)
{
	struct kvm_one_reg request = { .id = id, .addr = (uintptr_t)&value };
	int ret = sys_ioctl_struct(vcpu->fd, KVM_SET_ONE_REG, &request);

	return ret < 0 ? ret : 0;
}

int riscv_get(AxVCpu *vcpu, uint64_t id, uint64_t *value, AxError *err)
{
	int ret = riscv_try_get(vcpu, id, value);

	return ret ? ax_error_sys(err, ret, "KVM_GET_ONE_REG") : 0;
}

int riscv_set(AxVCpu *vcpu, uint64_t id, uint64_t value, AxError *err)
{
	int ret = riscv_try_set(vcpu, id, value);

	return ret ? ax_error_sys(err, ret, "KVM_SET_ONE_REG (KVM refuses the value)") : 0;
}

/* The host lacks the extension, or its kernel has not heard of it. */
static bool is_absent_extension(const struct arch_reg *reg, int ret)
{
	return (reg->id & KVM_REG_RISCV_TYPE_MASK) == KVM_REG_RISCV_ISA_EXT &&
	       (ret == -ENOENT || ret == -EINVAL);
}

int arch_get_reg(AxVCpu *vcpu, const struct arch_reg *reg, uint64_t *value, AxError *err)
{
	int ret;

	*value = 0;
	if (reg->id == ID_ZERO)
		return 0;
	ret = riscv_try_get(vcpu, reg->id, value);
	if (!ret || is_absent_extension(reg, ret))
		return 0;
	return ax_error_sys(err, ret, "KVM_GET_ONE_REG");
}

int arch_set_reg(AxVCpu *vcpu, const struct arch_reg *reg, uint64_t value, AxError *err)
{
	return riscv_set(vcpu, reg->id, value, err);
}
