/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Probing: what src/core/probe.c asks of the architecture.
 */
#ifndef AXVMM_CORE_PROBE_H
#define AXVMM_CORE_PROBE_H

#include <axvmm/exit.h>
#include <axvmm/probe.h>

#include "core/vcpu.h"
#include "core/vm.h"

/* A capability that is asked for. */
struct probe_row {
	uint32_t number;
	const char *name;
	const char *use;
	const char *without; /* NULL: nothing is lost */
	/* Whether what is there with @value works; NULL: not tried. May change the VM, which is
	 * nobody else's. */
	bool (*works)(AxVm *vm, int value);
};

struct probe_result {
	int value;
	bool works;
};

struct AxProbe {
	AxKvmKind kind;
	struct probe_result *results; /* of the common rows, then of the architecture's */
	AxProbeSysReg *sys_regs;
	unsigned sys_reg_count;
	bool pager_works;
	AxError pager; /* why not */
};

/* Whether the capability with this number is there and works; false for one that no row names. */
bool probe_has(const AxProbe *probe, uint32_t number);

/* The architecture's part. */
extern const char arch_name[];
extern const struct probe_row arch_probe_rows[];
extern const unsigned arch_probe_row_count;

AxKvmKind arch_kvm_kind(void);

/* Whether exits of @kind can happen, and how or why not. */
bool arch_probe_exit(const AxProbe *probe, uint32_t kind, const char **how);

/* The sentence of advice at @index; NULL past the end. */
const char *arch_probe_advice(const AxProbe *probe, unsigned index);

/* Fill sys_regs, by the vCPU of a VM that is nobody else's. 0 or a negative errno. */
int arch_probe_sys_regs(AxProbe *probe, AxVCpu *vcpu, AxError *err);

#endif
