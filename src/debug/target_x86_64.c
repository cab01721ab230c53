/* SPDX-License-Identifier: Apache-2.0 */
/*
 * x86-64 as gdb knows it: the features org.gnu.gdb.i386.core and .sse, which gdb wants whole, and the
 * system registers of this project's own. G.5.14, "i386 Features".
 */
#include "debug/target.h"

#define CORE(text, kind)                                                    \
	{                                                                   \
		.name = text, .bits = 64, .source = REG_NAMED, .type = kind \
	}
#define SEGMENT(text)                                                          \
	{                                                                      \
		.name = text, .bits = 32, .source = REG_NAMED, .type = "int32" \
	}
#define ST(text, number)                                                                         \
	{                                                                                        \
		.name = text, .bits = 80, .source = REG_X87, .index = number, .type = "i387_ext" \
	}
#define FPU(text, number)                                                             \
	{                                                                             \
		.name = text, .bits = 32, .source = REG_X87_CONTROL, .index = number, \
		.group = "float"                                                      \
	}
#define XMM(text, number)                                                                          \
	{                                                                                          \
		.name = text, .bits = 128, .source = REG_VECTOR, .index = number, .type = "vec128" \
	}
#define SYSTEM(text, size)                                                         \
	{                                                                          \
		.name = text, .bits = size, .source = REG_NAMED, .group = "system" \
	}

static const struct gdb_reg regs[] = {
	{ .name = "rax", .bits = 64, .type = "int64", .feature = "org.gnu.gdb.i386.core" },
	CORE("rbx", "int64"),
	CORE("rcx", "int64"),
	CORE("rdx", "int64"),
	CORE("rsi", "int64"),
	CORE("rdi", "int64"),
	CORE("rbp", "data_ptr"),
	CORE("rsp", "data_ptr"),
	CORE("r8", "int64"),
	CORE("r9", "int64"),
	CORE("r10", "int64"),
	CORE("r11", "int64"),
	CORE("r12", "int64"),
	CORE("r13", "int64"),
	CORE("r14", "int64"),
	CORE("r15", "int64"),
	CORE("rip", "code_ptr"),
	{ .name = "eflags", .bits = 32, .type = "int32", .from = "rflags" },
	SEGMENT("cs"),
	SEGMENT("ss"),
	SEGMENT("ds"),
	SEGMENT("es"),
	SEGMENT("fs"),
	SEGMENT("gs"),
	ST("st0", 0),
	ST("st1", 1),
	ST("st2", 2),
	ST("st3", 3),
	ST("st4", 4),
	ST("st5", 5),
	ST("st6", 6),
	ST("st7", 7),
	FPU("fctrl", 0),
	FPU("fstat", 1),
	FPU("ftag", 2),
	FPU("fiseg", 3),
	FPU("fioff", 4),
	FPU("foseg", 5),
	FPU("fooff", 6),
	FPU("fop", 7),
	{ .name = "xmm0",
	  .bits = 128,
	  .source = REG_VECTOR,
	  .type = "vec128",
	  .feature = "org.gnu.gdb.i386.sse" },
	XMM("xmm1", 1),
	XMM("xmm2", 2),
	XMM("xmm3", 3),
	XMM("xmm4", 4),
	XMM("xmm5", 5),
	XMM("xmm6", 6),
	XMM("xmm7", 7),
	XMM("xmm8", 8),
	XMM("xmm9", 9),
	XMM("xmm10", 10),
	XMM("xmm11", 11),
	XMM("xmm12", 12),
	XMM("xmm13", 13),
	XMM("xmm14", 14),
	XMM("xmm15", 15),
	{ .name = "mxcsr", .bits = 32, .source = REG_STATUS, .group = "vector" },
	{ .name = "fs_base",
	  .bits = 64,
	  .from = "fs.base",
	  .feature = "org.gnu.gdb.i386.segments" },
	{ .name = "gs_base", .bits = 64, .from = "gs.base" },
	{ .name = "cr0", .bits = 64, .group = "system", .feature = "org.axvmm.x86-64.system" },
	SYSTEM("cr2", 64),
	SYSTEM("cr3", 64),
	SYSTEM("cr4", 64),
	SYSTEM("cr8", 64),
	SYSTEM("efer", 64),
	{ .name = "cs_base", .bits = 64, .group = "system", .from = "cs.base" },
	{ .name = "gdt_base", .bits = 64, .group = "system", .from = "gdt.base" },
	{ .name = "gdt_limit",
	  .bits = 16,
	  .type = "uint16",
	  .group = "system",
	  .from = "gdt.limit" },
	{ .name = "idt_base", .bits = 64, .group = "system", .from = "idt.base" },
	{ .name = "idt_limit",
	  .bits = 16,
	  .type = "uint16",
	  .group = "system",
	  .from = "idt.limit" },
	{ .name = "tr", .bits = 16, .type = "uint16", .group = "system" },
	{ .name = "apic_base", .bits = 64, .group = "system" },
};

static const char types[] =
	"<vector id=\"v4f\" type=\"ieee_single\" count=\"4\"/>\n"
	"<vector id=\"v2d\" type=\"ieee_double\" count=\"2\"/>\n"
	"<vector id=\"v16i8\" type=\"int8\" count=\"16\"/>\n"
	"<vector id=\"v4i32\" type=\"int32\" count=\"4\"/>\n"
	"<vector id=\"v2i64\" type=\"int64\" count=\"2\"/>\n"
	"<union id=\"vec128\"><field name=\"v4_float\" type=\"v4f\"/>"
	"<field name=\"v2_double\" type=\"v2d\"/><field name=\"v16_int8\" type=\"v16i8\"/>"
	"<field name=\"v4_int32\" type=\"v4i32\"/><field name=\"v2_int64\" type=\"v2i64\"/>"
	"<field name=\"uint128\" type=\"uint128\"/></union>\n";

/* INT3. */
static size_t breakpoint(uint64_t kind, uint8_t bytes[4])
{
	bytes[0] = 0xcc;
	return kind == 1;
}

/* DR6: bits 3 to 0 say which point, bit 14 a step; DR7's condition says what kind: SDM 3B, 18.2. */
#define DR6_STEP (1u << 14)

static void reason(const AxExitDebug *debug, struct stop_reason *reason)
{
	*reason = (struct stop_reason){ .cause = CAUSE_OTHER, .index = -1 };
	if (debug->exception == 3) {
		reason->cause = CAUSE_INSTRUCTION;
		return;
	}
	for (unsigned i = 0; i < 4; i++) {
		if (!(debug->address >> i & 1) || !(debug->detail >> (2 * i) & 3))
			continue;
		reason->index = (int)i;
		reason->cause = debug->detail >> (16 + 4 * i) & 3 ? CAUSE_WATCH : CAUSE_EXECUTE;
		return;
	}
	if (debug->address & DR6_STEP)
		reason->cause = CAUSE_STEP;
}

const struct gdb_target gdb_target_x86_64 = {
	.name = "x86-64",
	.gdb_name = "i386:x86-64",
	.regs = regs,
	.count = sizeof(regs) / sizeof(regs[0]),
	.pc = 16,
	.types = types,
	.breakpoint = breakpoint,
	.reason = reason,
	.watch_is_after = true,
};
