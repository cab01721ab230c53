/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a report says of an arm64 vCPU. Source of bits: Arm Architecture Reference Manual, DDI 0487,
 * C5.2 (PSTATE) and D24.2 (SCTLR_EL1, ESR_EL1, VBAR_EL1).
 */
#include <inttypes.h>
#include <stdio.h>

#include "machine/report.h"

#define PSTATE_MODE    0xf
#define PSTATE_AARCH32 0x10
#define PSTATE_IRQ     0x80 /* masked */
#define SCTLR_M	       1
#define ESR_CLASS      26
#define VECTORS_SIZE   0x800
#define INSN_WFI       0xd503207f
#define INSN_SIZE      4
#define CODE_BYTES     16

static const struct report_line register_lines[] = {
	{ { "x0", "x1", "x2", "x3" }, 16 },
	{ { "x4", "x5", "x6", "x7" }, 16 },
	{ { "x8", "x9", "x10", "x11" }, 16 },
	{ { "x12", "x13", "x14", "x15" }, 16 },
	{ { "x16", "x17", "x18", "x19" }, 16 },
	{ { "x20", "x21", "x22", "x23" }, 16 },
	{ { "x24", "x25", "x26", "x27" }, 16 },
	{ { "x28", "x29", "x30", "sp" }, 16 },
	{ { "esr_el1", "far_el1", "elr_el1", "spsr_el1" }, 1 },
	{ { "sctlr_el1", "vbar_el1", "ttbr0_el1", "tcr_el1" }, 1 },
};

static const char *mode_name(uint64_t cpsr)
{
	if (cpsr & PSTATE_AARCH32)
		return "AArch32";
	switch (cpsr & PSTATE_MODE) {
	case 0: return "EL0";
	case 4: return "EL1 with EL0's stack pointer";
	case 5: return "EL1";
	default: return "an unknown exception level";
	}
}

static void format_place(AxVCpu *vcpu, char *buffer, size_t size)
{
	uint64_t cpsr = report_register(vcpu, "cpsr");

	snprintf(buffer, size, "at pc 0x%" PRIx64 ", %s, interrupts %s",
		 report_register(vcpu, "pc"), mode_name(cpsr), cpsr & PSTATE_IRQ ? "off" : "on");
}

static uint64_t find_code(AxVCpu *vcpu)
{
	return report_register(vcpu, "pc");
}

static bool is_translated(AxVCpu *vcpu)
{
	return report_register(vcpu, "sctlr_el1") & SCTLR_M;
}

static void format_page_table(AxVCpu *vcpu, char *buffer, size_t size)
{
	if (is_translated(vcpu))
		snprintf(buffer, size,
			 "the MMU is on, its tables begin at 0x%" PRIx64 " and 0x%" PRIx64,
			 report_register(vcpu, "ttbr0_el1") & 0x0000fffffffffffe,
			 report_register(vcpu, "ttbr1_el1") & 0x0000fffffffffffe);
	else
		snprintf(buffer, size, "the MMU is off");
}

static const char *exception_name(uint64_t esr)
{
	switch (esr >> ESR_CLASS & 0x3f) {
	case 0x00: return "an unknown instruction";
	case 0x07: return "a floating-point instruction while CPACR_EL1 traps them";
	case 0x0e: return "an illegal execution state";
	case 0x15: return "SVC";
	case 0x18: return "a system register that it may not access";
	case 0x20:
	case 0x21: return "an instruction abort";
	case 0x22: return "a misaligned pc";
	case 0x24:
	case 0x25: return "a data abort";
	case 0x26: return "a misaligned stack pointer";
	case 0x2f: return "SError";
	case 0x3c: return "BRK";
	default: return "an exception";
	}
}

/* What brought it to where it is. */
static bool hint_exception(AxVCpu *vcpu, char *buffer, size_t size)
{
	uint64_t pc = report_register(vcpu, "pc");
	uint64_t vectors = report_register(vcpu, "vbar_el1");
	uint64_t esr = report_register(vcpu, "esr_el1");

	if (pc < vectors || pc - vectors >= VECTORS_SIZE || !report_register(vcpu, "elr_el1"))
		return false;
	snprintf(buffer, size,
		 "it is in its exception vectors: %s at 0x%" PRIx64 " (ESR_EL1 0x%" PRIx64
		 ", FAR_EL1 0x%" PRIx64 ") may have brought it there",
		 exception_name(esr), report_register(vcpu, "elr_el1"), esr,
		 report_register(vcpu, "far_el1"));
	return true;
}

/* Of a vCPU that somebody stopped: KVM_RUN itself waits, so that no exit tells. */
static bool hint_wait(AxMachine *machine, AxVCpu *vcpu, const AxVCpuExitReason *exit, char *buffer,
		      size_t size)
{
	uint8_t code[INSN_SIZE];

	if (exit || report_read_code(machine, vcpu, report_register(vcpu, "pc") - INSN_SIZE, code,
				     INSN_SIZE) != INSN_SIZE)
		return false;
	if ((code[0] | code[1] << 8 | code[2] << 16 | (uint32_t)code[3] << 24) != INSN_WFI)
		return false;
	snprintf(buffer, size, "it is just behind a wfi, with interrupts %s: waiting, it seems",
		 report_register(vcpu, "cpsr") & PSTATE_IRQ ? "off" : "on");
	return true;
}

static bool format_hint(AxMachine *machine, AxVCpu *vcpu, const AxVCpuExitReason *exit,
			unsigned index, char *buffer, size_t size)
{
	return (hint_wait(machine, vcpu, exit, buffer, size) && !index--) ||
	       (hint_exception(vcpu, buffer, size) && !index--);
}

const struct report_arch report_arch = {
	.lines = register_lines,
	.line_count = sizeof(register_lines) / sizeof(register_lines[0]),
	.code_bytes = CODE_BYTES,
	.place = format_place,
	.code = find_code,
	.is_translated = is_translated,
	.page_table = format_page_table,
	.hint = format_hint,
};
