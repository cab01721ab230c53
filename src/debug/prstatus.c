/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct elf_prstatus of each architecture, as its kernel's core files have it: siginfo (12 bytes),
 * the signal, masks, IDs at 32 to 47, four times, the registers at 112, and whether there are floating
 * point registers. Source: System V ABI, e_machine; user_regs_struct of each architecture.
 */
#include <string.h>

#include "debug/crash.h"

#define PR_REG	  112
#define COUNT(of) (sizeof(of) / sizeof((of)[0]))

/* In the order of user_regs_struct; orig_rax is no register of the processor. */
static const char *const x86_64[] = {
	"r15",	  "r14", "r13", "r12",	   "rbp",     "rbx", "r11", "r10", "r9",
	"r8",	  "rax", "rcx", "rdx",	   "rsi",     "rdi", NULL,  "rip", "cs",
	"rflags", "rsp", "ss",	"fs.base", "gs.base", "ds",  "es",  "fs",  "gs",
};

static const char *const arm64[] = {
	"x0",  "x1",  "x2",  "x3",  "x4",  "x5",  "x6",	 "x7",	"x8",  "x9",   "x10", "x11",
	"x12", "x13", "x14", "x15", "x16", "x17", "x18", "x19", "x20", "x21",  "x22", "x23",
	"x24", "x25", "x26", "x27", "x28", "x29", "x30", "sp",	"pc",  "cpsr",
};

static const char *const riscv64[] = {
	"pc", "ra", "sp", "gp", "tp",  "t0",  "t1", "t2", "s0", "s1", "a0",
	"a1", "a2", "a3", "a4", "a5",  "a6",  "a7", "s2", "s3", "s4", "s5",
	"s6", "s7", "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6",
};

/* EM_X86_64, EM_AARCH64, EM_RISCV. */
static const struct prstatus_layout layouts[] = {
	{ "x86-64", 62, 336, PR_REG, COUNT(x86_64), x86_64 },
	{ "arm64", 183, 392, PR_REG, COUNT(arm64), arm64 },
	{ "riscv64", 243, 376, PR_REG, COUNT(riscv64), riscv64 },
};

const struct prstatus_layout *prstatus_find(const char *arch)
{
	for (unsigned i = 0; i < COUNT(layouts); i++) {
		if (!strcmp(layouts[i].arch, arch))
			return &layouts[i];
	}
	return NULL;
}
