/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Registration of MMIO and port ranges, and looking them up.
 */
#include <config.h>

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <axvmm/memory.h>

#include "core/coalesce.h"
#include "core/error.h"
#include "core/lock.h"
#include "core/notify.h"
#include "core/range.h"
#include "core/vcpu.h"
#include "core/vm.h"

/* The number of ranges whose base is at or below @addr: where one that begins above it would go. */
static size_t count_up_to(const struct range_table *table, uint64_t addr)
{
	size_t low = 0, high = table->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (table->entries[middle]->base <= addr)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct range *range_find(const struct range_table *table, uint64_t addr)
{
	size_t count = count_up_to(table, addr);
	struct range *range;

	if (!count)
		return NULL;
	range = table->entries[count - 1];
	return addr - range->base < range->length ? range : NULL;
}

struct range *range_overlapping(const struct range_table *table, uint64_t base, uint64_t length)
{
	size_t count = count_up_to(table, base + (length - 1));
	struct range *range;

	if (!count)
		return NULL;
	range = table->entries[count - 1]; /* the last that begins at or before the end */
	return range->base >= base || base - range->base < range->length ? range : NULL;
}

static const char *space_name(enum range_space space)
{
	return space == RANGE_PORT ? "ports" : "MMIO";
}

static int check_range(enum range_space space, const AxRange *desc, AxError *err)
{
	if (!desc || desc->size < sizeof(*desc) || !desc->ops ||
	    desc->ops->size < sizeof(*desc->ops))
		return ax_error_argument(
			err, -EINVAL,
			"range without ops, or a struct whose size is not set (use AX_RANGE_INIT)");
	if (!desc->length || desc->base + (desc->length - 1) < desc->base)
		return ax_error_argument(
			err, -EINVAL,
			"%s %s at 0x%" PRIx64 " with length 0x%" PRIx64 " is empty or wraps",
			space_name(space), desc->name ? desc->name : "", desc->base, desc->length);
	if (space == RANGE_PORT && desc->base + (desc->length - 1) >= PORT_SPACE_SIZE)
		return ax_error_argument(err, -EINVAL,
					 "ports 0x%" PRIx64 " to 0x%" PRIx64 " end past 0xffff",
					 desc->base, desc->base + (desc->length - 1));
	if ((desc->flags & AX_RANGE_SERIAL) && !desc->lock)
		return ax_error_argument(err, -EINVAL, "AX_RANGE_SERIAL without a lock");
	if (desc->flags & ~(AX_RANGE_SERIAL | AX_RANGE_COALESCED))
		return ax_error_argument(err, -EINVAL, "unknown range flags 0x%x", desc->flags);
	return 0;
}

static AxHandled missing_read(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
			      uint64_t *value)
{
	(void)vcpu;
	(void)opaque;
	(void)offset;
	(void)width;
	(void)value;
	return AX_UNHANDLED;
}

static AxHandled missing_write(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
			       uint64_t value)
{
	(void)vcpu;
	(void)opaque;
	(void)offset;
	(void)width;
	(void)value;
	return AX_UNHANDLED;
}

static AxHandled locked_read(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
			     uint64_t *value)
{
	const struct range *range = opaque;
	AxHandled handled;

	lock_take(range->lock);
	handled = range->device_ops->read(vcpu, range->device, offset, width, value);
	lock_release(range->lock);
	return handled;
}

static AxHandled locked_write(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
			      uint64_t value)
{
	const struct range *range = opaque;
	AxHandled handled;

	lock_take(range->lock);
	handled = range->device_ops->write(vcpu, range->device, offset, width, value);
	lock_release(range->lock);
	return handled;
}

static void choose_ops(struct range *range, const AxRange *desc)
{
	bool locked = desc->flags & AX_RANGE_SERIAL;

	range->device_ops = desc->ops;
	range->device = desc->opaque;
	range->lock = locked ? desc->lock : NULL;
	range->opaque = locked ? range : desc->opaque;
	range->ops.size = sizeof(range->ops);
	range->ops.read = locked ? locked_read : desc->ops->read;
	range->ops.write = locked ? locked_write : desc->ops->write;
	if (!desc->ops->read)
		range->ops.read = missing_read;
	if (!desc->ops->write)
		range->ops.write = missing_write;
}

static struct range *new_range(AxVm *vm, const AxRange *desc, bool uncached)
{
	struct range *range = calloc(1, sizeof(*range));

	if (!range)
		return NULL;
	range->base = desc->base;
	range->length = desc->length;
	for (unsigned width = 0; width < RANGE_NO_WIDTH; width++) {
		uint64_t size = UINT64_C(1) << width;

		range->room[width] = size <= range->length ? range->length - size + 1 : 0;
	}
	choose_ops(range, desc);
	range->uncached = uncached;
	range->wants_coalescing = desc->flags & AX_RANGE_COALESCED;
	range->id = ++vm->next_id;
	if (desc->name)
		strncpy(range->name, desc->name, sizeof(range->name) - 1);
	return range;
}

static void insert(struct range_table *table, struct range *range)
{
	size_t at = count_up_to(table, range->base);

	memmove(&table->entries[at + 1], &table->entries[at],
		(table->count - at) * sizeof(*table->entries));
	table->entries[at] = range;
	table->count++;
}

static int add_locked(AxVm *vm, enum range_space space, const AxRange *desc, bool uncached,
		      AxRangeId *id, AxError *err)
{
	struct snapshot *current = atomic_load(&vm->snapshot);
	struct range *other = range_overlapping(&current->table[space], desc->base, desc->length);
	struct snapshot *next;
	struct range *range;
	uint64_t ram_base, ram_size;
	AxRangeId new_id;
	bool coalesced;

	if (other)
		return ax_error_argument(err, -EEXIST,
					 "%s \"%s\" at 0x%" PRIx64 " with length 0x%" PRIx64
					 " overlaps \"%s\" at 0x%" PRIx64 " with length 0x%" PRIx64,
					 space_name(space), desc->name ? desc->name : "",
					 desc->base, desc->length, other->name, other->base,
					 other->length);
	if (space == RANGE_MMIO &&
	    memory_overlapping(vm, desc->base, desc->length, AX_RAM_READONLY, &ram_base, &ram_size))
		return ax_error_argument(err, -EEXIST,
					 "MMIO \"%s\" at 0x%" PRIx64 " with length 0x%" PRIx64
					 " overlaps RAM at 0x%" PRIx64 " with size 0x%" PRIx64,
					 desc->name ? desc->name : "", desc->base, desc->length,
					 ram_base, ram_size);
	if ((desc->flags & AX_RANGE_COALESCED) &&
	    notify_within(vm, space, desc->base, desc->length))
		return ax_error_argument(err, -EEXIST,
					 "%s \"%s\" at 0x%" PRIx64 " with length 0x%" PRIx64
					 " is to be coalesced, but a notification is in it: "
					 "register that place apart",
					 space_name(space), desc->name ? desc->name : "",
					 desc->base, desc->length);
	next = snapshot_copy(current);
	range = new_range(vm, desc, uncached);
	if (!next || !range) {
		snapshot_free(next);
		free(range);
		return ax_error_nomem(err, "a range");
	}
	insert(&next->table[space], range);
	coalesced = coalesce_may(vm, space, desc);
	if (coalesced) {
		range->needs_catch_up = true;
		next->coalesces = true;
		snapshot_choose_way(next);
	}
	new_id = range->id;
	if (id)
		*id = new_id;
	snapshot_publish(vm, next);
	if (coalesced)
		coalesce_start(vm, new_id);
	return 0;
}

static int add(AxVm *vm, enum range_space space, const AxRange *desc, bool uncached, AxRangeId *id,
	       AxError *err)
{
	int ret = check_range(space, desc, err);

	if (ret)
		return ret;
	pthread_mutex_lock(&vm->lock);
	ret = add_locked(vm, space, desc, uncached, id, err);
	pthread_mutex_unlock(&vm->lock);
	return ret;
}

int range_add_uncached(AxVm *vm, enum range_space space, const AxRange *desc, AxRangeId *id,
		       AxError *err)
{
	return add(vm, space, desc, true, id, err);
}

int ax_range_add_mmio(AxVm *vm, const AxRange *range, AxRangeId *id, AxError *err)
{
	return add(vm, RANGE_MMIO, range, false, id, err);
}

int ax_range_add_ports(AxVm *vm, const AxRange *range, AxRangeId *id, AxError *err)
{
	return add(vm, RANGE_PORT, range, false, id, err);
}

/* Take the range with @id out of the tables of @snapshot; NULL: it is in none. */
static struct range *take_out(struct snapshot *snapshot, AxRangeId id)
{
	for (unsigned space = 0; space < RANGE_SPACES; space++) {
		struct range_table *table = &snapshot->table[space];

		for (size_t i = 0; i < table->count; i++) {
			struct range *range = table->entries[i];

			if (range->id != id)
				continue;
			table->count--;
			memmove(&table->entries[i], &table->entries[i + 1],
				(table->count - i) * sizeof(*table->entries));
			return range;
		}
	}
	return NULL;
}

static int remove_locked(AxVm *vm, AxRangeId id, AxError *err)
{
	struct snapshot *next;
	struct range *range;

	if (called_from_handler(vm))
		return ax_error_set(err, -EDEADLK, AX_ERROR_STATE, 0,
				    "a range can't be removed from a handler: use ax_host_defer()");
	next = snapshot_copy(atomic_load(&vm->snapshot));
	if (!next)
		return ax_error_nomem(err, "removing a range");
	range = take_out(next, id);
	if (!range) {
		snapshot_free(next);
		return ax_error_argument(err, -ENOENT, "no range has the id %" PRIu64, id);
	}
	coalesce_end(vm, next);
	snapshot_publish(vm, next);
	snapshot_settle(vm);
	free(range);
	return 0;
}

int ax_range_remove(AxVm *vm, AxRangeId id, AxError *err)
{
	int ret = 0;

	pthread_mutex_lock(&vm->lock);
	if (!called_from_handler(vm))
		ret = coalesce_stop(vm, id, err);
	pthread_mutex_unlock(&vm->lock);
	if (ret < 0)
		return ret;
	/* What was written to it until now is handed out while it is there. */
	if (ret)
		coalesce_drain(vm, NULL);
	pthread_mutex_lock(&vm->lock);
	ret = remove_locked(vm, id, err);
	pthread_mutex_unlock(&vm->lock);
	return ret;
}
