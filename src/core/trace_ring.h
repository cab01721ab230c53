/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ring between a vCPU that is traced and the trace's writer: slots of 64 bytes, of which one
 * thread writes `head` and the other `tail`. The vCPU's side is inline, because it is paid for at
 * every exit.
 */
#ifndef AXVMM_CORE_TRACE_RING_H
#define AXVMM_CORE_TRACE_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/trace_pack.h"

/* What a slot is. */
enum trace_form {
	TRACE_PLAIN = 1, /* a port or MMIO access of a width, handled */
	TRACE_FULL = 2,	 /* an AxVCpuExitReason and bytes in the slots that follow */
	TRACE_LOST = 3,	 /* `value` exits are missing: the first at `left`, the last at `done` */
};

struct trace_slot {
	uint8_t form; /* an enum trace_form */
	uint8_t kind; /* an AxVCpuExitKind */
	uint8_t size; /* TRACE_PLAIN: bytes of the access */
	uint8_t handled;
	uint32_t byte_count; /* TRACE_FULL: that follow the reason */
	uint64_t entered;    /* the counter when KVM_RUN was called, */
	uint64_t left;	     /* when it returned, */
	uint64_t done;	     /* and when the answer stood */
	uint64_t addr;	     /* TRACE_PLAIN */
	uint64_t value; /* TRACE_PLAIN: data or answer, upper bits are junk; TRACE_FULL: answer */
	uint64_t reserved[2];
};

_Static_assert(sizeof(struct trace_slot) == 64, "a slot is a cache line");

/* Slots that an AxVCpuExitReason takes. */
#define TRACE_REASON_SLOTS (sizeof(AxVCpuExitReason) / sizeof(struct trace_slot))

struct trace_ring {
	/* The vCPU's thread. */
	_Alignas(64) _Atomic uint64_t head; /* slots filled since the beginning */
	uint64_t limit;			    /* head may grow up to it without a look at tail */
	struct trace_slot *slots;
	uint64_t mask;		 /* of a slot's number */
	uint64_t lost;		 /* since the last slot */
	uint64_t lost_first;	 /* counter at the first of them, */
	uint64_t lost_last;	 /* and at the last */
	struct trace_slot spill; /* takes what there is no room for */

	/* The writer's. */
	_Alignas(64) _Atomic uint64_t tail; /* slots taken */
	struct trace_pack pack;
	uint8_t *chunk; /* TRACE_CHUNK_SIZE bytes */
	size_t used;	/* of them; 0: none is open */
	uint64_t chunk_exits, chunk_lost;
	struct AxVCpu *vcpu;
	uint32_t id; /* the vCPU's */
	size_t map_size;
	struct trace_ring *next;
};

/* trace.c: look for room for @count slots. False: there is none. The vCPU's thread. */
bool trace_make_room(struct trace_ring *ring, uint64_t count);

/* The next slot, or the spill. The vCPU's thread. */
static inline struct trace_slot *trace_claim(struct trace_ring *ring)
{
	uint64_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);

	if (__builtin_expect(head == ring->limit, 0)) {
		if (!trace_make_room(ring, 1))
			return &ring->spill;
		head = atomic_load_explicit(&ring->head, memory_order_relaxed);
	}
	return &ring->slots[head & ring->mask];
}

/* trace.c: count an exit that found no room. The vCPU's thread. */
void trace_count_lost(struct trace_ring *ring, uint64_t left);

/* Let the writer have what trace_claim() gave. The vCPU's thread. */
static inline void trace_publish(struct trace_ring *ring, const struct trace_slot *slot)
{
	if (__builtin_expect(slot == &ring->spill, 0))
		trace_count_lost(ring, slot->left);
	else
		atomic_store_explicit(&ring->head,
				      atomic_load_explicit(&ring->head, memory_order_relaxed) + 1,
				      memory_order_release);
}

#endif
