/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A dead guest in a few lines: why, where, what instruction, which registers.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include <axvmm/memory.h>

#include "machine/machine.h"

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

static uint64_t get(AxVCpu *vcpu, const char *name)
{
	uint64_t value;

	return ax_vcpu_get_reg(vcpu, name, &value, NULL) ? 0 : value;
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

static void format_place(const struct where *at, char *buffer, size_t size)
{
	snprintf(buffer, size,
		 "at rip 0x%" PRIx64 ", cs:ip %04" PRIx64 ":%04" PRIx64 ", linear 0x%" PRIx64
		 ", %s, ring %" PRIu64,
		 at->rip, at->cs, at->rip, linear(at), mode_name(at),
		 at->cr0 & CR0_PE ? at->cs & 3 : 0);
}

/* The bytes from a linear address on, as many as can be read, @size at most. */
static int read_code(AxMachine *machine, const struct where *at, uint64_t address, uint8_t *bytes,
		     int size)
{
	int len = ax_vcpu_read_virtual(at->vcpu, address, bytes, (size_t)size, NULL);

	if (len > 0 || (at->cr0 & CR0_PG))
		return len;
	/* Without paging linear is physical. */
	for (len = 0; len < size; len++) {
		if (ax_mem_read(machine->vm, address + (unsigned)len, bytes + len, 1))
			break;
	}
	return len;
}

static void format_code(AxMachine *machine, const struct where *at, char *buffer, size_t size)
{
	uint8_t bytes[INSN_BYTES];
	int len = read_code(machine, at, linear(at), bytes, INSN_BYTES);
	int used;

	if (len <= 0) {
		snprintf(buffer, size, "code: there is no memory at that address");
		return;
	}
	used = snprintf(buffer, size, "code:");
	for (int i = 0; i < len && used >= 0 && (size_t)used < size; i++)
		used += snprintf(buffer + used, size - (size_t)used, " %02x", bytes[i]);
}

/* KVM puts a vCPU into its reset state when it reports a triple fault. */
static bool looks_reset(const struct where *at)
{
	return at->rip == RESET_RIP && at->cs_base == RESET_CS_BASE && !(at->cr0 & CR0_PE);
}

/* Registers by line, up to a NULL; each with its digits. */
static const struct line {
	const char *names[4];
	int digits;
} register_lines[] = {
	{ { "rax", "rbx", "rcx", "rdx" }, 16 },
	{ { "rsi", "rdi", "rbp", "rsp" }, 16 },
	{ { "r8", "r9", "r10", "r11" }, 16 },
	{ { "r12", "r13", "r14", "r15" }, 16 },
	{ { "cr0", "cr2", "cr3", "cr4" }, 16 },
	{ { "cs", "ds", "ss", "es" }, 4 },
	{ { "gdt.base", "gdt.limit", "idt.base", "idt.limit" }, 1 },
	{ { "efer", "rflags" }, 1 },
};

/* Of most names, so that values stand below each other. */
#define NAME_WIDTH 3

#define REGISTER_LINES (sizeof(register_lines) / sizeof(register_lines[0]))

static void format_registers(AxVCpu *vcpu, const struct line *line, char *buffer, size_t size)
{
	int used = 0;

	for (unsigned i = 0; i < 4 && line->names[i] && used >= 0 && (size_t)used < size; i++)
		used += snprintf(buffer + used, size - (size_t)used, "%s%s %0*" PRIx64,
				 i ? "  " : "", line->names[i], line->digits,
				 get(vcpu, line->names[i]));
}

static void format_page_table(const struct where *at, char *buffer, size_t size)
{
	if (at->cr0 & CR0_PG)
		snprintf(buffer, size, "paging is on, its tables begin at 0x%" PRIx64,
			 get(at->vcpu, "cr3") & 0x000ffffffffff000);
	else
		snprintf(buffer, size, "paging is off");
}

/* Nobody can have pushed to where the stack pointer is. In real mode 0 is a usual one. */
static bool hint_stack(const struct where *at, const AxVCpuExitReason *exit, char *buffer,
		       size_t size)
{
	bool is_long = (at->efer & EFER_LMA) && (at->cs_rights & RIGHTS_LONG);
	uint64_t rsp = get(at->vcpu, "rsp");
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
	    (get(at->vcpu, "cr4") & CR4_OSFXSR) ||
	    read_code(machine, at, linear(at), &byte, 1) != 1)
		return false;
	snprintf(buffer, size,
		 "CR4.OSFXSR is 0, so that SSE is off: if this is an SSE instruction, compile the "
		 "guest with -mgeneral-regs-only, or switch SSE on");
	return true;
}

/* Where the code above begins, seen from the access that ended the guest. */
static bool hint_access(const AxVCpuExitReason *exit, char *buffer, size_t size)
{
	switch (exit ? exit->kind : AX_EXIT_NOTHING) {
	case AX_EXIT_IO_READ:
	case AX_EXIT_MMIO_READ:
	case AX_EXIT_IO_WRITE:
	case AX_EXIT_MMIO_WRITE: break;
	default: return false;
	}
	snprintf(buffer, size,
		 "the code begins behind the instruction that made this access, or at it where KVM "
		 "has yet to finish it");
	return true;
}

/* Of a vCPU that somebody stopped. With an in-kernel irqchip KVM_RUN itself waits, so that no exit
 * tells. */
static bool hint_halt(AxMachine *machine, const struct where *at, const AxVCpuExitReason *exit,
		      char *buffer, size_t size)
{
	uint8_t byte;

	if (exit || read_code(machine, at, linear(at) - 1, &byte, 1) != 1 || byte != INSN_HLT)
		return false;
	snprintf(buffer, size, "it is just behind a hlt, with interrupts %s: halted, it seems",
		 at->rflags & RFLAGS_IF ? "on" : "off");
	return true;
}

/* Hint @index of those that apply; false past the last. */
static bool format_hint(AxMachine *machine, const struct where *at, const AxVCpuExitReason *exit,
			unsigned index, char *buffer, size_t size)
{
	return (hint_access(exit, buffer, size) && !index--) ||
	       (hint_halt(machine, at, exit, buffer, size) && !index--) ||
	       (hint_sse(machine, at, exit, buffer, size) && !index--) ||
	       (hint_stack(at, exit, buffer, size) && !index--);
}

bool ax_machine_report(AxMachine *machine, uint32_t vcpu, const AxVCpuExitReason *exit,
		       unsigned line, char *buffer, size_t size)
{
	struct where at = { .vcpu = ax_vm_vcpu(machine->vm, vcpu) };

	if (!at.vcpu)
		return false;
	if (exit && line == 0) {
		ax_exit_format(exit, buffer, size);
		return true;
	}
	if (exit && line == 1) {
		if (!ax_exit_explain(exit, buffer, size))
			snprintf(buffer, size, "nobody answers it");
		return true;
	}
	line -= exit ? 2 : 0;

	at.rip = get(at.vcpu, "rip");
	at.cs = get(at.vcpu, "cs");
	at.cs_base = get(at.vcpu, "cs.base");
	at.cs_rights = get(at.vcpu, "cs.rights");
	at.cr0 = get(at.vcpu, "cr0");
	at.efer = get(at.vcpu, "efer");
	at.rflags = get(at.vcpu, "rflags");
	if (looks_reset(&at)) {
		snprintf(buffer, size,
			 "its registers are those after reset: KVM has reset them already, "
			 "where it was is not known");
		return line == 0;
	}
	switch (line) {
	case 0: format_place(&at, buffer, size); return true;
	case 1: format_code(machine, &at, buffer, size); return true;
	case 2: format_page_table(&at, buffer, size); return true;
	default: break;
	}
	line -= 3;
	if (line < REGISTER_LINES) {
		format_registers(at.vcpu, &register_lines[line], buffer, size);
		return true;
	}
	return format_hint(machine, &at, exit, line - (unsigned)REGISTER_LINES, buffer, size);
}
