/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The console device inside (section 5.3): what console.c (ports and their bytes) and
 * console_control.c (control messages) share.
 *
 * Queues (section 5.3.2): 0 and 1 are port 0's, 2 and 3 carry control messages, 2n + 2 and 2n + 3 are
 * port n's; the first of each pair is for what the device says.
 */
#ifndef AXVMM_DEV_VIRTIO_CONSOLE_H
#define AXVMM_DEV_VIRTIO_CONSOLE_H

#include <axvmm/virtio_console.h>

#include "dev/virtio/virtio.h"

/* Features (section 5.3.3). */
#define VIRTIO_CONSOLE_F_SIZE	     (1ULL << 0)
#define VIRTIO_CONSOLE_F_MULTIPORT   (1ULL << 1)
#define VIRTIO_CONSOLE_F_EMERG_WRITE (1ULL << 2)

#define CONSOLE_CONTROL_IN  2u
#define CONSOLE_CONTROL_OUT 3u

/* Messages that a port is to get, in this order. */
#define CONSOLE_SEND_ADD     (1u << 0)
#define CONSOLE_SEND_CONSOLE (1u << 1)
#define CONSOLE_SEND_NAME    (1u << 2)
#define CONSOLE_SEND_SIZE    (1u << 3)
#define CONSOLE_SEND_OPEN    (1u << 4)
#define CONSOLE_SEND_BITS    5

struct console;

struct console_port {
	struct console *console;
	uint32_t index;
	AxCharDev *chardev;
	char name[AX_VIRTIO_CONSOLE_NAME_MAX + 1]; /* empty: none */
	bool is_console;
	uint16_t columns, rows;
	/* What the driver knows. */
	bool ready;	 /* PORT_READY */
	bool guest_open; /* PORT_OPEN of the guest's */
	bool told_open;	 /* PORT_OPEN of ours, as it was said last */
	uint32_t send;	 /* CONSOLE_SEND_* */
	/* Output that the character device has not all taken: the chain, and how much of it went. */
	struct virtq_chain *out;
	uint64_t written;
	bool input_waits; /* the character device has some, and there was no buffer */
};

struct console {
	AxVirtio virtio;
	AxVirtioConsoleCounters counters;
	struct virtq_chain *chain; /* for what is given back at once */
	uint32_t port_count;
	struct console_port ports[];
};

static inline unsigned console_queue_in(const struct console_port *port)
{
	return port->index ? 2 * port->index + 2 : 0;
}

static inline unsigned console_queue_out(const struct console_port *port)
{
	return console_queue_in(port) + 1;
}

/*
 * What a replay makes it of: how many ports, then for each whether it is a console, its columns and rows,
 * and its name behind the name's length.
 */
#define CONSOLE_DESCRIPTION	 "console ports=%u"
#define CONSOLE_PORT_DESCRIPTION " %u %hu %hu %u:"

/* console.c: ax_virtio_console_new() of a sound configuration, also of ports without a character device: a
 * replay's. */
int console_new(const AxVirtioConsoleConfig *config, AxVirtio **out, AxError *err);

/* All with the lock. */

/* console_control.c: messages of the driver's; messages to it, as far as it has buffers. */
void console_take_controls(struct console *console);
void console_send_controls(struct console *console);
/* Have these said to the driver, where it may be told. On the host's thread soon. */
void console_tell(struct console_port *port, uint32_t send);

/*
 * console_outside.c: what a port has of its character device, which a replay has from the recording.
 * Write: bytes taken, from the start. @chain: whose memory @bytes is; NULL: the device's own.
 */
size_t console_write(struct console_port *port, const struct virtq_chain *chain,
		     const uint8_t *bytes, size_t len);
bool console_connected(struct console_port *port);

/*
 * Calls from outside, as recordings number them: of port n the number is 4 * n and one of these. Input has
 * its bytes; an event is one byte, an AxCharEvent; a size is two of 16 bits, columns and rows.
 */
enum { CONSOLE_CALL_INPUT, CONSOLE_CALL_ROOM, CONSOLE_CALL_EVENT, CONSOLE_CALL_RESIZE };

/* Carry one out, and tell the recording: what it returned. For those who really are outside. */
uint64_t console_call(struct console *console, uint32_t what, const void *bytes, size_t len);
/* virtio_type.outside and .describe */
void console_outside(AxVirtio *virtio, uint32_t what, const void *bytes, size_t len);
void console_describe(const AxVirtio *virtio, char *text, size_t size);

/* console.c: what those calls do. */
size_t console_take_input(struct console_port *port, const uint8_t *bytes, size_t len);
void console_has_room(struct console_port *port);
void console_resized(struct console_port *port, uint16_t columns, uint16_t rows);
/* The guest takes input of @port's from now on. */
void console_accept(struct console_port *port);
/*
 * virtq_pop() of a chain that is for the device to write (@in), or to read: section 5.3.6.1. False: there
 * is none, or the device is broken.
 */
bool console_pop(struct console *console, unsigned queue, struct virtq_chain *chain, bool in);

#endif
