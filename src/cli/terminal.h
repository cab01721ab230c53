/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The terminal that the guest's console is: raw while the guest runs, so that every key reaches the
 * guest, and as it was before in every other moment, whatever ends or stops the command.
 *
 * There is one terminal, and signal handlers have to find it: this file's state is the process's.
 */
#ifndef AXVMM_CLI_TERMINAL_H
#define AXVMM_CLI_TERMINAL_H

#include <stdbool.h>

/* Make standard input raw, if it is a terminal; in the background as soon as it is ours. False: it
 * is none. */
bool terminal_enter(void);

/* Make it as it was before, for good. Async-signal-safe; does nothing where nothing is to be done.
 */
void terminal_leave(void);

/* The same until terminal_resume() makes it raw again. Async-signal-safe. */
void terminal_suspend(void);
void terminal_resume(void);

/* Whether we are in its foreground, and so may read from it and change it. Async-signal-safe. */
bool terminal_is_ours(void);

/*
 * An eventfd that counts changes of the terminal's size from now on; the terminal's own, for as long as
 * the process lives. A negative errno when there is none to be had. terminal_resized() says that there
 * was one: async-signal-safe.
 */
int terminal_resize_event(void);
void terminal_resized(void);

#endif
