/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Registered MMIO and port ranges, and the snapshot of all registrations that vCPUs read without a
 * lock.
 *
 * A snapshot never changes once it is published. A vCPU inside its loop holds one (vcpu->snapshot)
 * and takes the newer one when it is asked to (REQUEST_SYNC). Who removes something publishes a
 * snapshot without it and waits until every vCPU inside its loop holds that one: then nobody can be
 * in the removed thing.
 */
#ifndef AXVMM_CORE_RANGE_H
#define AXVMM_CORE_RANGE_H

#include <axvmm/handler.h>
#include <axvmm/irq.h>
#include <axvmm/trace.h>

enum range_space { RANGE_MMIO = 0, RANGE_PORT = 1, RANGE_SPACES = 2 };

#define PORT_SPACE_SIZE 0x10000
#define RANGE_NAME_SIZE 32

/* In the place of a width, for a size that is none; no access of it fits anywhere. */
#define RANGE_NO_WIDTH 4

struct range {
	uint64_t base;
	/* For each width, the number of offsets at which an access of it lies inside the range. */
	uint64_t room[RANGE_NO_WIDTH + 1];
	uint64_t length;
	/*
	 * What an access calls, and with what: never NULL. Decided at registration: the device's own
	 * ops, or stand-ins for a missing one and for those with a lock around them (then opaque is
	 * the range).
	 */
	AxRangeOps ops;
	void *opaque;
	const AxRangeOps *device_ops;
	void *device;
	AxLock *lock;  /* held around device_ops; NULL: none */
	bool uncached; /* the fast path must not see it: accesses mean more than a call of ops */
	bool wants_coalescing; /* AX_RANGE_COALESCED */
	bool needs_catch_up;   /* it does it, or is about to: as long as the range is there */
	bool coalesced;	       /* KVM does it; under vm->lock */
	AxRangeId id;
	char name[RANGE_NAME_SIZE];
};

/* Whether an access of @width (RANGE_NO_WIDTH too) at @addr lies inside @range. */
static inline bool range_fits(const struct range *range, uint64_t addr, unsigned width)
{
	return addr - range->base < range->room[width];
}

/* Sorted by base, without overlap. */
struct range_table {
	size_t count;
	struct range **entries;
};

/* A notification that the dispatch carries because KVM does not. */
struct soft_notify {
	AxNotifyId id;
	AxNotify what;
};

struct snapshot {
	uint64_t generation;
	struct range_table table[RANGE_SPACES];
	size_t notify_count;
	struct soft_notify *notifies;
	const AxObserver *observer; /* NULL: nobody watches */
	void *observer_opaque;
	AxTrace *trace;		  /* NULL: none is written */
	bool coalesces;		  /* KVM may have collected writes: coalesce.h */
	bool has_detour;	  /* one of these: the loop's one look */
	struct snapshot *retired; /* next in vm->retired */
};

/* Once what the loop looks at has been changed. */
static inline void snapshot_choose_way(struct snapshot *snapshot)
{
	snapshot->has_detour = snapshot->observer || snapshot->trace || snapshot->coalesces;
}

/* The range of @table in which @addr lies; NULL when there is none. Logarithmic. */
struct range *range_find(const struct range_table *table, uint64_t addr);

/*
 * The first range that has a byte in common with base .. base + length; NULL. The sum must not wrap
 * past 2^64.
 */
struct range *range_overlapping(const struct range_table *table, uint64_t base, uint64_t length);

/* The first snapshot of a VM, empty; NULL when there is no memory. */
struct snapshot *snapshot_new(void);

/*
 * A copy that may be changed until it is published; NULL when there is no memory. Ranges are
 * shared, not copied.
 */
struct snapshot *snapshot_copy(const struct snapshot *from);

/* Free a snapshot's own tables; the ranges in it stay. */
void snapshot_free(struct snapshot *snapshot);

/*
 * Put @next (changed from a copy) in the place of the VM's snapshot and tell the vCPUs. The caller
 * holds vm->lock. The old one is freed when no vCPU can hold it any more, at the latest with the
 * VM.
 */
void snapshot_publish(AxVm *vm, struct snapshot *next);

/*
 * Wait until every vCPU inside its loop holds the snapshot published last. The caller holds
 * vm->lock, which is let go while waiting.
 */
void snapshot_settle(AxVm *vm);

/*
 * Whether the calling thread is a vCPU's inside its loop, so that waiting for the vCPUs would never
 * end.
 */
bool called_from_handler(AxVm *vm);

/*
 * Register a range of the library's own: as ax_range_add_*(), but the fast path is kept from it
 * (range.uncached).
 */
int range_add_uncached(AxVm *vm, enum range_space space, const AxRange *desc, AxRangeId *id,
		       AxError *err);

/* Free all ranges and snapshots of a VM that is being destroyed. */
void range_fini(AxVm *vm);

#endif
