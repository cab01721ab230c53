/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest's consoles: its serial port, and ports of a virtio console, each with an end on the host
 * (console.h). --console SPEC is the serial port's, --console virtio=SPEC[,name=NAME] a port's.
 */
#ifndef AXVMM_CLI_CONSOLES_H
#define AXVMM_CLI_CONSOLES_H

#include <stdbool.h>
#include <string.h>

#include "cli/console.h"
#include "cli/devices.h"
#include "cli/json.h"

#define CONSOLE_VIRTIO "virtio="

/* Whether --console @text is a port of the virtio console. */
static inline bool console_is_virtio(const char *text)
{
	return !strncmp(text, CONSOLE_VIRTIO, strlen(CONSOLE_VIRTIO));
}

/* Whether what --console says makes sense: STATUS_OK, or STATUS_USAGE after a message. */
int consoles_check(const struct run_options *options);

struct consoles;

/*
 * Open all, the serial port's to standard input and output unless @options say otherwise, and add the
 * virtio console, if there is one, to @devices.
 *
 * @host    the loop; @devices_host what devices have of it, which may be recorded
 * @action  as console_options.action
 * Returns STATUS_OK, or another status after a message. *out: consoles_close() is needed in any case.
 * The loop does not run.
 */
int consoles_open(const struct run_options *options, AxHost *host, AxHost *devices_host,
		  struct devices *devices, bool (*action)(void *opaque, enum console_action action),
		  void *opaque, struct consoles **out);

/* The serial port's end; owned by the consoles. */
AxCharDev *consoles_serial(const struct consoles *consoles);

/* As of each console: console_begin(), console_leave(), console_hurry(). NULL is allowed. */
void consoles_begin(struct consoles *consoles);
void consoles_leave(struct consoles *consoles);
void consoles_hurry(struct consoles *consoles);

/* Of all: console_set_no_wait(). NULL is allowed. */
void consoles_set_no_wait(struct consoles *consoles, bool on);

/* Of any console: console_told_panic(). Of all: console_forget_panic(). NULL is allowed. */
bool consoles_told_panic(const struct consoles *consoles);
void consoles_forget_panic(struct consoles *consoles);

/* Wait until all that was printed is out, on standard output for as long as it takes, elsewhere for two
 * seconds, and unless in a hurry; consoles_close() waits no more then. False: not all of it is out. The
 * loop is held. NULL is allowed. */
bool consoles_flush(struct consoles *consoles);

/* An array: what each is, "serial: /dev/pts/3". */
void consoles_put(const struct consoles *consoles, struct json *json);

/* Close all: the devices are gone. STATUS_OK, or STATUS_HOST after a message. NULL is allowed. */
int consoles_close(struct consoles *consoles);

#endif
