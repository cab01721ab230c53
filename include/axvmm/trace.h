/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Watching exits go by: every exit of ax_vcpu_loop() with its answer and what it cost, by a callback
 * (AxObserver) or into a file (AxTrace); and reading such a file. Off by default; off costs nothing.
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
	uint64_t time_ns;    /* CLOCK_MONOTONIC when KVM_RUN returned, and what it had collected was dealt with */
	uint64_t kvm_ns;     /* spent in KVM_RUN, guest time included; 0: collected (AX_RANGE_COALESCED) */
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

/*
 * A trace that is being written: docs/TRACE describes the format. Each vCPU puts its exits into a
 * ring of its own without a lock or a system call, and a thread of the trace's writes them out. What
 * finds its ring full is counted as lost, and the trace says so at that place: a vCPU never waits.
 */
typedef struct AxTrace AxTrace;

/* A range of addresses and whose it is. */
typedef struct AxTraceRange {
	uint32_t space; /* an AxTraceSpace */
	uint64_t base;
	uint64_t length;
	const char *name; /* at most 255 bytes */
} AxTraceRange;

/* Numbered for ever. */
typedef enum AxTraceSpace {
	AX_TRACE_MMIO = 0,
	AX_TRACE_PORTS = 1,
	AX_TRACE_SYS_REGS = 2
} AxTraceSpace;

#define AX_TRACE_RING_BYTES (4u << 20) /* 65,536 plain accesses */

typedef struct AxTraceConfig {
	size_t size; /* sizeof(AxTraceConfig): AX_TRACE_CONFIG_INIT */
	int fd;	     /* borrowed until ax_trace_stop(); used when write is NULL */
	/*
	 * Takes @len bytes, all of them; 0 or a negative errno, after which it is not called any more.
	 * On the trace's thread, and on that of ax_trace_start().
	 */
	int (*write)(void *opaque, const void *bytes, size_t len);
	void *opaque;
	size_t ring_bytes; /* per vCPU, rounded up to a power of two; 0: AX_TRACE_RING_BYTES */
	/* Names beside those that ranges were registered with, which come first. Borrowed for the call. */
	const AxTraceRange *ranges;
	size_t range_count;
} AxTraceConfig;

#define AX_TRACE_CONFIG_INIT                                      \
	{                                                         \
		sizeof(AxTraceConfig), -1, NULL, NULL, 0, NULL, 0 \
	}

typedef struct AxTraceCounts {
	size_t size;	/* sizeof(AxTraceCounts), set by the caller: AX_TRACE_COUNTS_INIT */
	uint64_t exits; /* written */
	uint64_t lost;	/* found their ring full, or came when nothing could be written any more */
	uint64_t bytes; /* written */
} AxTraceCounts;

#define AX_TRACE_COUNTS_INIT                   \
	{                                      \
		sizeof(AxTraceCounts), 0, 0, 0 \
	}

/**
 * Begin a trace of all vCPUs, those that are created later too. May be done while vCPUs run.
 *
 * @param trace  the caller's, until ax_trace_stop(), which has to come before ax_vm_destroy()
 * @return 0; -EINVAL; -EEXIST the VM is being traced already; -ENOMEM; -EIO the beginning cannot be
 *         written; -EDEADLK from a handler
 *
 * Thread: any other.
 */
AX_API int ax_trace_start(AxVm *vm, const AxTraceConfig *config, AxTrace **trace, AxError *err);

/**
 * End a trace: when this returns all that was traced is written, and the trace is freed.
 *
 * @param counts  filled in any case but -EDEADLK and -ENOMEM; may be NULL
 * @return 0; -EIO not all could be written (the message says why): what was is readable, and the
 *         trace is freed; -EDEADLK from a handler, -ENOMEM: nothing has changed
 *
 * Thread: any other.
 */
AX_API int ax_trace_stop(AxTrace *trace, AxTraceCounts *counts, AxError *err);

/* What a trace has written and lost up to now. Thread: any. */
AX_API void ax_trace_counts(const AxTrace *trace, AxTraceCounts *counts);

/*
 * A trace that is being read. The bytes may be anybody's: whatever is in them is an entry, the end,
 * or damage that is counted and skipped.
 */
typedef struct AxTraceReader AxTraceReader;

/* What an entry is. Numbered for ever. */
typedef enum AxTraceEntryType {
	AX_TRACE_EXIT = 0,  /* .record */
	AX_TRACE_GAP = 1,   /* .lost exits of .vcpu are missing here, the first one at .record.time_ns */
	AX_TRACE_BEGIN = 2, /* a trace begins: the file's first, or that of a guest that rebooted */
	AX_TRACE_END = 3    /* it ends, as it should */
} AxTraceEntryType;

typedef struct AxTraceEntry {
	size_t size;   /* sizeof(AxTraceEntry), set by the caller: AX_TRACE_ENTRY_INIT */
	uint32_t type; /* an AxTraceEntryType */
	uint32_t vcpu;
	uint64_t lost;
	AxExitRecord record; /* record.exit and its bytes are the reader's, until the next call */
	const char *whose;   /* the name of the range that it is about; NULL: none is known */
	const uint8_t *bytes; /* of string input and output */
	size_t byte_count;
} AxTraceEntry;

#define AX_TRACE_ENTRY_INIT                                                                        \
	{                                                                                          \
		sizeof(AxTraceEntry), 0, 0, 0, { sizeof(AxExitRecord), NULL, 0, 0, 0, 0, 0 }, NULL, \
			NULL, 0                                                                    \
	}

/* What a trace says of itself: of the one that ax_trace_next() is in. */
typedef struct AxTraceInfo {
	size_t size;	      /* sizeof(AxTraceInfo), set by the caller: AX_TRACE_INFO_INIT */
	const char *arch;     /* "x86-64", "arm64", "riscv64"; NULL: unknown */
	const char *version;  /* of the library that wrote it. The reader's */
	uint32_t vcpus;	      /* how many the VM had */
	uint32_t process;     /* ID of the process that wrote it */
	uint64_t start_ns;    /* CLOCK_MONOTONIC */
	uint64_t realtime_ns; /* CLOCK_REALTIME at start_ns */
	uint64_t counter_hz;  /* of the counter that times were taken from */
	size_t range_count;   /* for ax_trace_range() */
	bool complete;	      /* it ends as it should */
} AxTraceInfo;

#define AX_TRACE_INFO_INIT                                                    \
	{                                                                     \
		sizeof(AxTraceInfo), NULL, NULL, 0, 0, 0, 0, 0, 0, false \
	}

/**
 * Begin to read a trace.
 *
 * @param bytes   borrowed until ax_trace_close()
 * @param reader  the caller's, until ax_trace_close()
 * @return 0; -ENOEXEC these bytes are no trace, or of a version that this library does not know (the
 *         message says which); -ENOMEM
 *
 * Thread: any; a reader is used by one at a time.
 */
AX_API int ax_trace_open(const void *bytes, size_t len, AxTraceReader **reader, AxError *err);
AX_API void ax_trace_close(AxTraceReader *reader);

/**
 * The next entry, of all vCPUs in the order of time.
 *
 * @return 1 with *entry filled; 0 at the end; -ENOMEM
 */
AX_API int ax_trace_next(AxTraceReader *reader, AxTraceEntry *entry, AxError *err);

/* Begin anew. */
AX_API int ax_trace_rewind(AxTraceReader *reader, AxError *err);

/* What the trace says of itself. */
AX_API void ax_trace_info(const AxTraceReader *reader, AxTraceInfo *info);

/* The @index-th range that it names: false when there is none. The name is the reader's; control
 * characters in it have become '?'. */
AX_API bool ax_trace_range(const AxTraceReader *reader, size_t index, AxTraceRange *range);

/* The name of the range that @exit is about; NULL when there is none. The reader's. */
AX_API const char *ax_trace_whose(const AxTraceReader *reader, const AxVCpuExitReason *exit);

/**
 * What is wrong with it, as far as it has been read: one line without newline, as "the file ends in
 * the middle of a chunk at byte 4096: what stands before is whole".
 *
 * @return false when nothing is
 */
AX_API bool ax_trace_damage(const AxTraceReader *reader, char *buffer, size_t size);

#ifdef __cplusplus
}
#endif

#endif
