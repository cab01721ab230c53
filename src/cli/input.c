/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From standard input to the guest's console. All of it but input_room() and input_guest_printed()
 * runs on the loop's thread, or before there is one.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
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

/*
 * What a serial port receives before the guest has set it up is lost. Guests set it up before they
 * print, so input waits for the first output, but for a guest that prints nothing no longer than
 * this.
 */
#define SETTLE_NS 1000000000u

static const char help_text[] = "\n"
				"Ctrl-A x  quit\n"
				"Ctrl-A a  send Ctrl-A to the guest (Ctrl-A Ctrl-A, too)\n"
				"Ctrl-A h  this help\n"
				"Every other key, Ctrl-C with them, goes to the guest.\n";

struct input {
	AxHost *host;
	AxMachine *machine;
	AxWatch *watch;	     /* NULL: always_ready, or the end was reached */
	AxTimer *background; /* looks again whether the terminal is ours */
	AxTimer *settled;    /* opens without output */
	void (*quit)(void *opaque);
	void *opaque;
	bool terminal;
	bool always_ready;   /* a file: read whenever the guest has room, no need to watch */
	bool ended;	     /* there will be no more bytes to read */
	bool escaped;	     /* the last key was Ctrl-A */
	atomic_bool open;    /* the guest gets input */
	atomic_bool waiting; /* there is some, and it was not open */
	size_t head; /* bytes that the guest has not taken yet: queue[head] to queue[tail] */
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

static void pump(void *opaque);

static void open_now(void *opaque)
{
	struct input *input = opaque;

	atomic_store(&input->open, true);
	pump(input);
}

/* Whether the guest gets input yet. Who opens it looks at `waiting` afterwards: one of both sees
 * the other. */
static bool is_open(struct input *input)
{
	if (atomic_load(&input->open))
		return true;
	atomic_store(&input->waiting, true);
	if (atomic_load(&input->open))
		return true;
	if (input->settled)
		return false;
	input->settled = ax_timer_new(input->host, open_now, input);
	if (!input->settled)
		return true;
	ax_timer_arm(input->settled, ax_host_now(input->host) + SETTLE_NS);
	return false;
}

/* Give the guest what it has room for. True when nothing waits any more. */
static bool feed(struct input *input)
{
	if (input->head < input->tail && is_open(input))
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

void input_guest_printed(struct input *input)
{
	if (atomic_load(&input->open))
		return;
	atomic_store(&input->open, true);
	if (atomic_load(&input->waiting))
		ax_host_defer(input->host, pump, input);
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
	if (!input->background)
		input->background = ax_timer_new(input->host, listen_again, input);
	if (!input->background)
		return false;
	ax_watch_set(input->watch, 0);
	ax_timer_arm(input->background, ax_host_now(input->host) + BACKGROUND_NS);
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
	if (!input->always_ready) {
		/* The callback needs input->watch: nothing is waited for before it is known. */
		if (!ax_watch_new(input->host, STDIN_FILENO, 0, on_readable, input, &input->watch,
				  NULL))
			ax_watch_set(input->watch, AX_WATCH_READ);
		return;
	}
	/* An empty source, most often, needs no loop. */
	read_source(input);
	if (input->tail)
		ax_host_defer(input->host, pump, input);
}

void input_set_machine(struct input *input, AxMachine *machine)
{
	input->machine = machine;
}

void input_free(struct input *input)
{
	if (!input)
		return;
	ax_timer_free(input->settled);
	ax_timer_free(input->background);
	ax_watch_free(input->watch);
	free(input);
}
