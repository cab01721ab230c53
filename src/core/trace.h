/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A trace that is being written: what the files of the core share. trace_ring.h is the vCPUs' side.
 */
#ifndef AXVMM_CORE_TRACE_H
#define AXVMM_CORE_TRACE_H

#include <pthread.h>

#include "core/trace_format.h"
#include "core/trace_ring.h"

/* Entries of TRACE_CHUNK_RANGES that wait to be written. */
struct trace_names {
	uint8_t *bytes;
	size_t len, size;
};

struct AxTrace {
	AxVm *vm;
	AxTraceConfig config;	  /* without ranges */
	size_t slots;		  /* of each ring: a power of two */
	uint64_t generation;	  /* of the snapshot whose names are in the file */
	struct trace_names names; /* of ax_trace_start() or _stop(), for the writer */

	pthread_mutex_t lock; /* guards what follows, up to the next empty line */
	pthread_cond_t stop;
	bool stopping;
	struct trace_ring *rings;
	uint32_t ring_count;

	/* The writer's; that of ax_trace_start() before it runs, of ax_trace_stop() after it. */
	pthread_t thread;
	uint64_t clock_ns; /* when the last pair of times was written */
	_Atomic uint64_t exits, lost, bytes;
	int error; /* negative errno of the write that failed; 0 */
};

/* trace.c */

/* The ring of a vCPU that is in vm->vcpus or about to be; NULL: none. Thread: any. */
struct trace_ring *trace_ring_of(AxTrace *trace, const AxVCpu *vcpu);

/* Give a vCPU that is being created a ring: 0 or -ENOMEM. */
int trace_add_vcpu(AxTrace *trace, AxVCpu *vcpu);

/*
 * Put an exit that is no plain access into the ring. The vCPU's thread.
 *
 * @exit   as it was before it was dispatched
 * @times  the counter at KVM_RUN's call, its return, and when the answer stood
 * @bytes  of string input or output; TRACE_BYTES_MAX at most are kept
 */
void trace_put(struct trace_ring *ring, const AxVCpuExitReason *exit, uint64_t answer, int handled,
	       const uint64_t times[3], const uint8_t *bytes, size_t count);

/* trace_names.c */

/* Take the names of all ranges down: 0 or -ENOMEM, with some of them. vm->lock is held. */
int trace_collect_names(AxTrace *trace);
void trace_forget_names(AxTrace *trace);

/* Bytes of the entry that begins there. */
size_t trace_name_size(const uint8_t *entry);

/* trace_writer.c */

/* Write the header, the names and the time: 0 or a negative errno. */
int trace_write_head(AxTrace *trace);

/* Start and end the thread; at the end all is written. The first returns 0 or an errno. */
int trace_start_writer(AxTrace *trace);
void trace_end_writer(AxTrace *trace);

#endif
