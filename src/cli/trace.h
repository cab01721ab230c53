/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing a run's exits and their answers to a file, in the format of docs/TRACE. The file outlives
 * the machine: that of a guest that reboots goes on in it. What is written is readable at any time.
 */
#ifndef AXVMM_CLI_TRACE_H
#define AXVMM_CLI_TRACE_H

#include <stdatomic.h>

#include <axvmm/machine.h>
#include <axvmm/trace.h>

#include "cli/json.h"
#include "cli/options.h"

struct trace;

/*
 * Refuse to overwrite what is no trace: the image, an initrd, and a file that holds something else,
 * as when an argument is missing. STATUS_OK also where nothing is; else STATUS_USAGE, after a
 * message.
 */
int trace_check(const struct run_options *options);

/* Whether there is a file at @path that holds something, and that is no trace. */
bool trace_would_overwrite(const char *path);

/*
 * Create or empty the file.
 *
 * @param path    copied; "-" is no special name
 * @param waits   for the reader of a named pipe; else one that nobody reads is refused
 * @param hurry   as in struct writer: borrowed
 * @param failed  called when it cannot be written any more, on the trace's thread; NULL allowed
 * @return NULL, with errno, when it cannot be written or there is no memory
 */
struct trace *trace_open(const char *path, bool waits, const atomic_bool *hurry,
			 void (*failed)(void *opaque), void *opaque);

/*
 * Begin with a machine, which may run; and end with it, before it is freed. Between them others may
 * have their turn: the file has all of them. The second does nothing without the first.
 *
 * Returns 0 or a negative errno. Thread: any but a vCPU's; one at a time.
 */
int trace_attach(struct trace *trace, AxMachine *machine, AxError *err);
void trace_detach(struct trace *trace);

/* Whether it has a machine; and the errno of a write that failed, or 0. */
bool trace_is_running(const struct trace *trace);
int trace_error(const struct trace *trace);

/* Write what it is as members "file", "exits", "lost", "bytes". */
void trace_put_status(const struct trace *trace, struct json *json);

#define TRACE_VERDICT_SIZE 512

/*
 * Write what is left, close the file, free. NULL is allowed.
 *
 * @param verdict  filled with what there is to say of it: "" when all is well
 * @return false when it is not complete, because it could not be written
 */
bool trace_close(struct trace *trace, char verdict[TRACE_VERDICT_SIZE]);

#endif
