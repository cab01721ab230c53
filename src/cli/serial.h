/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between the guest's serial port and its console's end on the host. What a serial port receives
 * before the guest has set it up is lost. Guests set it up before they print, so input waits for the
 * first output, but for a guest that prints nothing no longer than a second.
 */
#ifndef AXVMM_CLI_SERIAL_H
#define AXVMM_CLI_SERIAL_H

#include <stdbool.h>

#include <axvmm/chardev.h>
#include <axvmm/machine.h>

struct serial_line;

/*
 * @chardev  borrowed; it gets a user
 * @failed   output cannot be written any more; on the host's thread
 * Returns NULL when there is no memory. The host does not dispatch.
 */
struct serial_line *serial_line_new(AxHost *host, AxCharDev *chardev, void (*failed)(void *opaque),
				    void *opaque);

/* Fill what a machine's options say of its console. */
void serial_line_describe(struct serial_line *line, AxMachineOptions *machine);

/* The machine that gets input: borrowed until the next call; NULL: none does. The host does not
 * dispatch. */
void serial_line_set_machine(struct serial_line *line, AxMachine *machine);

/* Send it a break, for which its output does not keep the host waiting: whether it can have one. The host's
 * thread. */
bool serial_line_break(struct serial_line *line);

/* What was printed last does not end a line. The guest does not run. */
bool serial_line_is_open(const struct serial_line *line);

/* The host does not dispatch. NULL is allowed. */
void serial_line_free(struct serial_line *line);

#endif
