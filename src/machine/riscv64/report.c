/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a report says of a riscv64 vCPU. Source of bits: RISC-V Privileged Architecture, chapter on the
 * supervisor-level ISA (stvec, scause, satp).
 */
#include <inttypes.h>
#include <stdio.h>

#include "machine/report.h"

#define SSTATUS_SIE 2u
#define SATP_MODE   60
#define SATP_PPN    0xfffffffffff
#define STVEC_MODE  3u
#define SCAUSE_IRQ  (UINT64_C(1) << 63)
#define INSN_WFI    0x10500073
#define INSN_SIZE   4
#define CODE_BYTES  16

static const struct report_line register_lines[] = {
	{ { "ra", "sp", "gp", "tp" }, 16 },
	{ { "t0", "t1", "t2", "s0" }, 16 },
	{ { "s1", "a0", "a1", "a2" }, 16 },
	{ { "a3", "a4", "a5", "a6" }, 16 },
	{ { "a7", "s2", "s3", "s4" }, 16 },
	{ { "s5", "s6", "s7", "s8" }, 16 },
	{ { "s9", "s10", "s11", "t3" }, 16 },
	{ { "t4", "t5", "t6" }, 16 },
	{ { "scause", "stval", "sepc", "stvec" }, 1 },
	{ { "sstatus", "sie", "sip", "satp" }, 1 },
	{ { "timer.time", "timer.compare", "timer.state" }, 1 },
};

static bool interrupts_are_on(AxVCpu *vcpu)
{
	return report_register(vcpu, "sstatus") & SSTATUS_SIE;
}

static void format_place(AxVCpu *vcpu, char *buffer, size_t size)
{
	snprintf(buffer, size, "at pc 0x%" PRIx64 ", %s mode, interrupts %s",
		 report_register(vcpu, "pc"), report_register(vcpu, "mode") ? "supervisor" : "user",
		 interrupts_are_on(vcpu) ? "on" : "off");
}

static uint64_t find_code(AxVCpu *vcpu)
{
	return report_register(vcpu, "pc");
}

static bool is_translated(AxVCpu *vcpu)
{
	return report_register(vcpu, "satp") >> SATP_MODE;
}

static void format_page_table(AxVCpu *vcpu, char *buffer, size_t size)
{
	uint64_t satp = report_register(vcpu, "satp");
	const char *mode;

	switch (satp >> SATP_MODE) {
	case 0: snprintf(buffer, size, "address translation is off"); return;
	case 8: mode = "Sv39"; break;
	case 9: mode = "Sv48"; break;
	case 10: mode = "Sv57"; break;
	default: mode = "an unknown mode"; break;
	}
	snprintf(buffer, size, "address translation is on (%s), its tables begin at 0x%" PRIx64,
		 mode, (satp & SATP_PPN) << 12);
}

static const char *trap_name(uint64_t scause)
{
	static const char *const names[] = {
		[0] = "a misaligned jump",	 [1] = "a fetch from where nothing is",
		[2] = "an illegal instruction",	 [3] = "a breakpoint",
		[4] = "a misaligned load",	 [5] = "a load from where nothing is",
		[6] = "a misaligned store",	 [7] = "a store to where nothing is",
		[8] = "an ecall from user mode", [12] = "an instruction page fault",
		[13] = "a load page fault",	 [15] = "a store page fault",
	};

	if (scause & SCAUSE_IRQ)
		return "an interrupt";
	if (scause >= sizeof(names) / sizeof(names[0]) || !names[scause])
		return "an exception";
	return names[scause];
}

/* What brought it to where it is. */
static bool hint_trap(AxVCpu *vcpu, char *buffer, size_t size)
{
	uint64_t stvec = report_register(vcpu, "stvec") & ~(uint64_t)STVEC_MODE;
	uint64_t scause = report_register(vcpu, "scause");

	if (report_register(vcpu, "pc") != stvec)
		return false;
	snprintf(buffer, size,
		 "it is at its trap vector%s: %s at 0x%" PRIx64 " (scause 0x%" PRIx64
		 ", stval 0x%" PRIx64 ") may have brought it there",
		 stvec ? "" : ", which was never set", trap_name(scause),
		 report_register(vcpu, "sepc"), scause, report_register(vcpu, "stval"));
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
		 interrupts_are_on(vcpu) ? "on" : "off");
	return true;
}

static bool format_hint(AxMachine *machine, AxVCpu *vcpu, const AxVCpuExitReason *exit,
			unsigned index, char *buffer, size_t size)
{
	return (hint_wait(machine, vcpu, exit, buffer, size) && !index--) ||
	       (hint_trap(vcpu, buffer, size) && !index--);
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
