/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The seam of ax_machine_report(): what a report says of a vCPU that only its architecture knows.
 */
#ifndef AXVMM_MACHINE_REPORT_H
#define AXVMM_MACHINE_REPORT_H

#include "machine/machine.h"

#define REPORT_LINE_REGISTERS 4

/* Registers by line, up to a NULL; each with its digits. */
struct report_line {
	const char *names[REPORT_LINE_REGISTERS];
	int digits;
};

struct report_arch {
	const struct report_line *lines;
	unsigned line_count;
	unsigned code_bytes; /* that are shown */
	/* "at ...": where the vCPU is. */
	void (*place)(AxVCpu *vcpu, char *buffer, size_t size);
	/* The address of its next instruction, as ax_vcpu_read_virtual() takes it. */
	uint64_t (*code)(AxVCpu *vcpu);
	/* Whether virtual addresses are translated. */
	bool (*is_translated)(AxVCpu *vcpu);
	/* Its page tables, in words. */
	void (*page_table)(AxVCpu *vcpu, char *buffer, size_t size);
	/* Hint @index of those that apply, beside report.c's own; false past the last. */
	bool (*hint)(AxMachine *machine, AxVCpu *vcpu, const AxVCpuExitReason *exit, unsigned index,
		     char *buffer, size_t size);
	/* Whether nothing is known any more, in words; NULL: never. */
	bool (*is_lost)(AxVCpu *vcpu, char *buffer, size_t size);
};

extern const struct report_arch report_arch;

/* A register by name; 0 when it cannot be read. */
uint64_t report_register(AxVCpu *vcpu, const char *name);

/* The bytes from a virtual address on, as many as can be read, @size at most. */
int report_read_code(AxMachine *machine, AxVCpu *vcpu, uint64_t address, uint8_t *bytes, int size);

#endif
