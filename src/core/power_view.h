/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the pure power interfaces (psci.h, sbi.h) ask about a VM: states of its CPUs and places
 * where they may start. They see the VM through this alone.
 */
#ifndef AXVMM_CORE_POWER_VIEW_H
#define AXVMM_CORE_POWER_VIEW_H

#include <stdbool.h>
#include <stdint.h>

/* The state of one CPU, as a caller on another one sees it. */
enum power_state {
	POWER_ABSENT,	   /* there is no such CPU */
	POWER_ON,	   /* running, or halted waiting for an interrupt */
	POWER_OFF,	   /* waits to be started */
	POWER_ON_PENDING,  /* somebody has started it; it has not entered the guest yet */
	POWER_OFF_PENDING, /* it has asked to be off, and is not off yet */
	POWER_SUSPENDED	   /* suspended by itself until an interrupt; still counts as on */
};

/*
 * A VM as one of its vCPUs sees it during one call. Every function is called on the caller's
 * thread, only while the call lasts, with @vm as it stands here.
 */
struct power_view {
	void *vm;
	uint64_t self; /* arm64: affinity of the calling CPU; riscv64: its hart ID */

	/* The state of a CPU by MPIDR affinity (Aff3 in bits 32..39) or hart ID. */
	enum power_state (*state_of)(void *vm, uint64_t cpu);

	/* Whether a CPU may start at this guest physical address: RAM, and aligned as the
	 * architecture's instructions are. */
	bool (*is_entry)(void *vm, uint64_t address);

	/* Whether each CPU but @self is off. Only for PSCI SYSTEM_SUSPEND; may be NULL without
	 * system_suspend. */
	bool (*others_are_off)(void *vm, uint64_t self);

	/* Whether the VM offers PSCI SYSTEM_SUSPEND. */
	bool system_suspend;
};

#endif
