/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guest RAM that shows a file until it is written to: images without a copy.
 */
#include <config.h>

#include <errno.h>
#include <inttypes.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/error.h"
#include "core/memory.h"

/* What the pages are like: 0; -ENOTSUP. */
static int check_slot(struct ram_slot *slot, AxError *err)
{
	if (slot->flags & (AX_RAM_MEMFD | AX_RAM_HUGE))
		return ax_error_set(err, -ENOTSUP, AX_ERROR_UNSUPPORTED, 0,
				    "RAM that is shared or of huge pages cannot show a file");
	if (atomic_load(&slot->pager))
		return ax_error_set(err, -ENOTSUP, AX_ERROR_UNSUPPORTED, 0,
				    "RAM that a pager fills cannot show a file");
	return 0;
}

static int map_in(struct ram_slot *slot, AxGuestPhysAddr gpa, uint64_t len, int fd, uint64_t offset,
		  AxError *err)
{
	int ret = check_slot(slot, err);
	uint64_t start = gpa - slot->base;

	if (ret)
		return ret;
	if (mmap(slot->host + start, len, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE, fd, (off_t)offset) == MAP_FAILED)
		return ax_error_sys(err, -errno, "mapping a file into RAM");
	if (!slot->file_end || start < slot->file_start)
		slot->file_start = start;
	if (start + len > slot->file_end)
		slot->file_end = start + len;
	return 0;
}

static int map(struct ram *ram, AxGuestPhysAddr gpa, uint64_t len, int fd, uint64_t offset,
	       AxError *err)
{
	struct ram_table *table = ram_enter(ram);
	size_t first = ram_count_up_to(table, gpa);
	size_t count = first ? ram_pin_pieces(table, first - 1, gpa, len) : 0;
	int ret;

	if (count == 1 && !(table->slots[first - 1]->flags & AX_RAM_READONLY))
		ret = map_in(table->slots[first - 1], gpa, len, fd, offset, err);
	else
		ret = ax_error_argument(err, -EFAULT,
					"0x%" PRIx64 " bytes at 0x%" PRIx64
					" are not all in one piece of RAM that the guest may write",
					len, gpa);
	for (size_t i = 0; i < count; i++)
		ram_unpin(table->slots[first - 1 + i]);
	ram_leave(ram);
	return ret;
}

int ax_ram_map_file(AxVm *vm, AxGuestPhysAddr gpa, uint64_t len, int fd, uint64_t offset,
		    AxError *err)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	struct ram *ram = atomic_load(&vm->ram);

	if (!len || (gpa | len | offset) % page || len - 1 > UINT64_MAX - gpa ||
	    offset > INT64_MAX || len > INT64_MAX - offset)
		return ax_error_argument(err, -EINVAL,
					 "0x%" PRIx64 " bytes at 0x%" PRIx64
					 " from offset 0x%" PRIx64 " are not whole pages, or wrap",
					 len, gpa, offset);
	if (!ram)
		return ax_error_argument(err, -EFAULT, "0x%" PRIx64 " is not RAM", gpa);
	return map(ram, gpa, len, fd, offset, err);
}
