/* SPDX-License-Identifier: Apache-2.0 */
/*
 * riscv64 as gdb knows it: the features org.gnu.gdb.riscv.cpu, .fpu, .csr and .virtual. G.5.11, "RISC-V
 * Features". gdb calls s0 fp.
 */
#include <string.h>

#include "debug/target.h"

#define X(text)                                                                \
	{                                                                      \
		.name = text, .bits = 64, .source = REG_NAMED, .type = "int64" \
	}
#define F(text, number)                                                          \
	{                                                                        \
		.name = text, .bits = 64, .source = REG_VECTOR, .index = number, \
		.type = "ieee_double"                                            \
	}
#define CSR(text)                                                             \
	{                                                                     \
		.name = text, .bits = 64, .source = REG_NAMED, .group = "csr" \
	}

static const struct gdb_reg regs[] = {
	{ .name = "zero", .bits = 64, .type = "int64", .feature = "org.gnu.gdb.riscv.cpu" },
	{ .name = "ra", .bits = 64, .type = "code_ptr" },
	{ .name = "sp", .bits = 64, .type = "data_ptr" },
	{ .name = "gp", .bits = 64, .type = "data_ptr" },
	{ .name = "tp", .bits = 64, .type = "data_ptr" },
	X("t0"),
	X("t1"),
	X("t2"),
	{ .name = "fp", .bits = 64, .type = "data_ptr", .from = "s0" },
	X("s1"),
	X("a0"),
	X("a1"),
	X("a2"),
	X("a3"),
	X("a4"),
	X("a5"),
	X("a6"),
	X("a7"),
	X("s2"),
	X("s3"),
	X("s4"),
	X("s5"),
	X("s6"),
	X("s7"),
	X("s8"),
	X("s9"),
	X("s10"),
	X("s11"),
	X("t3"),
	X("t4"),
	X("t5"),
	X("t6"),
	{ .name = "pc", .bits = 64, .type = "code_ptr" },
	{ .name = "ft0",
	  .bits = 64,
	  .source = REG_VECTOR,
	  .type = "ieee_double",
	  .feature = "org.gnu.gdb.riscv.fpu" },
	F("ft1", 1),
	F("ft2", 2),
	F("ft3", 3),
	F("ft4", 4),
	F("ft5", 5),
	F("ft6", 6),
	F("ft7", 7),
	F("fs0", 8),
	F("fs1", 9),
	F("fa0", 10),
	F("fa1", 11),
	F("fa2", 12),
	F("fa3", 13),
	F("fa4", 14),
	F("fa5", 15),
	F("fa6", 16),
	F("fa7", 17),
	F("fs2", 18),
	F("fs3", 19),
	F("fs4", 20),
	F("fs5", 21),
	F("fs6", 22),
	F("fs7", 23),
	F("fs8", 24),
	F("fs9", 25),
	F("fs10", 26),
	F("fs11", 27),
	F("ft8", 28),
	F("ft9", 29),
	F("ft10", 30),
	F("ft11", 31),
	{ .name = "fflags", .bits = 32, .source = REG_FCSR_FIELD, .index = 0 },
	{ .name = "frm", .bits = 32, .source = REG_FCSR_FIELD, .index = 1 },
	{ .name = "fcsr", .bits = 32, .source = REG_CONTROL },
	{ .name = "sstatus", .bits = 64, .group = "csr", .feature = "org.gnu.gdb.riscv.csr" },
	CSR("sie"),
	CSR("stvec"),
	CSR("scounteren"),
	CSR("sscratch"),
	CSR("sepc"),
	CSR("scause"),
	CSR("stval"),
	CSR("sip"),
	CSR("satp"),
	{ .name = "priv", .bits = 64, .from = "mode", .feature = "org.gnu.gdb.riscv.virtual" },
};

/* C.EBREAK and EBREAK: unprivileged specification, 16.8 and 2.8. */
static size_t breakpoint(uint64_t kind, uint8_t bytes[4])
{
	static const uint8_t ebreak[] = { 0x73, 0x00, 0x10, 0x00 };
	static const uint8_t c_ebreak[] = { 0x02, 0x90 };

	if (kind == 2)
		memcpy(bytes, c_ebreak, sizeof(c_ebreak));
	else
		memcpy(bytes, ebreak, sizeof(ebreak));
	return kind == 2 || kind == 4 ? (size_t)kind : 0;
}

static void reason(const AxExitDebug *debug, struct stop_reason *reason)
{
	(void)debug;
	*reason = (struct stop_reason){ .cause = CAUSE_INSTRUCTION, .index = -1 };
}

const struct gdb_target gdb_target_riscv64 = {
	.name = "riscv64",
	.gdb_name = "riscv:rv64",
	.regs = regs,
	.count = sizeof(regs) / sizeof(regs[0]),
	.pc = 32,
	.types = "",
	.breakpoint = breakpoint,
	.reason = reason,
	.watch_is_after = false,
};
