/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing every exit and its answer to a file, one JSON object a line. The man page describes the
 * members. Each vCPU collects lines for itself; they go out when its buffer is full, before it
 * waits, and at the end.
 */
#ifndef AXVMM_CLI_TRACE_H
#define AXVMM_CLI_TRACE_H

#include <stdatomic.h>

#include <axvmm/machine.h>
#include <axvmm/trace.h>

#include "cli/options.h"

struct trace;

/*
 * Refuse to overwrite what is no trace: the image, an initrd, and a file that holds something else,
 * as when an argument is missing. STATUS_OK also where nothing is; else STATUS_USAGE, after a
 * message.
 */
int trace_check(const struct run_options *options);

/*
 * Create or empty the file.
 *
 * @param path   borrowed; "-" is no special name
 * @param hurry  as in struct writer: borrowed
 * @return NULL when it cannot be written or there is no memory: a message has been printed
 */
struct trace *trace_open(const char *path, uint32_t cpus, const atomic_bool *hurry);

/* The machine that tells whose addresses are: borrowed until trace_close(). Before the first exit.
 */
void trace_set_machine(struct trace *trace, const AxMachine *machine);

/* Take an exit. False when the file cannot be written any more. Thread: its vCPU's. */
bool trace_exit(struct trace *trace, const AxExitRecord *record);

/* Write what is left, close the file, free. False when lines are lost: a message has been printed.
 * NULL is allowed. */
bool trace_close(struct trace *trace);

#endif
