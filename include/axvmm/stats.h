/* SPDX-License-Identifier: Apache-2.0 */
/*
 * KVM's own statistics of a VM and of a vCPU: what KVM counts by itself, with names, kinds and
 * units that it tells. Which there are differs between architectures and kernels; those that this
 * library counts, exits by their kind, are ax_vcpu_exit_counts() (vcpu.h).
 *
 * Reading them neither stops nor slows a vCPU: KVM copies plain counters. Needs KVM_CAP_BINARY_STATS_FD
 * (Linux 5.14 or later). Format: Documentation/virt/kvm/api.rst, 4.133, KVM_GET_STATS_FD.
 */
#ifndef AXVMM_STATS_H
#define AXVMM_STATS_H

#include <axvmm/error.h>
#include <axvmm/exit.h>
#include <axvmm/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The statistics of one VM or vCPU, as they were when they were read last. */
typedef struct AxStats AxStats;

/* What a value means. KVM's numbers; later kernels may have more. */
typedef enum AxStatKind {
	AX_STAT_CUMULATIVE = 0,	      /* only grows */
	AX_STAT_INSTANT = 1,	      /* now */
	AX_STAT_PEAK = 2,	      /* the most it ever was */
	AX_STAT_LINEAR_HISTOGRAM = 3, /* value i counts what was in [i, i + 1) * bucket_size; the last: more */
	AX_STAT_LOG_HISTOGRAM = 4     /* value 0 counts 0, value i what was in [2^(i-1), 2^i) */
} AxStatKind;

/* Of what. KVM's numbers; later kernels may have more. */
typedef enum AxStatUnit {
	AX_STAT_NONE = 0, /* a plain count */
	AX_STAT_BYTES = 1,
	AX_STAT_SECONDS = 2,
	AX_STAT_CYCLES = 3, /* of the host's processor */
	AX_STAT_BOOLEAN = 4
} AxStatUnit;

/* One of them. Pointers are valid until ax_stats_free(); what they point to changes with
 * ax_stats_read(). */
typedef struct AxStat {
	size_t size;	     /* sizeof(AxStat): AX_STAT_INIT */
	const char *name;    /* printable ASCII, such as "halt_wait_ns" */
	uint32_t kind;	     /* an AxStatKind, or a number that this library does not know */
	uint32_t unit;	     /* an AxStatUnit, or a number that this library does not know */
	uint32_t base;	     /* 10 or 2: values are in units of base^exponent */
	int32_t exponent;    /* -9 with base 10 and seconds: nanoseconds */
	uint32_t bucket_size; /* AX_STAT_LINEAR_HISTOGRAM; else 0 */
	uint32_t count;	     /* of values: 1, more for histograms */
	const uint64_t *values;
} AxStat;

#define AX_STAT_INIT { sizeof(AxStat), NULL, 0, 0, 0, 0, 0, 0, NULL }

/**
 * Open the statistics of a VM, without those of its vCPUs, and read them once.
 *
 * @param out  owned by the caller: ax_stats_free(), before or after the VM; untouched on failure
 * @return 0; -ENOTSUP this KVM has none; -EIO KVM refuses, or what it says is in no format that is
 *         known; -ENOMEM
 *
 * Thread: any.
 */
AX_API int ax_vm_stats_open(AxVm *vm, AxStats **out, AxError *err);

/**
 * Open those of a vCPU. Do it before it runs: while it is inside the guest KVM would let the call
 * wait, for ever if the guest sleeps.
 *
 * @return as ax_vm_stats_open(); -EPERM it is another thread's: bound (vcpu.h)
 *
 * Thread: any while it is bound to none, else the owner. Reading them afterwards: any.
 */
AX_API int ax_vcpu_stats_open(AxVCpu *vcpu, AxStats **out, AxError *err);

/* NULL is allowed. */
AX_API void ax_stats_free(AxStats *stats);

/**
 * Read all of them anew: one system call.
 *
 * @return 0; -EIO KVM fails, values are unchanged
 *
 * Thread: any, but one at a time for each AxStats.
 */
AX_API int ax_stats_read(AxStats *stats, AxError *err);

/* KVM's name for the VM or vCPU, such as "kvm-4711/vcpu-0". Printable ASCII; valid until
 * ax_stats_free(). */
AX_API const char *ax_stats_id(const AxStats *stats);

/**
 * The statistic at @index.
 *
 * @param out  its size is set by the caller; filled on success
 * @return false: past the end, or the size is not set
 */
AX_API bool ax_stats_at(const AxStats *stats, unsigned index, AxStat *out);

/* The statistic of that name; false: this kernel has none. */
AX_API bool ax_stats_find(const AxStats *stats, const char *name, AxStat *out);

/* "cumulative", "linear-histogram", ...; "unknown". Constant. */
AX_API const char *ax_stat_kind_name(uint32_t kind);

/* "", "bytes", "seconds", ...; "unknown". Constant. */
AX_API const char *ax_stat_unit_name(uint32_t unit);

#define AX_ACCESS_DEVICE_SIZE 32

/* Where a vCPU left the guest last, if it was for an access of MMIO or a port. */
typedef struct AxAccess {
	size_t size;   /* sizeof(AxAccess): AX_ACCESS_INIT */
	uint32_t kind; /* AX_EXIT_MMIO_READ, _MMIO_WRITE, _IO_READ or _IO_WRITE */
	uint64_t addr; /* an AxGuestPhysAddr, or an AxPort */
	char device[AX_ACCESS_DEVICE_SIZE]; /* name of the range that has it; "": none does */
} AxAccess;

#define AX_ACCESS_INIT { sizeof(AxAccess), 0, 0, { 0 } }

/**
 * A sample: asked now and then it shows which devices a guest is busy with, at no cost to the vCPU,
 * which is neither stopped nor told. A vCPU that leaves the guest at this very moment may make it a
 * mixture of two accesses, or the one before.
 *
 * @param out  its size is set by the caller; filled when true is returned
 * @return false: it left for another reason, or never, or the size is not set
 *
 * Thread: any.
 */
AX_API bool ax_vcpu_last_access(const AxVCpu *vcpu, AxAccess *out);

#ifdef __cplusplus
}
#endif

#endif
