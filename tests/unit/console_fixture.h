/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frame of the console device's tests: three ports on socket pairs, and the driver's side of its
 * messages.
 */
#ifndef AXVMM_TESTS_UNIT_CONSOLE_FIXTURE_H
#define AXVMM_TESTS_UNIT_CONSOLE_FIXTURE_H

#include <errno.h>
#include <string.h>

#include <axvmm/virtio_console.h>

#include "tests/unit/char_fixture.h"
#include "tests/unit/virtio_driver.h"

#define F_SIZE	    (1ull << 0)
#define F_MULTIPORT (1ull << 1)
#define F_EMERG	    (1ull << 2)
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
static struct {
	size_t len;
	char bytes[64]; /* the first */
} seen[PORTS];		/* what who looks at a port's output has seen */
static uint64_t page;
static const char *console_name; /* NULL: the usual */

static inline uint64_t features(int packed)
{
	return packed ? DRV_ALL : DRV_SPLIT;
}

/* The same of a driver that knows one port. */
static inline uint64_t single(int packed)
{
	return features(packed) & ~F_MULTIPORT;
}

static inline AxVirtio *new_console(const AxVirtioConsolePort *ports, uint32_t count)
{
	AxVirtioConsoleConfig config = AX_VIRTIO_CONSOLE_CONFIG_INIT;
	AxError err = AX_ERROR_INIT;
	AxVirtio *virtio = NULL;

	config.name = console_name;
	config.host = drv->host;
	config.ports = ports;
	config.port_count = count;
	ck_assert_msg(!ax_virtio_console_new(&config, &virtio, &err), "%s", err.message);
	return virtio;
}

static inline void note_written(void *opaque, const uint8_t *bytes, size_t len)
{
	unsigned port = (unsigned)(uintptr_t)opaque;

	for (size_t i = 0; i < len; i++, seen[port].len++) {
		if (seen[port].len < sizeof(seen[port].bytes))
			seen[port].bytes[seen[port].len] = (char)bytes[i];
	}
}

static inline void set_up(void)
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
		config.host = drv_outside_host(drv);
		config.written = note_written;
		config.opaque = (void *)(uintptr_t)i;
		ck_assert_int_eq(ax_chardev_new_fds(&config, &fds, &devs[i], NULL), 0);
		ports[i].chardev = devs[i];
	}
	drv_attach(drv, new_console(ports, PORTS));
	page = drv_alloc(drv, 65536);
}

static inline void tear_down(void)
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

static inline AxVirtioConsoleCounters counters(void)
{
	AxVirtioConsoleCounters all = AX_VIRTIO_CONSOLE_COUNTERS_INIT;

	ck_assert_int_eq(ax_virtio_console_counters(drv->virtio, &all), 0);
	return all;
}

/* Print @len bytes at the page's beginning in one buffer, and see it come back. */
static inline void print(unsigned queue, const char *text)
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

static inline void say(uint32_t id, uint16_t event, uint16_t value)
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

static inline void give_buffers(unsigned queue, unsigned count, uint32_t len)
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
static inline void hears(uint32_t id, uint16_t event, uint16_t value, const char *more,
			 size_t more_len)
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

static inline void hears_nothing(void)
{
	drv_run(drv);
	ck_assert_int_eq(drv_take(drv, CONTROL_IN, NULL), -1);
}

static inline void make_ready(void)
{
	give_buffers(CONTROL_IN, 32, BUFFER);
	say(0, DEVICE_READY, 1);
	for (uint32_t i = 0; i < PORTS; i++)
		hears(i, DEVICE_ADD, 0, NULL, 0);
}

static inline int console_suite(TCase *tcase, const char *name)
{
	Suite *suite = suite_create(name);

	tcase_set_timeout(tcase, 100);
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	suite_add_tcase(suite, tcase);
	return drv_suite(suite);
}

#endif
