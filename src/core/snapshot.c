/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Snapshots of all registrations, and their handover to vCPUs that run; the scheme is described in
 * range.h.
 */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "core/coalesce.h"
#include "core/vcpu.h"
#include "core/vm.h"

struct snapshot *snapshot_new(void)
{
	struct snapshot *snapshot = calloc(1, sizeof(*snapshot));

	if (snapshot)
		snapshot->generation = 1;
	return snapshot;
}

struct snapshot *snapshot_copy(const struct snapshot *from)
{
	struct snapshot *copy = calloc(1, sizeof(*copy));

	if (!copy)
		return NULL;
	copy->generation = from->generation + 1;
	copy->observer = from->observer;
	copy->observer_opaque = from->observer_opaque;
	copy->trace = from->trace;
	copy->coalesces = from->coalesces;
	copy->has_detour = from->has_detour;

	/* Each array has room for one more, so that an addition needs no second allocation. */
	for (unsigned space = 0; space < RANGE_SPACES; space++) {
		const struct range_table *old = &from->table[space];
		struct range_table *new = &copy->table[space];

		new->entries = calloc(old->count + 1, sizeof(*new->entries));
		if (!new->entries)
			goto no_memory;
		if (old->count)
			memcpy(new->entries, old->entries, old->count * sizeof(*new->entries));
		new->count = old->count;
	}
	copy->notifies = calloc(from->notify_count + 1, sizeof(*copy->notifies));
	if (!copy->notifies)
		goto no_memory;
	if (from->notify_count)
		memcpy(copy->notifies, from->notifies,
		       from->notify_count * sizeof(*copy->notifies));
	copy->notify_count = from->notify_count;
	return copy;

no_memory:
	snapshot_free(copy);
	return NULL;
}

void snapshot_free(struct snapshot *snapshot)
{
	if (!snapshot)
		return;
	for (unsigned space = 0; space < RANGE_SPACES; space++)
		free(snapshot->table[space].entries);
	free(snapshot->notifies);
	free(snapshot);
}

/* A vCPU that is held (paused) uses no snapshot, and takes the newest before it goes on. */
static bool holds_older(AxVCpu *vcpu, uint64_t generation)
{
	return atomic_load(&vcpu->in_loop) && !atomic_load(&vcpu->held) &&
	       atomic_load(&vcpu->seen) < generation;
}

static bool all_hold(AxVm *vm, uint64_t generation)
{
	for (unsigned i = 0; i < vm->vcpu_count; i++) {
		if (holds_older(vm->vcpus[i], generation))
			return false;
	}
	return !coalesce_holds_older(vm, generation);
}

static void free_retired(AxVm *vm)
{
	struct snapshot *snapshot = vm->retired;

	vm->retired = NULL;
	while (snapshot) {
		struct snapshot *next = snapshot->retired;

		snapshot_free(snapshot);
		snapshot = next;
	}
}

void snapshot_publish(AxVm *vm, struct snapshot *next)
{
	struct snapshot *old = atomic_load(&vm->snapshot);

	atomic_store(&vm->snapshot, next);
	old->retired = vm->retired;
	vm->retired = old;
	for (unsigned i = 0; i < vm->vcpu_count; i++) {
		if (holds_older(vm->vcpus[i], next->generation))
			vcpu_request(vm->vcpus[i], REQUEST_SYNC);
	}
	if (all_hold(vm, next->generation))
		free_retired(vm);
}

void snapshot_settle(AxVm *vm)
{
	uint64_t generation = atomic_load(&vm->snapshot)->generation;

	atomic_fetch_add(&vm->waiters, 1);
	while (!all_hold(vm, generation))
		pthread_cond_wait(&vm->changed, &vm->lock);
	atomic_fetch_sub(&vm->waiters, 1);
	/* Another thread may have published meanwhile; then its own wait frees the rest. */
	if (atomic_load(&vm->snapshot)->generation == generation)
		free_retired(vm);
}

bool called_from_handler(AxVm *vm)
{
	for (unsigned i = 0; i < vm->vcpu_count; i++) {
		if (atomic_load(&vm->vcpus[i]->in_loop) && vcpu_is_owner(vm->vcpus[i]))
			return true;
	}
	return coalesce_is_drainer(vm);
}

void range_fini(AxVm *vm)
{
	struct snapshot *last = atomic_load(&vm->snapshot);

	free_retired(vm);
	if (!last)
		return;
	for (unsigned space = 0; space < RANGE_SPACES; space++) {
		for (size_t i = 0; i < last->table[space].count; i++)
			free(last->table[space].entries[i]);
	}
	snapshot_free(last);
	atomic_store(&vm->snapshot, NULL);
}
