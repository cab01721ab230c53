/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A CPU's one interrupt line, for architectures where it has a level (ARCH_LINE_HAS_LEVEL) and no irqchip
 * is in the kernel: up as long as any of 256 vectors is.
 */
#ifndef AXVMM_ARCH_LINE_H
#define AXVMM_ARCH_LINE_H

#include <pthread.h>

#include "core/vcpu.h"

struct cpu_line {
	pthread_mutex_t lock;
	uint64_t raised[4]; /* vectors that hold it up. Under the lock */
};

/* The architecture's way to move the line in KVM. 0 or a negative errno. */
typedef int cpu_line_drive(AxVCpu *vcpu, bool level, AxError *err);

void cpu_line_init(struct cpu_line *line);
void cpu_line_fini(struct cpu_line *line);

/* Raise or lower a vector, 0 to 255; what KVM refuses has not happened. Thread: any. */
int cpu_line_change(struct cpu_line *line, AxVCpu *vcpu, unsigned vector, bool level,
		    cpu_line_drive *drive, AxError *err);

/* KVM has let it fall: up again, if somebody holds it. Thread: any. */
int cpu_line_restore(struct cpu_line *line, AxVCpu *vcpu, cpu_line_drive *drive, AxError *err);

/* It falls for good, as if nobody had raised anything. Thread: any. */
int cpu_line_drop(struct cpu_line *line, AxVCpu *vcpu, cpu_line_drive *drive, AxError *err);

#endif
