/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A virtio device as an object: being made and freed, its place in a VM, its queues' notifications,
 * its interrupt, its counters. The registers are in mmio.c, the rings in queue*.c.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "dev/virtio/mmio.h"
#include "dev/virtio/ring.h"

static int check_init(const struct virtio_init *init, AxError *err)
{
	if (!init->host)
		return ax_error_argument(err, -EINVAL, "virtio %s: a device needs an AxHost",
					 init->type->name);
	if (init->queue_count > VIRTIO_QUEUES_MAX || init->config_len > VIRTIO_CONFIG_MAX)
		return ax_error_argument(
			err, -EINVAL,
			"virtio %s: %u queues or %u bytes of configuration are too many",
			init->type->name, init->queue_count, init->config_len);
	for (uint32_t i = 0; i < init->queue_count; i++) {
		uint32_t size = init->queue_size[i];

		if (!size || size > VIRTQ_SIZE_MAX || (size & (size - 1)))
			return ax_error_argument(
				err, -EINVAL,
				"virtio %s: a queue of %u is no power of two up to %u",
				init->type->name, size, VIRTQ_SIZE_MAX);
	}
	return 0;
}

int virtio_init(AxVirtio *virtio, const struct virtio_init *init, AxError *err)
{
	int ret = check_init(init, err);

	if (!ret)
		ret = ax_dev_name(&virtio->link, init->name, init->type->name, err);
	if (ret)
		return ret;
	virtio->type = init->type;
	virtio->host = init->host;
	ax_host_owner(init->host, virtio->link.name);
	virtio->offered = init->features | VIRTIO_F_INDIRECT_DESC | VIRTIO_F_EVENT_IDX |
			  VIRTIO_F_VERSION_1 | VIRTIO_F_RING_PACKED;
	virtio->config_len = init->config_len;
	virtio->lock = ax_lock_new();
	virtio->irq_lock = ax_lock_new();
	virtio->queues = calloc(init->queue_count ? init->queue_count : 1, sizeof(*virtio->queues));
	if (!virtio->lock || !virtio->irq_lock || !virtio->queues)
		return ax_dev_error_nomem(err, "a virtio device");
	virtio->queue_count = init->queue_count;
	for (uint32_t i = 0; i < init->queue_count; i++) {
		struct virtq *queue = &virtio->queues[i];

		queue->virtio = virtio;
		queue->index = i;
		queue->size_max = init->queue_size[i];
		queue->event = -1;
		virtq_power_on(queue);
	}
	return 0;
}

void virtio_fini(AxVirtio *virtio)
{
	free(virtio->queues);
	virtio->queues = NULL;
	ax_lock_free(virtio->irq_lock);
	ax_lock_free(virtio->lock);
	virtio->irq_lock = virtio->lock = NULL;
}

void ax_virtio_free(AxVirtio *virtio)
{
	if (virtio)
		virtio->type->free(virtio);
}

uint32_t ax_virtio_id(const AxVirtio *virtio)
{
	return virtio->type->id;
}

const char *ax_virtio_name(const AxVirtio *virtio)
{
	return virtio->link.name;
}

int ax_virtio_counters(AxVirtio *virtio, AxVirtioCounters *counters)
{
	AxVirtioCounters known;
	size_t size = counters->size;

	if (size < sizeof(size))
		return -EINVAL;
	virtio_lock(virtio);
	known = virtio->counters;
	virtio_unlock(virtio);
	known.size = size;
	/* A caller of a newer library finds zero in what this one does not count. */
	memset(counters, 0, size);
	memcpy(counters, &known, size < sizeof(known) ? size : sizeof(known));
	return 0;
}

/* A notification arrived: on the host's thread. */
static void queue_notified(void *opaque, int fd, unsigned events)
{
	struct virtq *queue = opaque;
	AxVirtio *virtio = queue->virtio;
	uint64_t count;

	(void)events;
	if (read(fd, &count, sizeof(count)) != sizeof(count))
		return;
	virtio_lock(virtio);
	virtio->counters.notifications++;
	if (queue->ready && virtio_running(virtio) && virtio->type->notify)
		virtio->type->notify(virtio, queue->index);
	virtio_unlock(virtio);
}

void virtio_kick(AxVirtio *virtio, unsigned index)
{
	int event = virtio->queues[index].event;

	/* A count that is full is a notification, too. */
	if (event >= 0)
		(void)!write(event, &(uint64_t){ 1 }, sizeof(uint64_t));
}

void virtio_kick_all(AxVirtio *virtio)
{
	for (uint32_t i = 0; i < virtio->queue_count; i++) {
		if (virtio->queues[i].ready)
			virtio_kick(virtio, i);
	}
}

/* Section 4.2.2: writes of the queue's index to QueueNotify, as an eventfd that the host watches. */
static int connect_queue(AxVirtio *virtio, struct virtq *queue, AxVm *vm, AxError *err)
{
	AxNotify notify = AX_NOTIFY_INIT;
	int ret = 0;

	queue->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (queue->event < 0)
		return ax_error_set(err, -EIO, AX_ERROR_RESOURCE, errno,
				    "%s: no eventfd for a queue: %m", virtio->link.name);
	if (!virtio->type->external)
		ret = ax_watch_new(virtio->host, queue->event, AX_WATCH_READ, queue_notified, queue,
				   &queue->watch, err);
	if (ret)
		return ret;
	notify.addr = virtio->base + VIRTIO_MMIO_QUEUE_NOTIFY;
	notify.width = 4;
	notify.flags = AX_NOTIFY_MATCH;
	notify.match = queue->index;
	notify.event = queue->event;
	ret = ax_notify_add(vm, &notify, &queue->notify_id, err);
	queue->notified = !ret;
	return ret;
}

static int disconnect_queue(struct virtq *queue, AxVm *vm, AxError *err)
{
	int ret;

	if (queue->notified) {
		ret = ax_notify_remove(vm, queue->notify_id, err);
		if (ret)
			return ret;
		queue->notified = false;
	}
	ax_watch_free(queue->watch);
	queue->watch = NULL;
	if (queue->event >= 0)
		close(queue->event);
	queue->event = -1;
	return 0;
}

static int disconnect_queues(AxVirtio *virtio, AxVm *vm, AxError *err)
{
	int ret = 0;

	for (uint32_t i = 0; !ret && i < virtio->queue_count; i++)
		ret = disconnect_queue(&virtio->queues[i], vm, err);
	return ret;
}

/* What a replay makes the same device of, or that none can be made. */
static void tell_record(AxVirtio *virtio)
{
	char key[AX_DEV_NAME_SIZE + 8], text[2048];

	if (!virtio->record || ax_record_is_replay(virtio->record))
		return;
	if (!virtio->type->describe) {
		ax_record_refuse(virtio->record, virtio->link.name,
				 virtio->type->external
					 ? "another process reads and writes guest memory for it"
					 : "this kind of virtio device cannot be replayed");
		return;
	}
	snprintf(key, sizeof(key), "device.%s", virtio->link.name);
	virtio->type->describe(virtio, text, sizeof(text));
	ax_record_set_fact(virtio->record, key, text);
}

int ax_virtio_attach(AxVirtio *virtio, AxVm *vm, AxGuestPhysAddr base, const AxIrq *irq,
		     uint32_t trigger, AxError *err)
{
	struct ax_dev_window window = { AX_SPACE_MMIO, base, AX_VIRTIO_SIZE, &virtio_mmio_ops };
	int ret = 0;

	if (trigger > AX_VIRTIO_LEVEL)
		return ax_error_argument(err, -EINVAL, "%u is no AxVirtioTrigger", trigger);
	if (virtio->link.vm)
		return ax_error_set(err, -EBUSY, AX_ERROR_STATE, 0,
				    "%s is in a VM already: detach it first", virtio->link.name);
	ax_host_owner(virtio->host, virtio->link.name);
	virtio->base = base;
	virtio->irq.irq = irq ? *irq : (AxIrq){ 0 };
	virtio->irq.trigger = trigger;
	for (uint32_t i = 0; !ret && i < virtio->queue_count; i++)
		ret = connect_queue(virtio, &virtio->queues[i], vm, err);
	/* Its ops take the lock themselves: see the top of virtio.h. */
	if (!ret)
		ret = ax_dev_attach(&virtio->link, vm, &window, 1, NULL, &virtio_device_ops, virtio,
				    err);
	virtio->record = ax_dev_record(&virtio->link);
	tell_record(virtio);
	if (!ret && virtio->type->attach)
		ret = virtio->type->attach(virtio, err);
	if (ret) {
		(void)disconnect_queues(virtio, vm, NULL);
		(void)ax_dev_detach(&virtio->link, NULL);
	}
	return ret;
}

int ax_virtio_detach(AxVirtio *virtio, AxError *err)
{
	int ret;

	if (!virtio->link.vm)
		return 0;
	/* First what a handler may not do: nothing has changed when it is refused. */
	ret = disconnect_queues(virtio, virtio->link.vm, err);
	if (ret)
		return ret;
	virtio_lock(virtio);
	virtio_reset(virtio);
	virtio->record = NULL;
	virtio_unlock(virtio);
	return ax_dev_detach(&virtio->link, err);
}

bool virtio_running(const AxVirtio *virtio)
{
	return (virtio->status & (VIRTIO_DRIVER_OK | VIRTIO_NEEDS_RESET | VIRTIO_FAILED)) ==
		       VIRTIO_DRIVER_OK &&
	       !virtio->draining;
}

void virtio_raise(AxVirtio *virtio, uint32_t reason)
{
	const struct virtio_irq *irq = &virtio->irq;

	ax_lock(virtio->irq_lock);
	virtio->interrupt_status |= reason;
	if (irq->trigger == AX_VIRTIO_LEVEL)
		ax_irq_set(&irq->irq, true);
	ax_unlock(virtio->irq_lock);
	/* What the driver acknowledges between the two it finds again when it looks at its queues. */
	if (irq->trigger == AX_VIRTIO_EDGE)
		ax_irq_pulse(&irq->irq);
	virtio->counters.interrupts++;
}

void virtio_acknowledge(AxVirtio *virtio, uint32_t reasons)
{
	const struct virtio_irq *irq = &virtio->irq;

	ax_lock(virtio->irq_lock);
	virtio->interrupt_status &= ~reasons;
	if (irq->trigger == AX_VIRTIO_LEVEL && !virtio->interrupt_status)
		ax_irq_set(&irq->irq, false);
	ax_unlock(virtio->irq_lock);
}

uint32_t virtio_pending(AxVirtio *virtio)
{
	uint32_t status;

	ax_lock(virtio->irq_lock);
	status = virtio->interrupt_status;
	ax_unlock(virtio->irq_lock);
	return status;
}

void virtio_interrupt(AxVirtio *virtio, unsigned index)
{
	struct virtq *queue = &virtio->queues[index];

	if (!queue->pushed)
		return;
	if (virtq_driver_wants(queue))
		virtio_raise(virtio, VIRTIO_MMIO_USED_BUFFER);
	else
		virtio->counters.suppressed++;
	queue->pushed = 0;
}

void virtio_interrupt_external(AxVirtio *virtio)
{
	virtio_raise(virtio, VIRTIO_MMIO_USED_BUFFER);
}

/* Section 2.1.2: before DRIVER_OK the driver gets no notifications. */
void virtio_config_changed(AxVirtio *virtio)
{
	virtio->config_generation++;
	if (virtio->status & VIRTIO_DRIVER_OK)
		virtio_raise(virtio, VIRTIO_MMIO_CONFIG_CHANGE);
}

void virtio_broken(AxVirtio *virtio)
{
	virtio->counters.bad_chains++;
	if (virtio->status & VIRTIO_NEEDS_RESET)
		return;
	virtio->status |= VIRTIO_NEEDS_RESET;
	if (virtio->status & VIRTIO_DRIVER_OK)
		virtio_raise(virtio, VIRTIO_MMIO_CONFIG_CHANGE);
}

bool virtio_drain(AxVirtio *virtio)
{
	if (virtio->draining)
		return false;
	virtio->draining = true;
	if (virtio->type->drain)
		virtio->type->drain(virtio);
	virtio->draining = false;
	return true;
}

void virtio_external_start(AxVirtio *virtio)
{
	if (virtio->type->external && virtio_running(virtio))
		virtio->type->start(virtio);
}

void virtio_reset(AxVirtio *virtio)
{
	/* Two vCPUs reset at once: the first one does it. */
	if (!virtio_drain(virtio))
		return;
	for (uint32_t i = 0; i < virtio->queue_count; i++) {
		virtq_stop(&virtio->queues[i]);
		virtq_power_on(&virtio->queues[i]);
	}
	virtio_acknowledge(virtio, UINT32_MAX);
	virtio->features = 0;
	virtio->status = 0;
	virtio->device_features_sel = virtio->driver_features_sel = virtio->queue_sel = 0;
	if (virtio->type->reset)
		virtio->type->reset(virtio);
}
