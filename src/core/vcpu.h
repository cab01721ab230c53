/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The vCPU's inside: what the files of src/core and src/arch share.
 */
#ifndef AXVMM_CORE_VCPU_H
#define AXVMM_CORE_VCPU_H

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/types.h>

#include <axvmm/vcpu.h>

#include "core/range_cache.h"
#include "sys/sys.h"

/*
 * Asynchronous requests to a vCPU, bits of vcpu->requests. Whoever posts one also sets
 * immediate_exit and signals the owner; the owner looks at the word only after EINTR, so that what
 * is off costs nothing.
 */
enum vcpu_request {
	REQUEST_KICK = 1 << 0,	    /* vcpu->kicks has a bit */
	REQUEST_STOP = 1 << 1,	    /* leave the loop */
	REQUEST_PAUSE = 1 << 2,	    /* settle and wait for resume */
	REQUEST_SYNC = 1 << 3,	    /* take vm->snapshot */
	REQUEST_INTERRUPT = 1 << 4, /* the architecture has an interrupt to deliver */
	REQUEST_START = 1 << 5,	    /* vcpu->start_entry, start_arg */
	REQUEST_EXIT = 1 << 6,	    /* arch_next_exit() has another exit */
	REQUEST_VERDICT = 1 << 7,   /* coalesce_take_verdict() has one */
};

/* pending.kind when KVM_RUN failed: takes no answer, but ax_vcpu_settle() may help. */
#define PENDING_UNKNOWN 0xff

/* What the last exit still waits for: an answer, and the kernel's completion at the next entry. */
struct pending {
	uint8_t kind;	/* AxVCpuExitKind of the exit; AX_EXIT_NOTHING: registers are exact */
	uint8_t route;	/* AxHypercallRoute of a hypercall */
	bool by_arch;	/* arch_complete() completes it, not KVM */
	uint64_t block; /* guest address of a hypercall block */
	uint64_t value; /* AX_ROUTE_SMCCC: the answer so far */
	int64_t error;	/* AX_ROUTE_SBI: sbiret.error of the answer so far */
};

struct AxVCpu {
	/* Hot: read or written at every exit by the owner alone. */
	struct kvm_run *run;
	int fd;
	int state; /* AxVCpuState, atomic */
	struct pending pending;
	uint64_t counts[AX_EXIT_KINDS]; /* vcpu_count() */
	struct range_cache cache[RANGE_SPACES];
	const struct snapshot *snapshot; /* while in_loop */
	struct trace_ring *ring;	 /* of snapshot->trace; NULL: there is none */
	uint64_t run_times
		[2]; /* of the KVM_RUN whose exit is about to be told, see watch.c; 0: of none */
	size_t run_size;

	AxVm *vm;
	uint32_t id;
	pthread_t owner;	 /* while bound */
	bool pinned;		 /* old_affinity holds */
	cpu_set_t *old_affinity; /* allocated when pinned */
	size_t old_affinity_size;
	bool signal_was_blocked;
	AxVCpuExitReason settled; /* the access that a handler settled last */
	uint8_t stopped_bytes[8]; /* of the collected write that ended the loop last */
	bool draining; /* hands out what KVM has collected: kvm_run holds an exit that is not decoded */
	bool waits; /* ax_vm_run: halted or off. Under vm->lock */

	/* Written by other threads. Its own cache line, so that they don't disturb the owner's. */
	_Alignas(64) _Atomic uint32_t requests;
	_Atomic pid_t owner_tid; /* 0: nobody to signal */
	_Atomic uint32_t wakers; /* threads that are about to set wake_timer */
	timer_t wake_timer;	 /* while owner_tid is not 0; sends it the kick signal */
	atomic_bool in_loop;	 /* holds `snapshot`; see range.h */
	_Atomic uint64_t seen;	 /* generation of the snapshot it holds */
	atomic_bool held;	 /* paused: settled, waiting for resume */
	atomic_bool frozen;	 /* ax_vcpu_hold(): held beyond the pause's end; under vm->lock */
	atomic_bool powered_off;
	_Atomic uint64_t kicks[4];
	_Atomic uint64_t asked_page; /* that its owner waits or waited for: pager.h; 0 */
	uint64_t start_entry;	     /* under vm->lock */
	uint64_t start_arg;
	bool start_claimed; /* under vm->lock; see power.h */

	struct arch_vcpu *arch; /* the architecture's own */
	unsigned warned_count;	/* AX_UNCLAIMED_WARN: addresses that were logged */
	uint64_t warned[64];
};

/*
 * One more exit of @kind. Owner, the only one who writes them, so that a load and a store do; others may
 * read meanwhile (ax_vcpu_exit_counts()), which a plain ++ must not meet.
 */
static inline void vcpu_count(AxVCpu *vcpu, AxVCpuExitKind kind)
{
	uint64_t *count = &vcpu->counts[kind];

	__atomic_store_n(count, __atomic_load_n(count, __ATOMIC_RELAXED) + 1, __ATOMIC_RELAXED);
}

/*
 * Post a request: any thread, async-signal-safe. What the request's data is must have been stored
 * before.
 */
void vcpu_request(AxVCpu *vcpu, uint32_t bits);

/*
 * Make the calling thread the one that vcpu_request() signals, and undo it. 0; -ENOSPC the user has too
 * many signals waiting; -ENOMEM. Owner.
 */
int vcpu_make_wakeable(AxVCpu *vcpu, AxError *err);
void vcpu_make_unwakeable(AxVCpu *vcpu);

/*
 * Take requests away that the caller deals with now; returns those of @bits that were set. Owner.
 */
uint32_t vcpu_take_requests(AxVCpu *vcpu, uint32_t bits);

/*
 * After EINTR: clear immediate_exit, then look. Deals with what is the vCPU's own affair
 * (interrupts, start, further exits) and takes one kick. Returns 1 when @exit was filled
 * (ExternalInterrupt, or an architecture's further exit), 0 when there was nothing to tell, or a
 * negative errno. Requests of the loop's (STOP, PAUSE, SYNC) stay.
 */
int vcpu_serve_requests(AxVCpu *vcpu, AxVCpuExitReason *exit, AxError *err);

/* Whether the calling thread owns the vCPU now. */
bool vcpu_is_owner(const AxVCpu *vcpu);

/*
 * Registers may be touched now: state Free, or the owner's thread with nothing pending. 0 or
 * -EPERM.
 */
int vcpu_check_registers(AxVCpu *vcpu, AxError *err);

/* The state, stored so that any thread may read it. */
static inline void vcpu_set_state(AxVCpu *vcpu, AxVCpuState state)
{
	__atomic_store_n(&vcpu->state, (int)state, __ATOMIC_RELEASE);
}

static inline AxVCpuState vcpu_get_state(const AxVCpu *vcpu)
{
	return (AxVCpuState)__atomic_load_n(&vcpu->state, __ATOMIC_ACQUIRE);
}

/*
 * Enter once: what ax_vcpu_run() does after its checks, and the loop's slow half. rc is KVM_RUN's.
 * Returns 0 with
 * @exit filled, or a negative errno.
 */
int vcpu_take_exit(AxVCpu *vcpu, int rc, AxVCpuExitReason *exit, AxError *err);

/* Whether the calling thread owns it and it is Ready: 0 or -EPERM. */
int vcpu_check_run(AxVCpu *vcpu, AxError *err);

/*
 * Whether KVM_RUN may be called now: the vCPU is on; or it is off, but a request waits that only an
 * entry serves, and then that entry is made to end before the guest runs. Owner.
 */
bool vcpu_may_enter(AxVCpu *vcpu);

/*
 * Whether a vCPU that waits has a reason to be entered: one of these requests, or an interrupt when
 * it is on. Owner.
 */
bool vcpu_has_reason_to_run(AxVCpu *vcpu, uint32_t requests);

/*
 * Enter with immediate_exit, so that KVM completes what is pending. 0: nothing is pending any more;
 * 1: the same instruction had another exit, in @exit; or a negative errno. Owner.
 */
int vcpu_flush(AxVCpu *vcpu, AxVCpuExitReason *exit, AxError *err);

/* arch_complete(), with what it returned taken as an exit. Owner; when complete.h says so. */
int vcpu_complete(AxVCpu *vcpu, AxVCpuExitReason *exit, AxError *err);

/* ax_vcpu_settle() without its checks. */
int vcpu_settle(AxVCpu *vcpu, AxVCpuExitReason *exit, AxError *err);

/*
 * ax_vcpu_dispatch() outside of a handler, without its checks. What a handler of a collected write has said
 * is left to the loop (REQUEST_VERDICT). Owner.
 */
int vcpu_dispatch(AxVCpu *vcpu, const AxVCpuExitReason *exit);

/*
 * Begin and end the time in which the vCPU holds a snapshot: waits out a pause; see range.h. Owner.
 */
void vcpu_enter_loop(AxVCpu *vcpu);
void vcpu_leave_loop(AxVCpu *vcpu);

/* Take the newest snapshot and forget cached ranges. Owner, in the loop. */
void vcpu_sync(AxVCpu *vcpu);

/*
 * Settle, answering further exits by dispatch. AX_HANDLED; or AX_STOP or AX_UNHANDLED with the
 * further exit of which a handler, or nobody, said so in @exit (else untouched); or a negative
 * errno. Owner, in the loop.
 */
int vcpu_quiesce(AxVCpu *vcpu, AxVCpuExitReason *exit, AxError *err);

/* Take one kick out of the bitmap into @exit: true, or false when there is none. Owner. */
bool vcpu_take_kick(AxVCpu *vcpu, AxVCpuExitReason *exit);

/* Free everything; for ax_vm_destroy(). */
void vcpu_free(AxVCpu *vcpu);

#endif
