/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Returning guest RAM to the host, for balloons. Every guest address and length is checked here.
 */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/mman.h>

#include "core/error.h"
#include "core/memory.h"
#include "core/pager.h"

static bool shows_file(const struct ram_slot *slot, uint64_t offset, uint64_t len)
{
	return offset < slot->file_end && slot->file_start < offset + len;
}

/* Return @len bytes at @offset of @slot, whole pages. 0 or a negative errno. */
static int discard_pages(const struct ram_slot *slot, uint64_t offset, uint64_t len)
{
	uint8_t *host = slot->host + offset;
	int ret;

	/* The file keeps what a mapping of it gives up. */
	if (slot->flags & AX_RAM_MEMFD)
		ret = fallocate(slot->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset,
				(off_t)len);
	/* And would be read from it again: ax_ram_map_file(). Such RAM is mapped as in ram_map(). */
	else if (shows_file(slot, offset, len))
		ret = mmap(host, len, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1,
			   0) == MAP_FAILED;
	else
		ret = madvise(host, len, MADV_DONTNEED);
	return ret ? -errno : 0;
}

/* The whole pages in gpa .. gpa + len, all of it in @slot: 0 or a negative errno. */
static int discard_in(struct ram_slot *slot, AxGuestPhysAddr gpa, uint64_t len, uint64_t *discarded)
{
	uint64_t offset = gpa - slot->base;
	uint64_t page, start, end;
	int ret = ram_page_size(slot, &page);

	if (ret)
		return ret;
	/* In offsets, which can't wrap: the piece is mapped. */
	start = (offset + (page - 1)) & ~(page - 1);
	end = (offset + len) & ~(page - 1);
	if (start >= end)
		return 0;
	pager_discard(slot, slot->base + start, end - start);
	ret = discard_pages(slot, start, end - start);
	if (!ret)
		*discarded += end - start;
	return ret;
}

static bool are_writable(struct ram_slot *const *slots, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (slots[i]->flags & AX_RAM_READONLY)
			return false;
	return true;
}

static int discard_pieces(struct ram_slot *const *slots, AxGuestPhysAddr gpa, uint64_t len,
			  uint64_t *discarded)
{
	int ret = 0;

	while (len && !ret) {
		struct ram_slot *slot = *slots++;
		uint64_t now = ram_bytes_left(slot, gpa);

		if (now > len)
			now = len;
		ret = discard_in(slot, gpa, now, discarded);
		gpa += now;
		len -= now;
	}
	return ret;
}

/* The same, with the pieces looked up: -EFAULT when some of it is not writable RAM. */
static int discard(struct ram *ram, AxGuestPhysAddr gpa, uint64_t len, uint64_t *discarded)
{
	struct ram_table *table = ram_enter(ram);
	size_t first = ram_count_up_to(table, gpa);
	size_t count = first ? ram_pin_pieces(table, first - 1, gpa, len) : 0;
	struct ram_slot *const *slots = first ? &table->slots[first - 1] : NULL;
	int ret = -EFAULT;

	if (count && are_writable(slots, count))
		ret = discard_pieces(slots, gpa, len, discarded);
	for (size_t i = 0; i < count; i++)
		ram_unpin(slots[i]);
	ram_leave(ram);
	return ret;
}

int ax_ram_discard(AxVm *vm, AxGuestPhysAddr gpa, uint64_t len, uint64_t *discarded, AxError *err)
{
	struct ram *ram = atomic_load(&vm->ram);
	uint64_t done = 0;
	int ret = 0;

	if (discarded)
		*discarded = 0;
	if (!len)
		return 0;
	if (len - 1 > UINT64_MAX - gpa)
		return ax_error_argument(err, -EINVAL, "0x%" PRIx64 " bytes at 0x%" PRIx64 " wrap",
					 len, gpa);
	ret = ram ? discard(ram, gpa, len, &done) : -EFAULT;
	if (discarded)
		*discarded = done;
	if (ret == -EFAULT)
		return ax_error_argument(err, -EFAULT,
					 "0x%" PRIx64 " bytes at 0x%" PRIx64
					 " are not all RAM that the guest may write",
					 len, gpa);
	if (ret)
		return ax_error_set(err, ret == -ENOMEM ? -ENOMEM : -EIO, AX_ERROR_RESOURCE, -ret,
				    "returning RAM at 0x%" PRIx64 " to the host failed: %m", gpa);
	return 0;
}
