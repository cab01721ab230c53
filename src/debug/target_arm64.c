/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arm64 as gdb knows it: the features org.gnu.gdb.aarch64.core and .fpu, and the system registers of
 * this project's own. G.5.1, "AArch64 Features".
 */
#include <string.h>

#include "debug/target.h"

#define X(text)                                                                \
	{                                                                      \
		.name = text, .bits = 64, .source = REG_NAMED, .type = "int64" \
	}
#define V(text, number)                                                           \
	{                                                                         \
		.name = text, .bits = 128, .source = REG_VECTOR, .index = number, \
		.type = "aarch64v"                                                \
	}
#define SYSTEM(text)                                                             \
	{                                                                        \
		.name = text, .bits = 64, .source = REG_NAMED, .group = "system" \
	}

static const struct gdb_reg regs[] = {
	{ .name = "x0", .bits = 64, .type = "int64", .feature = "org.gnu.gdb.aarch64.core" },
	X("x1"),
	X("x2"),
	X("x3"),
	X("x4"),
	X("x5"),
	X("x6"),
	X("x7"),
	X("x8"),
	X("x9"),
	X("x10"),
	X("x11"),
	X("x12"),
	X("x13"),
	X("x14"),
	X("x15"),
	X("x16"),
	X("x17"),
	X("x18"),
	X("x19"),
	X("x20"),
	X("x21"),
	X("x22"),
	X("x23"),
	X("x24"),
	X("x25"),
	X("x26"),
	X("x27"),
	X("x28"),
	X("x29"),
	X("x30"),
	{ .name = "sp", .bits = 64, .type = "data_ptr" },
	{ .name = "pc", .bits = 64, .type = "code_ptr" },
	{ .name = "cpsr", .bits = 32, .type = "int32" },
	{ .name = "v0",
	  .bits = 128,
	  .source = REG_VECTOR,
	  .type = "aarch64v",
	  .feature = "org.gnu.gdb.aarch64.fpu" },
	V("v1", 1),
	V("v2", 2),
	V("v3", 3),
	V("v4", 4),
	V("v5", 5),
	V("v6", 6),
	V("v7", 7),
	V("v8", 8),
	V("v9", 9),
	V("v10", 10),
	V("v11", 11),
	V("v12", 12),
	V("v13", 13),
	V("v14", 14),
	V("v15", 15),
	V("v16", 16),
	V("v17", 17),
	V("v18", 18),
	V("v19", 19),
	V("v20", 20),
	V("v21", 21),
	V("v22", 22),
	V("v23", 23),
	V("v24", 24),
	V("v25", 25),
	V("v26", 26),
	V("v27", 27),
	V("v28", 28),
	V("v29", 29),
	V("v30", 30),
	V("v31", 31),
	{ .name = "fpsr", .bits = 32, .source = REG_STATUS },
	{ .name = "fpcr", .bits = 32, .source = REG_CONTROL },
	{ .name = "sp_el0", .bits = 64, .group = "system", .feature = "org.axvmm.arm64.system" },
	SYSTEM("sp_el1"),
	SYSTEM("elr_el1"),
	SYSTEM("spsr_el1"),
	SYSTEM("sctlr_el1"),
	SYSTEM("ttbr0_el1"),
	SYSTEM("ttbr1_el1"),
	SYSTEM("tcr_el1"),
	SYSTEM("esr_el1"),
	SYSTEM("far_el1"),
	SYSTEM("mair_el1"),
	SYSTEM("vbar_el1"),
	SYSTEM("contextidr_el1"),
	SYSTEM("tpidr_el0"),
	SYSTEM("tpidrro_el0"),
	SYSTEM("tpidr_el1"),
	SYSTEM("mpidr_el1"),
};

static const char types[] =
	"<vector id=\"v2d\" type=\"ieee_double\" count=\"2\"/>\n"
	"<vector id=\"v2u\" type=\"uint64\" count=\"2\"/>\n"
	"<vector id=\"v4f\" type=\"ieee_single\" count=\"4\"/>\n"
	"<vector id=\"v4u\" type=\"uint32\" count=\"4\"/>\n"
	"<vector id=\"v16b\" type=\"uint8\" count=\"16\"/>\n"
	"<union id=\"aarch64v\"><field name=\"d\" type=\"v2d\"/><field name=\"ud\" type=\"v2u\"/>"
	"<field name=\"s\" type=\"v4f\"/><field name=\"us\" type=\"v4u\"/>"
	"<field name=\"b\" type=\"v16b\"/><field name=\"q\" type=\"uint128\"/></union>\n";

/* BRK #0: DDI 0487, C6.2.45. */
static size_t breakpoint(uint64_t kind, uint8_t bytes[4])
{
	static const uint8_t brk[] = { 0x00, 0x00, 0x20, 0xd4 };

	memcpy(bytes, brk, sizeof(brk));
	return kind == 4 ? sizeof(brk) : 0;
}

/* EC of ESR, bits 31 to 26; "from a lower level" and "from the same": DDI 0487, D19.2.37. */
static void reason(const AxExitDebug *debug, struct stop_reason *reason)
{
	*reason = (struct stop_reason){ .cause = CAUSE_OTHER, .index = -1 };
	switch (debug->detail >> 26 & 0x3f) {
	case 0x30:
	case 0x31: reason->cause = CAUSE_EXECUTE; break;
	case 0x32:
	case 0x33: reason->cause = CAUSE_STEP; break;
	case 0x34:
	case 0x35:
		reason->cause = CAUSE_WATCH;
		reason->address = debug->address;
		break;
	case 0x3c: reason->cause = CAUSE_INSTRUCTION; break;
	default: break;
	}
}

const struct gdb_target gdb_target_arm64 = {
	.name = "arm64",
	.gdb_name = "aarch64",
	.regs = regs,
	.count = sizeof(regs) / sizeof(regs[0]),
	.pc = 32,
	.types = types,
	.breakpoint = breakpoint,
	.reason = reason,
	.watch_is_after = false,
};
