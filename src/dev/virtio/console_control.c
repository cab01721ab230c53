/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Control messages of the console device (section 5.3.6.2). What is to be said to the driver is a set
 * of bits for each port, so that a driver that takes nothing, or asks for all of it again and again,
 * makes nothing grow.
 */
#include <string.h>

#include "dev/virtio/console.h"

/* Section 5.3.6.2: le32 id, le16 event, le16 value. */
#define MESSAGE_SIZE 8
enum console_event {
	EVENT_DEVICE_READY = 0,
	EVENT_DEVICE_ADD = 1,
	EVENT_DEVICE_REMOVE = 2,
	EVENT_PORT_READY = 3,
	EVENT_CONSOLE_PORT = 4,
	EVENT_RESIZE = 5,
	EVENT_PORT_OPEN = 6,
	EVENT_PORT_NAME = 7
};

/* So many messages are taken before others have their turn. */
#define BATCH 256

static void put_le16(uint8_t *to, uint16_t value)
{
	to[0] = (uint8_t)value;
	to[1] = (uint8_t)(value >> 8);
}

static uint32_t get_le(const uint8_t *from, unsigned size)
{
	uint32_t value = 0;

	while (size--)
		value = value << 8 | from[size];
	return value;
}

static bool is_multiport(const struct console *console)
{
	return virtio_has(&console->virtio, VIRTIO_CONSOLE_F_MULTIPORT);
}

void console_tell(struct console_port *port, uint32_t send)
{
	struct console *console = port->console;

	if (!is_multiport(console))
		return;
	/* A port that is not ready is told all of it when it is. */
	if (!port->ready)
		send &= CONSOLE_SEND_ADD;
	port->send |= send;
	if (port->send)
		virtio_kick(&console->virtio, CONSOLE_CONTROL_IN);
}

/* Everything that the driver has to know of a port that it has set up. */
static uint32_t facts_of(const struct console_port *port)
{
	uint32_t send = CONSOLE_SEND_OPEN;

	if (port->is_console)
		send |= CONSOLE_SEND_CONSOLE;
	if (port->name[0])
		send |= CONSOLE_SEND_NAME;
	if (port->is_console && (port->columns || port->rows))
		send |= CONSOLE_SEND_SIZE;
	return send;
}

/* A message of the driver's; false: it makes no sense. */
static bool take_message(struct console *console, uint32_t id, uint32_t event, uint32_t value)
{
	struct console_port *port;

	if (event == EVENT_DEVICE_READY) {
		for (uint32_t i = 0; value && i < console->port_count; i++)
			console_tell(&console->ports[i], CONSOLE_SEND_ADD);
		return true;
	}
	if (id >= console->port_count)
		return false;
	port = &console->ports[id];
	switch (event) {
	case EVENT_PORT_READY:
		/* 0: it could not set the port up. */
		port->ready = value;
		port->send = 0;
		if (!port->ready)
			return true;
		console_tell(port, facts_of(port));
		/* A console takes input from now on, and its driver need not say that it is open. */
		console_accept(port);
		return true;
	case EVENT_PORT_OPEN:
		port->guest_open = value;
		if (port->guest_open)
			console_accept(port);
		return true;
	default: return false;
	}
}

void console_take_controls(struct console *console)
{
	AxVirtio *virtio = &console->virtio;
	unsigned count = 0;

	while (count < BATCH && console_pop(console, CONSOLE_CONTROL_OUT, console->chain, false)) {
		uint8_t message[MESSAGE_SIZE];
		size_t len = virtq_read(console->chain, 0, message, sizeof(message));

		virtq_push(virtio, CONSOLE_CONTROL_OUT, console->chain, 0);
		console->counters.controls++;
		if (!is_multiport(console) || len < sizeof(message) ||
		    !take_message(console, get_le(message, 4), get_le(message + 4, 2),
				  get_le(message + 6, 2)))
			console->counters.bad_controls++;
		count++;
	}
	virtio_interrupt(virtio, CONSOLE_CONTROL_OUT);
	if (count == BATCH)
		virtio_kick(virtio, CONSOLE_CONTROL_OUT);
	console_send_controls(console);
}

/* The message for one of CONSOLE_SEND_*: its length. */
static uint32_t make_message(struct console_port *port, uint32_t send, uint8_t *message)
{
	uint32_t len = MESSAGE_SIZE;
	uint16_t event = EVENT_DEVICE_ADD, value = 0;

	switch (send) {
	case CONSOLE_SEND_CONSOLE:
		event = EVENT_CONSOLE_PORT;
		value = 1;
		break;
	case CONSOLE_SEND_NAME:
		event = EVENT_PORT_NAME;
		value = 1;
		/* Without the end that strings have here. */
		memcpy(message + len, port->name, strlen(port->name));
		len += (uint32_t)strlen(port->name);
		break;
	case CONSOLE_SEND_SIZE:
		event = EVENT_RESIZE;
		/* Section 5.3.6.2 has them the other way round; Linux, and who serves it, have not. */
		put_le16(message + len, port->rows);
		put_le16(message + len + 2, port->columns);
		len += 4;
		break;
	case CONSOLE_SEND_OPEN:
		event = EVENT_PORT_OPEN;
		value = console_connected(port);
		port->told_open = value;
		break;
	default: break;
	}
	put_le16(message, (uint16_t)port->index);
	put_le16(message + 2, 0);
	put_le16(message + 4, event);
	put_le16(message + 6, value);
	return len;
}

/* Say one thing: false when the driver has no buffer for it. */
static bool send_message(struct console_port *port, uint32_t send)
{
	struct console *console = port->console;
	uint8_t message[MESSAGE_SIZE + AX_VIRTIO_CONSOLE_NAME_MAX];
	uint32_t len;

	if (!console_pop(console, CONSOLE_CONTROL_IN, console->chain, true))
		return false;
	len = make_message(port, send, message);
	if (console->chain->in_len < len) {
		/* The next one may be larger. */
		console->counters.bad_controls++;
		virtq_push(&console->virtio, CONSOLE_CONTROL_IN, console->chain, 0);
		return true;
	}
	virtq_write(console->chain, 0, message, len);
	virtq_push(&console->virtio, CONSOLE_CONTROL_IN, console->chain, len);
	port->send &= ~send;
	return true;
}

void console_send_controls(struct console *console)
{
	unsigned count = 0;

	for (uint32_t i = 0; i < console->port_count; i++) {
		struct console_port *port = &console->ports[i];

		for (unsigned bit = 0; bit < CONSOLE_SEND_BITS; bit++) {
			while (port->send & 1u << bit) {
				/* Small buffers without end are not waited for. */
				if (++count > BATCH || !send_message(port, 1u << bit))
					goto out;
			}
		}
	}
out:
	virtio_interrupt(&console->virtio, CONSOLE_CONTROL_IN);
	if (count > BATCH)
		virtio_kick(&console->virtio, CONSOLE_CONTROL_IN);
}
