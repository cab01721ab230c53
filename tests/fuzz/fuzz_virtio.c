/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target: the virtio transport and its queues, split and packed. The input is a script of what a
 * driver does: registers and guest memory, in any order and with any value, or in the order that is
 * right, so that it gets far; and of what a device does with the chains that it takes.
 *
 * Beside the sanitizers: what a chain holds is in RAM, and as the specification wants it; a bad one
 * breaks the device; after a reset nothing is in flight and no RAM is held.
 */
#include <errno.h>
#include <stdatomic.h>

#include <axvmm/axvmm.h>

#include "core/memory.h"
#include "dev/virtio/mmio.h"
#include "dev/virtio/ring.h"
#include "tests/fuzz/fuzz_exit_model.h"
#include "tests/unit/fake_sys.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define RAM_BASE   0x100000u
#define RAM_SIZE   0x10000u
#define ROM_BASE   0x110000u /* next to RAM */
#define ROM_SIZE   0x1000u
#define MMIO_BASE  0xfeb00000u
#define QUEUES	   2
#define QUEUE_SIZE 8
#define SEGMENTS   6
#define HELD	   4
#define CONFIG	   6
#define MOST_CALLS 256

/* Where the ordered way puts a queue's areas, from RAM_BASE + 0x1000 * queue. */
#define DRIVER_AT 0x400
#define DEVICE_AT 0x800
#define TABLE_AT  0xc00

static struct fuzz {
	AxVm *vm;
	uint8_t *ram;
	struct script script;
	/* The device, whose first member is what it is. */
	AxVirtio virtio;
	struct virtq_chain *chains[HELD + 1];
	unsigned queue_of[HELD];
	unsigned held;
	bool hold, switches, line;
} fuzz;

static void check_segment(const struct iovec *iov, bool writable)
{
	const uint8_t *base = iov->iov_base;
	uint64_t all = RAM_SIZE + (writable ? 0 : ROM_SIZE);
	bool in_ram = base >= fuzz.ram && base + iov->iov_len <= fuzz.ram + RAM_SIZE;

	if (!iov->iov_len || iov->iov_len > all)
		model_breach("a segment is empty, or larger than RAM");
	if (writable && !in_ram)
		model_breach("the device is to write where RAM is not");
}

static void check_chain(const struct virtq_chain *chain)
{
	uint64_t out = 0, in = 0;

	if (!chain->taken || chain->out_count + chain->in_count == 0 ||
	    chain->out_count + chain->in_count > SEGMENTS)
		model_breach("a chain has no segment, or too many");
	for (uint32_t i = 0; i < chain->out_count + chain->in_count; i++) {
		bool writable = i >= chain->out_count;

		check_segment(&chain->iov[i], writable);
		*(writable ? &in : &out) += chain->iov[i].iov_len;
	}
	if (in != chain->in_len || out != chain->out_len)
		model_breach("a chain has not the length of its segments");
}

/* Read all and write all: the sanitizer looks on. */
static uint32_t use_chain(struct virtq_chain *chain)
{
	uint8_t bytes[256];
	uint64_t at = 0;
	size_t got;

	do {
		got = virtq_read(chain, at, bytes, sizeof(bytes));
		at += got;
	} while (got == sizeof(bytes));
	if (at != chain->out_len)
		model_breach("a chain cannot be read to its end");
	memset(bytes, (int)at, sizeof(bytes));
	got = virtq_write(chain, 0, bytes, script_u8(&fuzz.script));
	if (got > chain->in_len)
		model_breach("more was written than there is room for");
	return (uint32_t)got;
}

static void finish(unsigned index)
{
	struct virtq_chain *chain = fuzz.chains[index];
	unsigned queue = fuzz.queue_of[index];

	virtq_push(&fuzz.virtio, queue, chain, use_chain(chain));
	if (chain->taken)
		model_breach("a chain that was given back is still taken");
	fuzz.held--;
	fuzz.chains[index] = fuzz.chains[fuzz.held];
	fuzz.queue_of[index] = fuzz.queue_of[fuzz.held];
	fuzz.chains[fuzz.held] = chain;
	virtio_interrupt(&fuzz.virtio, queue);
}

static bool take(unsigned queue)
{
	struct virtq_chain *chain = fuzz.chains[fuzz.held];
	bool broken;
	int ret;

	ret = virtq_pop(&fuzz.virtio, queue, chain);
	broken = fuzz.virtio.status & VIRTIO_NEEDS_RESET;
	if (ret < 0 ? ret != -EINVAL || !broken : ret && broken)
		model_breach("a bad chain does not break the device, or a broken one has chains");
	if (ret <= 0)
		return false;
	check_chain(chain);
	if (fuzz.hold && fuzz.held < HELD) {
		fuzz.queue_of[fuzz.held++] = queue;
		return true;
	}
	if (script_u8(&fuzz.script) % 8 == 7) {
		virtq_return(&fuzz.virtio, queue, chain);
		return false;
	}
	virtq_push(&fuzz.virtio, queue, chain, use_chain(chain));
	return true;
}

static void fuzz_notify(AxVirtio *virtio, unsigned queue)
{
	unsigned budget = 4 * QUEUE_SIZE;

	do {
		if (fuzz.switches)
			(void)virtq_want_notify(virtio, queue, false);
		while (budget && take(queue))
			budget--;
	} while (budget-- > 1 && fuzz.switches && virtq_want_notify(virtio, queue, true));
	virtio_interrupt(virtio, queue);
}

static void fuzz_drain(AxVirtio *virtio)
{
	(void)virtio;
	while (fuzz.held)
		finish(fuzz.held - 1);
}

static bool fuzz_features_ok(AxVirtio *virtio, uint64_t features)
{
	(void)virtio;
	return !(features & 2);
}

static void fuzz_config_written(AxVirtio *virtio, uint32_t offset, uint32_t len)
{
	if (!len || len > 8 || offset + len > virtio->config_len)
		model_breach("the configuration is written past its end");
}

static void fuzz_free(AxVirtio *virtio)
{
	virtio_fini(virtio);
}

static const struct virtio_type fuzz_type = {
	.id = 63,
	.name = "fuzz",
	.notify = fuzz_notify,
	.drain = fuzz_drain,
	.features_ok = fuzz_features_ok,
	.config_written = fuzz_config_written,
	.free = fuzz_free,
};

static void line_set(void *opaque, uint32_t line, bool level)
{
	(void)opaque;
	(void)line;
	fuzz.line = level;
}

static void must(int ret)
{
	if (ret)
		model_breach("a call failed that cannot fail here");
}

/* Once in the process. Eventfds are left out: each write of one would take longer than all else. */
static void build(void)
{
	const AxIrq irq = { .set = line_set };
	static const uint32_t sizes[QUEUES] = { QUEUE_SIZE, QUEUE_SIZE };
	struct virtio_init init = {
		.type = &fuzz_type, .features = 3, .queue_count = QUEUES, .config_len = CONFIG
	};
	AxVmOptions options = AX_VM_OPTIONS_INIT;
	AxMemView view;

	fake_sys_reset();
	options.irqchip = AX_IRQCHIP_NONE;
	must(ax_vm_create(&options, &fuzz.vm, NULL));
	must(ax_ram_add(fuzz.vm, RAM_BASE, RAM_SIZE, 0, NULL));
	must(ax_ram_add(fuzz.vm, ROM_BASE, ROM_SIZE, AX_RAM_READONLY, NULL));
	must(ax_mem_get(fuzz.vm, RAM_BASE, RAM_SIZE, AX_MEM_WRITE, &view));
	fuzz.ram = view.host;
	ax_mem_put(fuzz.vm, &view, 0);
	must(ax_host_new(NULL, NULL, &init.host, NULL));
	init.queue_size = sizes;
	must(virtio_init(&fuzz.virtio, &init, NULL));
	for (unsigned i = 0; i <= HELD; i++)
		fuzz.chains[i] = virtq_chain_new(SEGMENTS);
	must(ax_virtio_attach(&fuzz.virtio, fuzz.vm, MMIO_BASE, &irq, AX_VIRTIO_EDGE, NULL));
	for (unsigned i = 0; i < QUEUES; i++)
		fuzz.virtio.queues[i].event = -1;
}

static void out(uint64_t offset, uint32_t value)
{
	(void)virtio_mmio_ops.write(NULL, &fuzz.virtio, offset, AX_WIDTH_DWORD, value);
}

static uint16_t script_u16(void)
{
	uint16_t low = script_u8(&fuzz.script);

	return (uint16_t)(low | script_u8(&fuzz.script) << 8);
}

/* The right way to set the device up, but for what the script says otherwise. */
static void start(uint8_t how)
{
	uint64_t features = VIRTIO_F_VERSION_1;
	uint32_t size = how & 0x80 ? 4 : QUEUE_SIZE;

	features |= how & 1 ? VIRTIO_F_RING_PACKED : 0;
	features |= how & 2 ? VIRTIO_F_EVENT_IDX : 0;
	features |= how & 4 ? VIRTIO_F_INDIRECT_DESC : 0;
	fuzz.hold = how & 8;
	fuzz.switches = how & 16;
	memset(fuzz.ram, 0, 0x2000);
	out(VIRTIO_MMIO_STATUS, 0);
	out(VIRTIO_MMIO_STATUS, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER);
	for (uint32_t i = 0; i < 2; i++) {
		out(VIRTIO_MMIO_DRIVER_FEATURES_SEL, i);
		out(VIRTIO_MMIO_DRIVER_FEATURES, (uint32_t)(features >> (32 * i)));
	}
	out(VIRTIO_MMIO_STATUS, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_FEATURES_OK);
	for (uint32_t i = 0; i < QUEUES; i++) {
		uint32_t base = RAM_BASE + 0x1000 * i;

		out(VIRTIO_MMIO_QUEUE_SEL, i);
		out(VIRTIO_MMIO_QUEUE_SIZE, size);
		out(VIRTIO_MMIO_QUEUE_DESC_LOW, base);
		out(VIRTIO_MMIO_QUEUE_DESC_HIGH, 0);
		out(VIRTIO_MMIO_QUEUE_DRIVER_LOW, base + DRIVER_AT);
		out(VIRTIO_MMIO_QUEUE_DRIVER_HIGH, 0);
		out(VIRTIO_MMIO_QUEUE_DEVICE_LOW, base + DEVICE_AT);
		out(VIRTIO_MMIO_QUEUE_DEVICE_HIGH, 0);
		out(VIRTIO_MMIO_QUEUE_READY, 1);
	}
	out(VIRTIO_MMIO_STATUS, 15);
}

/* An address, mostly of some use. */
static uint64_t address(void)
{
	uint8_t what = script_u8(&fuzz.script);
	uint16_t offset = script_u16();

	switch (what % 8) {
	case 0: return RAM_BASE + RAM_SIZE - offset % 64;
	case 1: return ROM_BASE + offset % ROM_SIZE;
	case 2: return UINT64_MAX - offset % 64;
	case 3: return RAM_BASE + TABLE_AT + 0x1000 * (what >> 7);
	default: return RAM_BASE + offset % RAM_SIZE;
	}
}

static void put_descriptor(uint8_t where)
{
	uint32_t at = 0x1000 * (where & 1) + (where & 2 ? TABLE_AT : 0) + 16 * (where >> 2);
	struct virtq_desc desc;

	desc.addr = address();
	desc.len = script_u16();
	desc.flags = script_u16();
	desc.next = script_u16();
	/* Small numbers, where the rest would be noise. */
	if (!(desc.len & 0x8000))
		desc.len %= 200;
	else if (!(desc.len & 0x4000))
		desc.len = 16 * (desc.len % 16);
	else if (desc.len & 0x2000)
		desc.len <<= 16;
	memcpy(fuzz.ram + at, &desc, sizeof(desc));
}

/* As the host's thread does when the queue's eventfd was written. */
static void notify(unsigned queue)
{
	out(VIRTIO_MMIO_QUEUE_NOTIFY, queue);
	if (queue < QUEUES && fuzz.virtio.queues[queue].ready && virtio_running(&fuzz.virtio))
		fuzz_notify(&fuzz.virtio, queue);
}

/* Make the next descriptor available in either ring; the place is the device's own. */
static void offer(uint8_t what)
{
	struct virtq *queue = &fuzz.virtio.queues[what & 1];
	uint8_t *base = fuzz.ram + 0x1000 * (what & 1);
	struct virtq_avail *avail = (struct virtq_avail *)(base + DRIVER_AT);

	if (queue->packed) {
		struct virtq_packed_desc *ring = (struct virtq_packed_desc *)base;
		uint16_t wrap = VIRTQ_DESC_AVAIL | VIRTQ_DESC_USED;
		uint32_t at = (queue->avail + (what >> 4)) % QUEUE_SIZE;

		ring[at].flags =
			(uint16_t)((ring[at].flags & ~wrap) |
				   (queue->avail_wrap ? VIRTQ_DESC_AVAIL : VIRTQ_DESC_USED));
		if (what & 2)
			ring[at].flags &= 7;
	} else {
		avail->ring[avail->idx % queue->size] = (uint16_t)(what >> 4);
		avail->idx++;
	}
	if (what & 4)
		notify(what & 1);
}

static void access_any(uint8_t how)
{
	uint64_t offset = script_u16() % AX_VIRTIO_SIZE, value = script_u64(&fuzz.script);
	AxAccessWidth width = (AxAccessWidth)(how >> 1 & 3);

	if (how & 8)
		offset = offset % 0x40 * 4;
	if (how & 16)
		width = AX_WIDTH_DWORD;
	if (offset + (1u << width) > AX_VIRTIO_SIZE)
		return;
	if (how & 1)
		(void)virtio_mmio_ops.write(NULL, &fuzz.virtio, offset, width, value);
	else
		(void)virtio_mmio_ops.read(NULL, &fuzz.virtio, offset, width, &value);
}

/* Save, change some bytes, restore. */
static void save_and_restore(uint8_t count)
{
	AxState *state = ax_state_new(), *changed;
	uint8_t *bytes;
	size_t len;

	if (virtio_device_ops.save(&fuzz.virtio, state)) {
		ax_state_free(state);
		return;
	}
	(void)ax_state_bytes(state, &len);
	bytes = malloc(len);
	memcpy(bytes, ax_state_bytes(state, &len), len);
	for (unsigned i = 0; i < count % 4; i++) {
		uint16_t at = script_u16();

		bytes[at % len] ^= script_u8(&fuzz.script);
	}
	changed = ax_state_from_bytes(bytes, count & 4 ? len - count % len : len);
	if (virtio_device_ops.restore(&fuzz.virtio, changed) && fuzz.virtio.status)
		model_breach("a device that refused its state is not reset");
	ax_state_free(changed);
	ax_state_free(state);
	free(bytes);
}

static void call(void)
{
	uint8_t what = script_u8(&fuzz.script), with = script_u8(&fuzz.script);
	uint16_t offset;

	switch (what % 12) {
	case 0: start(with); break;
	case 1:
	case 2:
	case 3: put_descriptor(with); break;
	case 4:
	case 5: offer(with); break;
	case 6: notify(with % 3); break;
	case 7: access_any(with); break;
	case 8:
		offset = script_u16() % (RAM_SIZE - 1);
		memcpy(fuzz.ram + offset, (uint8_t[2]){ with, script_u8(&fuzz.script) }, 2);
		break;
	case 9:
		if (fuzz.held)
			finish(with % fuzz.held);
		break;
	case 10:
		if (with & 1)
			save_and_restore(with >> 1);
		else
			virtio_device_ops.reset(&fuzz.virtio);
		break;
	default:
		if (with & 8)
			virtio_config_changed(&fuzz.virtio);
		else
			(void)virtq_want_notify(&fuzz.virtio, with & 1, with & 2);
		break;
	}
}

static void check_at_rest(void)
{
	const struct ram_table *table = ram_enter(atomic_load(&fuzz.vm->ram));

	for (size_t i = 0; i < table->count; i++) {
		if (atomic_load(&table->slots[i]->pins))
			model_breach("RAM is held after a reset");
	}
	ram_leave(atomic_load(&fuzz.vm->ram));
	for (unsigned i = 0; i < QUEUES; i++) {
		if (fuzz.virtio.queues[i].in_flight || fuzz.virtio.queues[i].slots)
			model_breach("a chain is in flight after a reset");
	}
	if (fuzz.virtio.status || fuzz.virtio.interrupt_status || fuzz.line)
		model_breach("a reset leaves something behind");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!fuzz.vm)
		build();
	script_init(&fuzz.script, data, size);
	memset(fuzz.ram, 0, RAM_SIZE);
	memset(fuzz.virtio.config, 0, sizeof(fuzz.virtio.config));
	fuzz.virtio.config_generation = 0;
	fuzz.hold = fuzz.switches = false;
	fuzz.virtio.irq.trigger = script_u8(&fuzz.script) & 1 ? AX_VIRTIO_LEVEL : AX_VIRTIO_EDGE;
	for (unsigned i = 0; i < MOST_CALLS && !script_is_over(&fuzz.script); i++)
		call();
	out(VIRTIO_MMIO_STATUS, 0);
	check_at_rest();
	return 0;
}
