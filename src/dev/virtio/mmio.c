/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Virtio over MMIO as the driver sees it: the registers of section 4.2.2, and the device's status as
 * section 3.1 wants it to move. What a driver writes where it must not is ignored.
 */
#include <string.h>

#include "dev/virtio/mmio.h"
#include "dev/virtio/ring.h"

/* The queue that QueueSel names; NULL: there is none. */
static struct virtq *selected(AxVirtio *virtio)
{
	return virtio->queue_sel < virtio->queue_count ? &virtio->queues[virtio->queue_sel] : NULL;
}

static uint32_t half(uint64_t value, uint32_t sel)
{
	return sel > 1 ? 0 : (uint32_t)(value >> (32 * sel));
}

static uint64_t with_half(uint64_t value, uint32_t sel, uint32_t bits)
{
	uint64_t mask = (uint64_t)UINT32_MAX << (32 * sel);

	return (value & ~mask) | (uint64_t)bits << (32 * sel);
}

static uint32_t read_register(AxVirtio *virtio, uint64_t offset)
{
	const struct virtq *queue = selected(virtio);

	switch (offset) {
	case VIRTIO_MMIO_MAGIC: return VIRTIO_MMIO_MAGIC_VALUE;
	case VIRTIO_MMIO_VERSION: return VIRTIO_MMIO_MODERN;
	case VIRTIO_MMIO_DEVICE_ID: return virtio->type->id;
	case VIRTIO_MMIO_VENDOR_ID: return VIRTIO_MMIO_VENDOR;
	case VIRTIO_MMIO_DEVICE_FEATURES: return half(virtio->offered, virtio->device_features_sel);
	case VIRTIO_MMIO_QUEUE_SIZE_MAX: return queue ? queue->size_max : 0;
	case VIRTIO_MMIO_QUEUE_READY: return queue && queue->ready;
	case VIRTIO_MMIO_STATUS: return virtio->status;
	/* No device here has shared memory: length and address of a region that is not there. */
	case VIRTIO_MMIO_SHM_LEN_LOW:
	case VIRTIO_MMIO_SHM_LEN_HIGH:
	case VIRTIO_MMIO_SHM_BASE_LOW:
	case VIRTIO_MMIO_SHM_BASE_HIGH: return UINT32_MAX;
	case VIRTIO_MMIO_CONFIG_GENERATION: return virtio->config_generation;
	default: return 0;
	}
}

bool virtio_accepts(AxVirtio *virtio, uint64_t features)
{
	/*
	 * Section 6.1 leaves it to the device whether it works without VERSION_1, which small systems
	 * forget: it is in the upper half. Nothing here differs without it.
	 */
	if (features & ~virtio->offered)
		return false;
	return !virtio->type->features_ok || virtio->type->features_ok(virtio, features);
}

/* Section 2.1.1: bits are only ever added, but for the reset. DRIVER_OK comes after FEATURES_OK. */
static void write_status(AxVirtio *virtio, uint32_t value)
{
	uint32_t fresh = value & ~virtio->status &
			 (VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_DRIVER_OK |
			  VIRTIO_FEATURES_OK | VIRTIO_FAILED);

	if (!value) {
		virtio_reset(virtio);
		virtio->counters.resets++;
		return;
	}
	if ((fresh & VIRTIO_FEATURES_OK) && !virtio_accepts(virtio, virtio->features))
		fresh &= ~VIRTIO_FEATURES_OK;
	if (!((virtio->status | fresh) & VIRTIO_FEATURES_OK))
		fresh &= ~VIRTIO_DRIVER_OK;
	virtio->status |= fresh;
	if (!(fresh & VIRTIO_DRIVER_OK) || !virtio_running(virtio))
		return;
	if (virtio->type->start)
		virtio->type->start(virtio);
	/* A driver that put buffers into its queues before has not told of them. */
	virtio_kick_all(virtio);
}

static void write_ready(AxVirtio *virtio, struct virtq *queue, uint32_t value)
{
	if (value == 0 && queue->ready) {
		bool drain = queue->in_flight || virtio->type->external;

		if (drain && !virtio_drain(virtio))
			return;
		virtq_stop(queue);
		/* The other queues go on. */
		virtio_external_start(virtio);
		virtio_kick_all(virtio);
	} else if (value == 1 && !queue->ready && (virtio->status & VIRTIO_FEATURES_OK) &&
		   !(virtio->status & VIRTIO_NEEDS_RESET) && !virtio->draining) {
		if (!virtq_start(queue))
			virtio_broken(virtio);
	}
}

/* Registers of the queue that is selected. Its place holds while it is ready. */
static void write_queue(AxVirtio *virtio, uint64_t offset, uint32_t value)
{
	struct virtq *queue = selected(virtio);

	if (!queue)
		return;
	if (offset == VIRTIO_MMIO_QUEUE_READY) {
		write_ready(virtio, queue, value);
		return;
	}
	if (queue->ready)
		return;
	switch (offset) {
	case VIRTIO_MMIO_QUEUE_SIZE:
		if (value && value <= queue->size_max)
			queue->size = value;
		break;
	case VIRTIO_MMIO_QUEUE_DESC_LOW:
	case VIRTIO_MMIO_QUEUE_DESC_HIGH:
		queue->descriptors =
			with_half(queue->descriptors, offset == VIRTIO_MMIO_QUEUE_DESC_HIGH, value);
		break;
	case VIRTIO_MMIO_QUEUE_DRIVER_LOW:
	case VIRTIO_MMIO_QUEUE_DRIVER_HIGH:
		queue->driver =
			with_half(queue->driver, offset == VIRTIO_MMIO_QUEUE_DRIVER_HIGH, value);
		break;
	case VIRTIO_MMIO_QUEUE_DEVICE_LOW:
	case VIRTIO_MMIO_QUEUE_DEVICE_HIGH:
		queue->device =
			with_half(queue->device, offset == VIRTIO_MMIO_QUEUE_DEVICE_HIGH, value);
		break;
	default: break;
	}
}

static void write_register(AxVirtio *virtio, uint64_t offset, uint32_t value)
{
	switch (offset) {
	case VIRTIO_MMIO_DEVICE_FEATURES_SEL: virtio->device_features_sel = value; break;
	case VIRTIO_MMIO_DRIVER_FEATURES_SEL: virtio->driver_features_sel = value; break;
	case VIRTIO_MMIO_DRIVER_FEATURES:
		/* Section 3.1.1, step 5: none is accepted after FEATURES_OK. */
		if (!(virtio->status & VIRTIO_FEATURES_OK) && virtio->driver_features_sel <= 1)
			virtio->features =
				with_half(virtio->features, virtio->driver_features_sel, value);
		break;
	case VIRTIO_MMIO_QUEUE_SEL: virtio->queue_sel = value; break;
	case VIRTIO_MMIO_STATUS: write_status(virtio, value); break;
	default: write_queue(virtio, offset, value); break;
	}
}

/* Bytes of the configuration that an access is about, of which those past its end are not there. */
static uint32_t config_bytes(const AxVirtio *virtio, uint64_t offset, AxAccessWidth width)
{
	uint32_t size = 1u << width;

	if (offset >= virtio->config_len)
		return 0;
	return virtio->config_len - offset < size ? virtio->config_len - (uint32_t)offset : size;
}

static uint64_t read_config(const AxVirtio *virtio, uint64_t offset, AxAccessWidth width)
{
	uint32_t len = config_bytes(virtio, offset, width);
	uint64_t value = 0;

	for (uint32_t i = 0; i < len; i++)
		value |= (uint64_t)virtio->config[offset + i] << (8 * i);
	return value;
}

static void write_config(AxVirtio *virtio, uint64_t offset, AxAccessWidth width, uint64_t value)
{
	uint32_t len = config_bytes(virtio, offset, width);

	if (!len || !virtio->type->config_written)
		return;
	for (uint32_t i = 0; i < len; i++)
		virtio->config[offset + i] = (uint8_t)(value >> (8 * i));
	virtio->type->config_written(virtio, (uint32_t)offset, len);
}

/* Section 4.2.2.2: registers are accessed in whole; nothing else is defined, and nothing else answered. */
static bool is_register(uint64_t offset, AxAccessWidth width)
{
	return width == AX_WIDTH_DWORD && offset % 4 == 0;
}

static AxHandled mmio_read(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
			   uint64_t *value)
{
	AxVirtio *virtio = opaque;

	(void)vcpu;
	if (offset < VIRTIO_MMIO_CONFIG && !is_register(offset, width))
		return AX_UNHANDLED;
	if (offset == VIRTIO_MMIO_INTERRUPT_STATUS) {
		*value = virtio_pending(virtio);
		return AX_HANDLED;
	}
	virtio_lock(virtio);
	if (offset < VIRTIO_MMIO_CONFIG)
		*value = read_register(virtio, offset);
	else
		*value = read_config(virtio, offset - VIRTIO_MMIO_CONFIG, width);
	virtio_unlock(virtio);
	return AX_HANDLED;
}

static AxHandled mmio_write(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
			    uint64_t value)
{
	AxVirtio *virtio = opaque;

	(void)vcpu;
	if (offset < VIRTIO_MMIO_CONFIG && !is_register(offset, width))
		return AX_UNHANDLED;
	if (offset == VIRTIO_MMIO_INTERRUPT_ACK) {
		virtio_acknowledge(virtio, (uint32_t)value);
		return AX_HANDLED;
	}
	if (offset == VIRTIO_MMIO_QUEUE_NOTIFY) {
		/* Only what no AxNotify took comes here. */
		if (value < virtio->queue_count)
			virtio_kick(virtio, (unsigned)value);
		return AX_HANDLED;
	}
	virtio_lock(virtio);
	if (offset < VIRTIO_MMIO_CONFIG)
		write_register(virtio, offset, (uint32_t)value);
	else
		write_config(virtio, offset - VIRTIO_MMIO_CONFIG, width, value);
	virtio_unlock(virtio);
	return AX_HANDLED;
}

const AxRangeOps virtio_mmio_ops = {
	.size = sizeof(AxRangeOps),
	.read = mmio_read,
	.write = mmio_write,
};
