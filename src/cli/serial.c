/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between the guest's serial port and its console's end on the host.
 */
#include <stdatomic.h>
#include <stdlib.h>

#include "cli/serial.h"

#define SETTLE_NS 1000000000u

struct serial_line {
	AxHost *host;
	AxCharDev *chardev;
	AxCharSink sink;
	AxMachine *machine;
	AxTimer *settled; /* opens without output */
	void (*failed)(void *opaque);
	void *opaque;
	bool armed;
	bool open_line;
	atomic_bool open;    /* the guest gets input */
	atomic_bool waiting; /* there is some, and it was not open */
};

static void on_output(void *opaque, const uint8_t *bytes, size_t len)
{
	struct serial_line *line = opaque;

	if (!len)
		return;
	line->open_line = bytes[len - 1] != '\n';
	if (!atomic_load(&line->open)) {
		atomic_store(&line->open, true);
		/* Who waits has said so before it looked: one of both sees the other. */
		if (atomic_load(&line->waiting))
			ax_chardev_accept(line->chardev);
	}
	line->sink.write(line->sink.opaque, bytes, len);
}

static void on_settled(void *opaque)
{
	struct serial_line *line = opaque;

	atomic_store(&line->open, true);
	ax_chardev_accept(line->chardev);
}

static bool is_open(struct serial_line *line)
{
	if (atomic_load(&line->open))
		return true;
	atomic_store(&line->waiting, true);
	if (atomic_load(&line->open))
		return true;
	if (!line->armed)
		ax_timer_arm(line->settled, ax_host_now(line->host) + SETTLE_NS);
	line->armed = true;
	return false;
}

static size_t on_input(void *opaque, const uint8_t *bytes, size_t len)
{
	struct serial_line *line = opaque;

	if (!line->machine || !is_open(line))
		return 0;
	return ax_machine_input(line->machine, bytes, len);
}

static void on_event(void *opaque, uint32_t event)
{
	struct serial_line *line = opaque;

	if (event == AX_CHAR_FAILED)
		line->failed(line->opaque);
}

static void on_room(void *opaque)
{
	struct serial_line *line = opaque;

	ax_chardev_accept(line->chardev);
}

struct serial_line *serial_line_new(AxHost *host, AxCharDev *chardev, void (*failed)(void *opaque),
				    void *opaque)
{
	struct serial_line *line = calloc(1, sizeof(*line));
	AxCharUser user = AX_CHAR_USER_INIT;

	if (!line)
		return NULL;
	line->host = host;
	line->chardev = chardev;
	line->sink = ax_chardev_sink(chardev);
	line->failed = failed;
	line->opaque = opaque;
	line->settled = ax_timer_new(host, on_settled, line);
	user.input = on_input;
	user.event = on_event;
	user.opaque = line;
	if (line->settled && !ax_chardev_set_user(chardev, &user, NULL))
		return line;
	ax_timer_free(line->settled);
	free(line);
	return NULL;
}

void serial_line_describe(struct serial_line *line, AxMachineOptions *machine)
{
	/* Bytes are collected by the character device. */
	machine->console_host = NULL;
	machine->console.write = on_output;
	machine->console.opaque = line;
	machine->input_room = on_room;
	machine->input_opaque = line;
}

void serial_line_set_machine(struct serial_line *line, AxMachine *machine)
{
	line->machine = machine;
	if (!machine)
		return;
	/* It has a serial port of its own, which it sets up; what the one before has not taken is its. */
	ax_timer_arm(line->settled, UINT64_MAX);
	line->armed = false;
	atomic_store(&line->waiting, false);
	atomic_store(&line->open, false);
	ax_chardev_accept(line->chardev);
}

/* The key may have come from another console: this one's reader sleeps, while its port has the port's lock. */
bool serial_line_break(struct serial_line *line)
{
	bool sent;

	if (!line->machine)
		return false;
	ax_chardev_set_no_wait(line->chardev, true);
	sent = ax_machine_input_break(line->machine);
	ax_chardev_set_no_wait(line->chardev, false);
	return sent;
}

bool serial_line_is_open(const struct serial_line *line)
{
	return line->open_line;
}

void serial_line_free(struct serial_line *line)
{
	if (!line)
		return;
	ax_chardev_set_user(line->chardev, NULL, NULL);
	ax_timer_free(line->settled);
	free(line);
}
