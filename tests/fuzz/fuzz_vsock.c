/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target: the socket device between a guest and programs of the host, all of which do what they
 * like. The input is a script: packets with any header, buffers of any size, programs that connect, write,
 * read, close and say nothing, time limits that pass, resets, saved states.
 *
 * Beside the sanitizers: every packet of the device is one that section 5.10 knows, and fits; what waits
 * for a reader is what the guest sent and the reader did not get; in the end nothing is left.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <axvmm/axvmm.h>

#include "dev/virtio/mmio.h"
#include "dev/virtio/ring.h"
#include "dev/virtio/vsock.h"
#include "tests/fuzz/fuzz_exit_model.h"
#include "tests/temporary.h"
#include "tests/unit/fake_sys.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define RAM_BASE  0x100000u
#define RAM_SIZE  0x100000u
#define MMIO_BASE 0xfeb00000u
#define GUEST_CID 3u
#define SLOTS	  16u /* of each queue, two descriptors each */
#define RING_SIZE (2 * SLOTS)
#define CLIENTS	  6u
#define LISTENERS 2u /* at ports 1 and 2 */
#define MOST_OPS  400u

/* Guest memory: rings from RAM_BASE, then headers, then buffers. */
#define RING_AT(queue) (RAM_BASE + (queue)*0x4000u)
#define DRIVER_AT      0x1000u
#define DEVICE_AT      0x2000u
#define HEADERS_AT     (RAM_BASE + 0x10000u)
#define PAYLOAD_AT     (RAM_BASE + 0x20000u)
#define RX_AT	       (RAM_BASE + 0x40000u)
#define RX_SIZE	       0x4000u

static struct fuzz {
	AxVm *vm;
	AxHost *host;
	AxVirtio *virtio;
	uint8_t *ram;
	char folder[TEMPORARY_SIZE];
	int listeners[LISTENERS];
	struct script script;
	int clients[CLIENTS];
	uint16_t avail[VSOCK_QUEUES], used[VSOCK_QUEUES];
	uint32_t rx_len[SLOTS];
	uint32_t host_port; /* of the last REQUEST */
} fuzz;

static void need(bool condition, const char *what)
{
	if (!condition)
		model_breach(what);
}

static struct vsock *vsock(void)
{
	return (struct vsock *)fuzz.virtio;
}

static uint8_t next(void)
{
	return script_u8(&fuzz.script);
}

static uint32_t next_u32(void)
{
	uint32_t value = 0;

	for (unsigned i = 0; i < 4; i++)
		value = value << 8 | next();
	return value;
}

static void *ram(uint64_t gpa)
{
	return fuzz.ram + (gpa - RAM_BASE);
}

static void out(uint64_t offset, uint32_t value)
{
	(void)virtio_mmio_ops.write(NULL, fuzz.virtio, offset, AX_WIDTH_DWORD, value);
}

static bool is_broken(void)
{
	return fuzz.virtio->status & VIRTIO_NEEDS_RESET;
}

/* What waits is what was received and not forwarded. */
static void check_connections(void)
{
	const struct vsock_conn *conn = NULL;
	uint32_t count = 0;

	TAILQ_FOREACH(conn, &vsock()->conns, all)
	{
		count++;
		need(conn->buffer_len <= VSOCK_BUFFER, "more waits than there is room for");
		need(conn->state != VSOCK_ESTABLISHED ||
			     conn->received - conn->forwarded == conn->buffer_len,
		     "bytes of the guest's are lost, or double");
		need(!conn->buffer_len == !conn->buffer, "a buffer is there for nothing");
		need(conn->state != VSOCK_DEAD, "a dead connection is in the list");
	}
	need(count == vsock()->count && count <= vsock()->most, "connections are counted wrong");
	need(TAILQ_EMPTY(&vsock()->dead), "a connection that has ended was not freed");
}

/* Whether it has done all that there was to do. */
static bool run_host(void)
{
	bool done = false;

	for (unsigned i = 0; i < 16 && !done; i++)
		done = ax_loop_dispatch(fuzz.host, 0, NULL) <= 0;
	check_connections();
	return done;
}

static void check_packet(const struct vsock_header *header, uint32_t used, uint32_t room)
{
	need(used >= sizeof(*header) && used <= room, "a packet is not as long as its buffer");
	need(header->len == used - sizeof(*header), "a packet has another length than it says");
	need(header->dst_cid == GUEST_CID, "a packet is another guest's");
	need(header->op >= VSOCK_OP_REQUEST && header->op <= VSOCK_OP_CREDIT_REQUEST,
	     "an operation that there is not");
	need(!header->len || (header->op == VSOCK_OP_RW && header->len <= VSOCK_PACKET),
	     "a packet that has none has a payload");
	need((header->flags && header->flags <= VSOCK_NEITHER) == (header->op == VSOCK_OP_SHUTDOWN),
	     "flags are set that are not of the operation, or none");
	if (header->op == VSOCK_OP_RST)
		return;
	need(header->type == VSOCK_TYPE_STREAM && header->src_cid == VSOCK_CID_HOST,
	     "a packet of another type, or of another host");
	need(header->buf_alloc == VSOCK_BUFFER, "credit changes");
}

static void take_packets(void)
{
	const struct virtq_used *used = ram(RING_AT(VSOCK_RX) + DEVICE_AT);

	while (fuzz.used[VSOCK_RX] != used->idx) {
		uint32_t at = fuzz.used[VSOCK_RX]++ % RING_SIZE, slot = used->ring[at].id / 2;
		struct vsock_header header;

		need(slot < SLOTS, "a buffer comes back that nobody gave");
		memcpy(&header, ram(RX_AT + slot * RX_SIZE), sizeof(header));
		check_packet(&header, used->ring[at].len, fuzz.rx_len[slot]);
		if (header.op == VSOCK_OP_REQUEST)
			fuzz.host_port = header.src_port;
	}
}

/* Make @slot's chain available in a queue. */
static void offer(unsigned queue, uint16_t slot)
{
	struct virtq_avail *avail = ram(RING_AT(queue) + DRIVER_AT);

	avail->ring[fuzz.avail[queue]++ % RING_SIZE] = (uint16_t)(2 * slot);
	__atomic_store_n(&avail->idx, fuzz.avail[queue], __ATOMIC_RELEASE);
	out(VIRTIO_MMIO_QUEUE_NOTIFY, queue);
}

static uint16_t in_flight(unsigned queue)
{
	const struct virtq_used *used = ram(RING_AT(queue) + DEVICE_AT);

	return (uint16_t)(fuzz.avail[queue] - used->idx);
}

static void give_buffer(void)
{
	struct virtq_desc *table = ram(RING_AT(VSOCK_RX));
	uint16_t slot = fuzz.avail[VSOCK_RX] % SLOTS;
	uint8_t how = next();
	uint32_t len = how < 8 ? 40u + how : 45u + how * 60u;

	/* They come back in order: the slot is free when the ring is not full. */
	if (in_flight(VSOCK_RX) >= SLOTS)
		return;
	take_packets();
	table[2 * slot] =
		(struct virtq_desc){ RX_AT + slot * RX_SIZE, len / 2, 3, (uint16_t)(2 * slot + 1) };
	table[2 * slot + 1] =
		(struct virtq_desc){ RX_AT + slot * RX_SIZE + len / 2, len - len / 2, 2, 0 };
	fuzz.rx_len[slot] = len;
	offer(VSOCK_RX, slot);
}

static uint32_t some_port(void)
{
	uint8_t which = next();

	if (which < 100)
		return which % 5;
	return which < 200 ? fuzz.host_port : next_u32();
}

static void send_packet(void)
{
	struct virtq_desc *table = ram(RING_AT(VSOCK_TX));
	uint16_t slot = fuzz.avail[VSOCK_TX] % SLOTS;
	uint64_t at = HEADERS_AT + slot * 64u;
	uint8_t how = next();
	uint32_t len = (how & 3) == 3 ? VSOCK_PACKET : (how & 3) * 300u;
	struct vsock_header header = {
		.src_cid = GUEST_CID,
		.dst_cid = VSOCK_CID_HOST,
		.src_port = next() % 8,
		.dst_port = some_port(),
		.len = len,
		.type = VSOCK_TYPE_STREAM,
		.op = next() % 9,
		.flags = next() % 5,
		.buf_alloc = next() * 1000u,
		.fwd_cnt = how & 4 ? next_u32() : next() * 500u,
	};

	if (in_flight(VSOCK_TX) >= SLOTS)
		return;
	if (how & 8)
		header.len += next() - 128u;
	if ((how & 0x30) == 0x30)
		((uint8_t *)&header)[next() % sizeof(header)] = next();
	memcpy(ram(at), &header, sizeof(header));
	table[2 * slot] =
		(struct virtq_desc){ at, sizeof(header), len ? 1 : 0, (uint16_t)(2 * slot + 1) };
	if ((how & 0xf0) == 0xf0)
		table[2 * slot].len = next() % 64;
	table[2 * slot + 1] = (struct virtq_desc){ PAYLOAD_AT, len, 0, 0 };
	if (table[2 * slot].len)
		offer(VSOCK_TX, slot);
}

static int *client(void)
{
	return &fuzz.clients[next() % CLIENTS];
}

static void client_connect(void)
{
	static const char *const lines[] = { "CONNECT 1\n", "CONNECT 2\nabc",
					     "CONN",	    "ECT 3\n",
					     "CONNECT 0\n", "CONNECT 4294967295\n",
					     "\n",	    "" };
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const char *line = lines[next() % 8];
	int *fd = client();

	if (*fd >= 0)
		close(*fd);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", vsock()->listener.path);
	*fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (connect(*fd, (struct sockaddr *)&address, sizeof(address))) {
		close(*fd);
		*fd = -1;
		return;
	}
	(void)!send(*fd, line, strlen(line), MSG_NOSIGNAL);
}

static void client_accept(void)
{
	int *fd = client();

	if (*fd >= 0)
		close(*fd);
	*fd = accept4(fuzz.listeners[next() % LISTENERS], NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

static void client_write(void)
{
	static uint8_t bytes[VSOCK_PACKET];
	int *fd = client();

	if (*fd >= 0)
		(void)!send(*fd, bytes, next() * 250u, MSG_NOSIGNAL);
}

static void client_read(void)
{
	static uint8_t bytes[VSOCK_PACKET];
	int *fd = client();

	if (*fd >= 0)
		(void)!recv(*fd, bytes, next() * 250u, 0);
}

static void client_end(void)
{
	int *fd = client();
	uint8_t how = next() % 4;

	if (*fd < 0)
		return;
	if (how < 3) {
		shutdown(*fd, how);
		return;
	}
	close(*fd);
	*fd = -1;
}

/* Time limits pass, all at once. */
static void pass_time(void)
{
	struct vsock_conn *conn = NULL;

	TAILQ_FOREACH(conn, &vsock()->conns, all)
	{
		if (conn->deadline != UINT64_MAX)
			conn->deadline = 0;
	}
	vsock_timer_fired(vsock());
}

static void start_guest(uint64_t features)
{
	memset(fuzz.ram, 0, 0x10000);
	memset(fuzz.avail, 0, sizeof(fuzz.avail));
	memset(fuzz.used, 0, sizeof(fuzz.used));
	out(VIRTIO_MMIO_STATUS, 0);
	out(VIRTIO_MMIO_STATUS, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER);
	for (uint32_t half = 0; half < 2; half++) {
		out(VIRTIO_MMIO_DRIVER_FEATURES_SEL, half);
		out(VIRTIO_MMIO_DRIVER_FEATURES, (uint32_t)(features >> (32 * half)));
	}
	out(VIRTIO_MMIO_STATUS, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_FEATURES_OK);
	for (uint32_t i = 0; i < VSOCK_QUEUES; i++) {
		out(VIRTIO_MMIO_QUEUE_SEL, i);
		out(VIRTIO_MMIO_QUEUE_SIZE, i == VSOCK_EVENT ? 8 : RING_SIZE);
		out(VIRTIO_MMIO_QUEUE_DESC_LOW, RING_AT(i));
		out(VIRTIO_MMIO_QUEUE_DRIVER_LOW, RING_AT(i) + DRIVER_AT);
		out(VIRTIO_MMIO_QUEUE_DEVICE_LOW, RING_AT(i) + DEVICE_AT);
		out(VIRTIO_MMIO_QUEUE_READY, 1);
	}
	out(VIRTIO_MMIO_STATUS,
	    VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_FEATURES_OK | VIRTIO_DRIVER_OK);
}

static void save_and_restore(void)
{
	AxState *state = ax_state_new(), *copy;
	const void *bytes;
	size_t len;

	need(!ax_devices_save(fuzz.vm, state, NULL), "the device cannot be saved");
	bytes = ax_state_bytes(state, &len);
	copy = ax_state_from_bytes(bytes, len);
	need(!ax_devices_restore(fuzz.vm, copy, NULL), "the device cannot be restored");
	ax_state_free(copy);
	ax_state_free(state);
}

static void one_op(void)
{
	switch (next() % 16) {
	case 0:
	case 1:
	case 2: send_packet(); break;
	case 3:
	case 4: give_buffer(); break;
	case 5: client_connect(); break;
	case 6: client_accept(); break;
	case 7: client_write(); break;
	case 8: client_read(); break;
	case 9: client_end(); break;
	case 10:
	case 11: run_host(); break;
	case 12: take_packets(); break;
	case 13:
		if (next() % 4 == 0)
			pass_time();
		break;
	case 14:
		if (next() % 8 == 0 || is_broken())
			start_guest(VIRTIO_F_VERSION_1);
		break;
	default:
		if (next() % 8 == 0 && !is_broken())
			save_and_restore();
		break;
	}
}

/* Everybody leaves: nothing stays behind. */
static void finish(void)
{
	int fd;

	for (unsigned i = 0; i < CLIENTS; i++) {
		if (fuzz.clients[i] >= 0)
			close(fuzz.clients[i]);
	}
	for (unsigned i = 0; i < LISTENERS; i++) {
		while ((fd = accept(fuzz.listeners[i], NULL, NULL)) >= 0)
			close(fd);
	}
	run_host();
	out(VIRTIO_MMIO_STATUS, 0);
	run_host();
	/* Programs may still wait to be accepted: all have gone when none comes any more. */
	for (unsigned i = 0; i < 400; i++) {
		pass_time();
		if (run_host() && !vsock()->count)
			break;
	}
	for (unsigned i = 0; i < LISTENERS; i++) {
		while ((fd = accept(fuzz.listeners[i], NULL, NULL)) >= 0)
			close(fd);
	}
	run_host();
	need(!vsock()->count && TAILQ_EMPTY(&vsock()->ready) && !vsock()->reset_count,
	     "a connection is left behind");
}

static void remove_folder(void)
{
	char path[80];

	for (unsigned i = 0; i < LISTENERS; i++) {
		snprintf(path, sizeof(path), "%s/v_%u", fuzz.folder, i + 1);
		unlink(path);
	}
	snprintf(path, sizeof(path), "%s/v", fuzz.folder);
	unlink(path);
	rmdir(fuzz.folder);
}

/* Once for all inputs. */
static void set_up(void)
{
	AxVmOptions options = AX_VM_OPTIONS_INIT;
	AxVirtioVsockConfig config = AX_VIRTIO_VSOCK_CONFIG_INIT;
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	AxMemView view;
	char path[80];

	fake_sys_reset();
	options.irqchip = AX_IRQCHIP_NONE;
	need(!ax_vm_create(&options, &fuzz.vm, NULL), "there is a VM");
	need(!ax_ram_add(fuzz.vm, RAM_BASE, RAM_SIZE, 0, NULL), "there is RAM");
	need(!ax_mem_get(fuzz.vm, RAM_BASE, RAM_SIZE, AX_MEM_READ, &view), "RAM is seen");
	fuzz.ram = view.host;
	ax_mem_put(fuzz.vm, &view, 0);
	need(!ax_host_new(NULL, NULL, &fuzz.host, NULL), "there is a loop");
	need(temporary_folder(fuzz.folder, "fuzz"), "there is a folder");
	atexit(remove_folder);
	snprintf(path, sizeof(path), "%s/v", fuzz.folder);
	config.host = fuzz.host;
	config.cid = GUEST_CID;
	config.path = path;
	config.connections = 5;
	need(!ax_virtio_vsock_new(&config, &fuzz.virtio, NULL), "there is a device");
	need(!ax_virtio_attach(fuzz.virtio, fuzz.vm, MMIO_BASE, NULL, AX_VIRTIO_EDGE, NULL),
	     "it is attached");
	for (unsigned i = 0; i < LISTENERS; i++) {
		snprintf(address.sun_path, sizeof(address.sun_path), "%s_%u", path, i + 1);
		fuzz.listeners[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		need(!bind(fuzz.listeners[i], (struct sockaddr *)&address, sizeof(address)) &&
			     !listen(fuzz.listeners[i], (int)i),
		     "a program listens");
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!fuzz.vm)
		set_up();
	fuzz.script = (struct script){ data, size };
	for (unsigned i = 0; i < CLIENTS; i++)
		fuzz.clients[i] = -1;
	fuzz.host_port = 0x40000000;
	vsock()->next_port = 0;
	start_guest(VIRTIO_F_VERSION_1 | (next() & 1 ? VIRTIO_F_EVENT_IDX : 0));
	for (unsigned i = 0; i < MOST_OPS && !script_is_over(&fuzz.script); i++)
		one_op();
	run_host();
	take_packets();
	finish();
	return 0;
}
