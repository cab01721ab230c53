/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From standard input to the guest's console. All of it but input_room() runs on the loop's thread.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/input.h"
#include "cli/terminal.h"

#define QUEUE_SIZE 4096
#define READ_SIZE  256

#define ESCAPE 0x01 /* Ctrl-A */

/* How long a background job leaves the terminal alone before it looks again whether it is its own.
 */
#define BACKGROUND_NS 200000000u

static const char help_text[] = "\n"
				"Ctrl-A x  quit\n"
				"Ctrl-A a  send Ctrl-A to the guest (Ctrl-A Ctrl-A, too)\n"
				"Ctrl-A h  this help\n"
				"Every other key, Ctrl-C with them, goes to the guest.\n";

struct input {
	AxHost *host;
	AxMachine *machine;
	AxWatch *watch; /* NULL: always_ready, or the end was reached */
	AxTimer *timer; /* in the background */
	void (*quit)(void *opaque);
	void *opaque;
	bool terminal;
	bool always_ready; /* a file: read whenever the guest has room, no need to watch */
	bool ended;	   /* there will be no more bytes to read */
	bool escaped;	   /* the last key was Ctrl-A */
	size_t head; /* read from the source, not yet taken by the guest: queue[head] to queue[tail]
		      */
	size_t tail;
	unsigned char queue[QUEUE_SIZE];
};

struct input *input_new(AxHost *host, void (*quit)(void *opaque), void *opaque)
{
	struct input *input = malloc(sizeof(*input));

	if (!input)
		return NULL;
	/* The queue's pages stay untouched until something is read. */
	memset(input, 0, offsetof(struct input, queue));
	input->host = host;
	input->quit = quit;
	input->opaque = opaque;
	return input;
}

static void enqueue(struct input *input, unsigned char byte)
{
	/* A guest that does not listen loses keys, as with any terminal; never Ctrl-A x. */
	if (input->tail < QUEUE_SIZE)
		input->queue[input->tail++] = byte;
}

static void take_key(struct input *input, unsigned char byte)
{
	if (!input->escaped) {
		if (byte == ESCAPE)
			input->escaped = true;
		else
			enqueue(input, byte);
		return;
	}
	input->escaped = false;
	switch (byte) {
	case 'x':
	case 'X': input->quit(input->opaque); break;
	case ESCAPE:
	case 'a':
	case 'A': enqueue(input, ESCAPE); break;
	case 'h':
	case 'H':
	case '?':
		/* Nobody is left to be told that it cannot be written. */
		if (write(STDERR_FILENO, help_text, sizeof(help_text) - 1) < 0)
			break;
		break;
	default: break;
	}
}

/* Read once; the caller knows that it does not block. */
static void read_source(struct input *input)
{
	unsigned char bytes[READ_SIZE];
	ssize_t len;

	/* Keys are looked at even when the guest has no room for them: one may be Ctrl-A x. */
	len = read(STDIN_FILENO, bytes, sizeof(bytes));
	for (ssize_t i = 0; i < len; i++) {
		if (input->terminal)
			take_key(input, bytes[i]);
		else
			enqueue(input, bytes[i]);
	}
	if (!len || (len < 0 && errno != EINTR && errno != EAGAIN))
		input->ended = true;
}

/* Give the guest what it has room for. True when nothing waits any more. */
static bool feed(struct input *input)
{
	if (input->head < input->tail)
		input->head += ax_machine_input(input->machine, input->queue + input->head,
						input->tail - input->head);
	if (input->head < input->tail) {
		memmove(input->queue, input->queue + input->head, input->tail - input->head);
		input->tail -= input->head;
		input->head = 0;
		return false;
	}
	input->head = 0;
	input->tail = 0;
	return true;
}

/* Go on after the guest has made room: what waits first, then the source. */
static void pump(void *opaque)
{
	struct input *input = opaque;

	while (feed(input)) {
		if (input->watch)
			ax_watch_set(input->watch, AX_WATCH_READ);
		if (!input->always_ready || input->ended)
			break;
		read_source(input);
	}
}

void input_room(void *opaque)
{
	struct input *input = opaque;

	/* Without memory for it the next key brings the guest on. */
	ax_host_defer(input->host, pump, input);
}

static void listen_again(void *opaque)
{
	struct input *input = opaque;

	if (input->watch)
		ax_watch_set(input->watch, AX_WATCH_READ);
}

/* The terminal is somebody else's. False when there is no memory to wait for it. */
static bool wait_for_terminal(struct input *input)
{
	if (!input->timer)
		input->timer = ax_timer_new(input->host, listen_again, input);
	if (!input->timer)
		return false;
	ax_watch_set(input->watch, 0);
	ax_timer_arm(input->timer, ax_host_now(input->host) + BACKGROUND_NS);
	return true;
}

static void on_readable(void *opaque, int fd, unsigned events)
{
	struct input *input = opaque;

	(void)fd;
	(void)events;
	if (input->terminal && !terminal_is_ours() && wait_for_terminal(input))
		return;
	/* What is not from a terminal waits in its source for a guest that is slow. */
	if (!input->terminal)
		ax_watch_set(input->watch, 0);
	read_source(input);
	if (input->ended) {
		ax_watch_free(input->watch);
		input->watch = NULL;
	}
	pump(input);
}

void input_begin(struct input *input, AxMachine *machine, bool terminal)
{
	struct stat status;

	input->machine = machine;
	input->terminal = terminal;
	if (fstat(STDIN_FILENO, &status))
		return;
	input->always_ready =
		!input->terminal && !S_ISFIFO(status.st_mode) && !S_ISSOCK(status.st_mode);
	if (input->always_ready)
		pump(input);
	else if (ax_watch_new(input->host, STDIN_FILENO, AX_WATCH_READ, on_readable, input,
			      &input->watch, NULL))
		input->watch = NULL;
}

void input_free(struct input *input)
{
	if (!input)
		return;
	ax_timer_free(input->timer);
	ax_watch_free(input->watch);
	free(input);
}
