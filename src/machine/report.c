/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A dead guest in a few lines: why, where, what instruction, which registers.
 */
#include <inttypes.h>
#include <stdio.h>

#include <axvmm/memory.h>

#include "machine/report.h"

#define CODE_BYTES_MAX 32

/* Lines before those of registers: place, code, page table. */
#define FIRST_LINES 3

uint64_t report_register(AxVCpu *vcpu, const char *name)
{
	uint64_t value;

	return ax_vcpu_get_reg(vcpu, name, &value, NULL) ? 0 : value;
}

int report_read_code(AxMachine *machine, AxVCpu *vcpu, uint64_t address, uint8_t *bytes, int size)
{
	int len = ax_vcpu_read_virtual(vcpu, address, bytes, (size_t)size, NULL);

	if (len > 0 || report_arch.is_translated(vcpu))
		return len;
	for (len = 0; len < size; len++) {
		if (ax_mem_read(machine->vm, address + (unsigned)len, bytes + len, 1))
			break;
	}
	return len;
}

static void format_code(AxMachine *machine, AxVCpu *vcpu, char *buffer, size_t size)
{
	uint8_t bytes[CODE_BYTES_MAX];
	int len = report_read_code(machine, vcpu, report_arch.code(vcpu), bytes,
				   (int)report_arch.code_bytes);
	int used;

	if (len <= 0) {
		snprintf(buffer, size, "code: there is no memory at that address");
		return;
	}
	used = snprintf(buffer, size, "code:");
	for (int i = 0; i < len && used >= 0 && (size_t)used < size; i++)
		used += snprintf(buffer + used, size - (size_t)used, " %02x", bytes[i]);
}

static void format_registers(AxVCpu *vcpu, const struct report_line *line, char *buffer,
			     size_t size)
{
	int used = 0;

	for (unsigned i = 0;
	     i < REPORT_LINE_REGISTERS && line->names[i] && used >= 0 && (size_t)used < size; i++)
		used += snprintf(buffer + used, size - (size_t)used, "%s%s %0*" PRIx64,
				 i ? "  " : "", line->names[i], line->digits,
				 report_register(vcpu, line->names[i]));
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

/* The lines that are about the vCPU. */
static bool format_vcpu(AxMachine *machine, AxVCpu *vcpu, const AxVCpuExitReason *exit,
			unsigned line, char *buffer, size_t size)
{
	if (report_arch.is_lost && report_arch.is_lost(vcpu, buffer, size))
		return line == 0;
	switch (line) {
	case 0: report_arch.place(vcpu, buffer, size); return true;
	case 1: format_code(machine, vcpu, buffer, size); return true;
	case 2: report_arch.page_table(vcpu, buffer, size); return true;
	default: break;
	}
	line -= FIRST_LINES;
	if (line < report_arch.line_count) {
		format_registers(vcpu, &report_arch.lines[line], buffer, size);
		return true;
	}
	line -= report_arch.line_count;
	if (hint_access(exit, buffer, size) && line-- == 0)
		return true;
	return report_arch.hint(machine, vcpu, exit, line, buffer, size);
}

bool ax_machine_report(AxMachine *machine, uint32_t vcpu, const AxVCpuExitReason *exit,
		       unsigned line, char *buffer, size_t size)
{
	AxVCpu *of = ax_vm_vcpu(machine->vm, vcpu);

	if (!of)
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
	return format_vcpu(machine, of, exit, line - (exit ? 2 : 0), buffer, size);
}
