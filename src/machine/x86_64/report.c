/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a report says of an x86-64 vCPU.
 */
#include <inttypes.h>
#include <stdio.h>

#include "machine/report.h"

/* SDM 3A, 2.5: CR0. 2.2.1: IA32_EFER. 3.4.5: L and D of a code segment, here as in AxRegInfo
 * "cs.rights". */
#define CR0_PE		 0x1u
#define CR0_PG		 0x80000000u
#define EFER_LMA	 0x400u
#define RIGHTS_LONG	 0x2000u
#define RIGHTS_DEFAULT32 0x4000u
#define RFLAGS_IF	 0x200u
#define RFLAGS_VM	 0x20000u
#define CR4_OSFXSR	 0x200u

/* SDM 2A, HLT. */
#define INSN_HLT 0xf4

/* KVM_INTERNAL_ERROR_EMULATION: include/uapi/linux/kvm.h. */
#define SUBERROR_EMULATION 1

/* A stack pointer this near to 0, on either side, was hardly chosen. */
#define NO_STACK 4096

/* SDM 3A, table 9-1: where a processor begins. */
#define RESET_CS_BASE 0xffff0000u
#define RESET_RIP     0xfff0u

#define INSN_BYTES 15

/* What the lines are about; 0 in what cannot be read. */
struct where {
	AxVCpu *vcpu;
	uint64_t rip, cs, cs_base, cs_rights, cr0, efer, rflags;
};

static struct where look(AxVCpu *vcpu)
{
	return (struct where){
		.vcpu = vcpu,
		.rip = report_register(vcpu, "rip"),
		.cs = report_register(vcpu, "cs"),
		.cs_base = report_register(vcpu, "cs.base"),
		.cs_rights = report_register(vcpu, "cs.rights"),
		.cr0 = report_register(vcpu, "cr0"),
		.efer = report_register(vcpu, "efer"),
		.rflags = report_register(vcpu, "rflags"),
	};
}

static const char *mode_name(const struct where *at)
{
	if (!(at->cr0 & CR0_PE))
		return "real mode";
	if (at->rflags & RFLAGS_VM)
		return "virtual-8086 mode";
	if (at->efer & EFER_LMA)
		return at->cs_rights & RIGHTS_LONG ? "64-bit mode" : "compatibility mode";
	return at->cs_rights & RIGHTS_DEFAULT32 ? "32-bit protected mode" : "16-bit protected mode";
}

static uint64_t linear(const struct where *at)
{
	if ((at->efer & EFER_LMA) && (at->cs_rights & RIGHTS_LONG))
		return at->rip;
	return (uint32_t)(at->cs_base + at->rip);
}

static void format_place(AxVCpu *vcpu, char *buffer, size_t size)
{
	const struct where at = look(vcpu);

	snprintf(buffer, size,
		 "at rip 0x%" PRIx64 ", cs:ip %04" PRIx64 ":%04" PRIx64 ", linear 0x%" PRIx64
		 ", %s, ring %" PRIu64,
		 at.rip, at.cs, at.rip, linear(&at), mode_name(&at),
		 at.cr0 & CR0_PE ? at.cs & 3 : 0);
}

static uint64_t find_code(AxVCpu *vcpu)
{
	const struct where at = look(vcpu);

	return linear(&at);
}

/* Without paging linear is physical. */
static bool is_translated(AxVCpu *vcpu)
{
	return report_register(vcpu, "cr0") & CR0_PG;
}

/* KVM puts a vCPU into its reset state when it reports a triple fault. */
static bool looks_reset(AxVCpu *vcpu, char *buffer, size_t size)
{
	const struct where at = look(vcpu);

	if (at.rip != RESET_RIP || at.cs_base != RESET_CS_BASE || (at.cr0 & CR0_PE))
		return false;
	snprintf(buffer, size,
		 "its registers are those after reset: KVM has reset them already, where it was is "
		 "not known");
	return true;
}

static const struct report_line register_lines[] = {
	{ { "rax", "rbx", "rcx", "rdx" }, 16 },
	{ { "rsi", "rdi", "rbp", "rsp" }, 16 },
	{ { "r8", "r9", "r10", "r11" }, 16 },
	{ { "r12", "r13", "r14", "r15" }, 16 },
	{ { "cr0", "cr2", "cr3", "cr4" }, 16 },
	{ { "cs", "ds", "ss", "es" }, 4 },
	{ { "gdt.base", "gdt.limit", "idt.base", "idt.limit" }, 1 },
	{ { "efer", "rflags" }, 1 },
};

static void format_page_table(AxVCpu *vcpu, char *buffer, size_t size)
{
	if (is_translated(vcpu))
		snprintf(buffer, size, "paging is on, its tables begin at 0x%" PRIx64,
			 report_register(vcpu, "cr3") & 0x000ffffffffff000);
	else
		snprintf(buffer, size, "paging is off");
}

/* Nobody can have pushed to where the stack pointer is. In real mode 0 is a usual one. */
static bool hint_stack(const struct where *at, const AxVCpuExitReason *exit, char *buffer,
		       size_t size)
{
	bool is_long = (at->efer & EFER_LMA) && (at->cs_rights & RIGHTS_LONG);
	uint64_t rsp = report_register(at->vcpu, "rsp");
	uint64_t wrapped = is_long ? rsp + NO_STACK : (uint32_t)(rsp + NO_STACK);

	if (!exit || !(at->cr0 & CR0_PE) || wrapped >= 2 * NO_STACK)
		return false;
	snprintf(buffer, size, "the stack pointer is 0x%" PRIx64 ": was no stack set up?", rsp);
	return true;
}

static bool hint_sse(AxMachine *machine, const struct where *at, const AxVCpuExitReason *exit,
		     char *buffer, size_t size)
{
	uint8_t byte;

	if (!exit || exit->kind != AX_EXIT_INTERNAL_ERROR ||
	    exit->internal_error.suberror != SUBERROR_EMULATION ||
	    (report_register(at->vcpu, "cr4") & CR4_OSFXSR) ||
	    report_read_code(machine, at->vcpu, linear(at), &byte, 1) != 1)
		return false;
	snprintf(buffer, size,
		 "CR4.OSFXSR is 0, so that SSE is off: if this is an SSE instruction, compile the "
		 "guest with -mgeneral-regs-only, or switch SSE on");
	return true;
}

/* Of a vCPU that somebody stopped. With an in-kernel irqchip KVM_RUN itself waits, so that no exit
 * tells. */
static bool hint_halt(AxMachine *machine, const struct where *at, const AxVCpuExitReason *exit,
		      char *buffer, size_t size)
{
	uint8_t byte;

	if (exit || report_read_code(machine, at->vcpu, linear(at) - 1, &byte, 1) != 1 ||
	    byte != INSN_HLT)
		return false;
	snprintf(buffer, size, "it is just behind a hlt, with interrupts %s: halted, it seems",
		 at->rflags & RFLAGS_IF ? "on" : "off");
	return true;
}

static bool format_hint(AxMachine *machine, AxVCpu *vcpu, const AxVCpuExitReason *exit,
			unsigned index, char *buffer, size_t size)
{
	const struct where at = look(vcpu);

	return (hint_halt(machine, &at, exit, buffer, size) && !index--) ||
	       (hint_sse(machine, &at, exit, buffer, size) && !index--) ||
	       (hint_stack(&at, exit, buffer, size) && !index--);
}

const struct report_arch report_arch = {
	.lines = register_lines,
	.line_count = sizeof(register_lines) / sizeof(register_lines[0]),
	.code_bytes = INSN_BYTES,
	.place = format_place,
	.code = find_code,
	.is_translated = is_translated,
	.page_table = format_page_table,
	.hint = format_hint,
	.is_lost = looks_reset,
};
