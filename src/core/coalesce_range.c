/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which ranges KVM collects writes of: telling it, and taking it back. See coalesce.h.
 */
#include <config.h>

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/coalesce.h"
#include "core/error.h"
#include "core/notify.h"

void coalesce_found_ring(AxVm *vm, AxVCpu *vcpu)
{
	struct coalesce *coalesce = vm->coalesce;

	if (coalesce && !atomic_load(&coalesce->ring))
		atomic_store(&coalesce->ring,
			     (struct kvm_coalesced_mmio_ring *)((uint8_t *)vcpu->run +
								coalesce->offset));
}

/* KVM says at which page the ring is; NULL: it has none, or there is no memory. */
static struct coalesce *new_coalesce(AxVm *vm)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t offset = (size_t)sys_check_extension(vm->fd, KVM_CAP_COALESCED_MMIO) * page;
	struct coalesce *coalesce;

	if (!offset || vm->run_size < page || offset > vm->run_size - page)
		return NULL;
	coalesce = calloc(1, sizeof(*coalesce));
	if (!coalesce)
		return NULL;
	pthread_mutex_init(&coalesce->lock, NULL);
	coalesce->offset = offset;
	coalesce->size = (uint32_t)((page - sizeof(struct kvm_coalesced_mmio_ring)) /
				    sizeof(struct kvm_coalesced_mmio));
	return coalesce;
}

bool coalesce_may(AxVm *vm, enum range_space space, const AxRange *desc)
{
	bool everywhere = vm->coalesce && vm->coalesce->everywhere;

	if (!(desc->flags & AX_RANGE_COALESCED) || desc->length > UINT32_MAX)
		return false;
	/* A recording has to see every exit; a handler's own vCPU would not catch up in time. */
	if (vm->record || (!everywhere && called_from_handler(vm)))
		return false;
	if (space == RANGE_PORT && !sys_check_extension(vm->fd, KVM_CAP_COALESCED_PIO))
		return false;
	if (!vm->coalesce) {
		vm->coalesce = new_coalesce(vm);
		if (vm->vcpu_count)
			coalesce_found_ring(vm, vm->vcpus[0]);
	}
	return vm->coalesce;
}

static struct range *find_id(AxVm *vm, AxRangeId id, enum range_space *space)
{
	const struct snapshot *snapshot = atomic_load(&vm->snapshot);

	for (unsigned i = 0; i < RANGE_SPACES; i++) {
		const struct range_table *table = &snapshot->table[i];

		for (size_t k = 0; k < table->count; k++) {
			if (table->entries[k]->id != id)
				continue;
			*space = (enum range_space)i;
			return table->entries[k];
		}
	}
	return NULL;
}

static struct kvm_coalesced_mmio_zone zone_of(const struct range *range, enum range_space space)
{
	return (struct kvm_coalesced_mmio_zone){ .addr = range->base,
						 .size = (uint32_t)range->length,
						 .pio = space == RANGE_PORT };
}

void coalesce_start(AxVm *vm, AxRangeId id)
{
	struct kvm_coalesced_mmio_zone zone;
	enum range_space space;
	struct range *range;

	if (!vm->coalesce->everywhere)
		snapshot_settle(vm);
	/* Meanwhile it may have gone, and with it the others' catching up. */
	range = find_id(vm, id, &space);
	if (!range)
		return;
	/* It is in every snapshot since the one that was waited for, so that all of them catch up. */
	vm->coalesce->everywhere = true;
	zone = zone_of(range, space);
	/* Where KVM has no room for it, say, each write makes an exit: the range is there all the same. */
	range->coalesced = sys_ioctl_struct(vm->fd, KVM_REGISTER_COALESCED_MMIO, &zone) >= 0;
}

int coalesce_stop(AxVm *vm, AxRangeId id, AxError *err)
{
	struct kvm_coalesced_mmio_zone zone;
	enum range_space space;
	struct range *range = find_id(vm, id, &space);
	int ret;

	if (!range || !range->coalesced)
		return 0;
	zone = zone_of(range, space);
	ret = sys_ioctl_struct(vm->fd, KVM_UNREGISTER_COALESCED_MMIO, &zone);
	if (ret < 0)
		return ax_error_sys(err, ret, "KVM_UNREGISTER_COALESCED_MMIO");
	range->coalesced = false;
	return 1;
}

void coalesce_end(AxVm *vm, struct snapshot *next)
{
	if (!next->coalesces)
		return;
	for (unsigned i = 0; i < RANGE_SPACES; i++) {
		const struct range_table *table = &next->table[i];

		for (size_t k = 0; k < table->count; k++) {
			if (table->entries[k]->needs_catch_up)
				return;
		}
	}
	next->coalesces = false;
	snapshot_choose_way(next);
	vm->coalesce->everywhere = false;
}

bool ax_range_is_coalesced(AxVm *vm, AxRangeId id)
{
	enum range_space space;
	const struct range *range;
	bool coalesced;

	pthread_mutex_lock(&vm->lock);
	range = find_id(vm, id, &space);
	coalesced = range && range->coalesced;
	pthread_mutex_unlock(&vm->lock);
	return coalesced;
}

int coalesce_check_notify(AxVm *vm, enum range_space space, uint64_t addr, AxError *err)
{
	const struct snapshot *snapshot = atomic_load(&vm->snapshot);
	const struct range *range = range_find(&snapshot->table[space], addr);

	if (!range || !range->wants_coalescing)
		return 0;
	return ax_error_argument(err, -EEXIST,
				 "a notification at 0x%" PRIx64 " is in \"%s\" at 0x%" PRIx64
				 ", whose writes may be coalesced: register it apart from the rest",
				 addr, range->name, range->base);
}

void coalesce_fini(AxVm *vm)
{
	if (!vm->coalesce)
		return;
	pthread_mutex_destroy(&vm->coalesce->lock);
	free(vm->coalesce);
	vm->coalesce = NULL;
}
