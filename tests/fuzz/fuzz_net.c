/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target: the network device. The input is a script of what a driver does with its rings, its
 * buffers and its commands, right or wrong, and of what arrives from the other side of a socket: a stream
 * of frames, packets, or packets with headers as of a tap interface with two pairs of queues.
 *
 * Beside the sanitizers: frames keep their boundaries on a stream, and are as long as frames may be;
 * after a reset nothing is in flight and no RAM is held.
 */
#include <endian.h>
#include <errno.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include <axvmm/axvmm.h>

#include "core/memory.h"
#include "dev/virtio/mmio.h"
#include "dev/virtio/net.h"
#include "dev/virtio/ring.h"
#include "tests/fuzz/fuzz_exit_model.h"
#include "tests/unit/fake_sys.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define RAM_BASE   0x100000u
#define RAM_SIZE   0x40000u
#define MMIO_BASE  0xfeb00000u
#define QUEUES	   5
#define QUEUE_SIZE 16u
#define MOST_CALLS 200
/* The areas of queue q are at 0x1000 q; buffers are behind all of them. */
#define DRIVER_AT  0x400
#define DEVICE_AT  0x800
#define TABLE_AT   0xc00
#define BUFFERS_AT 0x8000u

enum kind { STREAM, PACKET, TAP };

/* Where the ordered driver stands in a ring. */
struct position {
	uint16_t at;
	bool wrap;
};

static struct fuzz {
	AxVm *vm;
	AxHost *host;
	uint8_t *ram;
	struct script script;
	AxVirtio *virtio;
	AxNet *net;
	enum kind kind;
	int peer; /* -1: closed */
	bool fails;
	struct position positions[QUEUES];
	/* The stream as the other side reads it: bytes left of a frame, bytes of a length so far. */
	uint32_t left, length_bytes;
	uint8_t length[4];
} fuzz;

static void must(int ret)
{
	if (ret)
		model_breach("a call failed that cannot fail here");
}

static int tell_pairs(AxNet *net, unsigned pairs)
{
	if (!pairs || pairs > net->pairs)
		model_breach("more pairs are used than the net has");
	return fuzz.fails ? -EIO : 0;
}

static int tell_offloads(AxNet *net, uint64_t offloads)
{
	(void)net;
	if (offloads & ~NET_GUEST_OFFLOADS)
		model_breach("an offload is set that there is none");
	return fuzz.fails ? -EIO : 0;
}

/* Once in the process. */
static void build(void)
{
	AxVmOptions options = AX_VM_OPTIONS_INIT;
	AxMemView view;

	fake_sys_reset();
	options.irqchip = AX_IRQCHIP_NONE;
	must(ax_vm_create(&options, &fuzz.vm, NULL));
	must(ax_ram_add(fuzz.vm, RAM_BASE, RAM_SIZE, 0, NULL));
	must(ax_mem_get(fuzz.vm, RAM_BASE, RAM_SIZE, AX_MEM_WRITE, &view));
	fuzz.ram = view.host;
	ax_mem_put(fuzz.vm, &view, 0);
	must(ax_host_new(NULL, NULL, &fuzz.host, NULL));
}

/* A net of the kind that the script wants, and its device. */
static void connect_device(uint8_t shape)
{
	static struct net_ops ops;
	AxVirtioNetConfig config = AX_VIRTIO_NET_CONFIG_INIT;
	int pair[2], small = 4608;

	fuzz.kind = (enum kind)(shape % 3);
	fuzz.left = fuzz.length_bytes = 0;
	must(socketpair(AF_UNIX, fuzz.kind == STREAM ? SOCK_STREAM : SOCK_SEQPACKET, 0, pair));
	fuzz.peer = pair[1];
	if (shape & 0x10)
		must(setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)));
	if (fuzz.kind == STREAM) {
		must(net_stream_new(pair[0], NULL, NULL, &fuzz.net, NULL));
	} else {
		must(net_datagram_new(pair[0], fuzz.kind == TAP ? NET_HEADER_LEN : 0, NULL, NULL,
				      &fuzz.net, NULL));
	}
	if (fuzz.kind == TAP) {
		ops = *fuzz.net->ops;
		ops.set_pairs = tell_pairs;
		ops.set_offloads = tell_offloads;
		fuzz.net->ops = &ops;
		fuzz.net->features = NET_GUEST_OFFLOADS | NET_HOST_OFFLOADS;
		fuzz.net->pairs = 2;
		fuzz.net->fds[1] = dup(pair[0]);
	}
	config.host = fuzz.host;
	config.net = fuzz.net;
	config.mac[0] = 2;
	config.mtu = shape & 0x20 ? 65000 : 0;
	must(ax_virtio_net_new(&config, &fuzz.virtio, NULL));
	must(ax_virtio_attach(fuzz.virtio, fuzz.vm, MMIO_BASE, NULL, AX_VIRTIO_EDGE, NULL));
}

static void run(void)
{
	for (unsigned i = 0; i < 64 && ax_loop_dispatch(fuzz.host, 0, NULL) > 0; i++)
		;
}

static void out(uint64_t offset, uint32_t value)
{
	(void)virtio_mmio_ops.write(NULL, fuzz.virtio, offset, AX_WIDTH_DWORD, value);
}

static uint16_t script_u16(void)
{
	uint16_t low = script_u8(&fuzz.script);

	return (uint16_t)(low | script_u8(&fuzz.script) << 8);
}

static unsigned queue_count(void)
{
	return fuzz.virtio->queue_count;
}

/* The right way to set the device up, but for features that the script leaves out. */
static void start(uint8_t how)
{
	uint64_t features = UINT64_MAX;

	features &= how & 1 ? UINT64_MAX : ~VIRTIO_F_RING_PACKED;
	features &= how & 2 ? UINT64_MAX : ~VIRTIO_F_EVENT_IDX;
	features &= how & 4 ? UINT64_MAX : ~NET_F_MRG_RXBUF;
	features &= how & 8 ? UINT64_MAX : ~NET_F_MQ;
	features &= how & 16 ? UINT64_MAX : ~(NET_F_GUEST_TSO4 | NET_F_GUEST_ECN);
	features &= fuzz.virtio->offered;
	memset(fuzz.ram, 0, BUFFERS_AT);
	out(VIRTIO_MMIO_STATUS, 0);
	out(VIRTIO_MMIO_STATUS, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER);
	for (uint32_t i = 0; i < 2; i++) {
		out(VIRTIO_MMIO_DRIVER_FEATURES_SEL, i);
		out(VIRTIO_MMIO_DRIVER_FEATURES, (uint32_t)(features >> (32 * i)));
	}
	out(VIRTIO_MMIO_STATUS, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_FEATURES_OK);
	for (uint32_t i = 0; i < queue_count(); i++) {
		uint32_t base = RAM_BASE + 0x1000 * i;

		fuzz.positions[i] = (struct position){ 0, true };
		out(VIRTIO_MMIO_QUEUE_SEL, i);
		out(VIRTIO_MMIO_QUEUE_SIZE, QUEUE_SIZE);
		out(VIRTIO_MMIO_QUEUE_DESC_LOW, base);
		out(VIRTIO_MMIO_QUEUE_DRIVER_LOW, base + DRIVER_AT);
		out(VIRTIO_MMIO_QUEUE_DEVICE_LOW, base + DEVICE_AT);
		out(VIRTIO_MMIO_QUEUE_READY, 1);
	}
	out(VIRTIO_MMIO_STATUS, 15);
}

static void notify(unsigned queue)
{
	out(VIRTIO_MMIO_QUEUE_NOTIFY, queue);
	run();
}

/* Make @count segments available, one after the other in the ring, without a look at what is in use. */
static void add(unsigned queue, const struct virtq_desc *segments, unsigned count)
{
	struct position *position = &fuzz.positions[queue];
	uint8_t *base = fuzz.ram + 0x1000 * queue;
	struct virtq_avail *avail = (struct virtq_avail *)(base + DRIVER_AT);
	uint16_t head = position->at;

	for (unsigned i = 0; i < count; i++) {
		struct virtq_desc desc = segments[i];

		if (i + 1 < count)
			desc.flags |= VIRTQ_DESC_NEXT;
		desc.next = (uint16_t)((position->at + 1) % QUEUE_SIZE);
		if (fuzz.virtio->queues[queue].packed) {
			/* The last two fields are the buffer ID and the flags. */
			uint16_t flags = desc.flags | (uint16_t)(position->wrap ? VIRTQ_DESC_AVAIL
										: VIRTQ_DESC_USED);

			desc.flags = head;
			desc.next = flags;
		}
		memcpy(base + 16 * position->at, &desc, sizeof(desc));
		position->at = (uint16_t)((position->at + 1) % QUEUE_SIZE);
		position->wrap ^= !position->at;
	}
	avail->ring[avail->idx % QUEUE_SIZE] = head;
	avail->idx++;
}

/* A buffer somewhere behind the rings; now and then not quite in RAM. */
static struct virtq_desc buffer(uint32_t len, bool writable)
{
	uint32_t at = BUFFERS_AT + script_u16() * 4u % (RAM_SIZE - BUFFERS_AT);
	struct virtq_desc desc = { .addr = RAM_BASE + at, .len = len };

	if (len && len <= RAM_SIZE - BUFFERS_AT && at + len > RAM_SIZE && at % 64)
		desc.addr = RAM_BASE + RAM_SIZE - len;
	desc.flags = writable ? VIRTQ_DESC_WRITE : 0;
	return desc;
}

/* Buffers for receiving. */
static void give(uint8_t how)
{
	unsigned queue = how & 1 && queue_count() > 3 ? 2 : 0, count = 1 + (how >> 1) % 4;
	struct virtq_desc segments[4];

	for (unsigned i = 0; i < count; i++)
		segments[i] = buffer(how & 8 ? script_u16() : script_u8(&fuzz.script) * 8u, true);
	add(queue, segments, count);
	if (how & 0x80)
		notify(queue);
}

/* A frame to send, with a header of the script's. */
static void send_frame(uint8_t how)
{
	unsigned queue = how & 1 && queue_count() > 3 ? 3 : 1, count = 1 + (how >> 1) % 3;
	struct virtq_desc segments[3] = { 0 };

	for (unsigned i = 0; i < count; i++)
		segments[i] = buffer(i || how & 8 ? script_u16() : 12, false);
	if (segments[0].addr - RAM_BASE <= RAM_SIZE - 12) {
		uint8_t *header = fuzz.ram + (segments[0].addr - RAM_BASE);

		memset(header, 0, 12);
		for (unsigned i = 0; how & 16 && i < 12; i++)
			header[i] = script_u8(&fuzz.script);
	}
	add(queue, segments, count);
	if (how & 0x80)
		notify(queue);
}

static void command(uint8_t how)
{
	unsigned queue = queue_count() > 3 && how & 1 ? 4 : 2, len = 2 + (how >> 1) % 16;
	struct virtq_desc segments[2] = { buffer(len, false), buffer(how & 0x40 ? 0 : 1, true) };
	uint64_t at = segments[0].addr - RAM_BASE;

	for (unsigned i = 0; i < len && at + i < RAM_SIZE; i++)
		fuzz.ram[at + i] = script_u8(&fuzz.script) & (i < 2 ? 7 : 0xff);
	add(queue, segments, how & 0x20 ? 1 : 2);
	notify(queue);
}

static void peer_close(void)
{
	if (fuzz.peer >= 0)
		close(fuzz.peer);
	fuzz.peer = -1;
}

/* Something arrives: frames, or what is none. */
static void peer_send(uint8_t how)
{
	static uint8_t bytes[70000];
	uint32_t len = how & 1 ? script_u16() : script_u8(&fuzz.script) * 8u, length, at = 0;

	if (fuzz.peer < 0)
		return;
	if (fuzz.kind == STREAM && !(how & 2)) {
		length = how & 4 ? (uint32_t)script_u64(&fuzz.script) : htobe32(len);
		memcpy(bytes, &length, 4);
		at = 4;
	}
	for (unsigned i = 0; how & 8 && i < 16; i++)
		bytes[at + i] = script_u8(&fuzz.script);
	(void)!send(fuzz.peer, bytes, at + len, MSG_NOSIGNAL | MSG_DONTWAIT);
	run();
}

/* Follow the stream: lengths are where they belong. */
static void follow(const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len;) {
		uint32_t part;

		if (!fuzz.left) {
			fuzz.length[fuzz.length_bytes++] = bytes[i++];
			if (fuzz.length_bytes < 4)
				continue;
			fuzz.length_bytes = 0;
			memcpy(&part, fuzz.length, 4);
			fuzz.left = be32toh(part);
			if (fuzz.left < NET_FRAME_MIN || fuzz.left > NET_FRAME_MAX)
				model_breach("a frame on the stream has an odd length");
			continue;
		}
		part = len - i < fuzz.left ? (uint32_t)(len - i) : fuzz.left;
		fuzz.left -= part;
		i += part;
	}
}

static bool peer_receive(size_t most)
{
	static uint8_t bytes[0x20000];
	ssize_t got;

	if (fuzz.peer < 0)
		return false;
	/* Of a packet its length, however much of it fits; of a stream this would lose bytes. */
	got = recv(fuzz.peer, bytes, most, MSG_DONTWAIT | (fuzz.kind == STREAM ? 0 : MSG_TRUNC));
	if (got <= 0)
		return false;
	if (fuzz.kind == STREAM)
		follow(bytes, (size_t)got);
	else if ((size_t)got < NET_FRAME_MIN + fuzz.net->header_len ||
		 (size_t)got > NET_FRAME_MAX + fuzz.net->header_len)
		model_breach("a packet has an odd length");
	run();
	return true;
}

static void put_descriptor(uint8_t where)
{
	uint32_t queue = where % queue_count(), at = 0x1000 * queue;
	struct virtq_desc desc = buffer(script_u16(), where & 0x80);

	at += where & 0x40 ? TABLE_AT : 0;
	at += 16 * (script_u8(&fuzz.script) % QUEUE_SIZE);
	desc.flags = script_u16();
	desc.next = script_u16();
	if (desc.flags & VIRTQ_DESC_INDIRECT) {
		desc.addr = RAM_BASE + 0x1000 * queue + TABLE_AT;
		desc.len = 16 * (desc.len % 20);
	}
	memcpy(fuzz.ram + at, &desc, sizeof(desc));
}

static void access_any(uint8_t how)
{
	uint64_t offset = script_u16() % (AX_VIRTIO_SIZE - 8), value = script_u64(&fuzz.script);

	if (how & 2)
		offset &= ~3ull;
	if (how & 1)
		(void)virtio_mmio_ops.write(
			NULL, fuzz.virtio, offset,
			how & 2 ? AX_WIDTH_DWORD : (AxAccessWidth)(how >> 2 & 3), value);
	else
		(void)virtio_mmio_ops.read(NULL, fuzz.virtio, offset, (AxAccessWidth)(how >> 2 & 3),
					   &value);
}

/* Save, change some bytes, restore. */
static void save_and_restore(uint8_t count)
{
	AxState *state = ax_state_new(), *changed;
	const uint8_t *saved;
	uint8_t *bytes;
	size_t len;

	if (!virtio_device_ops.save(fuzz.virtio, state)) {
		saved = ax_state_bytes(state, &len);
		bytes = malloc(len);
		memcpy(bytes, saved, len);
		for (unsigned i = 0; i < count % 4; i++) {
			uint16_t at = script_u16();

			bytes[at % len] ^= script_u8(&fuzz.script);
		}
		changed = ax_state_from_bytes(bytes, count & 4 ? len - count % len : len);
		if (virtio_device_ops.restore(fuzz.virtio, changed) && fuzz.virtio->status)
			model_breach("a device that refused its state is not reset");
		ax_state_free(changed);
		free(bytes);
	}
	ax_state_free(state);
}

static void call(void)
{
	uint8_t what = script_u8(&fuzz.script), with = script_u8(&fuzz.script);
	uint16_t offset;

	switch (what % 16) {
	case 0: start(with); break;
	case 1:
	case 2:
	case 3: give(with); break;
	case 4:
	case 5: send_frame(with); break;
	case 6: command(with); break;
	case 7:
	case 8: peer_send(with); break;
	case 9: (void)peer_receive(with & 0x80 ? 0x20000 : 1 + with * 32u); break;
	case 10: put_descriptor(with); break;
	case 11: notify(with % queue_count()); break;
	case 12: access_any(with); break;
	case 13:
		offset = script_u16() % 0x5000;
		memcpy(fuzz.ram + offset, (uint8_t[2]){ with, script_u8(&fuzz.script) }, 2);
		break;
	case 14:
		if (with & 1)
			save_and_restore(with >> 1);
		else if (with & 2)
			virtio_device_ops.reset(fuzz.virtio);
		else
			fuzz.fails = with & 4;
		break;
	default:
		if (with == 0xff)
			peer_close();
		run();
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
	for (unsigned i = 0; i < queue_count(); i++) {
		if (fuzz.virtio->queues[i].in_flight)
			model_breach("a chain is in flight after a reset");
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!fuzz.vm)
		build();
	script_init(&fuzz.script, data, size);
	memset(fuzz.ram, 0, RAM_SIZE);
	fuzz.fails = false;
	connect_device(script_u8(&fuzz.script));
	start(script_u8(&fuzz.script));
	for (unsigned i = 0; i < MOST_CALLS && !script_is_over(&fuzz.script); i++)
		call();
	out(VIRTIO_MMIO_STATUS, 0);
	check_at_rest();
	/* What was begun is finished, without a driver, unless the other side spoke nonsense. */
	run();
	while (peer_receive(0x20000))
		;
	if (fuzz.kind == STREAM && fuzz.peer >= 0 && !fuzz.net->gone &&
	    (fuzz.left || fuzz.length_bytes))
		model_breach("the stream ends in the middle of a frame");
	must(ax_virtio_detach(fuzz.virtio, NULL));
	ax_virtio_free(fuzz.virtio);
	peer_close();
	return 0;
}
