/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding a panic of Linux in what a console printed: by its reset alone it cannot be told from a reboot.
 */
#ifndef AXVMM_CLI_PANIC_H
#define AXVMM_CLI_PANIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One console's; {0} has seen nothing. */
struct panic {
	uint64_t printed; /* bytes */
	uint64_t at;	  /* printed, when it was found; 0: it was not */
	unsigned matched; /* bytes of what is looked for */
};

/* The console printed this. One thread at a time. */
void panic_look(struct panic *panic, const uint8_t *bytes, size_t len);

/* Linux's last words were that it panicked: what it prints then stands in the last of its output. */
bool panic_was_told(const struct panic *panic);

#endif
