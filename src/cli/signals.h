/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals while a guest runs: what ends it, what stops and continues us, and what must not leave
 * the terminal raw. Handlers find the run by this file's state, which is the process's.
 */
#ifndef AXVMM_CLI_SIGNALS_H
#define AXVMM_CLI_SIGNALS_H

#include <stdint.h>

/* No signal has this number. */
#define SIGNALS_TIMEOUT 0

/*
 * From now on SIGHUP, SIGINT, SIGQUIT, SIGTERM and all else that would end the process by default call
 * @end with the signal's number (but all but SIGTERM not where they were ignored before: nohup, jobs
 * of a script), and after @timeout_ns (0: never) with SIGNALS_TIMEOUT. What the process's own mistakes
 * raise ends it as by default, and real-time signals that have a handler keep it. SIGPIPE is
 * ignored.
 *
 * @end  async-signal-safe; called on the main thread
 *
 * Thread: main.
 */
void signals_begin(void (*end)(void *opaque, int number), void *opaque, uint64_t timeout_ns);

/* Undo that. Thread: main. */
void signals_end(void);

#endif
