/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The event loop that devices and the console's input use, on a thread of its own, which is started
 * when something is armed or watched for the first time: most tiny guests never need it.
 *
 * While it is held nothing is dispatched: a machine is built, or taken apart for another one.
 */
#ifndef AXVMM_CLI_IOTHREAD_H
#define AXVMM_CLI_IOTHREAD_H

#include <axvmm/host.h>

struct iothread;

/*
 * Make one, held.
 *
 * @failed: called when the loop cannot be made or its thread cannot be started, with the reason; on
 * any thread. Returns NULL when there is no memory.
 */
struct iothread *iothread_new(void (*failed)(void *opaque, const char *why), void *opaque);

/* Its services, for devices. Owned by the loop. */
AxHost *iothread_host(struct iothread *io);

/* Dispatch from now on. Thread: main, as iothread_hold(). */
void iothread_release(struct iothread *io);

/* End the thread, if there is one: no callback runs until iothread_release(). What is armed, watched
 * and deferred stays so. */
void iothread_hold(struct iothread *io);

/* Free a held loop, whose timers and watches are gone. NULL is allowed. */
void iothread_free(struct iothread *io);

#endif
