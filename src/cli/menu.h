/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The menu at Ctrl-A: which keys are ours, on the terminal that the guest's console is.
 */
#ifndef AXVMM_CLI_MENU_H
#define AXVMM_CLI_MENU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What it asks for. */
enum console_action {
	CONSOLE_QUIT,	     /* x */
	CONSOLE_PAUSE,	     /* p: pause, or go on */
	CONSOLE_BREAK,	     /* b: send a break */
	CONSOLE_STATISTICS,  /* s: tell what the exits cost so far */
	CONSOLE_POWER_BUTTON /* d: press the power button */
};

struct menu {
	bool escaped; /* the last key was Ctrl-A */
	/* False: this run can't do it, which is then said. */
	bool (*action)(void *opaque, enum console_action action);
	void *opaque;
};

/*
 * Take our keys out of @bytes, and do what they ask for; AxCharFds.filter with the menu as opaque.
 * Ctrl-A Ctrl-A and Ctrl-A a leave one Ctrl-A. Returns how many bytes are left.
 */
size_t menu_filter(void *opaque, uint8_t *bytes, size_t len);

#endif
