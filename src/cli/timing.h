/* SPDX-License-Identifier: Apache-2.0 */
/*
 * axvmm run --timing: where the time from the command to the guest's first output goes. Every
 * function allows NULL, which is how it is off.
 */
#ifndef AXVMM_CLI_TIMING_H
#define AXVMM_CLI_TIMING_H

#include <stdint.h>

#include <axvmm/chardev.h>
#include <axvmm/trace.h>

/* Nanoseconds: CLOCK_MONOTONIC. */
uint64_t timing_now(void);

struct timing;

/* @begin_ns: when the command began. NULL, after a message, when there is no memory. */
struct timing *timing_new(uint64_t begin_ns);

/*
 * A phase is over: it began where the one before ended. @phase is a constant string. Beginning
 * with the second machine of a guest that reboots nothing is taken any more. Any thread; also as the
 * library's AxPhaseFn, with the struct timing as opaque.
 */
void timing_mark(struct timing *timing, const char *phase);
void timing_phase(void *timing, const char *phase);

/* Pass on what the guest prints, but look at its beginning: for the machine's console. */
void timing_watch_output(struct timing *timing, AxCharSink *sink);

/* An exit: true, the first time, when it was the guest's first. The vCPU's thread. */
bool timing_exit(struct timing *timing, const AxExitRecord *record);

/* The guest reboots: what comes now is not its start. */
void timing_finish(struct timing *timing);

/* Say it all on standard error, and free it. Nothing runs any more. */
void timing_end(struct timing *timing);

#endif
