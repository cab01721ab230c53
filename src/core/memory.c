/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Adding and removing guest RAM. Looking at it is memory_view.c's, the host's side of it
 * memory_map.c's.
 */
#include <config.h>

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/error.h"
#include "core/memory.h"
#include "sys/sys.h"

/* Every KVM has had at least so many memory slots; beyond, KVM_CAP_NR_MEMSLOTS is asked. */
#define SLOTS_SURE 32

size_t ram_count_up_to(const struct ram_table *table, AxGuestPhysAddr addr)
{
	size_t low = 0, high = table->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (table->slots[middle]->base <= addr)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The first piece with a byte in base .. last and none of @ignore_flags; NULL. */
static struct ram_slot *overlapping(const struct ram_table *table, AxGuestPhysAddr base,
				    AxGuestPhysAddr last, unsigned ignore_flags)
{
	size_t first = ram_count_up_to(table, base);

	if (first)
		first--; /* the one that begins at or below base may reach it */
	for (size_t i = first; i < table->count && table->slots[i]->base <= last; i++) {
		struct ram_slot *slot = table->slots[i];

		if (slot->base + (slot->size - 1) >= base && !(slot->flags & ignore_flags))
			return slot;
	}
	return NULL;
}

bool memory_overlapping(AxVm *vm, AxGuestPhysAddr base, uint64_t size, unsigned ignore_flags,
			AxGuestPhysAddr *ram_base, uint64_t *ram_size)
{
	struct ram *ram = atomic_load(&vm->ram);
	struct ram_slot *slot = NULL;

	if (!ram)
		return false;
	slot = overlapping(ram_enter(ram), base, base + (size - 1), ignore_flags);
	if (slot) {
		*ram_base = slot->base;
		*ram_size = slot->size;
	}
	ram_leave(ram);
	return slot != NULL;
}

static int check_piece(AxGuestPhysAddr base, uint64_t size, unsigned flags, AxError *err)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

	if (!size || size > UINT64_MAX - base)
		return ax_error_argument(err, -EINVAL,
					 "RAM at 0x%" PRIx64 " with size 0x%" PRIx64
					 " is empty or wraps",
					 base, size);
	if (base % page || size % page)
		return ax_error_argument(err, -EINVAL,
					 "RAM at 0x%" PRIx64 " with size 0x%" PRIx64
					 " is not a multiple of the page size, %" PRIu64,
					 base, size, page);
	if (flags & ~(AX_RAM_READONLY | AX_RAM_MEMFD | AX_RAM_HUGE))
		return ax_error_argument(err, -EINVAL, "unknown RAM flags 0x%x", flags);
	return 0;
}

static int check_overlap(AxVm *vm, const struct ram_table *table, AxGuestPhysAddr base,
			 uint64_t size, unsigned flags, AxError *err)
{
	const struct snapshot *snapshot = atomic_load(&vm->snapshot);
	const struct ram_slot *slot = overlapping(table, base, base + (size - 1), 0);
	const struct range *range;

	if (slot)
		return ax_error_argument(err, -EEXIST,
					 "RAM at 0x%" PRIx64 " with size 0x%" PRIx64
					 " overlaps RAM at 0x%" PRIx64 " with size 0x%" PRIx64,
					 base, size, slot->base, slot->size);
	if (flags & AX_RAM_READONLY)
		return 0;
	range = range_overlapping(&snapshot->table[RANGE_MMIO], base, size);
	if (range)
		return ax_error_argument(err, -EEXIST,
					 "RAM at 0x%" PRIx64 " with size 0x%" PRIx64
					 " overlaps MMIO \"%s\" at 0x%" PRIx64
					 " with length 0x%" PRIx64,
					 base, size, range->name, range->base, range->length);
	return 0;
}

static int check_reserved(AxVm *vm, AxGuestPhysAddr base, uint64_t size, AxError *err)
{
	const struct vm_reserved *reserved = &vm->reserved;

	if (!reserved->size || base >= reserved->base + reserved->size ||
	    reserved->base > base + (size - 1))
		return 0;
	return ax_error_argument(err, -EEXIST,
				 "RAM at 0x%" PRIx64 " with size 0x%" PRIx64
				 " overlaps %s at 0x%" PRIx64 " with size 0x%" PRIx64,
				 base, size, reserved->what, reserved->base, reserved->size);
}

static int check_readonly(AxVm *vm, struct ram *ram, AxError *err)
{
	if (!ram->readonly_checked) {
		ram->readonly_works = sys_check_extension(vm->fd, KVM_CAP_READONLY_MEM) > 0;
		ram->readonly_checked = true;
	}
	if (!ram->readonly_works)
		return ax_error_set(
			err, -ENOTSUP, AX_ERROR_UNSUPPORTED, 0,
			"this KVM has no read-only memory slots (KVM_CAP_READONLY_MEM)");
	return 0;
}

/* The lowest slot number that is free. */
static int choose_number(AxVm *vm, const struct ram_table *table, uint32_t *number, AxError *err)
{
	uint32_t limit = SLOTS_SURE;
	bool *used = calloc(table->count + 1, sizeof(*used));

	if (!used)
		return ax_error_nomem(err, "a memory slot");
	for (size_t i = 0; i < table->count; i++)
		if (table->slots[i]->number < table->count)
			used[table->slots[i]->number] = true;
	*number = 0;
	while (used[*number])
		(*number)++;
	free(used);
	if (*number >= SLOTS_SURE) {
		int most = sys_check_extension(vm->fd, KVM_CAP_NR_MEMSLOTS);

		if (most > SLOTS_SURE)
			limit = (uint32_t)most;
	}
	if (*number >= limit)
		return ax_error_set(err, -ENOSPC, AX_ERROR_RESOURCE, 0,
				    "KVM has no memory slot left: all %" PRIu32 " are in use",
				    limit);
	return 0;
}

/* Tell KVM of @slot: @size is the slot's, or 0 to take it away. */
static int set_region(AxVm *vm, const struct ram_slot *slot, uint64_t size)
{
	struct kvm_userspace_memory_region region = {
		.slot = slot->number,
		.flags = slot->flags & AX_RAM_READONLY ? KVM_MEM_READONLY : 0,
		.guest_phys_addr = slot->base,
		.memory_size = size,
		.userspace_addr = (uintptr_t)slot->host,
	};

	return sys_ioctl_struct(vm->fd, KVM_SET_USER_MEMORY_REGION, &region);
}

static int register_slot(AxVm *vm, const struct ram_slot *slot, AxError *err)
{
	int ret = set_region(vm, slot, slot->size);

	if (ret == -EINVAL || ret == -EFAULT)
		return ax_error_set(err, -EINVAL, AX_ERROR_KVM_CALL, -ret,
				    "KVM refuses RAM at 0x%" PRIx64 " with size 0x%" PRIx64
				    ": it lies past the addresses that KVM maps here, or is too "
				    "large for one slot",
				    slot->base, slot->size);
	if (ret < 0)
		return ax_error_sys(err, ret, "KVM_SET_USER_MEMORY_REGION");
	return 0;
}

/* A table with room for one piece more than @old has. */
static struct ram_table *new_table(const struct ram_table *old)
{
	size_t count = old ? old->count : 0;
	struct ram_table *table = calloc(1, sizeof(*table) + (count + 1) * sizeof(table->slots[0]));

	if (table && count) {
		memcpy(table->slots, old->slots, count * sizeof(table->slots[0]));
		table->count = count;
	}
	return table;
}

static void free_slot(struct ram_slot *slot)
{
	ram_unmap(slot);
	free(slot);
}

static void free_retired(struct ram *ram)
{
	struct ram_table *table = ram->retired;

	ram->retired = NULL;
	while (table) {
		struct ram_table *next = table->retired;

		free(table->gone);
		free(table);
		table = next;
	}
}

/* Put @next in the place of the table, from which it lacks @gone (NULL: nothing). */
static void publish(struct ram *ram, struct ram_table *next, struct ram_slot *gone)
{
	struct ram_table *old = atomic_load(&ram->table);

	atomic_store(&ram->table, next);
	old->gone = gone;
	old->retired = ram->retired;
	ram->retired = old;
	/*
	 * Who enters from here on finds the new one. Who is inside may have an old one: then a
	 * later change frees it.
	 */
	if (!atomic_load(&ram->readers))
		free_retired(ram);
}

/* vm->ram, made when it is not there yet; NULL when there is no memory. */
static struct ram *get_ram(AxVm *vm)
{
	struct ram *ram = atomic_load(&vm->ram);
	struct ram_table *empty;

	if (ram)
		return ram;
	ram = calloc(1, sizeof(*ram));
	empty = new_table(NULL);
	if (!ram || !empty) {
		free(ram);
		free(empty);
		return NULL;
	}
	atomic_store(&ram->table, empty);
	atomic_store(&vm->ram, ram);
	return ram;
}

static uint64_t total_size(const struct ram_table *table)
{
	uint64_t total = 0;

	for (size_t i = 0; i < table->count; i++)
		total += table->slots[i]->size; /* no overlap: the sum is below 2^64 */
	return total;
}

/* Everything that can be refused without having mapped anything. */
static int check_add(AxVm *vm, struct ram *ram, const struct ram_slot *slot, AxError *err)
{
	const struct ram_table *table = atomic_load(&ram->table);
	int ret;

	ret = check_overlap(vm, table, slot->base, slot->size, slot->flags, err);
	if (!ret)
		ret = ram_check_host(total_size(table), slot->size, err);
	if (!ret)
		ret = check_reserved(vm, slot->base, slot->size, err);
	if (!ret && (slot->flags & AX_RAM_READONLY))
		ret = check_readonly(vm, ram, err);
	return ret;
}

static void insert(struct ram_table *table, struct ram_slot *slot)
{
	size_t at = ram_count_up_to(table, slot->base);

	memmove(&table->slots[at + 1], &table->slots[at],
		(table->count - at) * sizeof(table->slots[0]));
	table->slots[at] = slot;
	table->count++;
}

static int refuse_running(const char *what, AxError *err)
{
	return ax_error_set(err, -EBUSY, AX_ERROR_STATE, 0,
			    "%s while a vCPU is inside its loop: call ax_vm_pause() first", what);
}

static int add_locked(AxVm *vm, struct ram_slot *slot, AxError *err)
{
	struct ram *ram = get_ram(vm);
	struct ram_table *next;
	int ret;

	if (!ram)
		return ax_error_nomem(err, "the table of RAM");
	if (vm_is_running(vm))
		return refuse_running("RAM can't be added", err);
	ret = check_add(vm, ram, slot, err);
	if (!ret)
		ret = choose_number(vm, atomic_load(&ram->table), &slot->number, err);
	if (ret)
		return ret;
	next = new_table(atomic_load(&ram->table));
	if (!next)
		return ax_error_nomem(err, "the table of RAM");
	ret = ram_map(vm, slot, err);
	if (!ret)
		ret = register_slot(vm, slot, err);
	if (ret) {
		free(next);
		return ret;
	}
	insert(next, slot);
	publish(ram, next, NULL);
	return 0;
}

int ax_ram_add(AxVm *vm, AxGuestPhysAddr base, uint64_t size, unsigned flags, AxError *err)
{
	struct ram_slot *slot;
	int ret = check_piece(base, size, flags, err);

	if (ret)
		return ret;
	slot = calloc(1, sizeof(*slot));
	if (!slot)
		return ax_error_nomem(err, "a piece of RAM");
	slot->base = base;
	slot->size = size;
	slot->flags = flags;
	slot->fd = -1;
	pthread_mutex_lock(&vm->lock);
	ret = add_locked(vm, slot, err);
	pthread_mutex_unlock(&vm->lock);
	if (ret)
		free_slot(slot);
	return ret; /* NOLINT(clang-analyzer-unix.Malloc): on success the table has it */
}

static int remove_slot(AxVm *vm, struct ram *ram, size_t index, AxError *err)
{
	struct ram_table *old = atomic_load(&ram->table);
	struct ram_slot *slot = old->slots[index];
	struct ram_table *next = new_table(old);
	unsigned unpinned = 0;
	int ret;

	if (!next)
		return ax_error_nomem(err, "the table of RAM");
	if (atomic_load(&slot->pager)) {
		free(next);
		return ax_error_set(err, -EBUSY, AX_ERROR_STATE, 0,
				    "the RAM at 0x%" PRIx64 " has a pager: destroy that first",
				    slot->base);
	}
	if (!atomic_compare_exchange_strong(&slot->pins, &unpinned, RAM_DYING)) {
		free(next);
		return ax_error_set(err, -EBUSY, AX_ERROR_STATE, 0,
				    "%u views of the RAM at 0x%" PRIx64 " are held", unpinned,
				    slot->base);
	}
	ret = set_region(vm, slot, 0);
	if (ret < 0) {
		atomic_fetch_and(&slot->pins, ~RAM_DYING);
		free(next);
		return ax_error_sys(err, ret, "KVM_SET_USER_MEMORY_REGION");
	}
	/*
	 * The bytes can go now; the slot itself may be looked at for a moment by who has the old
	 * table.
	 */
	ram_unmap(slot);
	next->count--;
	memmove(&next->slots[index], &next->slots[index + 1],
		(next->count - index) * sizeof(next->slots[0]));
	publish(ram, next, slot);
	return 0;
}

static int remove_locked(AxVm *vm, AxGuestPhysAddr base, AxError *err)
{
	struct ram *ram = atomic_load(&vm->ram);
	const struct ram_table *table;
	size_t count;

	if (vm_is_running(vm))
		return refuse_running("RAM can't be removed", err);
	table = ram ? atomic_load(&ram->table) : NULL;
	count = table ? ram_count_up_to(table, base) : 0;
	if (!count || table->slots[count - 1]->base != base)
		return ax_error_argument(err, -ENOENT, "no RAM was added at 0x%" PRIx64, base);
	return remove_slot(vm, ram, count - 1, err);
}

int ax_ram_remove(AxVm *vm, AxGuestPhysAddr base, AxError *err)
{
	int ret;

	pthread_mutex_lock(&vm->lock);
	ret = remove_locked(vm, base, err);
	pthread_mutex_unlock(&vm->lock);
	return ret;
}

void memory_fini(AxVm *vm)
{
	struct ram *ram = atomic_load(&vm->ram);
	struct ram_table *table;

	if (!ram)
		return;
	table = atomic_load(&ram->table);
	for (size_t i = 0; i < table->count; i++)
		free_slot(table->slots[i]);
	free(table);
	free_retired(ram);
	free(ram);
	atomic_store(&vm->ram, NULL);
}
