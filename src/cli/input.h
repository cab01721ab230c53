/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From standard input to the guest's console. On a terminal Ctrl-A is ours: Ctrl-A x quits, Ctrl-A
 * a sends a Ctrl-A, Ctrl-A h helps. Everything else, and everything that is no terminal, reaches
 * the guest unchanged.
 */
#ifndef AXVMM_CLI_INPUT_H
#define AXVMM_CLI_INPUT_H

#include <axvmm/host.h>
#include <axvmm/machine.h>

struct input;

/*
 * @quit: Ctrl-A x was typed; called on the loop's thread
 * Returns NULL when there is no memory.
 */
struct input *input_new(AxHost *host, void (*quit)(void *opaque), void *opaque);

/*
 * The guest has printed something: from now on it gets input. Until then input waits, but no longer
 * than a second. Thread: any.
 */
void input_guest_printed(struct input *input);

/* AxMachineOptions.input_room, with the input as opaque. */
void input_room(void *opaque);

/*
 * Begin to read; @terminal: Ctrl-A is ours. The machine is borrowed until input_free(). Not reading
 * is no failure: an input that is closed or at its end gives nothing.
 */
void input_begin(struct input *input, AxMachine *machine, bool terminal);

/* Another machine in its place: the guest reboots. The loop does not run meanwhile. */
void input_set_machine(struct input *input, AxMachine *machine);

/* End. The loop does not run any more. NULL is allowed. */
void input_free(struct input *input);

#endif
