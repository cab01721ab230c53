/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A virtio device's state as bytes: the transport's and the queues', then what the type adds. All of
 * it that comes back is checked as if the driver had written it.
 */
#include <errno.h>
#include <string.h>

#include "dev/virtio/mmio.h"
#include "dev/virtio/ring.h"

#define STATE_VERSION 1

static void device_reset(void *opaque)
{
	AxVirtio *virtio = opaque;

	virtio_lock(virtio);
	virtio_reset(virtio);
	virtio_unlock(virtio);
}

static void save_queue(const struct virtq *queue, AxState *state)
{
	ax_state_put_u32(state, queue->size);
	ax_state_put_u64(state, queue->descriptors);
	ax_state_put_u64(state, queue->driver);
	ax_state_put_u64(state, queue->device);
	ax_state_put_u8(state, queue->ready);
	ax_state_put_u8(state, queue->notify_on);
	/* Nothing is in flight: what was taken is what was given back. */
	ax_state_put_u32(state, queue->avail);
	ax_state_put_u8(state, queue->avail_wrap);
}

static void save_transport(AxVirtio *virtio, AxState *state)
{
	ax_state_put_u8(state, STATE_VERSION);
	ax_state_put_u32(state, virtio->type->id);
	ax_state_put_u64(state, virtio->features);
	ax_state_put_u32(state, virtio->status);
	ax_state_put_u32(state, virtio_pending(virtio));
	ax_state_put_u32(state, virtio->config_generation);
	ax_state_put_u32(state, virtio->device_features_sel);
	ax_state_put_u32(state, virtio->driver_features_sel);
	ax_state_put_u32(state, virtio->queue_sel);
	ax_state_put_u32(state, virtio->queue_count);
	for (uint32_t i = 0; i < virtio->queue_count; i++)
		save_queue(&virtio->queues[i], state);
	/* To find out whether it is the same when the state is restored. */
	ax_state_put_u32(state, virtio->config_len);
	ax_state_put_bytes(state, virtio->config, virtio->config_len);
}

static bool is_idle(const AxVirtio *virtio)
{
	for (uint32_t i = 0; i < virtio->queue_count; i++) {
		if (virtio->queues[i].in_flight)
			return false;
	}
	return true;
}

static int save_locked(AxVirtio *virtio, AxState *state)
{
	int ret = 0;

	if (!virtio_drain(virtio))
		return -EBUSY;
	/* What was given back while the queues were emptied. */
	for (uint32_t i = 0; i < virtio->queue_count; i++)
		virtio_interrupt(virtio, i);
	if (!is_idle(virtio))
		return -EBUSY;
	save_transport(virtio, state);
	if (virtio->type->save)
		ret = virtio->type->save(virtio, state);
	/* This VM may go on. */
	virtio_external_start(virtio);
	virtio_kick_all(virtio);
	return ret ? ret : ax_state_error(state);
}

static int device_save(void *opaque, AxState *state)
{
	AxVirtio *virtio = opaque;
	int ret;

	virtio_lock(virtio);
	ret = save_locked(virtio, state);
	virtio_unlock(virtio);
	return ret;
}

static bool take_bool(AxState *state, bool *to)
{
	uint8_t byte = ax_state_get_u8(state);

	*to = byte == 1;
	return byte <= 1;
}

/* Where the driver and the device stand in the ring. */
static bool take_position(struct virtq *queue, AxState *state)
{
	uint32_t at = ax_state_get_u32(state);
	bool wrap;

	if (at > UINT16_MAX || !take_bool(state, &wrap))
		return false;
	if (queue->packed ? at >= queue->size : !wrap)
		return false;
	if (!queue->ready)
		return at == 0 && wrap;
	queue->avail = queue->used = queue->avail_seen = queue->known = (uint16_t)at;
	queue->avail_wrap = queue->used_wrap = queue->known_wrap = wrap;
	return true;
}

static bool take_queue(AxVirtio *virtio, struct virtq *queue, AxState *state)
{
	bool ready, notify_on;

	queue->size = ax_state_get_u32(state);
	queue->descriptors = ax_state_get_u64(state);
	queue->driver = ax_state_get_u64(state);
	queue->device = ax_state_get_u64(state);
	if (!take_bool(state, &ready) || !take_bool(state, &notify_on) || ax_state_error(state))
		return false;
	if (!queue->size || queue->size > queue->size_max)
		return false;
	if (ready && (!(virtio->status & VIRTIO_FEATURES_OK) || !virtq_start(queue)))
		return false;
	queue->notify_on = notify_on;
	return take_position(queue, state);
}

static bool status_is_sane(uint32_t status)
{
	const uint32_t all = VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_DRIVER_OK |
			     VIRTIO_FEATURES_OK | VIRTIO_NEEDS_RESET | VIRTIO_FAILED;

	return !(status & ~all) && (!(status & VIRTIO_DRIVER_OK) || (status & VIRTIO_FEATURES_OK));
}

static bool take_transport(AxVirtio *virtio, uint32_t *pending, AxState *state)
{
	if (ax_state_get_u8(state) != STATE_VERSION || ax_state_get_u32(state) != virtio->type->id)
		return false;
	virtio->features = ax_state_get_u64(state);
	virtio->status = ax_state_get_u32(state);
	*pending = ax_state_get_u32(state);
	virtio->config_generation = ax_state_get_u32(state);
	virtio->device_features_sel = ax_state_get_u32(state);
	virtio->driver_features_sel = ax_state_get_u32(state);
	virtio->queue_sel = ax_state_get_u32(state);
	if (ax_state_get_u32(state) != virtio->queue_count || ax_state_error(state))
		return false;
	if (!status_is_sane(virtio->status) ||
	    (*pending & ~(VIRTIO_MMIO_USED_BUFFER | VIRTIO_MMIO_CONFIG_CHANGE)))
		return false;
	if ((virtio->status & VIRTIO_FEATURES_OK) && !virtio_accepts(virtio, virtio->features))
		return false;
	for (uint32_t i = 0; i < virtio->queue_count; i++) {
		if (!take_queue(virtio, &virtio->queues[i], state))
			return false;
	}
	return !ax_state_error(state);
}

/* Whether the config was the same; false at *good: it is not there. */
static bool take_config(AxVirtio *virtio, bool *good, AxState *state)
{
	uint8_t config[VIRTIO_CONFIG_MAX];
	uint32_t len = ax_state_get_u32(state);

	*good = len <= VIRTIO_CONFIG_MAX;
	if (!*good)
		return false;
	ax_state_get_bytes(state, config, len);
	*good = !ax_state_error(state);
	return len == virtio->config_len && !memcmp(config, virtio->config, len);
}

static int restore_locked(AxVirtio *virtio, AxState *state)
{
	uint32_t pending;
	bool good, same;
	int ret = 0;

	if (!take_transport(virtio, &pending, state))
		return -EINVAL;
	same = take_config(virtio, &good, state);
	if (!good)
		return -EINVAL;
	if (virtio->type->restore)
		ret = virtio->type->restore(virtio, state);
	if (ret || ax_state_error(state))
		return ret ? ret : -EINVAL;
	if (virtio_running(virtio) && virtio->type->start)
		virtio->type->start(virtio);
	/* An interrupt that was on its way may be lost: once more does no harm. */
	if (pending)
		virtio_raise(virtio, pending);
	if (!same)
		virtio_config_changed(virtio);
	virtio_kick_all(virtio);
	return 0;
}

static int device_restore(void *opaque, AxState *state)
{
	AxVirtio *virtio = opaque;
	uint32_t generation;
	int ret;

	virtio_lock(virtio);
	virtio_reset(virtio);
	generation = virtio->config_generation;
	ret = restore_locked(virtio, state);
	if (ret) {
		virtio_reset(virtio);
		virtio->config_generation = generation;
	}
	virtio_unlock(virtio);
	return ret;
}

static void device_outside(void *opaque, uint32_t what, const void *bytes, size_t len)
{
	AxVirtio *virtio = opaque;

	if (virtio->type->outside)
		virtio->type->outside(virtio, what, bytes, len);
}

const AxDeviceOps virtio_device_ops = {
	.size = sizeof(AxDeviceOps),
	.reset = device_reset,
	.save = device_save,
	.restore = device_restore,
	.outside = device_outside,
};
