/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The VM's inside: what the files of src/core and src/arch share.
 */
#ifndef AXVMM_CORE_VM_H
#define AXVMM_CORE_VM_H

#include <pthread.h>
#include <stdatomic.h>

#include <axvmm/debug.h>
#include <axvmm/handler.h>
#include <axvmm/record.h>
#include <axvmm/vm.h>

#include "core/list.h"
#include "core/range.h"

/* system registers claimed by ax_sys_reg_add() */
struct sys_reg_range {
	AxSysRegAddr first;
	uint32_t count;
	const AxSysRegOps *ops;
	void *opaque;
	char name[RANGE_NAME_SIZE];
};

/* KVM_X86_SET_MSR_FILTER takes so many; other architectures have no limit of their own. */
#define SYS_REG_RANGES 16

/* So many registers are told of. */
#define SKIPPED_MAX 64

struct ram;	  /* memory.c */
struct irq_lines; /* irq.c */
struct coalesce;  /* coalesce.h */

/* Where vm->vcpus points into. Grows by a new one: who looks without the lock may be in an older. */
struct vcpu_table {
	struct vcpu_table *older;
	struct AxVCpu *vcpus[];
};

/* Guest addresses that KVM itself puts memory at: none where size is 0. Set by arch_vm_init(). */
struct vm_reserved {
	AxGuestPhysAddr base;
	uint64_t size;
	const char *what;
};

/* Set while ax_vm_run() lasts: the first reason to end wins. */
struct vm_end {
	bool set;
	int ret;
	AxError error;
	AxVmResult result;
};

struct AxVm {
	int kvm_fd;
	int fd;
	size_t run_size; /* KVM_GET_VCPU_MMAP_SIZE */
	AxIrqchip irqchip;
	atomic_bool has_irqchip; /* vm_need_irqchip() has been here */
	uint32_t irq_version;	 /* ax_irq_version() */
	AxPower power;		 /* what was asked for; arch_vm_init() resolves AX_POWER_AUTO */
	AxUnclaimed unclaimed;
	int kick_signal;
	AxLogFn *log;
	void *log_opaque;
	AxPhaseFn *phase; /* until there is an irqchip */
	void *phase_opaque;
	AxRecord *
		record; /* all that reaches handlers goes into it, or comes from it; NULL: neither */

	/* Guards what is built and published, below. Never taken on the exit path. */
	pthread_mutex_t lock;
	pthread_cond_t changed; /* a vCPU left its loop, took a snapshot, was held; a pause ended */

	struct AxVCpu **vcpus; /* of vcpu_table */
	unsigned vcpu_count;
	unsigned vcpu_capacity;
	struct vcpu_table *vcpu_table;

	_Atomic(struct snapshot *) snapshot;
	struct snapshot *retired; /* published before, maybe still held by a vCPU */
	uint64_t next_id;	  /* of ranges and notifications */
	atomic_uint waiters;	  /* threads that wait on `changed` for vCPUs */

	atomic_uint paused;    /* nested ax_vm_pause() */
	bool at_rest;	       /* a pause has held all vCPUs; under lock */
	_Atomic uint64_t stop; /* VM_STOPPED | code as 32 bits, in one word: the first call wins */
	atomic_bool ending;    /* ax_vm_run() is ending its vCPUs */
	bool in_run;	       /* ax_vm_run() lasts; under lock */
	struct vm_end end;     /* under lock */

	struct sys_reg_range sys_regs[SYS_REG_RANGES];
	unsigned sys_reg_count;
	bool skips_sys_regs;		   /* ax_sys_reg_skip_unknown() */
	AxSysRegAddr skipped[SKIPPED_MAX]; /* told of; grows under lock */
	atomic_uint skipped_count;
	const AxHypercallOps *hypercall_ops;
	void *hypercall_opaque;
	AxHypercallConfig hypercall;
	const AxPowerOps *power_ops;
	void *power_opaque;
	const AxEventOps *event_ops;
	void *event_opaque;
	const AxDebugOps *debug_ops; /* changed at rest */
	void *debug_opaque;

	struct vm_reserved reserved;
	_Atomic(struct ram *) ram; /* memory.c: a sorted table, replaced as a whole */
	struct irq_lines *irq_lines;
	struct list notifies;	   /* notify.c */
	struct coalesce *coalesce; /* NULL: no range ever wanted it */
	struct list devices;	   /* device.c */
	struct arch_vm *arch;
};

/* memory.c: unmap all RAM of a VM that is being destroyed. */
void memory_fini(AxVm *vm);
/*
 * memory.c: a piece of RAM that overlaps base .. base + size: true, with its base, size and flags
 * in @info.
 */
bool memory_overlapping(AxVm *vm, AxGuestPhysAddr base, uint64_t size, unsigned ignore_flags,
			AxGuestPhysAddr *ram_base, uint64_t *ram_size);
/*
 * irq.c, notify.c, device.c: free what they hold for a VM that is being destroyed. Called in this
 * order, before the VM's descriptor is closed.
 */
void irq_fini(AxVm *vm);
void notify_fini(AxVm *vm);
void device_fini(AxVm *vm);

/*
 * Before a vCPU is created and before the in-kernel irqchip is used: 0, or a negative errno with nothing
 * changed. vm->lock is not held.
 */
int vm_need_irqchip(AxVm *vm, AxError *err);

/* Wake whoever waits for vCPUs to leave their loop or to take a snapshot (vm->changed). */
void vm_wake_waiters(AxVm *vm);

/* Say a line to the VM's log; nothing when nobody listens. */
void vm_log(AxVm *vm, AxLogLevel level, const char *format, ...) AX_PRINTF(3, 4);

/*
 * Whether a vCPU may be inside its loop and not held: what changes only at rest is refused then.
 * vm->lock is held.
 */
bool vm_is_running(AxVm *vm);

/* vm->stop once ax_vm_stop() was called; its low half is the code. */
#define VM_STOPPED (UINT64_C(1) << 32)

static inline bool vm_is_stopped(const AxVm *vm)
{
	return atomic_load(&vm->stop) != 0;
}

/* Post REQUEST_STOP to all vCPUs. Async-signal-safe. */
void vm_request_stop(AxVm *vm);

#endif
