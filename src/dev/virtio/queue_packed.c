/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The packed virtqueue (section 2.8): one ring of descriptors that both sides write, each telling by
 * two bits and a wrap counter whose turn a descriptor is.
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "dev/virtio/mmio.h"
#include "dev/virtio/ring.h"

static struct virtq_packed_desc *slot_at(const struct virtq *queue, uint16_t at)
{
	return (struct virtq_packed_desc *)queue->descriptor_view.host + at;
}

static uint64_t slot_gpa(const struct virtq *queue, uint16_t at)
{
	return queue->descriptors + sizeof(struct virtq_packed_desc) * (uint64_t)at;
}

/* Its flags, as the driver left them. */
static uint16_t flags_at(const struct virtq *queue, uint16_t at)
{
	return virtq_saw_u16(queue->virtio,
			     slot_gpa(queue, at) + offsetof(struct virtq_packed_desc, flags),
			     load_acquire(&slot_at(queue, at)->flags));
}

/* A descriptor was given back: what the driver sees of it. */
static void tell_used(const struct virtq *queue, uint16_t at, uint16_t flags)
{
	const struct virtq_packed_desc *slot = slot_at(queue, at);
	const struct virtq_packed_desc told = { .len = slot->len, .id = slot->id, .flags = flags };

	if (queue->virtio->record)
		virtq_wrote(queue->virtio,
			    slot_gpa(queue, at) + offsetof(struct virtq_packed_desc, len),
			    &told.len, sizeof(told) - offsetof(struct virtq_packed_desc, len));
}

/* Section 2.8.1: available when AVAIL is the wrap counter and USED is not. */
static bool is_available(uint16_t flags, bool wrap)
{
	return !(flags & VIRTQ_DESC_AVAIL) == !wrap && !(flags & VIRTQ_DESC_USED) == wrap;
}

/* Go on by @slots, which are no more than the ring has. */
static void advance(const struct virtq *queue, uint16_t *at, bool *wrap, uint32_t slots)
{
	uint32_t next = *at + slots;

	if (next >= queue->size) {
		next -= queue->size;
		*wrap = !*wrap;
	}
	*at = (uint16_t)next;
}

/* Section 2.8.7: all descriptors of a table are its chain; only WRITE has a meaning there. */
static bool walk_indirect(const struct virtq *queue, uint64_t addr, uint32_t len,
			  struct virtq_chain *chain)
{
	struct virtq_packed_desc desc;
	AxMemView view;
	uint32_t count;
	bool good = true;

	if (!virtq_table_get(queue, addr, len, &view, &count))
		return false;
	/* Room for segments ends before a table that is too long does. */
	for (uint32_t i = 0; good && i < count; i++) {
		memcpy(&desc, (const uint8_t *)view.host + 16 * (size_t)i, sizeof(desc));
		virtq_saw(queue->virtio, addr + 16 * (uint64_t)i, &desc, sizeof(desc));
		good = !(desc.flags & VIRTQ_DESC_INDIRECT) &&
		       virtq_chain_add(queue->virtio, chain, desc.addr, desc.len,
				       desc.flags & VIRTQ_DESC_WRITE);
	}
	ax_mem_put(queue->virtio->link.vm, &view, 0);
	return good;
}

/* The chain that begins at queue->avail, whose slots are counted; its ID is in its last descriptor. */
static bool walk(struct virtq *queue, struct virtq_chain *chain)
{
	uint32_t room = queue->size - queue->slots;
	struct virtq_packed_desc desc;
	uint16_t at = queue->avail;
	bool wrap = false, good;

	for (chain->slots = 0; chain->slots < room;) {
		memcpy(&desc, slot_at(queue, at), sizeof(desc));
		virtq_saw(queue->virtio, slot_gpa(queue, at), &desc, sizeof(desc));
		chain->slots++;
		chain->id = desc.id;
		if (desc.flags & VIRTQ_DESC_INDIRECT)
			return !(desc.flags & VIRTQ_DESC_NEXT) &&
			       walk_indirect(queue, desc.addr, desc.len, chain);
		good = virtq_chain_add(queue->virtio, chain, desc.addr, desc.len,
				       desc.flags & VIRTQ_DESC_WRITE);
		if (!good || !(desc.flags & VIRTQ_DESC_NEXT))
			return good;
		advance(queue, &at, &wrap, 1);
	}
	/* It goes on into slots that are in flight, or into itself. */
	return false;
}

int virtq_packed_pop(struct virtq *queue, struct virtq_chain *chain)
{
	if (!is_available(flags_at(queue, queue->avail), queue->avail_wrap))
		return 0;
	virtq_chain_begin(chain);
	if (!walk(queue, chain)) {
		virtq_chain_drop(queue->virtio, chain, 0);
		return -EINVAL;
	}
	advance(queue, &queue->avail, &queue->avail_wrap, chain->slots);
	return 1;
}

/* Section 2.8.9: WRITE says that the length is one. */
static uint16_t used_flags(const struct virtq *queue, uint32_t written)
{
	return (queue->used_wrap ? VIRTQ_DESC_AVAIL | VIRTQ_DESC_USED : 0) |
	       (written ? VIRTQ_DESC_WRITE : 0);
}

void virtq_packed_push(struct virtq *queue, struct virtq_chain *const *chains,
		       const uint32_t *written, unsigned count)
{
	struct virtq_packed_desc *first = slot_at(queue, queue->used);
	uint16_t first_flags = used_flags(queue, written[0]);

	for (unsigned i = 0; i < count; i++) {
		struct virtq_packed_desc *slot = slot_at(queue, queue->used);

		slot->id = chains[i]->id;
		slot->len = written[i];
		tell_used(queue, queue->used, used_flags(queue, written[i]));
		if (i)
			store_release(&slot->flags, used_flags(queue, written[i]));
		advance(queue, &queue->used, &queue->used_wrap, chains[i]->slots);
		queue->pushed += chains[i]->slots;
	}
	/* The driver looks at them in order: without the first it sees none. */
	store_release(&first->flags, first_flags);
}

void virtq_packed_return(struct virtq *queue, const struct virtq_chain *chain)
{
	if (queue->avail < chain->slots) {
		queue->avail += queue->size;
		queue->avail_wrap = !queue->avail_wrap;
	}
	queue->avail -= chain->slots;
}

bool virtq_packed_wants(const struct virtq *queue)
{
	uint32_t event = load_word(queue->driver_view.host);
	uint16_t slot;

	virtq_saw(queue->virtio, queue->driver, &event, sizeof(event));
	slot = event & (VIRTQ_EVENT_WRAP - 1);
	switch (event >> VIRTQ_EVENT_FLAGS & 3) {
	case VIRTQ_EVENT_DISABLE: return false;
	case VIRTQ_EVENT_SLOT: break;
	default: return true;
	}
	if (!queue->event_idx || queue->pushed >= queue->size)
		return true;
	/* Section 2.8.14: the slot of the round that its wrap counter tells of. */
	if (!(event & VIRTQ_EVENT_WRAP) == queue->used_wrap)
		slot -= queue->size;
	return virtq_passed(slot, queue->used, (uint16_t)queue->pushed);
}

bool virtq_packed_notify(struct virtq *queue)
{
	uint32_t event = VIRTQ_EVENT_DISABLE << VIRTQ_EVENT_FLAGS;

	if (queue->notify_on && queue->event_idx)
		event = VIRTQ_EVENT_SLOT << VIRTQ_EVENT_FLAGS | queue->known |
			(queue->known_wrap ? VIRTQ_EVENT_WRAP : 0);
	else if (queue->notify_on)
		event = VIRTQ_EVENT_ENABLE << VIRTQ_EVENT_FLAGS;
	virtq_wrote(queue->virtio, queue->device, &event, sizeof(event));
	store_word(queue->device_view.host, event);
	if (!queue->notify_on)
		return false;
	full_barrier();
	return is_available(flags_at(queue, queue->known), queue->known_wrap);
}
