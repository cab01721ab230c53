/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guest RAM inside: the table of pieces, and how threads look at it without a lock.
 *
 * A table is sorted and never changes once it is published. Who reads one says so (ram_enter,
 * ram_leave); a table that was replaced, and the piece that went with it, are freed when nobody
 * reads. A piece whose bytes are looked at is pinned, and a pinned piece is not removed: so views
 * stay valid for as long as they are held, without a lock.
 */
#ifndef AXVMM_CORE_MEMORY_H
#define AXVMM_CORE_MEMORY_H

#include <stdatomic.h>

#include <axvmm/memory.h>

#include "core/vm.h"

/* In ram_slot.pins: being removed, takes no new pin. */
#define RAM_DYING (1u << 31)

/* A piece of RAM: one memory slot of KVM's. */
struct ram_slot {
	AxGuestPhysAddr base;
	uint64_t size;
	unsigned flags;	 /* AX_RAM_* */
	uint32_t number; /* KVM's */
	int fd;		 /* of the memfd; -1 */
	uint8_t *host;
	/* Offsets, around all that ax_ram_map_file() has mapped; end 0: nothing. */
	uint64_t file_start, file_end;
	atomic_uint pins;
	_Atomic(struct AxPager *) pager; /* asks for its missing pages; NULL. Set under vm->lock */
	atomic_uint pager_users;	 /* threads that may have found it here: pager_page.c */
};

struct ram_table {
	struct ram_table *retired; /* next in ram.retired */
	struct ram_slot *gone;	   /* retired: the piece that the next table lacks; NULL */
	size_t count;
	struct ram_slot *slots[]; /* sorted by base, without overlap */
};

/* vm->ram: made with the first piece, lives as long as the VM. */
struct ram {
	_Atomic(struct ram_table *) table;
	atomic_uint readers;
	struct ram_table *retired; /* under vm->lock */
	bool readonly_checked;	   /* KVM_CAP_READONLY_MEM has been asked for; under vm->lock */
	bool readonly_works;
};

/* Begin and end reading: the table, and the pieces in it, stay until then. Any thread; nests. */
static inline struct ram_table *ram_enter(struct ram *ram)
{
	atomic_fetch_add(&ram->readers, 1);
	return atomic_load(&ram->table);
}

static inline void ram_leave(struct ram *ram)
{
	atomic_fetch_sub(&ram->readers, 1);
}

/* How many pieces begin at or below @addr. */
size_t ram_count_up_to(const struct ram_table *table, AxGuestPhysAddr addr);

/*
 * Pin the pieces that gpa .. gpa + len lies in, from @first on: how many there are, or 0 when some
 * of it is not RAM and nothing is pinned.
 */
size_t ram_pin_pieces(const struct ram_table *table, size_t first, AxGuestPhysAddr gpa,
		      uint64_t len);
void ram_unpin(struct ram_slot *slot);

/* Bytes of @slot from @gpa, which lies in it or above it, to its end; 0: it ends below. */
static inline uint64_t ram_bytes_left(const struct ram_slot *slot, AxGuestPhysAddr gpa)
{
	uint64_t offset = gpa - slot->base;

	return offset < slot->size ? slot->size - offset : 0;
}

/*
 * What @slot's memory comes in: the host's page size, or a huge page's in hugetlb RAM. 0, or the
 * negative errno of fstat().
 */
int ram_page_size(const struct ram_slot *slot, uint64_t *page_size);

/*
 * Map the host memory of @slot, whose base, size and flags are set: fills host and fd. -ENOMEM,
 * -ENOTSUP, -EINVAL or
 * -EIO. ram_unmap() returns it.
 */
int ram_map(AxVm *vm, struct ram_slot *slot, AxError *err);
void ram_unmap(struct ram_slot *slot);

/*
 * Whether the host could ever hold @size bytes beside the @present ones of the same VM: 0 or
 * -ENOMEM.
 */
int ram_check_host(uint64_t present, uint64_t size, AxError *err);

#endif
