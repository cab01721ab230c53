/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The console device: ports and their bytes, control messages, sizes, emergency output, hostile
 * drivers.
 */
#include <errno.h>
#include <string.h>

#include <axvmm/virtio_console.h>

#include "tests/unit/char_fixture.h"
#include "tests/unit/virtio_driver.h"

#define F_SIZE	    (1ull << 0)
#define F_MULTIPORT (1ull << 1)
#define F_EMERG	    (1ull << 2)
#define DRV_SINGLE  (DRV_ALL & ~F_MULTIPORT)
#define CONTROL_IN  2u
#define CONTROL_OUT 3u
#define PORTS	    3u
#define BUFFER	    256u

enum {
	DEVICE_READY,
	DEVICE_ADD,
	DEVICE_REMOVE,
	PORT_READY,
	CONSOLE_PORT,
	RESIZE,
	PORT_OPEN,
	PORT_NAME
};

static struct drv *drv;
static AxCharDev *devs[PORTS];
static int ends[PORTS];	  /* the reader's and typist's side */
static int inside[PORTS]; /* the device's */
static uint64_t page;

static uint64_t features(int packed)
{
	return packed ? DRV_ALL : DRV_SPLIT;
}

static AxVirtio *new_console(const AxVirtioConsolePort *ports, uint32_t count)
{
	AxVirtioConsoleConfig config = AX_VIRTIO_CONSOLE_CONFIG_INIT;
	AxError err = AX_ERROR_INIT;
	AxVirtio *virtio = NULL;

	config.host = drv->host;
	config.ports = ports;
	config.port_count = count;
	ck_assert_msg(!ax_virtio_console_new(&config, &virtio, &err), "%s", err.message);
	return virtio;
}

static void set_up(void)
{
	AxVirtioConsolePort ports[PORTS] = { { .columns = 80, .rows = 25 },
					     { .name = "org.example.agent" },
					     { .flags = AX_VIRTIO_CONSOLE_IS_CONSOLE } };

	drv = drv_new();
	for (unsigned i = 0; i < PORTS; i++) {
		AxCharDevConfig config = AX_CHAR_DEV_CONFIG_INIT;
		AxCharFds fds = AX_CHAR_FDS_INIT;
		int pair[2];

		ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
		ends[i] = pair[0];
		inside[i] = fds.in = fds.out = pair[1];
		config.host = drv->host;
		ck_assert_int_eq(ax_chardev_new_fds(&config, &fds, &devs[i], NULL), 0);
		ports[i].chardev = devs[i];
	}
	drv_attach(drv, new_console(ports, PORTS));
	page = drv_alloc(drv, 65536);
}

static void tear_down(void)
{
	/* The device lets go of its character devices before the loop does. */
	if (drv->virtio) {
		ck_assert_int_eq(ax_virtio_detach(drv->virtio, NULL), 0);
		ax_virtio_free(drv->virtio);
		drv->virtio = NULL;
	}
	for (unsigned i = 0; i < PORTS; i++) {
		ax_chardev_free(devs[i]);
		close(ends[i]);
		close(inside[i]);
	}
	drv_free(drv);
}

static AxVirtioConsoleCounters counters(void)
{
	AxVirtioConsoleCounters all = AX_VIRTIO_CONSOLE_COUNTERS_INIT;

	ck_assert_int_eq(ax_virtio_console_counters(drv->virtio, &all), 0);
	return all;
}

/* Print @len bytes at the page's beginning in one buffer, and see it come back. */
static void print(unsigned queue, const char *text)
{
	size_t len = strlen(text);
	uint32_t written;
	int token;

	memcpy(drv_ptr(drv, page), text, len);
	token = drv_add(drv, queue, DRV_OUT(page, (uint32_t)len));
	drv_kick(drv, queue);
	ck_assert_int_eq(drv_wait(drv, queue, &written), token);
	ck_assert_uint_eq(written, 0);
}

static void say(uint32_t id, uint16_t event, uint16_t value)
{
	uint8_t *message = drv_ptr(drv, page + 32768);
	int token;

	memcpy(message, &id, 4);
	memcpy(message + 4, &event, 2);
	memcpy(message + 6, &value, 2);
	token = drv_add(drv, CONTROL_OUT, DRV_OUT(page + 32768, 8));
	drv_kick(drv, CONTROL_OUT);
	ck_assert_int_eq(drv_wait(drv, CONTROL_OUT, NULL), token);
}

static uint64_t buffer_of[VIRTQ_SIZE_MAX];

static void give_buffers(unsigned queue, unsigned count, uint32_t len)
{
	for (unsigned i = 0; i < count; i++) {
		uint64_t gpa = drv_alloc(drv, len);
		int token = drv_add(drv, queue, DRV_IN(gpa, len));

		ck_assert_int_ge(token, 0);
		buffer_of[token] = gpa;
	}
	drv_kick(drv, queue);
}

/* The next control message is this one; its text after the header in @more. */
static void hears(uint32_t id, uint16_t event, uint16_t value, const char *more, size_t more_len)
{
	uint32_t len;
	int token = drv_wait(drv, CONTROL_IN, &len);
	const uint8_t *message = drv_ptr(drv, buffer_of[token]);
	uint32_t got_id;
	uint16_t got_event, got_value;

	memcpy(&got_id, message, 4);
	memcpy(&got_event, message + 4, 2);
	memcpy(&got_value, message + 6, 2);
	ck_assert_msg(got_id == id && got_event == event && got_value == value,
		      "port %u event %u value %u, not %u %u %u", got_id, got_event, got_value, id,
		      event, value);
	ck_assert_uint_eq(len, 8 + more_len);
	ck_assert(!more_len || !memcmp(message + 8, more, more_len));
}

static void hears_nothing(void)
{
	drv_run(drv);
	ck_assert_int_eq(drv_take(drv, CONTROL_IN, NULL), -1);
}

START_TEST(it_is_the_console_device)
{
	ck_assert_uint_eq(ax_virtio_id(drv->virtio), 3);
	ck_assert_str_eq(ax_virtio_name(drv->virtio), "console");
	ck_assert_uint_eq(drv_offered(drv) & 7, F_SIZE | F_MULTIPORT | F_EMERG);
	ck_assert_uint_eq(drv_config(drv, 0, 2), 80);
	ck_assert_uint_eq(drv_config(drv, 2, 2), 25);
	ck_assert_uint_eq(drv_config(drv, 4, 4), PORTS);
	ck_assert_uint_eq(drv_config(drv, 8, 4), 0);
	/* None of it is the driver's. */
	drv_set_config(drv, 0, 4, 0xffffffff);
	drv_set_config(drv, 4, 4, 0xffffffff);
	ck_assert_uint_eq(drv_config(drv, 0, 2), 80);
	ck_assert_uint_eq(drv_config(drv, 4, 4), PORTS);
}
END_TEST

START_TEST(single_port_prints_and_reads)
{
	uint32_t len;
	int token;

	drv_start(drv, _i ? DRV_SINGLE : DRV_SINGLE & DRV_SPLIT);
	print(1, "hello\n");
	reads_text(ends[0], "hello\n");
	/* Typed before there is a buffer: it waits. */
	ck_assert_int_eq(write(ends[0], "ls -l\n", 6), 6);
	drv_run(drv);
	give_buffers(0, 1, 4);
	token = drv_wait(drv, 0, &len);
	ck_assert_uint_eq(len, 4);
	ck_assert_mem_eq(drv_ptr(drv, buffer_of[token]), "ls -", 4);
	give_buffers(0, 2, 64);
	token = drv_wait(drv, 0, &len);
	ck_assert_uint_eq(len, 2);
	ck_assert_mem_eq(drv_ptr(drv, buffer_of[token]), "l\n", 2);
	ck_assert_uint_eq(counters().output, 6);
	ck_assert_uint_eq(counters().input, 6);
	/* Other ports are not this driver's. */
	ck_assert_int_eq(write(ends[1], "x", 1), 1);
	give_buffers(4, 1, 16);
	drv_run(drv);
	ck_assert_int_eq(drv_take(drv, 4, NULL), -1);
}
END_TEST

START_TEST(emergency_output_needs_no_driver)
{
	drv_set_config(drv, 8, 4, 'E');
	drv_set_config(drv, 8, 4, '!');
	ck_assert_uint_eq(drv_config(drv, 8, 4), 0);
	reads_text(ends[0], "E!");
	ck_assert_uint_eq(counters().emergency, 2);
	ck_assert_uint_eq(counters().output, 0);
}
END_TEST

static void make_ready(void)
{
	give_buffers(CONTROL_IN, 32, BUFFER);
	say(0, DEVICE_READY, 1);
	for (uint32_t i = 0; i < PORTS; i++)
		hears(i, DEVICE_ADD, 0, NULL, 0);
}

START_TEST(ports_are_announced_one_by_one)
{
	drv_start(drv, features(_i));
	hears_nothing();
	make_ready();
	hears_nothing();
	say(0, PORT_READY, 1);
	hears(0, CONSOLE_PORT, 1, NULL, 0);
	hears(0, RESIZE, 0, "\x19\0\x50\0", 4);
	hears(0, PORT_OPEN, 1, NULL, 0);
	say(1, PORT_READY, 1);
	hears(1, PORT_NAME, 1, "org.example.agent", 17);
	hears(1, PORT_OPEN, 1, NULL, 0);
	say(2, PORT_READY, 1);
	hears(2, CONSOLE_PORT, 1, NULL, 0);
	hears(2, PORT_OPEN, 1, NULL, 0);
	hears_nothing();
	ck_assert_uint_eq(counters().controls, 4);
	ck_assert_uint_eq(counters().bad_controls, 0);
}
END_TEST

START_TEST(messages_wait_for_buffers)
{
	drv_start(drv, features(_i));
	say(0, DEVICE_READY, 1);
	/* Asked for twice is told once. */
	say(0, DEVICE_READY, 1);
	say(1, PORT_READY, 1);
	hears_nothing();
	give_buffers(CONTROL_IN, 1, BUFFER);
	hears(0, DEVICE_ADD, 0, NULL, 0);
	hears_nothing();
	/* One that is too small comes back empty, and the message in the next. */
	give_buffers(CONTROL_IN, 1, 7);
	ck_assert_int_ge(drv_wait(drv, CONTROL_IN, NULL), 0);
	ck_assert_uint_eq(counters().bad_controls, 1);
	give_buffers(CONTROL_IN, 8, BUFFER);
	hears(1, PORT_NAME, 1, "org.example.agent", 17);
	hears(1, PORT_OPEN, 1, NULL, 0);
	hears(2, DEVICE_ADD, 0, NULL, 0);
	hears_nothing();
}
END_TEST

START_TEST(port_gets_input_when_the_guest_has_it_open)
{
	uint32_t len;

	drv_start(drv, features(_i));
	make_ready();
	say(1, PORT_READY, 1);
	hears(1, PORT_NAME, 1, "org.example.agent", 17);
	hears(1, PORT_OPEN, 1, NULL, 0);
	give_buffers(4, 4, 64);
	ck_assert_int_eq(write(ends[1], "query", 5), 5);
	drv_run(drv);
	ck_assert_int_eq(drv_take(drv, 4, NULL), -1);
	say(1, PORT_OPEN, 1);
	ck_assert_int_ge(drv_wait(drv, 4, &len), 0);
	ck_assert_uint_eq(len, 5);
	print(5, "answer");
	reads_text(ends[1], "answer");
	say(1, PORT_OPEN, 0);
	ck_assert_int_eq(write(ends[1], "again", 5), 5);
	drv_run(drv);
	ck_assert_int_eq(drv_take(drv, 4, NULL), -1);
	/* A console is open from the start. */
	say(2, PORT_READY, 1);
	hears(2, CONSOLE_PORT, 1, NULL, 0);
	give_buffers(6, 1, 64);
	ck_assert_int_eq(write(ends[2], "key", 3), 3);
	ck_assert_int_ge(drv_wait(drv, 6, &len), 0);
	ck_assert_uint_eq(len, 3);
}
END_TEST

START_TEST(new_sizes_are_told)
{
	uint32_t generation;

	drv_start(drv, features(_i));
	make_ready();
	say(0, PORT_READY, 1);
	hears(0, CONSOLE_PORT, 1, NULL, 0);
	hears(0, RESIZE, 0, "\x19\0\x50\0", 4);
	hears(0, PORT_OPEN, 1, NULL, 0);
	(void)drv_ack(drv);
	generation = drv_in(drv, VIRTIO_MMIO_CONFIG_GENERATION);
	ck_assert_int_eq(ax_virtio_console_resize(drv->virtio, 0, 132, 50), 0);
	hears(0, RESIZE, 0, "\x32\0\x84\0", 4);
	ck_assert_uint_eq(drv_config(drv, 0, 2), 132);
	ck_assert_uint_eq(drv_config(drv, 2, 2), 50);
	ck_assert_uint_ne(drv_in(drv, VIRTIO_MMIO_CONFIG_GENERATION), generation);
	ck_assert_uint_eq(drv_ack(drv) & VIRTIO_MMIO_CONFIG_CHANGE, VIRTIO_MMIO_CONFIG_CHANGE);
	/* A port that is not ready hears of it then; two changes are one. */
	ck_assert_int_eq(ax_virtio_console_resize(drv->virtio, 2, 1, 2), 0);
	ck_assert_int_eq(ax_virtio_console_resize(drv->virtio, 2, 10, 20), 0);
	hears_nothing();
	say(2, PORT_READY, 1);
	hears(2, CONSOLE_PORT, 1, NULL, 0);
	hears(2, RESIZE, 0, "\x14\0\x0a\0", 4);
	ck_assert_uint_eq(drv_config(drv, 0, 2), 132);
	ck_assert_int_eq(ax_virtio_console_resize(drv->virtio, PORTS, 1, 1), -EINVAL);
}
END_TEST

START_TEST(messages_that_make_no_sense_are_ignored)
{
	static const struct {
		uint32_t id;
		uint16_t event, value;
	} bad[] = { { PORTS, PORT_READY, 1 }, { UINT32_MAX, PORT_OPEN, 1 },
		    { 0, DEVICE_ADD, 1 },     { 0, DEVICE_REMOVE, 1 },
		    { 0, CONSOLE_PORT, 1 },   { 0, RESIZE, 1 },
		    { 0, PORT_NAME, 1 },      { 0, 8, 1 },
		    { 0, 0xffff, 1 },	      { 0x80000000, PORT_READY, 0 } };
	unsigned count = sizeof(bad) / sizeof(bad[0]);

	drv_start(drv, features(_i));
	make_ready();
	for (unsigned i = 0; i < count; i++)
		say(bad[i].id, bad[i].event, bad[i].value);
	hears_nothing();
	ck_assert_uint_eq(counters().bad_controls, count);
	/* Too short. */
	ck_assert_int_ge(drv_add(drv, CONTROL_OUT, DRV_OUT(page, 7)), 0);
	drv_kick(drv, CONTROL_OUT);
	drv_wait(drv, CONTROL_OUT, NULL);
	ck_assert_uint_eq(counters().bad_controls, count + 1);
	ck_assert(!drv_is_broken(drv));
	/* The driver could not set it up: nothing more is said of it. */
	say(2, PORT_READY, 1);
	hears(2, CONSOLE_PORT, 1, NULL, 0);
	hears(2, PORT_OPEN, 1, NULL, 0);
	say(2, PORT_READY, 0);
	ck_assert_int_eq(ax_virtio_console_resize(drv->virtio, 2, 7, 7), 0);
	hears_nothing();
}
END_TEST

START_TEST(control_messages_are_for_multiport_drivers)
{
	drv_start(drv, DRV_SINGLE);
	give_buffers(CONTROL_IN, 4, BUFFER);
	say(0, DEVICE_READY, 1);
	hears_nothing();
	ck_assert_uint_eq(counters().bad_controls, 1);
}
END_TEST

START_TEST(buffers_for_the_wrong_side_break_the_device)
{
	static const struct {
		unsigned queue;
		bool writable;
	} wrong[] = { { 0, false }, { 1, true }, { CONTROL_IN, false }, { CONTROL_OUT, true } };
	struct drv_segment segment = { page, 8, wrong[_i].writable };

	drv_start(drv, DRV_ALL);
	say(0, DEVICE_READY, 1);
	say(0, PORT_READY, 1);
	ck_assert_int_eq(write(ends[0], "x", 1), 1);
	ck_assert_int_ge(drv_add_chain(drv, wrong[_i].queue, &segment, 1, false), 0);
	drv_kick(drv, wrong[_i].queue);
	drv_run(drv);
	ck_assert(drv_is_broken(drv));
	/* And works again after a reset. */
	drv_start(drv, DRV_SINGLE);
	print(1, "back\n");
	reads_text(ends[0], "back\n");
}
END_TEST

#define FLOOD (10u << 20)

/* The guest's side of a flood: 64 KiB in flight in buffers of some pages. */
static void flood(unsigned queue)
{
	uint64_t ring = drv_alloc(drv, 16 * 8192);
	unsigned in_flight = 0;
	uint64_t at = 0;

	for (unsigned slot = 0; at < FLOOD; slot = (slot + 1) % 16) {
		uint8_t *bytes = drv_ptr(drv, ring + slot * 8192);
		uint32_t len = FLOOD - at < 8192 ? (uint32_t)(FLOOD - at) : 8192;

		if (in_flight == 16) {
			drv_wait(drv, queue, NULL);
			in_flight--;
		}
		for (uint32_t i = 0; i < len; i++)
			bytes[i] = flood_byte(at + i);
		ck_assert_int_ge(drv_add(drv, queue, DRV_OUT(ring + slot * 8192, len)), 0);
		drv_kick(drv, queue);
		at += len;
		in_flight++;
	}
	while (in_flight--)
		drv_wait(drv, queue, NULL);
}

START_TEST(flood_to_a_slow_reader_arrives_complete)
{
	struct slow_reader reader;
	AxCharDevCounters of_dev = AX_CHAR_DEV_COUNTERS_INIT;

	drv_start(drv, _i ? DRV_SINGLE : DRV_SINGLE & DRV_SPLIT);
	start_reader(&reader, ends[0], FLOOD);
	flood(1);
	while (ax_chardev_flush(devs[0], 0) == -ETIMEDOUT)
		ax_loop_dispatch(drv->host, 10, NULL);
	join_reader(&reader);
	ck_assert_uint_eq(counters().output, FLOOD);
	ck_assert_int_eq(ax_chardev_counters(devs[0], &of_dev), 0);
	ck_assert_uint_gt(of_dev.stalls, 0);
	ck_assert_uint_eq(of_dev.dropped, 0);
}
END_TEST

/* Into a reader who sleeps, more than the queue and the socket take. */
static void block_output(void)
{
	uint64_t ring = drv_alloc(drv, 1 << 20);

	for (unsigned i = 0; i < 64; i++)
		ck_assert_int_ge(drv_add(drv, 1, DRV_OUT(ring + i * 16384, 16384)), 0);
	drv_kick(drv, 1);
	drv_run(drv);
}

START_TEST(reset_lets_go_of_a_buffer_that_waits)
{
	drv_start(drv, _i ? DRV_SINGLE : DRV_SINGLE & DRV_SPLIT);
	block_output();
	ck_assert_uint_lt(counters().output, 1 << 20);
	drv_reset(drv);
	ck_assert_int_eq(ax_virtio_detach(drv->virtio, NULL), 0);
}
END_TEST

START_TEST(saving_keeps_what_is_half_written)
{
	AxState *state = ax_state_new(), *again;
	const void *bytes;
	uint64_t before;
	uint8_t *buffer;
	size_t len, total = 0;

	drv_start(drv, _i ? DRV_SINGLE : DRV_SINGLE & DRV_SPLIT);
	block_output();
	before = counters().output;
	ck_assert_int_eq(ax_devices_save(drv->vm, state, NULL), 0);
	bytes = ax_state_bytes(state, &len);
	again = ax_state_from_bytes(bytes, len);
	ck_assert_int_eq(ax_devices_restore(drv->vm, again, NULL), 0);
	ax_state_free(again);
	ax_state_free(state);
	/* Every byte comes once. */
	buffer = malloc(1 << 16);
	while (total < 1 << 20) {
		struct pollfd pollfd = { .fd = ends[0], .events = POLLIN };

		drv_run(drv);
		ck_assert_int_eq(poll(&pollfd, 1, 1000), 1);
		total += (size_t)read(ends[0], buffer, 1 << 16);
	}
	free(buffer);
	drv_run(drv);
	ck_assert(nothing_to_read(ends[0]));
	ck_assert_uint_eq(total, 1 << 20);
	ck_assert_uint_eq(counters().output, 1 << 20);
	ck_assert_uint_lt(before, 1 << 20);
}
END_TEST

START_TEST(damaged_states_are_refused)
{
	AxState *state = ax_state_new();
	const uint8_t *bytes;
	size_t len;

	drv_start(drv, DRV_ALL);
	make_ready();
	say(1, PORT_READY, 1);
	ck_assert_int_eq(ax_devices_save(drv->vm, state, NULL), 0);
	bytes = ax_state_bytes(state, &len);
	for (size_t i = 0; i < len; i++) {
		uint8_t *changed = malloc(len);
		AxState *bad;

		memcpy(changed, bytes, len);
		changed[i] ^= 0xff;
		bad = ax_state_from_bytes(changed, len);
		(void)ax_devices_restore(drv->vm, bad, NULL);
		drv_run(drv);
		ax_state_free(bad);
		free(changed);
	}
	ax_state_free(state);
}
END_TEST

START_TEST(configurations_that_make_no_sense_are_refused)
{
	AxVirtioConsoleConfig config = AX_VIRTIO_CONSOLE_CONFIG_INIT;
	AxVirtioConsolePort port = { .chardev = devs[0] };
	AxCharDevConfig dev_config = AX_CHAR_DEV_CONFIG_INIT;
	AxVirtioRngConfig rng = AX_VIRTIO_RNG_CONFIG_INIT;
	AxVirtioConsoleCounters all = AX_VIRTIO_CONSOLE_COUNTERS_INIT;
	char name[AX_VIRTIO_CONSOLE_NAME_MAX + 2];
	AxCharDev *other;
	AxVirtio *virtio = NULL;
	AxError err;

	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = 0;
	dev_config.host = drv->host;
	ck_assert_int_eq(ax_chardev_new_null(&dev_config, &other, NULL), 0);
	config.host = drv->host;
	config.ports = &port;
	ck_assert_fails(ax_virtio_console_new(&config, &virtio, &err), -EINVAL, AX_ERROR_ARGUMENT,
			"ports");
	config.port_count = AX_VIRTIO_CONSOLE_PORTS_MAX + 1;
	ck_assert_fails(ax_virtio_console_new(&config, &virtio, &err), -EINVAL, AX_ERROR_ARGUMENT,
			"17");
	config.port_count = 1;
	/* In use by the other console. */
	ck_assert_fails(ax_virtio_console_new(&config, &virtio, &err), -EBUSY, AX_ERROR_STATE,
			"used");
	port.chardev = other;
	port.name = name;
	ck_assert_fails(ax_virtio_console_new(&config, &virtio, &err), -EINVAL, AX_ERROR_ARGUMENT,
			"64");
	name[AX_VIRTIO_CONSOLE_NAME_MAX] = 0;
	port.flags = 2;
	ck_assert_fails(ax_virtio_console_new(&config, &virtio, &err), -EINVAL, AX_ERROR_ARGUMENT,
			"flags 0x2");
	port.flags = 0;
	ck_assert_int_eq(ax_virtio_console_new(&config, &virtio, &err), 0);
	ax_virtio_free(virtio);
	port.chardev = NULL;
	ck_assert_fails(ax_virtio_console_new(&config, &virtio, &err), -EINVAL, AX_ERROR_ARGUMENT,
			"no character device");
	ax_chardev_free(other);
	rng.host = drv->host;
	ck_assert_int_eq(ax_virtio_rng_new(&rng, &virtio, NULL), 0);
	ck_assert_int_eq(ax_virtio_console_counters(virtio, &all), -EINVAL);
	ck_assert_int_eq(ax_virtio_console_resize(virtio, 0, 1, 1), -EINVAL);
	ax_virtio_free(virtio);
}
END_TEST

START_TEST(guest_hears_who_comes_and_goes)
{
	AxVirtioConsolePort port = { .name = "monitor" };
	AxCharDevConfig config = AX_CHAR_DEV_CONFIG_INIT;
	char path[64] = "/tmp/axcons-XXXXXX";
	AxCharDev *dev;
	int fd;

	ck_assert_int_eq(ax_virtio_detach(drv->virtio, NULL), 0);
	ax_virtio_free(drv->virtio);
	fd = mkstemp(path);
	close(fd);
	unlink(path);
	config.host = drv->host;
	ck_assert_int_eq(ax_chardev_new_unix(&config, path, 0, &dev, NULL), 0);
	port.chardev = dev;
	drv_attach(drv, new_console(&port, 1));
	drv_start(drv, DRV_ALL);
	give_buffers(CONTROL_IN, 16, BUFFER);
	say(0, DEVICE_READY, 1);
	hears(0, DEVICE_ADD, 0, NULL, 0);
	say(0, PORT_READY, 1);
	hears(0, CONSOLE_PORT, 1, NULL, 0);
	hears(0, PORT_NAME, 1, "monitor", 7);
	hears(0, PORT_OPEN, 0, NULL, 0);
	fd = connect_to(path);
	hears(0, PORT_OPEN, 1, NULL, 0);
	close(fd);
	hears(0, PORT_OPEN, 0, NULL, 0);
	ck_assert_int_eq(ax_virtio_detach(drv->virtio, NULL), 0);
	ax_virtio_free(drv->virtio);
	drv->virtio = NULL;
	ax_chardev_free(dev);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("console");
	Suite *suite = suite_create("virtio-console");

	tcase_set_timeout(tcase, 100);
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, it_is_the_console_device);
	tcase_add_loop_test(tcase, single_port_prints_and_reads, 0, 2);
	tcase_add_test(tcase, emergency_output_needs_no_driver);
	tcase_add_loop_test(tcase, ports_are_announced_one_by_one, 0, 2);
	tcase_add_loop_test(tcase, messages_wait_for_buffers, 0, 2);
	tcase_add_loop_test(tcase, port_gets_input_when_the_guest_has_it_open, 0, 2);
	tcase_add_loop_test(tcase, new_sizes_are_told, 0, 2);
	tcase_add_loop_test(tcase, messages_that_make_no_sense_are_ignored, 0, 2);
	tcase_add_test(tcase, control_messages_are_for_multiport_drivers);
	tcase_add_loop_test(tcase, buffers_for_the_wrong_side_break_the_device, 0, 4);
	tcase_add_loop_test(tcase, flood_to_a_slow_reader_arrives_complete, 0, 2);
	tcase_add_loop_test(tcase, reset_lets_go_of_a_buffer_that_waits, 0, 2);
	tcase_add_loop_test(tcase, saving_keeps_what_is_half_written, 0, 2);
	tcase_add_test(tcase, damaged_states_are_refused);
	tcase_add_test(tcase, configurations_that_make_no_sense_are_refused);
	tcase_add_test(tcase, guest_hears_who_comes_and_goes);
	suite_add_tcase(suite, tcase);
	return drv_suite(suite);
}
