/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A report on a guest that died: a directory with its last exits, the registers of all vCPUs, its memory
 * as an ELF core that gdb opens, the machine and the versions of everything. Part of libaxvmm-machine.
 *
 *   report         why, in words; which file is what
 *   exits.jsonl    the last exits, the oldest first, a JSON object a line
 *   registers      all registers of all vCPUs, a line each
 *   core           ELF core (ET_CORE): a PT_LOAD for each piece of RAM, whose virtual and physical
 *                  addresses are the guest's physical ones; NT_PRSTATUS for each vCPU. Pages that the
 *                  guest never touched are holes
 *   machine.json   how it ended, RAM, vCPUs, counts of exits, the configuration
 *   versions.json  axvmm, the host's kernel, what its KVM has
 */
#ifndef AXVMM_CRASH_H
#define AXVMM_CRASH_H

#include <axvmm/error.h>
#include <axvmm/exit.h>
#include <axvmm/trace.h>
#include <axvmm/vm.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The last exits of a VM. */
typedef struct AxCrashRing AxCrashRing;

/**
 * Make one for the last @exits of each of @vcpus vCPUs.
 *
 * @return owned by the caller: ax_crash_ring_free(); NULL when there is no memory, or a number is 0
 *
 * Thread: any.
 */
AX_API AxCrashRing *ax_crash_ring_new(uint32_t vcpus, uint32_t exits);
AX_API void ax_crash_ring_free(AxCrashRing *ring);

/*
 * Keep an exit, in the place of the oldest: to be called from an AxObserver. Takes no lock and no
 * memory. Of string port accesses the bytes are not kept.
 *
 * Thread: the vCPU's.
 */
AX_API void ax_crash_ring_note(AxCrashRing *ring, AxVCpu *vcpu, const AxExitRecord *record);

/* So many exits go into a report. */
#define AX_CRASH_EXITS 1000

typedef struct AxCrashReport {
	size_t size;	  /* sizeof(AxCrashReport): AX_CRASH_REPORT_INIT */
	const char *dir;  /* where the report's directory goes; it is made if it is not there */
	const char *name; /* of the VM, for the directory's name; NULL: none */
	const char *why;  /* a line: how it ended; NULL: nobody knows */
	uint32_t vcpu;	  /* id of the vCPU that ended it */
	const AxVCpuExitReason *exit; /* with which exit; NULL: none */
	const AxCrashRing *ring;      /* NULL: no exits */
	const char *configuration;    /* JSON of the caller's; NULL: none */
} AxCrashReport;

#define AX_CRASH_REPORT_INIT                                                       \
	{                                                                          \
		sizeof(AxCrashReport), NULL, NULL, NULL, 0, NULL, NULL, NULL \
	}

/**
 * Write a report on @vm, which does not run: its vCPUs are in state Free, or it is paused. The
 * directory has its name when it is complete, and is not there otherwise.
 *
 * @param path  filled with the directory's path, cut to @size; NULL allowed
 * @return 0; -EINVAL; -EACCES, -ENOSPC (the disk is full), -EIO the report cannot be written; -ENOMEM
 *
 * Thread: any.
 */
AX_API int ax_crash_report_write(AxVm *vm, const AxCrashReport *report, char *path, size_t size,
				 AxError *err);

#ifdef __cplusplus
}
#endif

#endif
