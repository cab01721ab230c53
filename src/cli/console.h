/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host's end of a guest's console, from what --console says:
 *
 *   stdio                 standard input and output; on a terminal raw, with the menu at Ctrl-A
 *   pty[,link=PATH]       a pseudo-terminal; its name is told on standard error
 *   file:PATH[,append]    output alone
 *   unix:PATH[,connect]   a socket that we listen at, or connect to
 *   null                  nothing
 *
 * A path ends at the next comma.
 */
#ifndef AXVMM_CLI_CONSOLE_H
#define AXVMM_CLI_CONSOLE_H

#include <axvmm/chardev.h>

#include "cli/menu.h"

/* What a console wants of the rest of the command. */
struct console_options {
	const char *option; /* for messages, as of console_check(); borrowed */
	AxHost *host;	    /* borrowed */
	/* The menu; on the host's thread. False: the run can't do it. */
	bool (*action)(void *opaque, enum console_action action);
	/* The terminal has another size; on the host's thread. NULL: nobody cares. */
	void (*resized)(void *opaque, uint16_t columns, uint16_t rows);
	void *opaque;
};

struct console;

/*
 * Whether @spec makes sense, before anything is opened: STATUS_OK, or STATUS_USAGE after a message that
 * begins with @option ("--console ") and @spec.
 */
int console_check(const char *option, const char *spec);

/* Whether it is stdio, which only one console may be. */
bool console_is_stdio(const char *spec);

/* Open it. Returns NULL after a message. The loop does not run. Thread: main. */
struct console *console_open(const char *spec, const struct console_options *options);

/* Its character device, owned by the console. Nobody uses it any more when that is closed. */
AxCharDev *console_chardev(struct console *console);

/* What it is called in messages and in "axvmm status": "pty /dev/pts/3". */
const char *console_name(const struct console *console);

/*
 * stdio on a terminal: make it raw, and tell of its size from now on. Others: nothing. Thread: main,
 * after signals_begin(); the loop does not run.
 */
void console_begin(struct console *console);

/* The size of stdio's terminal. False: it is none, or does not know. */
bool console_size(const struct console *console, uint16_t *columns, uint16_t *rows);

/* Make the terminal as it was. Thread: main. */
void console_leave(struct console *console);

/* Linux's last words on it were that it panicked (panic.h), since it was opened or they were forgotten: the
 * next kernel prints. The guest does not run. */
bool console_told_panic(const struct console *console);
void console_forget_panic(struct console *console);

/* Until it is taken back no vCPU waits for a slow reader, so that all of them can be held. Calls nest. Any
 * thread. */
void console_set_no_wait(struct console *console, bool on);

/* Nobody waits for a slow reader any more: the run is to end. NULL is allowed. Any thread,
 * async-signal-safe. */
void console_hurry(struct console *console);

/*
 * Write what waits, unless in a hurry; close and free. The loop does not run any more, and the
 * character device has no user. NULL is allowed. Returns STATUS_OK, or STATUS_HOST after a message
 * that output was lost.
 */
int console_close(struct console *console);

#endif
