/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Virtqueues: switching them on and off, and what is alike for both kinds of rings, whose own parts
 * are in queue_split.c and queue_packed.c.
 */
#include <errno.h>

#include "dev/virtio/mmio.h"
#include "dev/virtio/ring.h"

static void forget_positions(struct virtq *queue)
{
	queue->avail = queue->used = queue->avail_seen = queue->known = 0;
	queue->avail_wrap = queue->used_wrap = queue->known_wrap = true;
	queue->returned = queue->in_flight = queue->slots = queue->pushed = 0;
	queue->notify_on = true;
}

void virtq_power_on(struct virtq *queue)
{
	queue->size = queue->size_max;
	queue->descriptors = queue->driver = queue->device = 0;
	queue->packed = queue->event_idx = false;
	forget_positions(queue);
}

/* One of the three areas: its alignment and length are those of sections 2.7 and 2.8.10. */
static bool map_area(const struct virtq *queue, uint64_t addr, uint64_t len, uint64_t align,
		     unsigned access, AxMemView *view)
{
	AxVm *vm = queue->virtio->link.vm;

	if (addr % align || ax_mem_get(vm, addr, len, access, view))
		return false;
	if (!(access & AX_MEM_WRITE) || virtio_may_write(queue->virtio, addr))
		return true;
	ax_mem_put(vm, view, 0);
	return false;
}

static void unmap(struct virtq *queue)
{
	AxVm *vm = queue->virtio->link.vm;

	/* Of the device's own writes no list is kept: all may have changed. */
	ax_mem_put(vm, &queue->descriptor_view, queue->packed ? queue->descriptor_view.len : 0);
	ax_mem_put(vm, &queue->driver_view, 0);
	ax_mem_put(vm, &queue->device_view, queue->device_view.len);
}

static bool map(struct virtq *queue)
{
	const unsigned both = AX_MEM_READ | AX_MEM_WRITE;
	uint64_t size = queue->size;

	if (queue->packed)
		return map_area(queue, queue->descriptors, 16 * size, 16, both,
				&queue->descriptor_view) &&
		       map_area(queue, queue->driver, 4, 4, AX_MEM_READ, &queue->driver_view) &&
		       map_area(queue, queue->device, 4, 4, both, &queue->device_view);
	/* Section 2.7: the size of a split ring is a power of two. */
	return !(size & (size - 1)) &&
	       map_area(queue, queue->descriptors, 16 * size, 16, AX_MEM_READ,
			&queue->descriptor_view) &&
	       map_area(queue, queue->driver, 6 + 2 * size, 2, AX_MEM_READ, &queue->driver_view) &&
	       map_area(queue, queue->device, 6 + 8 * size, 4, both, &queue->device_view);
}

bool virtq_start(struct virtq *queue)
{
	AxVirtio *virtio = queue->virtio;

	queue->packed = virtio_has(virtio, VIRTIO_F_RING_PACKED);
	queue->event_idx = virtio_has(virtio, VIRTIO_F_EVENT_IDX);
	virtio_look_for_read_only(virtio);
	if (!map(queue)) {
		unmap(queue);
		return false;
	}
	queue->ready = true;
	return true;
}

void virtq_stop(struct virtq *queue)
{
	if (!queue->ready)
		return;
	queue->ready = false;
	unmap(queue);
	queue->epoch++;
	forget_positions(queue);
}

static struct virtq *usable(AxVirtio *virtio, unsigned index)
{
	struct virtq *queue = &virtio->queues[index];

	return queue->ready && virtio_running(virtio) ? queue : NULL;
}

static int pop(struct virtq *queue, struct virtq_chain *chain)
{
	return queue->packed ? virtq_packed_pop(queue, chain) : virtq_split_pop(queue, chain);
}

/*
 * Of chains that were returned, the next. What the driver made of one meanwhile is wrong when it is not
 * there any more, or when the last does not end where it ended before.
 */
static bool is_as_before(struct virtq *queue, int ret)
{
	if (!queue->returned)
		return true;
	if (!ret)
		return false;
	return queue->returned > 1 ||
	       (queue->avail == queue->known && queue->avail_wrap == queue->known_wrap);
}

int virtq_pop(AxVirtio *virtio, unsigned index, struct virtq_chain *chain)
{
	struct virtq *queue = usable(virtio, index);
	int ret;

	if (!queue)
		return 0;
	ret = pop(queue, chain);
	/* Before "none" is true, the driver knows that it shall tell of the next, and has none yet. */
	if (!ret && queue->notify_on && queue->event_idx && virtq_want_notify(virtio, index, true))
		ret = pop(queue, chain);
	if (ret >= 0 && !is_as_before(queue, ret)) {
		if (ret)
			virtq_chain_drop(virtio, chain, 0);
		ret = -EINVAL;
	}
	if (ret < 0) {
		virtio_broken(virtio);
		return ret;
	}
	if (!ret)
		return 0;
	chain->taken = true;
	chain->record = virtio->record;
	chain->epoch = queue->epoch;
	queue->in_flight++;
	queue->slots += chain->slots;
	virtio->counters.chains++;
	if (queue->returned) {
		queue->returned--;
	} else {
		queue->known = queue->avail;
		queue->known_wrap = queue->avail_wrap;
	}
	return 1;
}

static bool is_current(const struct virtq *queue, const struct virtq_chain *chain)
{
	return queue->ready && chain->epoch == queue->epoch;
}

static void let_go(struct virtq *queue, struct virtq_chain *chain, uint32_t written)
{
	if (is_current(queue, chain)) {
		queue->in_flight--;
		queue->slots -= chain->slots;
	}
	virtq_chain_drop(queue->virtio, chain, written);
	chain->taken = false;
}

void virtq_push_many(AxVirtio *virtio, unsigned index, struct virtq_chain *const *chains,
		     const uint32_t *written, unsigned count)
{
	struct virtq *queue = &virtio->queues[index];

	/* All were taken since the queue was started last, or none was. */
	if (is_current(queue, chains[0])) {
		if (queue->packed)
			virtq_packed_push(queue, chains, written, count);
		else
			virtq_split_push(queue, chains, written, count);
	}
	for (unsigned i = 0; i < count; i++)
		let_go(queue, chains[i], written[i]);
}

void virtq_push(AxVirtio *virtio, unsigned index, struct virtq_chain *chain, uint32_t written)
{
	if (written > chain->in_len)
		written = (uint32_t)chain->in_len;
	virtq_push_many(virtio, index, &chain, &written, 1);
}

void virtq_return(AxVirtio *virtio, unsigned index, struct virtq_chain *chain)
{
	struct virtq *queue = &virtio->queues[index];

	if (is_current(queue, chain)) {
		if (queue->packed)
			virtq_packed_return(queue, chain);
		else
			queue->avail--;
		queue->returned++;
		virtio->counters.chains--;
	}
	let_go(queue, chain, 0);
}

bool virtq_want_notify(AxVirtio *virtio, unsigned index, bool on)
{
	struct virtq *queue = usable(virtio, index);

	if (!queue)
		return false;
	queue->notify_on = on;
	return queue->packed ? virtq_packed_notify(queue) : virtq_split_notify(queue);
}

bool virtq_driver_wants(struct virtq *queue)
{
	if (!queue->ready)
		return false;
	/* The used entry is there before it is looked whether the driver waits for it. */
	full_barrier();
	return queue->packed ? virtq_packed_wants(queue) : virtq_split_wants(queue);
}
