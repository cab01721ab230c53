/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes that KVM collects in its ring instead of leaving the guest for each (AX_RANGE_COALESCED), and
 * handing them out to their handlers. Documentation/virt/kvm/api.rst, 4.116.
 *
 * There is one ring for all vCPUs of a VM. KVM writes entries and `last`; who holds the lock here hands
 * entries out and writes `first`, each time after the handler has returned: whoever finds the ring empty
 * knows that all that was in it has been dealt with. A vCPU catches up each time that KVM_RUN returned,
 * before anything comes of that exit, so that no handler sees an access before those that the guest made
 * earlier. VMs without such a range pay nothing: they have the loop without this (snapshot.has_detour).
 *
 * Entries are looked up in the newest snapshot, because the vCPU that finds one may hold an older one
 * than that of whoever registered the range. Who hands out is a reader of it as vCPUs in their loop are
 * (range.h).
 *
 * Locks: coalesce.lock is held while handlers run, so it comes before vm->lock and devices' locks, and is
 * never taken by who holds one of them.
 */
#ifndef AXVMM_CORE_COALESCE_H
#define AXVMM_CORE_COALESCE_H

#include "core/vcpu.h"
#include "core/vm.h"

/* vm->coalesce: made with the first range that wants it, and as old as the VM from then on. */
struct coalesce {
	struct kvm_coalesced_mmio_ring *_Atomic ring; /* NULL: there is no vCPU yet */
	uint32_t size;				      /* entries; one of them is always empty */
	size_t offset;				      /* of the ring in a vCPU's pages */
	/* Each vCPU catches up, and will while a range wants it to; under vm->lock. */
	bool everywhere;
	pthread_mutex_t lock;	     /* guards the ring's `first`, and the rest */
	_Atomic(uintptr_t) drainer;  /* the thread that hands out; 0 */
	_Atomic uint64_t generation; /* of the snapshot that it uses */
	_Atomic uint64_t count;	     /* of writes that came out of the ring */
	AxHandled verdict;	     /* AX_HANDLED: there is none */
	AxVCpuExitReason stopped_on; /* what it is about */
	uint8_t stopped_bytes[8];    /* of a port's */
};

/*
 * Whether a range that is about to be registered may be coalesced: makes vm->coalesce if need be. What
 * KVM lacks, or a recording needs to see, or what comes from a handler before all vCPUs catch up, is not.
 * vm->lock is held.
 */
bool coalesce_may(AxVm *vm, enum range_space space, const AxRange *desc);

/*
 * Have KVM collect what is written to the range with @id, of a snapshot that has been published with
 * `coalesces` set. Waits until every vCPU catches up, for which vm->lock, which is held, is let go.
 */
void coalesce_start(AxVm *vm, AxRangeId id);

/*
 * Have KVM collect no more writes to the range with @id. 1: there may be some in the ring, for
 * coalesce_drain(); 0: none, or no such range; or a negative errno. vm->lock is held.
 */
int coalesce_stop(AxVm *vm, AxRangeId id, AxError *err);

/*
 * A range has been taken out of @next, which is about to be published, after coalesce_stop() and
 * coalesce_drain(): with the last one that KVM collected of goes the catching up. Nothing is left in the ring,
 * and nothing comes until coalesce_start() has waited for every vCPU again. vm->lock is held.
 */
void coalesce_end(AxVm *vm, struct snapshot *next);

/*
 * Hand out what is in the ring now. Thread: @owner's, which is inside its loop and out of KVM_RUN; or any
 * other (NULL) but that of a handler. No lock is held.
 */
void coalesce_drain(AxVm *vm, AxVCpu *owner);

/* The first vCPU has been created: its pages have the ring. vm->lock is held. */
void coalesce_found_ring(AxVm *vm, AxVCpu *vcpu);

/* The calling thread is handing out; somebody is, and uses a snapshot older than @generation. */
bool coalesce_is_drainer(const AxVm *vm);
bool coalesce_holds_older(const AxVm *vm, uint64_t generation);

/*
 * REQUEST_VERDICT: a handler of a collected write has not said AX_HANDLED. Its verdict, with the write in
 * @exit; AX_HANDLED: another vCPU has told of it. Owner.
 */
AxHandled coalesce_take_verdict(AxVCpu *vcpu, AxVCpuExitReason *exit);

/* Refuse a notification in a range that wants to be coalesced: 0 or -EEXIST. vm->lock is held. */
int coalesce_check_notify(AxVm *vm, enum range_space space, uint64_t addr, AxError *err);

void coalesce_fini(AxVm *vm);

/*
 * After KVM_RUN, and before anything is done about why it returned. Owner, inside its loop, where
 * vcpu->snapshot->coalesces.
 */
static inline void coalesce_catch_up(AxVCpu *vcpu)
{
	const struct coalesce *coalesce = vcpu->vm->coalesce;
	const struct kvm_coalesced_mmio_ring *ring =
		atomic_load_explicit(&coalesce->ring, memory_order_relaxed);
	/* In this order: `first` never passes this `last`, but comes up to it when all is done. */
	uint32_t last = __atomic_load_n(&ring->last, __ATOMIC_ACQUIRE);

	if (__atomic_load_n(&ring->first, __ATOMIC_ACQUIRE) != last)
		coalesce_drain(vcpu->vm, vcpu);
}

/* Whether coalesce_catch_up() has left a verdict for the loop. Owner. */
static inline bool coalesce_has_verdict(AxVCpu *vcpu)
{
	return atomic_load_explicit(&vcpu->requests, memory_order_relaxed) & REQUEST_VERDICT;
}

#endif
