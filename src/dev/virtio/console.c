/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Console device (section 5.3): ports, each with a character device of the host. Control messages are
 * console_control.c's.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dev/virtio/console.h"

#define ID_CONSOLE 3
#define QUEUE_SIZE 128

/* Configuration (section 5.3.4). */
#define CONFIG_COLUMNS 0
#define CONFIG_ROWS    2
#define CONFIG_PORTS   4
#define CONFIG_EMERG   8
#define CONFIG_SIZE    12

/* So many buffers of a port are taken before others have their turn. */
#define BATCH 256

#define STATE_VERSION 1

static const struct virtio_type console_type;

static void fill_config(struct console *console)
{
	uint8_t *config = console->virtio.config;

	memset(config, 0, CONFIG_SIZE);
	config[CONFIG_COLUMNS] = (uint8_t)console->ports[0].columns;
	config[CONFIG_COLUMNS + 1] = (uint8_t)(console->ports[0].columns >> 8);
	config[CONFIG_ROWS] = (uint8_t)console->ports[0].rows;
	config[CONFIG_ROWS + 1] = (uint8_t)(console->ports[0].rows >> 8);
	config[CONFIG_PORTS] = (uint8_t)console->port_count;
}

/* emerg_wr (section 5.3.4): a byte for the first port, also before the driver is there. */
static void console_config_written(AxVirtio *virtio, uint32_t offset, uint32_t len)
{
	struct console *console = (struct console *)virtio;

	if (offset <= CONFIG_EMERG && offset + len > CONFIG_EMERG) {
		console->counters.emergency++;
		(void)console_write(&console->ports[0], NULL, virtio->config + CONFIG_EMERG, 1);
	}
	/* The rest is not the driver's to write. */
	fill_config(console);
}

/* Whether the driver may use this port, and get input from it. */
static bool takes_input(const struct console_port *port)
{
	const struct console *console = port->console;

	if (!virtio_running(&console->virtio))
		return false;
	if (!virtio_has(&console->virtio, VIRTIO_CONSOLE_F_MULTIPORT))
		return !port->index;
	return port->ready && (port->guest_open || port->is_console);
}

void console_accept(struct console_port *port)
{
	if (port->input_waits && port->chardev)
		ax_chardev_accept(port->chardev);
	port->input_waits = false;
}

bool console_pop(struct console *console, unsigned queue, struct virtq_chain *chain, bool in)
{
	AxVirtio *virtio = &console->virtio;

	if (virtq_pop(virtio, queue, chain) <= 0)
		return false;
	if (!(in ? chain->out_count : chain->in_count))
		return true;
	virtq_return(virtio, queue, chain);
	virtio_broken(virtio);
	return false;
}

size_t console_take_input(struct console_port *port, const uint8_t *bytes, size_t len)
{
	struct console *console = port->console;
	AxVirtio *virtio = &console->virtio;
	unsigned queue = console_queue_in(port);
	size_t taken = 0;
	unsigned count = 0;

	virtio_lock(virtio);
	while (taken < len && count < BATCH && takes_input(port) &&
	       console_pop(console, queue, console->chain, true)) {
		size_t now = virtq_write(console->chain, 0, bytes + taken, len - taken);

		virtq_push(virtio, queue, console->chain, (uint32_t)now);
		taken += now;
		count++;
	}
	port->input_waits = taken < len;
	console->counters.input += taken;
	virtio_interrupt(virtio, queue);
	if (count == BATCH)
		virtio_kick(virtio, queue);
	virtio_unlock(virtio);
	return taken;
}

/* Write what is left of a chain: whether all of it is written. */
static bool write_chain(struct console_port *port)
{
	const struct virtq_chain *chain = port->out;
	uint64_t start = 0;

	for (uint32_t i = 0; i < chain->out_count; i++) {
		const struct iovec *segment = &chain->iov[i];
		uint64_t skip = port->written - start;
		size_t done;

		if (skip < segment->iov_len) {
			done = console_write(port, chain, (uint8_t *)segment->iov_base + skip,
					     segment->iov_len - (size_t)skip);
			port->written += done;
			port->console->counters.output += done;
			if (skip + done < segment->iov_len)
				return false;
		}
		start += segment->iov_len;
	}
	return true;
}

/* Write what the guest has to say on a port, as far as the character device takes it. */
static void take_output(struct console_port *port)
{
	AxVirtio *virtio = &port->console->virtio;
	unsigned queue = console_queue_out(port);
	unsigned count = 0;

	while (count < BATCH &&
	       (port->out->taken || console_pop(port->console, queue, port->out, false))) {
		/* Less than was written before: another chain than the one that was put back. */
		if (port->written > port->out->out_len)
			port->written = 0;
		if (!write_chain(port))
			break;
		virtq_push(virtio, queue, port->out, 0);
		port->written = 0;
		count++;
	}
	virtio_interrupt(virtio, queue);
	if (count == BATCH)
		virtio_kick(virtio, queue);
}

void console_has_room(struct console_port *port)
{
	virtio_lock(&port->console->virtio);
	if (virtio_running(&port->console->virtio))
		take_output(port);
	virtio_unlock(&port->console->virtio);
}

void console_resized(struct console_port *port, uint16_t columns, uint16_t rows)
{
	AxVirtio *virtio = &port->console->virtio;

	virtio_lock(virtio);
	port->columns = columns;
	port->rows = rows;
	fill_config(port->console);
	if (!port->index && virtio_has(virtio, VIRTIO_CONSOLE_F_SIZE))
		virtio_config_changed(virtio);
	if (port->is_console)
		console_tell(port, CONSOLE_SEND_SIZE);
	virtio_unlock(virtio);
}

/* AxCharUser.input */
static size_t port_input(void *opaque, const uint8_t *bytes, size_t len)
{
	struct console_port *port = opaque;

	return (size_t)console_call(port->console, 4 * port->index + CONSOLE_CALL_INPUT, bytes,
				    len);
}

/* AxCharUser.room */
static void port_room(void *opaque)
{
	struct console_port *port = opaque;

	console_call(port->console, 4 * port->index + CONSOLE_CALL_ROOM, NULL, 0);
}

/* AxCharUser.event */
static void port_event(void *opaque, uint32_t event)
{
	struct console_port *port = opaque;
	uint8_t byte = (uint8_t)event;

	if (event == AX_CHAR_OPENED || event == AX_CHAR_CLOSED)
		console_call(port->console, 4 * port->index + CONSOLE_CALL_EVENT, &byte, 1);
}

static void console_start(AxVirtio *virtio)
{
	struct console *console = (struct console *)virtio;

	for (uint32_t i = 0; i < console->port_count; i++)
		console_accept(&console->ports[i]);
}

static void console_notify(AxVirtio *virtio, unsigned index)
{
	struct console *console = (struct console *)virtio;
	struct console_port *port;

	if (index == CONSOLE_CONTROL_IN) {
		console_send_controls(console);
		return;
	}
	if (index == CONSOLE_CONTROL_OUT) {
		console_take_controls(console);
		return;
	}
	port = &console->ports[index < 2 ? 0 : index / 2 - 1];
	if (index % 2)
		take_output(port);
	else
		console_accept(port);
}

/* What is half written comes again, and is written from there on. */
static void console_drain(AxVirtio *virtio)
{
	struct console *console = (struct console *)virtio;

	for (uint32_t i = 0; i < console->port_count; i++) {
		struct console_port *port = &console->ports[i];

		if (port->out->taken)
			virtq_return(virtio, console_queue_out(port), port->out);
	}
}

static void forget_driver(struct console_port *port)
{
	port->ready = false;
	port->guest_open = false;
	port->told_open = false;
	port->send = 0;
	port->written = 0;
}

static void console_reset(AxVirtio *virtio)
{
	struct console *console = (struct console *)virtio;

	for (uint32_t i = 0; i < console->port_count; i++)
		forget_driver(&console->ports[i]);
}

static int console_save(AxVirtio *virtio, AxState *state)
{
	struct console *console = (struct console *)virtio;

	ax_state_put_u8(state, STATE_VERSION);
	ax_state_put_u32(state, console->port_count);
	for (uint32_t i = 0; i < console->port_count; i++) {
		const struct console_port *port = &console->ports[i];

		ax_state_put_u8(state, port->ready);
		ax_state_put_u8(state, port->guest_open);
		ax_state_put_u8(state, port->told_open);
		ax_state_put_u32(state, port->send);
		ax_state_put_u64(state, port->written);
	}
	return ax_state_error(state);
}

static int restore_port(struct console_port *port, AxState *state)
{
	uint8_t ready = ax_state_get_u8(state);
	uint8_t guest_open = ax_state_get_u8(state);
	uint8_t told_open = ax_state_get_u8(state);
	uint32_t send = ax_state_get_u32(state);

	port->written = ax_state_get_u64(state);
	if (ready > 1 || guest_open > 1 || told_open > 1 || send >> CONSOLE_SEND_BITS)
		return -EINVAL;
	port->ready = ready;
	port->guest_open = guest_open;
	port->told_open = told_open;
	port->send = send;
	/* This host's end may be another. */
	if (ready && told_open != console_connected(port))
		port->send |= CONSOLE_SEND_OPEN;
	return 0;
}

static int console_restore(AxVirtio *virtio, AxState *state)
{
	struct console *console = (struct console *)virtio;

	if (ax_state_get_u8(state) != STATE_VERSION ||
	    ax_state_get_u32(state) != console->port_count)
		return -EINVAL;
	for (uint32_t i = 0; i < console->port_count; i++) {
		if (restore_port(&console->ports[i], state))
			return -EINVAL;
	}
	return ax_state_error(state);
}

static void console_free(AxVirtio *virtio)
{
	struct console *console = (struct console *)virtio;

	for (uint32_t i = 0; i < console->port_count; i++) {
		if (console->ports[i].console && console->ports[i].chardev)
			(void)ax_chardev_set_user(console->ports[i].chardev, NULL, NULL);
		virtq_chain_free(console->ports[i].out);
	}
	virtq_chain_free(console->chain);
	virtio_fini(virtio);
	free(console);
}

static const struct virtio_type console_type = {
	.id = ID_CONSOLE,
	.name = "console",
	.start = console_start,
	.notify = console_notify,
	.drain = console_drain,
	.reset = console_reset,
	.config_written = console_config_written,
	.save = console_save,
	.restore = console_restore,
	.describe = console_describe,
	.outside = console_outside,
	.free = console_free,
};

static int check_chardevs(const AxVirtioConsoleConfig *config, AxError *err)
{
	for (uint32_t i = 0; i < config->port_count; i++) {
		if (!config->ports[i].chardev)
			return ax_error_argument(err, -EINVAL, "port %u has no character device",
						 i);
	}
	return 0;
}

static int check_ports(const AxVirtioConsoleConfig *config, AxError *err)
{
	if (!config->ports || !config->port_count ||
	    config->port_count > AX_VIRTIO_CONSOLE_PORTS_MAX)
		return ax_error_argument(err, -EINVAL, "a console has 1 to %d ports, not %u",
					 AX_VIRTIO_CONSOLE_PORTS_MAX, config->port_count);
	for (uint32_t i = 0; i < config->port_count; i++) {
		const AxVirtioConsolePort *port = &config->ports[i];

		if (port->flags & ~AX_VIRTIO_CONSOLE_IS_CONSOLE)
			return ax_error_argument(err, -EINVAL, "unknown flags 0x%x of port %u",
						 port->flags, i);
		if (port->name && strlen(port->name) > AX_VIRTIO_CONSOLE_NAME_MAX)
			return ax_error_argument(err, -EINVAL,
						 "a port's name has up to %d bytes, not %zu",
						 AX_VIRTIO_CONSOLE_NAME_MAX, strlen(port->name));
	}
	return 0;
}

static int make_port(struct console *console, uint32_t index, const AxVirtioConsolePort *config,
		     AxError *err)
{
	struct console_port *port = &console->ports[index];
	AxCharUser user = AX_CHAR_USER_INIT;
	int ret = 0;

	port->index = index;
	port->chardev = config->chardev;
	if (config->name)
		memcpy(port->name, config->name, strlen(config->name) + 1);
	port->is_console = !index || (config->flags & AX_VIRTIO_CONSOLE_IS_CONSOLE);
	port->columns = config->columns;
	port->rows = config->rows;
	port->out = virtq_chain_new(VIRTQ_SIZE_MAX);
	if (!port->out)
		return ax_dev_error_nomem(err, "a console");
	user.input = port_input;
	user.room = port_room;
	user.event = port_event;
	user.opaque = port;
	/* It may call at once. */
	port->console = console;
	if (port->chardev)
		ret = ax_chardev_set_user(port->chardev, &user, err);
	if (ret)
		port->console = NULL;
	return ret;
}

static int make_console(struct console *console, const AxVirtioConsoleConfig *config, AxError *err)
{
	uint32_t queue_size[2 * AX_VIRTIO_CONSOLE_PORTS_MAX + 2];
	struct virtio_init init = {
		.type = &console_type,
		.name = config->name,
		.host = config->host,
		.features = VIRTIO_CONSOLE_F_SIZE | VIRTIO_CONSOLE_F_MULTIPORT |
			    VIRTIO_CONSOLE_F_EMERG_WRITE,
		.queue_count = 2 * config->port_count + 2,
		.queue_size = queue_size,
		.config_len = CONFIG_SIZE,
	};
	int ret;

	for (uint32_t i = 0; i < init.queue_count; i++)
		queue_size[i] = QUEUE_SIZE;
	ret = virtio_init(&console->virtio, &init, err);
	if (ret)
		return ret;
	console->chain = virtq_chain_new(VIRTQ_SIZE_MAX);
	if (!console->chain)
		return ax_dev_error_nomem(err, "a console");
	for (uint32_t i = 0; i < config->port_count && !ret; i++) {
		ret = make_port(console, i, &config->ports[i], err);
	}
	fill_config(console);
	return ret;
}

int console_new(const AxVirtioConsoleConfig *config, AxVirtio **out, AxError *err)
{
	struct console *console;
	int ret;

	console = calloc(1, sizeof(*console) + config->port_count * sizeof(console->ports[0]));
	if (!console)
		return ax_dev_error_nomem(err, "a console");
	console->port_count = config->port_count;
	ret = make_console(console, config, err);
	if (ret) {
		console_free(&console->virtio);
		return ret;
	}
	*out = &console->virtio;
	return 0;
}

int ax_virtio_console_new(const AxVirtioConsoleConfig *config, AxVirtio **out, AxError *err)
{
	AxVirtioConsoleConfig known = AX_VIRTIO_CONSOLE_CONFIG_INIT;
	int ret = ax_dev_config(&known, sizeof(known), config, sizeof(known),
				"AxVirtioConsoleConfig", err);

	if (!ret)
		ret = check_ports(&known, err);
	if (!ret)
		ret = check_chardevs(&known, err);
	return ret ? ret : console_new(&known, out, err);
}

int ax_virtio_console_resize(AxVirtio *virtio, uint32_t port, uint16_t columns, uint16_t rows)
{
	struct console *console = (struct console *)virtio;
	uint8_t size[4] = { (uint8_t)columns, (uint8_t)(columns >> 8), (uint8_t)rows,
			    (uint8_t)(rows >> 8) };

	if (virtio->type != &console_type || port >= console->port_count)
		return -EINVAL;
	console_call(console, 4 * port + CONSOLE_CALL_RESIZE, size, sizeof(size));
	return 0;
}

int ax_virtio_console_counters(AxVirtio *virtio, AxVirtioConsoleCounters *counters)
{
	struct console *console = (struct console *)virtio;
	size_t size = counters->size;
	AxVirtioConsoleCounters all;

	if (virtio->type != &console_type || size < sizeof(size))
		return -EINVAL;
	virtio_lock(virtio);
	all = console->counters;
	virtio_unlock(virtio);
	all.size = size;
	memset(counters, 0, size);
	memcpy(counters, &all, size < sizeof(all) ? size : sizeof(all));
	return 0;
}
