/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Watching exits go by: every exit of ax_vcpu_loop() with its answer and what it cost. Off by
 * default; off costs nothing.
 */
#ifndef AXVMM_TRACE_H
#define AXVMM_TRACE_H

#include <axvmm/error.h>
#include <axvmm/exit.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One exit that was dealt with. Valid during the callback. */
typedef struct AxExitRecord {
	size_t size; /* bytes of this struct that the library filled */
	const AxVCpuExitReason *exit;
	uint64_t answer;     /* value of a read, result of a hypercall; else 0 */
	int handled;	     /* an AxHandled */
	uint64_t time_ns;    /* CLOCK_MONOTONIC when KVM_RUN returned */
	uint64_t kvm_ns;     /* spent in KVM_RUN, guest time included */
	uint64_t handler_ns; /* from there until the answer stood */
} AxExitRecord;

typedef struct AxObserver {
	size_t size; /* sizeof(AxObserver) */
	/* After each exit, on the vCPU's thread, before it is entered again. Must not block. */
	void (*exit)(void *opaque, AxVCpu *vcpu, const AxExitRecord *record);
} AxObserver;

/**
 * Start, replace or end (NULL) watching. May be done while vCPUs run. When this returns no vCPU
 * uses the old observer.
 *
 * @param observer  borrowed until it is replaced
 * @return 0; -EDEADLK from a handler
 *
 * Thread: any other.
 */
AX_API int ax_observer_set(AxVm *vm, const AxObserver *observer, void *opaque, AxError *err);

#ifdef __cplusplus
}
#endif

#endif
