/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looking at guest RAM, from any thread and without a lock. Every guest address and length is
 * checked here.
 */
#include <config.h>

#include <errno.h>
#include <string.h>

#include <axvmm/record.h>

#include "core/memory.h"
#include "core/pager.h"

static bool pin(struct ram_slot *slot)
{
	if (!(atomic_fetch_add(&slot->pins, 1) & RAM_DYING))
		return true;
	atomic_fetch_sub(&slot->pins, 1);
	return false;
}

void ram_unpin(struct ram_slot *slot)
{
	atomic_fetch_sub(&slot->pins, 1);
}

int ax_mem_get(AxVm *vm, AxGuestPhysAddr gpa, uint64_t len, unsigned access, AxMemView *view)
{
	struct ram *ram = atomic_load(&vm->ram);
	struct ram_table *table;
	struct ram_slot *slot = NULL;
	size_t count;
	int ret;

	if (!len || len - 1 > UINT64_MAX - gpa)
		return -EINVAL;
	if (!access || (access & ~(AX_MEM_READ | AX_MEM_WRITE)))
		return -EINVAL;
	if (!ram)
		return -EFAULT;
	table = ram_enter(ram);
	count = ram_count_up_to(table, gpa);
	if (count && len <= ram_bytes_left(table->slots[count - 1], gpa) &&
	    pin(table->slots[count - 1]))
		slot = table->slots[count - 1];
	ram_leave(ram);
	if (!slot)
		return -EFAULT;
	ret = pager_make_present(vm, slot, gpa, len, access);
	if (ret) {
		ram_unpin(slot);
		return ret;
	}
	*view = (AxMemView){
		.host = slot->host + (gpa - slot->base), .gpa = gpa, .len = len, .slot = slot
	};
	return 0;
}

void ax_mem_put(AxVm *vm, AxMemView *view, uint64_t written)
{
	(void)vm;
	(void)written; /* a dirty log is told here once there is one */
	if (!view->slot)
		return;
	ram_unpin(view->slot);
	*view = (AxMemView){ 0 };
}

size_t ram_pin_pieces(const struct ram_table *table, size_t first, AxGuestPhysAddr gpa,
		      uint64_t len)
{
	size_t count = 0;

	while (first + count < table->count) {
		struct ram_slot *slot = table->slots[first + count];
		uint64_t left = gpa >= slot->base ? ram_bytes_left(slot, gpa) : 0;

		if (!left || !pin(slot))
			break;
		count++;
		if (len <= left)
			return count;
		gpa += left;
		len -= left;
	}
	while (count)
		ram_unpin(table->slots[first + --count]);
	return 0;
}

/* Wait for the pages of pinned pieces that are asked for: 0, or as pager_make_present(). */
static int fetch_pieces(AxVm *vm, struct ram_slot *const *slots, AxGuestPhysAddr gpa, uint64_t len,
			bool write)
{
	int ret = 0;

	while (len && !ret) {
		struct ram_slot *slot = *slots++;
		uint64_t now = ram_bytes_left(slot, gpa);

		if (now > len)
			now = len;
		ret = pager_make_present(vm, slot, gpa, now, write ? AX_MEM_WRITE : AX_MEM_READ);
		gpa += now;
		len -= now;
	}
	return ret;
}

static void copy_pieces(struct ram_slot *const *slots, AxGuestPhysAddr gpa, uint8_t *buffer,
			uint64_t len, bool write)
{
	while (len) {
		struct ram_slot *slot = *slots++;
		uint8_t *host = slot->host + (gpa - slot->base);
		uint64_t now = ram_bytes_left(slot, gpa);

		if (now > len)
			now = len;
		if (write)
			memcpy(host, buffer, now);
		else
			memcpy(buffer, host, now);
		gpa += now;
		buffer += now;
		len -= now;
	}
}

/* Copy to or from guest RAM. @buffer is only read when @write. */
static int copy(AxVm *vm, AxGuestPhysAddr gpa, uint8_t *buffer, uint64_t len, bool write)
{
	struct ram *ram = atomic_load(&vm->ram);
	struct ram_table *table;
	size_t first, count = 0;
	int ret = -EFAULT;

	if (!len)
		return 0;
	if (len - 1 > UINT64_MAX - gpa)
		return -EINVAL;
	if (!ram)
		return -EFAULT;
	table = ram_enter(ram);
	first = ram_count_up_to(table, gpa);
	if (first) {
		first--;
		count = ram_pin_pieces(table, first, gpa, len);
	}
	if (count)
		ret = fetch_pieces(vm, &table->slots[first], gpa, len, write);
	if (!ret)
		copy_pieces(&table->slots[first], gpa, buffer, len, write);
	for (size_t i = 0; i < count; i++)
		ram_unpin(table->slots[first + i]);
	ram_leave(ram);
	return ret;
}

int ax_mem_read(AxVm *vm, AxGuestPhysAddr gpa, void *buffer, uint64_t len)
{
	int ret = copy(vm, gpa, buffer, len, false);

	if (!ret && len && vm->record)
		ax_record_input(vm->record, AX_RECORD_MEMORY, gpa, buffer, len);
	return ret;
}

int ax_mem_write(AxVm *vm, AxGuestPhysAddr gpa, const void *buffer, uint64_t len)
{
	if (len && vm->record)
		ax_record_output(vm->record, AX_RECORD_WRITTEN, gpa, buffer, len);
	return copy(vm, gpa, (uint8_t *)buffer, len, true);
}

bool ax_ram_info(AxVm *vm, unsigned index, AxRamInfo *info)
{
	struct ram *ram = atomic_load(&vm->ram);
	const struct ram_table *table;
	bool there;

	if (!ram)
		return false;
	table = ram_enter(ram);
	there = index < table->count;
	if (there) {
		const struct ram_slot *slot = table->slots[index];

		*info = (AxRamInfo){
			.base = slot->base, .size = slot->size, .flags = slot->flags, .fd = slot->fd
		};
	}
	ram_leave(ram);
	return there;
}
