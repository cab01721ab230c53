/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The split virtqueue (section 2.7): a table of descriptors, a ring of available chains that the
 * driver writes, a ring of used ones that the device writes.
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "dev/virtio/mmio.h"
#include "dev/virtio/ring.h"

static const struct virtq_avail *avail_ring(const struct virtq *queue)
{
	return queue->driver_view.host;
}

static struct virtq_used *used_ring(const struct virtq *queue)
{
	return queue->device_view.host;
}

/* Section 2.7.7: after the available ring, the used index that the driver wants to be told of. */
static const uint16_t *used_event(const struct virtq *queue)
{
	return &avail_ring(queue)->ring[queue->size];
}

/* Section 2.7.10: after the used ring, the available index that the device wants to be told of. */
static uint16_t *avail_event(const struct virtq *queue)
{
	return (uint16_t *)&used_ring(queue)->ring[queue->size];
}

/* Guest addresses of the rings' fields. */
static uint64_t avail_ring_gpa(const struct virtq *queue, uint32_t at)
{
	return queue->driver + offsetof(struct virtq_avail, ring) + 2 * (uint64_t)at;
}

static uint64_t used_ring_gpa(const struct virtq *queue, uint32_t at)
{
	return queue->device + offsetof(struct virtq_used, ring) + 8 * (uint64_t)at;
}

static uint16_t avail_index(const struct virtq *queue)
{
	return virtq_saw_u16(queue->virtio, queue->driver + offsetof(struct virtq_avail, idx),
			     load_acquire(&avail_ring(queue)->idx));
}

/* Descriptors of one table, which is at @gpa, until one has no NEXT. @last: that one, which may be an indirect one. */
static bool walk(AxVirtio *virtio, uint64_t gpa, const void *table, uint32_t count, uint32_t at,
		 struct virtq_chain *chain, struct virtq_desc *last)
{
	/* A chain that visits more descriptors than there are has a loop. */
	for (uint32_t visited = 0; visited < count; visited++) {
		memcpy(last, (const uint8_t *)table + 16 * (size_t)at, sizeof(*last));
		virtq_saw(virtio, gpa + 16 * (uint64_t)at, last, sizeof(*last));
		if (last->flags & VIRTQ_DESC_INDIRECT)
			return !(last->flags & VIRTQ_DESC_NEXT);
		if (!virtq_chain_add(virtio, chain, last->addr, last->len,
				     last->flags & VIRTQ_DESC_WRITE))
			return false;
		if (!(last->flags & VIRTQ_DESC_NEXT))
			return true;
		at = last->next;
		if (at >= count)
			return false;
	}
	return false;
}

/* Section 2.7.5.3: a table of its own ends the chain, and has no table in it. */
static bool walk_indirect(const struct virtq *queue, const struct virtq_desc *desc,
			  struct virtq_chain *chain)
{
	struct virtq_desc last;
	AxMemView view;
	uint32_t count;
	bool good;

	if (!virtq_table_get(queue, desc->addr, desc->len, &view, &count))
		return false;
	good = walk(queue->virtio, desc->addr, view.host, count, 0, chain, &last) &&
	       !(last.flags & VIRTQ_DESC_INDIRECT);
	ax_mem_put(queue->virtio->link.vm, &view, 0);
	return good;
}

int virtq_split_pop(struct virtq *queue, struct virtq_chain *chain)
{
	const struct virtq_avail *avail = avail_ring(queue);
	struct virtq_desc last;
	uint16_t head;

	if (queue->avail == queue->avail_seen) {
		queue->avail_seen = avail_index(queue);
		if (queue->avail == queue->avail_seen)
			return 0;
		if ((uint16_t)(queue->avail_seen - queue->avail) > queue->size)
			return -EINVAL;
	}
	head = virtq_saw_u16(queue->virtio, avail_ring_gpa(queue, queue->avail & (queue->size - 1)),
			     load_relaxed(&avail->ring[queue->avail & (queue->size - 1)]));
	/* Each chain in flight has a descriptor of its own, or one is there twice. */
	if (head >= queue->size || queue->in_flight >= queue->size)
		return -EINVAL;
	virtq_chain_begin(chain);
	if (!walk(queue->virtio, queue->descriptors, queue->descriptor_view.host, queue->size, head,
		  chain, &last) ||
	    ((last.flags & VIRTQ_DESC_INDIRECT) && !walk_indirect(queue, &last, chain))) {
		virtq_chain_drop(queue->virtio, chain, 0);
		return -EINVAL;
	}
	chain->id = head;
	chain->slots = 1;
	queue->avail++;
	return 1;
}

void virtq_split_push(struct virtq *queue, struct virtq_chain *const *chains,
		      const uint32_t *written, unsigned count)
{
	struct virtq_used *used = used_ring(queue);

	for (unsigned i = 0; i < count; i++) {
		struct virtq_used_elem *elem = &used->ring[queue->used & (queue->size - 1)];

		elem->id = chains[i]->id;
		elem->len = written[i];
		virtq_wrote(queue->virtio, used_ring_gpa(queue, queue->used & (queue->size - 1)),
			    elem, sizeof(*elem));
		queue->used++;
	}
	queue->pushed += count;
	/* Section 2.7.8.2: the entries, and all that they stand for, are there before the index says so. */
	virtq_wrote(queue->virtio, queue->device + offsetof(struct virtq_used, idx), &queue->used,
		    sizeof(queue->used));
	store_release(&used->idx, queue->used);
}

bool virtq_split_wants(const struct virtq *queue)
{
	if (!queue->event_idx)
		return !(virtq_saw_u16(queue->virtio, queue->driver,
				       load_relaxed(&avail_ring(queue)->flags)) &
			 VIRTQ_AVAIL_NO_INTERRUPT);
	/* More than a ring full: the driver may have asked anew meanwhile, for what was long ago. */
	return queue->pushed > queue->size ||
	       virtq_passed(virtq_saw_u16(queue->virtio, avail_ring_gpa(queue, queue->size),
					  load_relaxed(used_event(queue))),
			    queue->used, (uint16_t)queue->pushed);
}

bool virtq_split_notify(struct virtq *queue)
{
	const uint16_t flags = queue->notify_on ? 0 : VIRTQ_USED_NO_NOTIFY;

	if (!queue->event_idx) {
		virtq_wrote(queue->virtio, queue->device, &flags, sizeof(flags));
		store_release(&used_ring(queue)->flags, flags);
	} else if (queue->notify_on) {
		virtq_wrote(queue->virtio, used_ring_gpa(queue, queue->size), &queue->known,
			    sizeof(queue->known));
		store_release(avail_event(queue), queue->known);
	}
	/* Off with EVENT_IDX: the index that was asked for last has passed. */
	if (!queue->notify_on)
		return false;
	full_barrier();
	return avail_index(queue) != queue->known;
}
