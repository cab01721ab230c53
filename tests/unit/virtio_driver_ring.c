/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A driver of virtio devices for tests: its side of split and packed rings. See virtio_driver.h.
 */
#include <check.h>
#include <string.h>

#include "tests/unit/virtio_driver.h"

static struct virtq_avail *avail_of(struct drv *drv, const struct drv_queue *queue)
{
	return drv_ptr(drv, queue->driver);
}

static struct virtq_used *used_of(struct drv *drv, const struct drv_queue *queue)
{
	return drv_ptr(drv, queue->device);
}

static uint64_t new_table(struct drv *drv, struct drv_queue *queue, uint16_t token)
{
	if (!queue->tables)
		queue->tables = drv_alloc(drv, 16ull * DRV_SEGMENTS * queue->size);
	return queue->tables + 16ull * DRV_SEGMENTS * token;
}

static uint16_t take_free(struct drv_queue *queue)
{
	uint16_t token = queue->free_head;

	queue->free_head = queue->next[token];
	return token;
}

static void give_free(struct drv_queue *queue, uint16_t token)
{
	queue->next[token] = queue->free_head;
	queue->free_head = token;
}

static struct virtq_desc split_desc(const struct drv_segment *segment, bool more, uint16_t next)
{
	return (struct virtq_desc){
		.addr = segment->gpa,
		.len = segment->len,
		.flags = (uint16_t)((segment->writable ? VIRTQ_DESC_WRITE : 0) |
				    (more ? VIRTQ_DESC_NEXT : 0)),
		.next = next,
	};
}

static int add_split(struct drv *drv, struct drv_queue *queue, const struct drv_segment *segments,
		     unsigned count, bool indirect)
{
	struct virtq_desc *table = drv_ptr(drv, queue->descriptors);
	struct virtq_avail *avail = avail_of(drv, queue);
	uint16_t head = queue->free_head;

	if (indirect) {
		uint64_t gpa = new_table(drv, queue, take_free(queue));
		struct virtq_desc *own = drv_ptr(drv, gpa);

		for (unsigned i = 0; i < count; i++)
			own[i] = split_desc(&segments[i], i + 1 < count, (uint16_t)(i + 1));
		table[head] = (struct virtq_desc){ gpa, 16 * count, VIRTQ_DESC_INDIRECT, 0 };
	} else {
		for (unsigned i = 0; i < count; i++) {
			uint16_t at = take_free(queue);

			table[at] = split_desc(&segments[i], i + 1 < count, queue->free_head);
		}
	}
	avail->ring[queue->avail % queue->size] = head;
	queue->avail++;
	store_release(&avail->idx, queue->avail);
	return head;
}

static uint16_t packed_flags(const struct drv_queue *queue)
{
	return queue->avail_wrap ? VIRTQ_DESC_AVAIL : VIRTQ_DESC_USED;
}

static void next_slot(const struct drv_queue *queue, uint16_t *at, bool *wrap, uint32_t slots)
{
	*at = (uint16_t)(*at + slots);
	if (*at >= queue->size) {
		*at = (uint16_t)(*at - queue->size);
		*wrap = !*wrap;
	}
}

static struct virtq_packed_desc packed_desc(const struct drv_segment *segment, bool more,
					    uint16_t token)
{
	return (struct virtq_packed_desc){
		.addr = segment->gpa,
		.len = segment->len,
		.id = token,
		.flags = (uint16_t)((segment->writable ? VIRTQ_DESC_WRITE : 0) |
				    (more ? VIRTQ_DESC_NEXT : 0)),
	};
}

/* All but the first flags, then those: with them the chain is available. */
static void put_packed(struct drv *drv, struct drv_queue *queue, struct virtq_packed_desc desc,
		       uint16_t *first_flags)
{
	struct virtq_packed_desc *slot =
		(struct virtq_packed_desc *)drv_ptr(drv, queue->descriptors) + queue->avail;

	desc.flags |= packed_flags(queue);
	slot->addr = desc.addr;
	slot->len = desc.len;
	slot->id = desc.id;
	if (first_flags)
		*first_flags = desc.flags;
	else
		slot->flags = desc.flags;
	next_slot(queue, &queue->avail, &queue->avail_wrap, 1);
}

static int add_packed(struct drv *drv, struct drv_queue *queue, const struct drv_segment *segments,
		      unsigned count, bool indirect)
{
	struct virtq_packed_desc *ring = drv_ptr(drv, queue->descriptors);
	uint16_t first = queue->avail, first_flags = 0, token = take_free(queue);

	if (indirect) {
		uint64_t gpa = new_table(drv, queue, token);
		struct virtq_packed_desc *own = drv_ptr(drv, gpa);

		for (unsigned i = 0; i < count; i++)
			own[i] = packed_desc(&segments[i], false, 0);
		put_packed(
			drv, queue,
			(struct virtq_packed_desc){ gpa, 16 * count, token, VIRTQ_DESC_INDIRECT },
			&first_flags);
	} else {
		for (unsigned i = 0; i < count; i++)
			put_packed(drv, queue, packed_desc(&segments[i], i + 1 < count, token),
				   i ? NULL : &first_flags);
	}
	store_release(&ring[first].flags, first_flags);
	return token;
}

int drv_add_chain(struct drv *drv, unsigned index, const struct drv_segment *segments,
		  unsigned count, bool indirect)
{
	struct drv_queue *queue = &drv->queues[index];
	uint32_t slots = indirect ? 1 : count;
	int token;

	if (slots > queue->free || count > DRV_SEGMENTS)
		return -1;
	if (queue->packed) {
		token = add_packed(drv, queue, segments, count, indirect);
		queue->kicked = (uint16_t)(queue->kicked + slots);
	} else {
		token = add_split(drv, queue, segments, count, indirect);
	}
	queue->slots[token] = (uint16_t)slots;
	queue->free -= slots;
	queue->in_flight++;
	return token;
}

/* Section 2.7.10, 2.8.21.3: whether the device wants to know of what was added since the last time. */
static bool split_wanted(struct drv *drv, struct drv_queue *queue)
{
	const struct virtq_used *used = used_of(drv, queue);
	uint16_t since = (uint16_t)(queue->avail - queue->kicked);

	queue->kicked = queue->avail;
	if (!queue->event_idx)
		return since && !(load_relaxed(&used->flags) & VIRTQ_USED_NO_NOTIFY);
	return virtq_passed(load_relaxed((const uint16_t *)&used->ring[queue->size]), queue->avail,
			    since);
}

static bool packed_wanted(struct drv *drv, struct drv_queue *queue)
{
	uint32_t event = load_word(drv_ptr(drv, queue->device));
	uint16_t slot = event & (VIRTQ_EVENT_WRAP - 1), since = queue->kicked;

	queue->kicked = 0;
	if (event >> VIRTQ_EVENT_FLAGS != VIRTQ_EVENT_SLOT)
		return since && event >> VIRTQ_EVENT_FLAGS == VIRTQ_EVENT_ENABLE;
	if (!(event & VIRTQ_EVENT_WRAP) == queue->avail_wrap)
		slot = (uint16_t)(slot - queue->size);
	return virtq_passed(slot, queue->avail, since);
}

void drv_notify(struct drv *drv, unsigned index)
{
	drv_out(drv, VIRTIO_MMIO_QUEUE_NOTIFY, index);
}

bool drv_kick(struct drv *drv, unsigned index)
{
	struct drv_queue *queue = &drv->queues[index];

	full_barrier();
	if (queue->packed ? !packed_wanted(drv, queue) : !split_wanted(drv, queue))
		return false;
	drv_notify(drv, index);
	return true;
}

static int take_split(struct drv *drv, struct drv_queue *queue, uint32_t *len)
{
	const struct virtq_used *used = used_of(drv, queue);
	const struct virtq_used_elem *elem = &used->ring[queue->used % queue->size];
	const struct virtq_desc *table = drv_ptr(drv, queue->descriptors);
	uint16_t token;

	if (load_acquire(&used->idx) == queue->used)
		return -1;
	ck_assert_uint_lt(elem->id, queue->size);
	token = (uint16_t)elem->id;
	*len = elem->len;
	queue->used++;
	/* All descriptors of the chain, which has not changed. */
	for (uint16_t at = token;;) {
		bool more = table[at].flags & VIRTQ_DESC_NEXT;
		uint16_t next = table[at].next;

		give_free(queue, at);
		if (!more)
			break;
		at = next;
	}
	return token;
}

static bool is_used(struct drv *drv, const struct drv_queue *queue)
{
	const struct virtq_packed_desc *ring = drv_ptr(drv, queue->descriptors);
	uint16_t flags = load_acquire(&ring[queue->used].flags);

	return !(flags & VIRTQ_DESC_AVAIL) == !queue->used_wrap &&
	       !(flags & VIRTQ_DESC_USED) == !queue->used_wrap;
}

static int take_packed(struct drv *drv, struct drv_queue *queue, uint32_t *len)
{
	const struct virtq_packed_desc *ring = drv_ptr(drv, queue->descriptors);
	uint16_t token;

	if (!is_used(drv, queue))
		return -1;
	token = ring[queue->used].id;
	ck_assert_uint_lt(token, queue->size);
	/* Section 2.8.9: without WRITE there is no length. */
	*len = ring[queue->used].flags & VIRTQ_DESC_WRITE ? ring[queue->used].len : 0;
	next_slot(queue, &queue->used, &queue->used_wrap, queue->slots[token]);
	give_free(queue, token);
	return token;
}

int drv_take(struct drv *drv, unsigned index, uint32_t *len)
{
	struct drv_queue *queue = &drv->queues[index];
	uint32_t none;
	int token;

	token = queue->packed ? take_packed(drv, queue, len ? len : &none)
			      : take_split(drv, queue, len ? len : &none);
	if (token < 0)
		return -1;
	if (!queue->slots[token])
		ck_abort_msg("queue %u: chain %d came back, which was not given", index, token);
	queue->free += queue->slots[token];
	queue->slots[token] = 0;
	queue->in_flight--;
	if (queue->interrupts && queue->event_idx)
		(void)drv_want_interrupts(drv, index, true);
	return token;
}

static void want_split(struct drv *drv, struct drv_queue *queue, bool on)
{
	struct virtq_avail *avail = avail_of(drv, queue);

	if (!queue->event_idx)
		store_release(&avail->flags, on ? 0 : VIRTQ_AVAIL_NO_INTERRUPT);
	else
		store_release(&avail->ring[queue->size],
			      (uint16_t)(on ? queue->used : queue->used - 1));
}

static void want_packed(struct drv *drv, struct drv_queue *queue, bool on)
{
	uint32_t event = VIRTQ_EVENT_DISABLE << VIRTQ_EVENT_FLAGS;

	if (on && queue->event_idx)
		event = VIRTQ_EVENT_SLOT << VIRTQ_EVENT_FLAGS | queue->used |
			(queue->used_wrap ? VIRTQ_EVENT_WRAP : 0);
	else if (on)
		event = VIRTQ_EVENT_ENABLE << VIRTQ_EVENT_FLAGS;
	store_word(drv_ptr(drv, queue->driver), event);
}

bool drv_want_interrupts(struct drv *drv, unsigned index, bool on)
{
	struct drv_queue *queue = &drv->queues[index];

	queue->interrupts = on;
	if (queue->packed)
		want_packed(drv, queue, on);
	else
		want_split(drv, queue, on);
	full_barrier();
	return queue->packed ? is_used(drv, queue)
			     : load_acquire(&used_of(drv, queue)->idx) != queue->used;
}
