/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handlers: what answers the guest. They run on the vCPU's own thread, inside ax_vcpu_loop() or
 * ax_vcpu_dispatch(), and must not block. They are registered with a VM and apply to all its vCPUs.
 *
 * A handler never destroys its VM and calls neither ax_vm_pause() nor ax_range_remove(): those wait
 * for the very vCPU that runs the handler and are refused with -EDEADLK. ax_host_defer() (host.h)
 * is the way to do such things later, on the event loop's thread.
 */
#ifndef AXVMM_HANDLER_H
#define AXVMM_HANDLER_H

#include <axvmm/error.h>
#include <axvmm/exit.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A handler's verdict. */
typedef enum AxHandled {
	AX_HANDLED = 0,	  /* answered: enter the guest again */
	AX_UNHANDLED = 1, /* not mine: treated as if nobody had claimed it */
	AX_STOP = 2	  /* answered; leave ax_vcpu_loop() with this exit */
} AxHandled;

/*
 * Ops of an MMIO or port range. `offset` is relative to the range's base, and offset + size of
 * width never passes its length: an access that does is dispatched bytewise, each byte to its own
 * range. Values are little endian; *value is zero before read() is called, and bits of it above the
 * width are ignored. A missing op counts as AX_UNHANDLED.
 */
typedef struct AxRangeOps {
	size_t size; /* sizeof(AxRangeOps) */
	AxHandled (*read)(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
			  uint64_t *value);
	AxHandled (*write)(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
			   uint64_t value);
} AxRangeOps;

/* MMIO and ports differ in their address space alone. */
typedef AxRangeOps AxMmioOps;
typedef AxRangeOps AxPortOps;

/*
 * Mutual exclusion between vCPUs and a device's own threads, for AX_RANGE_SERIAL. Zero-cost unless
 * used.
 */
typedef struct AxLock AxLock;

/*
 * Make a lock; NULL when there is no memory. Owned by the caller, who frees it after the range is
 * gone.
 */
AX_API AxLock *ax_lock_new(void);
/* Free a lock that nobody holds. NULL is allowed. */
AX_API void ax_lock_free(AxLock *lock);
/* Take and release. Any thread; not recursive. */
AX_API void ax_lock(AxLock *lock);
AX_API void ax_unlock(AxLock *lock);

#define AX_RANGE_SERIAL (1u << 0) /* ops run with `lock` held */
/*
 * The guest need not wait for its writes: KVM collects them (KVM_REGISTER_COALESCED_MMIO), without an
 * exit for each, and write() is called for each some time later. For registers that are only stored,
 * bytes that are only shown; not for what the guest looks at by another way, such as memory.
 *
 * Order. write() sees the accesses of a vCPU, to whatever range, in the order in which that vCPU made
 * them, and those of several vCPUs in an order that agrees with how the guest synchronized them: what is
 * collected is handed out, one after the other, before anything comes of an exit that a vCPU made later.
 * So a read of the range finds all writes done. Only notifications (irq.h) and what the guest does in its
 * memory overtake collected writes: who is woken by them calls ax_coalesced_drain() first.
 *
 * When. At the next exit of any vCPU, whatever it is for, so before one halts in userspace, is paused or
 * stops; and when the ring is full (at most 169 writes of one VM with 4 KiB pages), for then a write makes an exit.
 * A guest that does not leave KVM (it computes, or halts with AX_IRQCHIP_KERNEL) may keep them waiting for
 * ever: what has to be seen in time needs a timer that calls ax_coalesced_drain(). With ax_vcpu_run() alone
 * that, and ax_vcpu_dispatch() before it dispatches, hand out.
 *
 * Who. write() runs on the thread of the vCPU that finds the writes, which need not be the one that made
 * them: KVM does not say which did. `vcpu` is the one that finds them; on a thread that is no vCPU's
 * (ax_coalesced_drain(), ax_range_remove()) it is the VM's first, and only what any thread may call on it
 * works. Registers cannot be asked for, nor ax_vcpu_settle() called. No two collected writes of a VM are
 * handed out at the same time; what an exit of another vCPU calls may run beside (AX_RANGE_SERIAL).
 * AX_STOP leaves that vCPU's loop with this write as the exit, after the exit that made it be found has been
 * dealt with; of several only the first is told. ax_vcpu_dispatch() says AX_STOP for it once an exit that
 * it is given is AX_HANDLED.
 *
 * Where KVM cannot (KVM_CAP_COALESCED_MMIO, _PIO), in a recorded VM, and when a handler registers such a
 * range of a VM that has none, each write makes an exit as ever: ax_range_is_coalesced(). Registering the
 * first one waits for handlers that run now, as ax_range_remove() does. While a VM has such ranges, each exit
 * costs a look at the ring; once the last one has been removed, no more. No notification may be in the range.
 */
#define AX_RANGE_COALESCED (1u << 1)

/* A range to be registered. */
typedef struct AxRange {
	size_t size;	       /* sizeof(AxRange): AX_RANGE_INIT */
	const char *name;      /* shows up in messages; copied, at most 31 bytes are kept */
	uint64_t base;	       /* guest physical address, or port */
	uint64_t length;       /* bytes, not 0 */
	const AxRangeOps *ops; /* borrowed until the range is removed */
	void *opaque;	       /* borrowed until the range is removed */
	unsigned flags;	       /* AX_RANGE_* */
	AxLock *lock;	       /* for AX_RANGE_SERIAL */
} AxRange;

#define AX_RANGE_INIT                                            \
	{                                                        \
		sizeof(AxRange), NULL, 0, 0, NULL, NULL, 0, NULL \
	}

/* Names a registered range until it is removed. Never 0. */
typedef uint64_t AxRangeId;

/**
 * Register MMIO or ports. Ranges of one address space never overlap. An MMIO range may lie over RAM
 * only where that RAM is read-only (AX_RAM_READONLY: writes arrive at the range, reads do not:
 * flash). The range is there for every vCPU before its next entry.
 *
 * @param id  filled on success; may be NULL
 * @return 0; -EINVAL empty, wrapping, beyond 65536 ports, or without ops; -EEXIST overlaps (the
 * message names both), or AX_RANGE_COALESCED with a notification in it; -ENOMEM
 *
 * Thread: any, a handler's too.
 */
AX_API int ax_range_add_mmio(AxVm *vm, const AxRange *range, AxRangeId *id, AxError *err);
AX_API int ax_range_add_ports(AxVm *vm, const AxRange *range, AxRangeId *id, AxError *err);

/**
 * Remove a range. When this returns no vCPU is in its ops or will enter them, so that `ops` and
 * `opaque` may be freed. Writes to it that KVM has collected are handed out before, by this call.
 *
 * @return 0; -ENOENT no such range; -EDEADLK called from a handler of the same VM; -ENOMEM; -EIO KVM
 *         goes on collecting: the range stays
 *
 * Thread: any but a vCPU's inside a handler. Waits for handlers that run now.
 */
AX_API int ax_range_remove(AxVm *vm, AxRangeId id, AxError *err);

/**
 * Hand out what KVM has collected of ranges with AX_RANGE_COALESCED: when this returns, all that the
 * guest had written before the call has been through write(). In a pause (ax_vm_pause()) that is nothing,
 * unless a vCPU that a pause does not hold has written meanwhile: it is handed out all the same.
 *
 * @return 0; -EDEADLK from a handler of the same VM
 *
 * Thread: any but a vCPU's inside a handler, with no lock held that a write() takes: those of all
 * coalesced ranges are called here, and calls on other threads are waited for.
 */
AX_API int ax_coalesced_drain(AxVm *vm, AxError *err);

/* Whether KVM collects the writes to a range (true), or each makes an exit. Thread: any. */
AX_API bool ax_range_is_coalesced(AxVm *vm, AxRangeId id);

/* Writes that were collected and handed out since the VM was made. ax_vcpu_exit_counts() does not count
 * them: they are no exits. Thread: any. */
AX_API uint64_t ax_coalesced_count(AxVm *vm);

/*
 * System registers: x86-64 MSRs, riscv64 CSRs. AX_UNHANDLED injects the fault that a missing
 * register gives (#GP on x86-64, an illegal instruction exception on riscv64).
 *
 * A CSR instruction that writes also reads: read() is called first, and gives the register's old
 * value, of which bits that the instruction does not write are kept (0 without read()).
 */
typedef struct AxSysRegOps {
	size_t size; /* sizeof(AxSysRegOps) */
	AxHandled (*read)(AxVCpu *vcpu, void *opaque, AxSysRegAddr addr, uint64_t *value);
	AxHandled (*write)(AxVCpu *vcpu, void *opaque, AxSysRegAddr addr, uint64_t value);
} AxSysRegOps;

/**
 * Claim @count system registers from @first on. On x86-64 the accesses are taken from KVM by an MSR
 * filter (KVM_X86_SET_MSR_FILTER, at most 16 ranges of at most 12,288 MSRs) and
 * KVM_CAP_X86_USER_SPACE_MSR; registers that KVM itself does not know are then reported too.
 *
 * @return 0; -EEXIST overlaps (the message names both); -ENOSPC more than 16; -ENOTSUP this KVM has
 * no filter; -EPERM a vCPU exists and the architecture wants it before; -EIO
 *
 * Thread: any, before vCPUs run. There is no removal: it lives as long as the VM.
 */
AX_API int ax_sys_reg_add(AxVm *vm, const char *name, AxSysRegAddr first, uint32_t count,
			  const AxSysRegOps *ops, void *opaque, AxError *err);

/**
 * Have registers that neither KVM nor a claim knows read as 0 and take writes, as KVM's own parameter
 * ignore_msrs does for all VMs of a host; each is told to the VM's log once. Without this they fault.
 * Guests that probe for a processor's registers expect them to be there.
 *
 * @return 0; -ENOTSUP no such KVM (KVM_CAP_X86_USER_SPACE_MSR), another architecture; -EIO
 *
 * Thread: the one that builds the VM.
 */
AX_API int ax_sys_reg_skip_unknown(AxVm *vm, AxError *err);

/*
 * Hypercalls. The answer goes to *result, which is the architecture's "not implemented" before
 * (x86-64 -1000, KVM_ENOSYS; arm64 -1, NOT_SUPPORTED of the SMCCC) and stays so when the verdict is
 * AX_UNHANDLED. An SBI call has two results: *result is sbiret.value, ax_vcpu_set_return_error() sets
 * sbiret.error, which is SBI_ERR_NOT_SUPPORTED for AX_UNHANDLED.
 */
typedef struct AxHypercallOps {
	size_t size; /* sizeof(AxHypercallOps) */
	AxHandled (*call)(AxVCpu *vcpu, void *opaque, const AxVCpuExitReason *exit,
			  uint64_t *result);
} AxHypercallOps;

/*
 * Flags of ax_hypercall_set().
 *
 * AX_HYPERCALL_TRAP: the CPU's own instruction. x86-64: VMCALL and VMMCALL by KVM_XEN_HVM_CONFIG,
 * which swallows KVM's own calls. arm64: HVC and SMC with function IDs of the vendor specific
 * hypervisor service (0x86000000 to 0x8600ffff, 0xc6000000 to 0xc600ffff: SMCCC, 6.2), by KVM's SMCCC
 * filter. riscv64: SBI calls of the experimental range (0x08000000 to 0x08ffffff), which KVM forwards
 * anyway. AX_HYPERCALL_CONSOLE: riscv64, the debug console extension (DBCN).
 */
#define AX_HYPERCALL_TRAP (1u << 0)
#define AX_HYPERCALL_MAP_GPA \
	(1u << 1) /* KVM_CAP_EXIT_HYPERCALL: number 12, KVM_HC_MAP_GPA_RANGE \
					*/
#define AX_HYPERCALL_USER \
	(1u << 2) /* calls from CPL 3 reach the handler; else they get -EPERM (-1) */
#define AX_HYPERCALL_CONSOLE (1u << 3)
/*
 * Block route, works on every KVM: the guest stores the guest physical address of a block
 * { u64 nr, args[6], ret } to these places. 8-byte aligned, in RAM; a bad address is answered with
 * nothing but the dispatch going on (the write is unclaimed). The privilege level is not known on
 * this route: who may write there is for the guest's kernel to say, by page tables and I/O bitmap.
 */
typedef struct AxHypercallConfig {
	size_t size;		    /* sizeof(AxHypercallConfig): AX_HYPERCALL_CONFIG_INIT */
	unsigned flags;		    /* AX_HYPERCALL_*; what the host lacks is -ENOTSUP */
	AxGuestPhysAddr block_mmio; /* 8-byte (or 4-byte) writes here; 0: none */
	uint32_t block_port;	    /* 4-byte writes here; 0: none */
} AxHypercallConfig;

#define AX_HYPERCALL_CONFIG_INIT                   \
	{                                          \
		sizeof(AxHypercallConfig), 0, 0, 0 \
	}

/**
 * Set the VM's hypercall handler and the routes by which calls arrive. Nothing is intercepted
 * without.
 *
 * @param config  NULL: block route off, no flags
 * @param ops     borrowed for the VM's life
 * @return 0; -ENOTSUP a route that this KVM lacks (the message names it); -EEXIST the block's place
 *         overlaps a range that is no block; -EPERM a vCPU exists already
 *
 * Thread: the one that builds the VM, before the first vCPU is created.
 */
AX_API int ax_hypercall_set(AxVm *vm, const AxHypercallConfig *config, const AxHypercallOps *ops,
			    void *opaque, AxError *err);

/*
 * Power: PSCI, SBI HSM, SIPI. A NULL member, or AX_UNHANDLED, leaves the exit to ax_vcpu_loop()'s
 * caller; ax_vm_run() then does what hardware does (starts the CPU, lets it wait, ends the VM).
 *
 * Who takes CpuUp also starts the target, by ax_vcpu_start(), at once or later: until then PSCI and
 * HSM tell the guest that its start is pending. Or it refuses: by ax_vcpu_set_return_value() with
 * PSCI's error on arm64, by ax_vcpu_set_return_error() with SBI's on riscv64.
 */
typedef struct AxPowerOps {
	size_t size; /* sizeof(AxPowerOps) */
	AxHandled (*cpu_up)(AxVCpu *vcpu, void *opaque, uint64_t target_cpu,
			    AxGuestPhysAddr entry_point, uint64_t arg);
	AxHandled (*cpu_down)(AxVCpu *vcpu, void *opaque, uint64_t state);
	AxHandled (*system_down)(AxVCpu *vcpu, void *opaque, const AxVCpuExitReason *exit);
	AxHandled (*halt)(AxVCpu *vcpu, void *opaque);
} AxPowerOps;

/* The rest: NestedPageFault (AX_HANDLED: try again), ExternalInterrupt, SendIPI, IrqEoi. */
typedef struct AxEventOps {
	size_t size; /* sizeof(AxEventOps) */
	AxHandled (*page_fault)(AxVCpu *vcpu, void *opaque, const AxVCpuExitReason *exit);
	AxHandled (*interrupt)(AxVCpu *vcpu, void *opaque, uint64_t vector);
	AxHandled (*send_ipi)(AxVCpu *vcpu, void *opaque, const AxVCpuExitReason *exit);
	AxHandled (*irq_eoi)(AxVCpu *vcpu, void *opaque, uint8_t vector);
} AxEventOps;

/**
 * Set the power or event handlers of a VM. NULL ops: none.
 *
 * @param ops  borrowed for the VM's life
 * @return 0; -EPERM a vCPU is inside its loop
 *
 * Thread: the one that builds the VM.
 */
AX_API int ax_power_set(AxVm *vm, const AxPowerOps *ops, void *opaque, AxError *err);
AX_API int ax_event_set(AxVm *vm, const AxEventOps *ops, void *opaque, AxError *err);

#ifdef __cplusplus
}
#endif

#endif
