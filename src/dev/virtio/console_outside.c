/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The console device and its character devices, as recordings have them: what is written and what became
 * of it, and each call of a character device.
 */
#include <stdio.h>
#include <string.h>

#include "dev/virtio/console.h"
#include "dev/virtio/outside.h"

size_t console_write(struct console_port *port, const struct virtq_chain *chain,
		     const uint8_t *bytes, size_t len)
{
	AxVirtio *virtio = &port->console->virtio;
	struct iovec iov = { (void *)bytes, len };
	int64_t done = 0;

	if (port->chardev)
		done = (int64_t)ax_chardev_write(port->chardev, bytes, len);
	done = outside_result(virtio, port->index, done, len);
	if (done < 0)
		return 0;
	outside_went(virtio, port->index, chain, &iov, 1, (uint64_t)done);
	return (size_t)done;
}

bool console_connected(struct console_port *port)
{
	bool there = port->chardev && ax_chardev_connected(port->chardev);

	return outside_result(&port->console->virtio, port->index, there, 1) > 0;
}

/* What it returned; it may come from a recording. Without the lock. */
static uint64_t carry_out(struct console *console, uint32_t what, const uint8_t *bytes, size_t len)
{
	struct console_port *port;

	if (what / 4 >= console->port_count)
		return 0;
	port = &console->ports[what / 4];
	switch (what % 4) {
	case CONSOLE_CALL_INPUT: return console_take_input(port, bytes, len);
	case CONSOLE_CALL_ROOM: console_has_room(port); break;
	case CONSOLE_CALL_EVENT:
		virtio_lock(&console->virtio);
		console_tell(port, CONSOLE_SEND_OPEN);
		virtio_unlock(&console->virtio);
		break;
	default:
		if (len == 4)
			console_resized(port, (uint16_t)(bytes[0] | bytes[1] << 8),
					(uint16_t)(bytes[2] | bytes[3] << 8));
		break;
	}
	return 0;
}

static void tell_taken(struct console *console, uint32_t what, uint64_t taken)
{
	/* Of the others nobody asks. */
	if (what % 4 == CONSOLE_CALL_INPUT)
		ax_record_output(ax_dev_record(&console->virtio.link), AX_RECORD_TAKEN, what / 4,
				 &taken, sizeof(taken));
}

uint64_t console_call(struct console *console, uint32_t what, const void *bytes, size_t len)
{
	AxRecord *record = ax_dev_record(&console->virtio.link);
	uint64_t taken;

	ax_record_enter(record, console->virtio.link.name, what, bytes, len);
	taken = carry_out(console, what, bytes, len);
	tell_taken(console, what, taken);
	ax_record_leave(record);
	return taken;
}

void console_outside(AxVirtio *virtio, uint32_t what, const void *bytes, size_t len)
{
	struct console *console = (struct console *)virtio;

	tell_taken(console, what, carry_out(console, what, bytes, len));
}

void console_describe(const AxVirtio *virtio, char *text, size_t size)
{
	const struct console *console = (const struct console *)virtio;
	size_t used = (size_t)snprintf(text, size, CONSOLE_DESCRIPTION, console->port_count);

	for (uint32_t i = 0; i < console->port_count && used < size; i++) {
		const struct console_port *port = &console->ports[i];

		used += (size_t)snprintf(text + used, size - used, CONSOLE_PORT_DESCRIPTION "%s",
					 port->is_console, port->columns, port->rows,
					 (unsigned)strlen(port->name), port->name);
	}
}
