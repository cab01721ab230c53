/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of a report on a dead guest. Each writes one file, and returns 0 or a negative errno.
 */
#ifndef AXVMM_DEBUG_CRASH_H
#define AXVMM_DEBUG_CRASH_H

#include <axvmm/crash.h>

/* A file of text that is being written. */
struct crash_out {
	int fd;
	int error; /* the first negative errno */
	size_t used;
	char buffer[8192];
};

/* crash.c: add text, of at most 1023 bytes. What fails is remembered. */
void crash_add(struct crash_out *out, const char *format, ...) AX_PRINTF(2, 3);

/* One exit of a ring. */
struct crash_exit {
	uint64_t time_ns;
	uint64_t kvm_ns;
	uint64_t handler_ns;
	uint64_t answer;
	int handled;
	AxVCpuExitReason exit;
};

/* crash_ring.c: the last AX_CRASH_EXITS of all vCPUs, as JSON lines. */
int crash_write_exits(const AxCrashRing *ring, struct crash_out *out);

/* crash_text.c */
int crash_write_report(AxVm *vm, const AxCrashReport *report, struct crash_out *out);
int crash_write_registers(AxVm *vm, struct crash_out *out);
int crash_write_machine(AxVm *vm, const AxCrashReport *report, struct crash_out *out);
int crash_write_versions(struct crash_out *out);

/* A JSON string. */
void crash_put_string(struct crash_out *out, const char *text);

/* crash_core.c: into an empty file. */
int crash_write_core(AxVm *vm, int fd);

/* prstatus.c: how an architecture's note NT_PRSTATUS has registers. */
struct prstatus_layout {
	const char *arch; /* ax_arch_name() */
	uint16_t machine; /* e_machine */
	uint16_t size;	  /* of struct elf_prstatus */
	uint16_t regs;	  /* offset of pr_reg */
	uint16_t count;
	const char *const *names; /* ax_vcpu_get_reg(); NULL: 0 */
};

/* NULL: unknown. Pure. */
const struct prstatus_layout *prstatus_find(const char *arch);

#endif
