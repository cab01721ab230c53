/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two kinds of rings inside: their layout, the order of accesses to them, and what queue*.c share.
 * The driver changes its parts of a ring at any time: each field is read once, then checked.
 */
#ifndef AXVMM_DEV_VIRTIO_RING_H
#define AXVMM_DEV_VIRTIO_RING_H

#include <stdatomic.h>

#include "dev/virtio/queue.h"
#include "dev/virtio/virtio.h"

/* Rings are little endian (section 2.4), as are all hosts that this library is for. */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "virtio rings are read in place");

/* Descriptor flags: sections 2.7.5, 2.8.13. */
#define VIRTQ_DESC_NEXT	    (1u << 0)
#define VIRTQ_DESC_WRITE    (1u << 1)
#define VIRTQ_DESC_INDIRECT (1u << 2)
#define VIRTQ_DESC_AVAIL    (1u << 7)
#define VIRTQ_DESC_USED	    (1u << 15)

/* Section 2.7.5; of a packed ring (2.8.13) the last two fields are the buffer ID and the flags. */
struct virtq_desc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags;
	uint16_t next;
};

struct virtq_packed_desc {
	uint64_t addr;
	uint32_t len;
	uint16_t id;
	uint16_t flags;
};

/* Section 2.7.6: ring[size], then used_event. */
struct virtq_avail {
	uint16_t flags;
	uint16_t idx;
	uint16_t ring[];
};

#define VIRTQ_AVAIL_NO_INTERRUPT 1u

struct virtq_used_elem {
	uint32_t id;
	uint32_t len;
};

/* Section 2.7.8: ring[size], then avail_event (16 bits). */
struct virtq_used {
	uint16_t flags;
	uint16_t idx;
	struct virtq_used_elem ring[];
};

#define VIRTQ_USED_NO_NOTIFY 1u

/* Section 2.8.14, event suppression, as one word: bits 0-14 slot, 15 its wrap counter, 16-17 flags. */
#define VIRTQ_EVENT_WRAP  (1u << 15)
#define VIRTQ_EVENT_FLAGS 16
enum { VIRTQ_EVENT_ENABLE = 0, VIRTQ_EVENT_DISABLE = 1, VIRTQ_EVENT_SLOT = 2 };

/*
 * Order. What the driver wrote before it made a descriptor available is seen after load_acquire() of
 * that; what the device wrote before store_release() of a used entry is seen by the driver with it.
 * Where both sides write one thing and then look at what the other wrote (an index, and whether it
 * shall be told of), neither order is enough: full_barrier() stands between (sections 2.7.7, 2.7.10).
 */
static inline uint16_t load_acquire(const uint16_t *place)
{
	return __atomic_load_n(place, __ATOMIC_ACQUIRE);
}

static inline uint16_t load_relaxed(const uint16_t *place)
{
	return __atomic_load_n(place, __ATOMIC_RELAXED);
}

static inline uint32_t load_word(const uint32_t *place)
{
	return __atomic_load_n(place, __ATOMIC_RELAXED);
}

static inline void store_release(uint16_t *place, uint16_t value)
{
	__atomic_store_n(place, value, __ATOMIC_RELEASE);
}

static inline void store_word(uint32_t *place, uint32_t value)
{
	__atomic_store_n(place, value, __ATOMIC_RELEASE);
}

static inline void full_barrier(void)
{
	/* The older of two names: of the newer one GCC says that its thread sanitizer has it not. */
	__sync_synchronize();
}

/*
 * What was read of a ring, or written to it, at guest address @gpa, for the recording of a VM that has one:
 * in a replay @bytes are what was read then.
 */
static inline void virtq_saw(const AxVirtio *virtio, uint64_t gpa, void *bytes, size_t len)
{
	if (__builtin_expect(virtio->record != NULL, 0))
		ax_record_input(virtio->record, AX_RECORD_MEMORY, gpa, bytes, len);
}

static inline uint16_t virtq_saw_u16(const AxVirtio *virtio, uint64_t gpa, uint16_t value)
{
	virtq_saw(virtio, gpa, &value, sizeof(value));
	return value;
}

static inline void virtq_wrote(const AxVirtio *virtio, uint64_t gpa, const void *bytes, size_t len)
{
	if (__builtin_expect(virtio->record != NULL, 0))
		ax_record_output(virtio->record, AX_RECORD_WRITTEN, gpa, bytes, len);
}

/* Section 2.7.7.2's comparison: whether @event is among the @count indices before @now. */
static inline bool virtq_passed(uint16_t event, uint16_t now, uint16_t count)
{
	return (uint16_t)(now - event - 1) < count;
}

/* The state of a queue that no driver has touched. */
void virtq_power_on(struct virtq *queue);
/* Begin to use the rings at the addresses that the driver gave: false: they cannot be. */
bool virtq_start(struct virtq *queue);
/* Let go of them. Positions begin at 0 next time. */
void virtq_stop(struct virtq *queue);
/* Whether the driver wants to be told of queue->pushed. */
bool virtq_driver_wants(struct virtq *queue);

/* Chains: begin an empty one; add memory to it, in the driver's order; give up what was added. */
void virtq_chain_begin(struct virtq_chain *chain);
bool virtq_chain_add(AxVirtio *virtio, struct virtq_chain *chain, uint64_t addr, uint32_t len,
		     bool writable);
void virtq_chain_drop(AxVirtio *virtio, struct virtq_chain *chain, uint32_t written);
/* A table of indirect descriptors: its view, and how many it has. False: it is not one. */
bool virtq_table_get(const struct virtq *queue, uint64_t addr, uint32_t len, AxMemView *view,
		     uint32_t *count);

/* The same for either ring: as the functions of queue.h. */
int virtq_split_pop(struct virtq *queue, struct virtq_chain *chain);
void virtq_split_push(struct virtq *queue, struct virtq_chain *const *chains,
		      const uint32_t *written, unsigned count);
bool virtq_split_wants(const struct virtq *queue);
/* Tell the driver what queue->notify_on says; then, whether something came after queue->known. */
bool virtq_split_notify(struct virtq *queue);

int virtq_packed_pop(struct virtq *queue, struct virtq_chain *chain);
void virtq_packed_push(struct virtq *queue, struct virtq_chain *const *chains,
		       const uint32_t *written, unsigned count);
void virtq_packed_return(struct virtq *queue, const struct virtq_chain *chain);
bool virtq_packed_wants(const struct virtq *queue);
bool virtq_packed_notify(struct virtq *queue);

#endif
