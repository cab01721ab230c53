/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What fuzz targets of a kind of virtio device share: a VM with a little RAM on the fake KVM, and a
 * script of what its driver does, right or wrong. The transport's own target is fuzz_virtio.c.
 *
 * Eventfds are left out, because each write of one would take longer than all else: the script
 * notifies.
 */
#ifndef AXVMM_TESTS_FUZZ_FUZZ_KIND_H
#define AXVMM_TESTS_FUZZ_FUZZ_KIND_H

#include <axvmm/axvmm.h>

#include "core/memory.h"
#include "dev/virtio/mmio.h"
#include "dev/virtio/ring.h"
#include "tests/fuzz/fuzz_exit_model.h"
#include "tests/unit/fake_sys.h"

#define KIND_RAM_BASE	0x100000u
#define KIND_RAM_SIZE	0x10000u
#define KIND_ROM_BASE	0x110000u /* next to RAM */
#define KIND_ROM_SIZE	0x1000u
#define KIND_MMIO	0xfeb00000u
#define KIND_QUEUE_SIZE 8u
#define KIND_CALLS	192

/* Where a queue's areas are, from RAM + KIND_QUEUE_AT * queue. */
#define KIND_QUEUE_AT  0x800u
#define KIND_DRIVER_AT 0x200u
#define KIND_DEVICE_AT 0x300u
#define KIND_TABLE_AT  0x400u

static struct {
	AxVm *vm;
	AxHost *host;
	AxVirtio *virtio;
	uint8_t *ram;
	struct script script;
} kind;

static inline void kind_must(int ret)
{
	if (ret)
		model_breach("a call failed that cannot fail here");
}

static inline uint16_t kind_u16(void)
{
	uint16_t low = script_u8(&kind.script);

	return (uint16_t)(low | script_u8(&kind.script) << 8);
}

static void kind_line_set(void *opaque, uint32_t line, bool level)
{
	(void)opaque;
	(void)line;
	(void)level;
}

/* Once in the process: all but the device. */
static inline void kind_build(void)
{
	AxVmOptions options = AX_VM_OPTIONS_INIT;
	AxMemView view;

	fake_sys_reset();
	options.irqchip = AX_IRQCHIP_NONE;
	kind_must(ax_vm_create(&options, &kind.vm, NULL));
	kind_must(ax_ram_add(kind.vm, KIND_RAM_BASE, KIND_RAM_SIZE, 0, NULL));
	kind_must(ax_ram_add(kind.vm, KIND_ROM_BASE, KIND_ROM_SIZE, AX_RAM_READONLY, NULL));
	kind_must(ax_mem_get(kind.vm, KIND_RAM_BASE, KIND_RAM_SIZE, AX_MEM_WRITE, &view));
	kind.ram = view.host;
	ax_mem_put(kind.vm, &view, 0);
	kind_must(ax_host_new(NULL, NULL, &kind.host, NULL));
}

/* Then the device, which lives as long as the process. */
static inline void kind_attach(AxVirtio *virtio)
{
	const AxIrq irq = { .set = kind_line_set };

	kind.virtio = virtio;
	kind_must(ax_virtio_attach(virtio, kind.vm, KIND_MMIO, &irq, AX_VIRTIO_EDGE, NULL));
	for (unsigned i = 0; i < virtio->queue_count; i++)
		virtio->queues[i].event = -1;
}

static inline void kind_out(uint64_t offset, uint32_t value)
{
	(void)virtio_mmio_ops.write(NULL, kind.virtio, offset, AX_WIDTH_DWORD, value);
}

static inline uint8_t *kind_queue(unsigned queue)
{
	return kind.ram + KIND_QUEUE_AT * (queue % (KIND_RAM_SIZE / KIND_QUEUE_AT));
}

/* The right way to set the device up, with some of its features. */
static inline void kind_start(uint8_t how)
{
	uint64_t features = VIRTIO_F_VERSION_1 | (script_u8(&kind.script) ^ 0xff);

	features |= how & 1 ? VIRTIO_F_RING_PACKED : 0;
	features |= how & 2 ? VIRTIO_F_EVENT_IDX : 0;
	features |= how & 4 ? VIRTIO_F_INDIRECT_DESC : 0;
	features &= kind.virtio->offered;
	memset(kind.ram, 0, KIND_RAM_SIZE / 2);
	kind_out(VIRTIO_MMIO_STATUS, 0);
	kind_out(VIRTIO_MMIO_STATUS, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER);
	for (uint32_t i = 0; i < 2; i++) {
		kind_out(VIRTIO_MMIO_DRIVER_FEATURES_SEL, i);
		kind_out(VIRTIO_MMIO_DRIVER_FEATURES, (uint32_t)(features >> (32 * i)));
	}
	kind_out(VIRTIO_MMIO_STATUS, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_FEATURES_OK);
	for (uint32_t i = 0; i < kind.virtio->queue_count; i++) {
		uint32_t base = (uint32_t)(kind_queue(i) - kind.ram) + KIND_RAM_BASE;

		kind_out(VIRTIO_MMIO_QUEUE_SEL, i);
		kind_out(VIRTIO_MMIO_QUEUE_SIZE, KIND_QUEUE_SIZE);
		kind_out(VIRTIO_MMIO_QUEUE_DESC_LOW, base);
		kind_out(VIRTIO_MMIO_QUEUE_DESC_HIGH, 0);
		kind_out(VIRTIO_MMIO_QUEUE_DRIVER_LOW, base + KIND_DRIVER_AT);
		kind_out(VIRTIO_MMIO_QUEUE_DRIVER_HIGH, 0);
		kind_out(VIRTIO_MMIO_QUEUE_DEVICE_LOW, base + KIND_DEVICE_AT);
		kind_out(VIRTIO_MMIO_QUEUE_DEVICE_HIGH, 0);
		kind_out(VIRTIO_MMIO_QUEUE_READY, 1);
	}
	kind_out(VIRTIO_MMIO_STATUS, 15);
}

/* An address, mostly of some use. */
static inline uint64_t kind_address(unsigned queue)
{
	uint8_t what = script_u8(&kind.script);
	uint16_t offset = kind_u16();

	switch (what % 8) {
	case 0: return KIND_RAM_BASE + KIND_RAM_SIZE - offset % 64;
	case 1: return KIND_ROM_BASE + offset % KIND_ROM_SIZE;
	case 2: return UINT64_MAX - offset % 64;
	case 3: return (uint64_t)(kind_queue(queue) - kind.ram) + KIND_RAM_BASE + KIND_TABLE_AT;
	default: return KIND_RAM_BASE + offset;
	}
}

static inline void kind_put_descriptor(uint8_t where)
{
	unsigned queue = where % kind.virtio->queue_count;
	uint8_t slot = script_u8(&kind.script);
	struct virtq_desc desc;

	desc.addr = kind_address(queue);
	desc.len = kind_u16();
	desc.flags = script_u8(&kind.script);
	desc.next = script_u8(&kind.script) % 12;
	/* Small numbers, where the rest would be noise. */
	if (!(desc.len & 0x8000))
		desc.len %= 600;
	else if (!(desc.len & 0x4000))
		desc.len = 16 * (desc.len % 16);
	else
		desc.len <<= 2;
	memcpy(kind_queue(queue) + (slot & 0x80 ? KIND_TABLE_AT : 0) +
		       (slot % KIND_QUEUE_SIZE) * sizeof(desc),
	       &desc, sizeof(desc));
}

/* As the host's thread does when the queue's eventfd was written. */
static inline void kind_notify(unsigned queue)
{
	AxVirtio *virtio = kind.virtio;

	queue %= virtio->queue_count;
	kind_out(VIRTIO_MMIO_QUEUE_NOTIFY, queue);
	virtio_lock(virtio);
	if (virtio->queues[queue].ready && virtio_running(virtio))
		virtio->type->notify(virtio, queue);
	virtio_unlock(virtio);
}

/* Make a descriptor available in either kind of ring; the place is the device's own. */
static inline void kind_offer(uint8_t what)
{
	unsigned index = what % kind.virtio->queue_count;
	struct virtq *queue = &kind.virtio->queues[index];
	uint8_t *base = kind_queue(index);
	uint8_t how = script_u8(&kind.script);

	if (queue->packed) {
		struct virtq_packed_desc *ring = (struct virtq_packed_desc *)base;
		uint16_t wrap = VIRTQ_DESC_AVAIL | VIRTQ_DESC_USED;
		uint32_t at = (queue->avail + (how >> 5)) % KIND_QUEUE_SIZE;

		ring[at].flags =
			(uint16_t)((ring[at].flags & ~wrap) |
				   (queue->avail_wrap ? VIRTQ_DESC_AVAIL : VIRTQ_DESC_USED));
	} else {
		struct virtq_avail *avail = (struct virtq_avail *)(base + KIND_DRIVER_AT);

		avail->ring[avail->idx % KIND_QUEUE_SIZE] = how >> 4;
		avail->idx++;
	}
	if (how & 1)
		kind_notify(index);
}

static inline void kind_access(uint8_t how)
{
	uint64_t offset = kind_u16() % AX_VIRTIO_SIZE, value = script_u64(&kind.script);
	AxAccessWidth width = (AxAccessWidth)(how >> 1 & 3);

	if (how & 8)
		offset = offset % 0x40 * 4;
	if (how & 16)
		width = AX_WIDTH_DWORD;
	if (how & 32)
		offset = VIRTIO_MMIO_CONFIG + offset % 16;
	if (offset + (1u << width) > AX_VIRTIO_SIZE)
		return;
	if (how & 1)
		(void)virtio_mmio_ops.write(NULL, kind.virtio, offset, width, value);
	else
		(void)virtio_mmio_ops.read(NULL, kind.virtio, offset, width, &value);
}

/* Save, change some bytes, restore. */
static inline void kind_save_and_restore(uint8_t count)
{
	AxState *state = ax_state_new(), *changed;
	uint8_t *bytes;
	size_t len;

	if (virtio_device_ops.save(kind.virtio, state)) {
		ax_state_free(state);
		return;
	}
	(void)ax_state_bytes(state, &len);
	bytes = malloc(len);
	memcpy(bytes, ax_state_bytes(state, &len), len);
	for (unsigned i = 0; i < count % 4; i++) {
		uint16_t at = kind_u16();

		bytes[at % len] ^= script_u8(&kind.script);
	}
	changed = ax_state_from_bytes(bytes, count & 4 ? len - count % len : len);
	if (virtio_device_ops.restore(kind.virtio, changed) && kind.virtio->status)
		model_breach("a device that refused its state is not reset");
	ax_state_free(changed);
	ax_state_free(state);
	free(bytes);
}

/* One step of the driver's; false: the step is the kind's own. */
static inline bool kind_call(uint8_t what, uint8_t with)
{
	uint16_t offset;

	switch (what % 16) {
	case 0: kind_start(with); break;
	case 1:
	case 2:
	case 3: kind_put_descriptor(with); break;
	case 4:
	case 5:
	case 6: kind_offer(with); break;
	case 7: kind_notify(with); break;
	case 8: kind_access(with); break;
	case 9:
	case 10:
		offset = kind_u16() % (KIND_RAM_SIZE - 8);
		for (unsigned i = 0; i < 1u + with % 8; i++)
			kind.ram[offset + i] = script_u8(&kind.script);
		break;
	case 11:
		if (with & 1)
			kind_save_and_restore(with >> 1);
		else
			virtio_device_ops.reset(kind.virtio);
		break;
	default: return false;
	}
	return true;
}

/* Begin with a script. */
static inline void kind_begin(const uint8_t *data, size_t size)
{
	script_init(&kind.script, data, size);
	memset(kind.ram, 0, KIND_RAM_SIZE);
	kind.virtio->irq.trigger = script_u8(&kind.script) & 1 ? AX_VIRTIO_LEVEL : AX_VIRTIO_EDGE;
}

/* End with a reset, which leaves nothing in flight and no RAM held. */
static inline void kind_end(void)
{
	const struct ram_table *table;

	kind_out(VIRTIO_MMIO_STATUS, 0);
	table = ram_enter(atomic_load(&kind.vm->ram));
	for (size_t i = 0; i < table->count; i++) {
		if (atomic_load(&table->slots[i]->pins))
			model_breach("RAM is held after a reset");
	}
	ram_leave(atomic_load(&kind.vm->ram));
	for (unsigned i = 0; i < kind.virtio->queue_count; i++) {
		if (kind.virtio->queues[i].in_flight || kind.virtio->queues[i].slots)
			model_breach("a chain is in flight after a reset");
	}
	if (kind.virtio->status)
		model_breach("a reset leaves something behind");
}

#endif
