/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Console: collects the bytes that devices write, so that a line costs one system call, not one a
 * byte. What waits is bounded in size by the buffer and in time by a timer.
 *
 * The timer is armed with the first byte that waits and then left alone: it is not disarmed when a
 * newline sends the buffer out, and when it fires it sends out whatever is there. So it costs at most
 * one system call per delay, and no byte waits longer than that.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dev/dev.h"

struct AxConsole {
	AxConsoleConfig config;
	AxLock *lock; /* guards what follows; held while the output is called, which keeps the order */
	AxTimer *timer; /* NULL: no time limit, or nothing waits */
	bool armed;
	size_t len;
	uint8_t buffer[AX_CONSOLE_BUFFER];
};

static void send_out(AxConsole *console)
{
	size_t len = console->len;

	console->len = 0;
	if (len && console->config.output.write)
		console->config.output.write(console->config.output.opaque, console->buffer, len);
}

static void delay_is_over(void *opaque)
{
	AxConsole *console = opaque;

	ax_lock(console->lock);
	console->armed = false;
	send_out(console);
	ax_unlock(console->lock);
}

/* Whether bytes wait for more to come when no timer will send them. */
static bool waits_for_ever(const AxConsole *console)
{
	return console->config.delay_ns == AX_CONSOLE_NO_DELAY_LIMIT;
}

void ax_console_write(AxConsole *console, const void *bytes, size_t len)
{
	const uint8_t *from = bytes;
	bool arm = false;

	ax_lock(console->lock);
	while (len) {
		size_t part = sizeof(console->buffer) - console->len;
		bool newline;

		if (part > len)
			part = len;
		memcpy(console->buffer + console->len, from, part);
		newline = memchr(from, '\n', part);
		console->len += part;
		from += part;
		len -= part;
		if (newline || console->len == sizeof(console->buffer))
			send_out(console);
	}
	if (console->timer) {
		arm = console->len && !console->armed;
		console->armed |= arm;
	} else if (!waits_for_ever(console)) {
		send_out(console);
	}
	ax_unlock(console->lock);
	/* Outside the lock, which the timer's callback takes. Only who set `armed` comes here. */
	if (arm)
		ax_timer_arm(console->timer,
			     ax_host_now(console->config.host) + console->config.delay_ns);
}

void ax_console_flush(AxConsole *console)
{
	ax_lock(console->lock);
	send_out(console);
	ax_unlock(console->lock);
}

static void sink_write(void *opaque, const uint8_t *bytes, size_t len)
{
	ax_console_write(opaque, bytes, len);
}

AxCharSink ax_console_sink(AxConsole *console)
{
	return (AxCharSink){ .write = sink_write, .opaque = console };
}

int ax_console_new(const AxConsoleConfig *config, AxConsole **out, AxError *err)
{
	AxConsoleConfig known = AX_CONSOLE_CONFIG_INIT;
	AxConsole *console;
	int ret;

	ret = ax_dev_config(&known, sizeof(known), config, sizeof(known), "AxConsoleConfig", err);
	if (ret)
		return ret;
	if (!known.delay_ns)
		known.delay_ns = AX_CONSOLE_DELAY_NS;
	console = calloc(1, sizeof(*console));
	if (!console)
		return ax_dev_error_nomem(err, "a console");
	console->config = known;
	console->lock = ax_lock_new();
	if (!console->lock)
		goto no_memory;
	if (known.host && !waits_for_ever(console)) {
		console->timer = ax_timer_new(known.host, delay_is_over, console);
		if (!console->timer)
			goto no_memory;
	}
	*out = console;
	return 0;

no_memory:
	ax_lock_free(console->lock);
	free(console);
	return ax_dev_error_nomem(err, "a console");
}

void ax_console_free(AxConsole *console)
{
	if (!console)
		return;
	ax_timer_free(console->timer);
	send_out(console);
	ax_lock_free(console->lock);
	free(console);
}
