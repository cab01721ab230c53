/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target: the console device. The input is a script of what the driver does, right or wrong
 * (fuzz_kind.h), and of what happens on the host: keys, readers that are slow, come and go, and new
 * sizes.
 *
 * Beside the sanitizers: no byte of the guest's is lost or doubled between its buffers and the
 * character devices, and a port takes no more input than there is.
 */
#include "dev/backend/char.h"
#include "dev/virtio/console.h"
#include "tests/fuzz/fuzz_kind.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PORTS 4
#define QUEUE 64 /* bytes: small, so that the guest often waits */

static AxCharDev *devs[PORTS];
static uint64_t drained; /* bytes that readers took */

/* Devices on nothing that behave as if there was somebody slow, without a system call. */
static void build(void)
{
	AxVirtioConsoleConfig config = AX_VIRTIO_CONSOLE_CONFIG_INIT;
	AxVirtioConsolePort ports[PORTS] = {
		{ .columns = 80, .rows = 25 },
		{ .name = "org.example.port" },
		{ .flags = AX_VIRTIO_CONSOLE_IS_CONSOLE },
		{ .name = "n" },
	};
	AxCharDevConfig of_dev = AX_CHAR_DEV_CONFIG_INIT;
	AxVirtio *virtio;

	kind_build();
	of_dev.host = kind.host;
	of_dev.queue = QUEUE;
	of_dev.keep = 4 * QUEUE;
	for (unsigned i = 0; i < PORTS; i++) {
		kind_must(ax_chardev_new_null(&of_dev, &devs[i], NULL));
		devs[i]->out = CHAR_OUT_NONBLOCK;
		ports[i].chardev = devs[i];
	}
	config.host = kind.host;
	config.ports = ports;
	config.port_count = PORTS;
	kind_must(ax_virtio_console_new(&config, &virtio, NULL));
	kind_attach(virtio);
}

/* Somebody is there, and has not read yet; or nobody is. */
static void come_or_go(AxCharDev *dev, bool come)
{
	dev->present = come;
	dev->want_write = true;
	dev->user.event(dev->user.opaque, come ? AX_CHAR_OPENED : AX_CHAR_CLOSED);
	if (!come)
		dev->user.room(dev->user.opaque);
}

static void read_some(AxCharDev *dev, size_t most)
{
	size_t len = dev->ring.len < most ? dev->ring.len : most;

	char_ring_drop(&dev->ring, len);
	drained += len;
	dev->starved = false;
	dev->todo = 0;
	dev->user.room(dev->user.opaque);
}

static void type_some(AxCharDev *dev, size_t len)
{
	uint8_t keys[600];
	size_t taken;

	memset(keys, 'k', sizeof(keys));
	if (len > sizeof(keys))
		len = sizeof(keys);
	taken = dev->user.input(dev->user.opaque, keys, len);
	if (taken > len)
		model_breach("more input is taken than there is");
}

static void call(void)
{
	uint8_t what = script_u8(&kind.script), with = script_u8(&kind.script);
	AxCharDev *dev = devs[with % PORTS];

	if (kind_call(what, with))
		return;
	switch (what % 16) {
	case 12: type_some(dev, script_u8(&kind.script) * 3); break;
	case 13: read_some(dev, script_u8(&kind.script)); break;
	case 14: come_or_go(dev, with & 0x80); break;
	default:
		(void)ax_virtio_console_resize(kind.virtio, with % (PORTS + 1), kind_u16(), with);
		break;
	}
}

static void check_bytes(void)
{
	AxVirtioConsoleCounters counters = AX_VIRTIO_CONSOLE_COUNTERS_INIT;
	uint64_t waiting = 0, dropped = 0, emergency;

	kind_must(ax_virtio_console_counters(kind.virtio, &counters));
	for (unsigned i = 0; i < PORTS; i++) {
		waiting += devs[i]->ring.len;
		dropped += devs[i]->counters.dropped;
		if (devs[i]->ring.len > 4 * QUEUE)
			model_breach("a character device keeps more than it may");
	}
	/* Emergency output may find no room. */
	emergency = counters.emergency;
	if (waiting + dropped + drained < counters.output ||
	    waiting + dropped + drained > counters.output + emergency)
		model_breach("bytes of the guest's are lost, or doubled");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!kind.vm)
		build();
	kind_begin(data, size);
	for (unsigned i = 0; i < PORTS; i++)
		come_or_go(devs[i], script_u8(&kind.script) & 1);
	for (unsigned i = 0; i < KIND_CALLS && !script_is_over(&kind.script); i++)
		call();
	check_bytes();
	kind_end();
	return 0;
}
