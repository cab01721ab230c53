/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The menu at Ctrl-A.
 */
#include <unistd.h>

#include "cli/cli.h"
#include "cli/menu.h"

#define ESCAPE 0x01 /* Ctrl-A */

static const char help_text[] = "\n"
				"Ctrl-A x  quit\n"
				"Ctrl-A a  send Ctrl-A to the guest (Ctrl-A Ctrl-A, too)\n"
				"Ctrl-A b  send a break (for Linux's SysRq)\n"
				"Ctrl-A d  press the power button\n"
				"Ctrl-A p  pause, or go on\n"
				"Ctrl-A s  show statistics\n"
				"Ctrl-A h  this help\n"
				"Every other key, Ctrl-C with them, goes to the guest.\n";

static void act(struct menu *menu, enum console_action action, const char *what)
{
	if (!menu->action(menu->opaque, action))
		cli_message("Ctrl-A: this guest can't be %s", what);
}

/* The key behind Ctrl-A: whether it leaves a Ctrl-A for the guest. */
static bool take_key(struct menu *menu, uint8_t key)
{
	switch (key) {
	case ESCAPE:
	case 'a':
	case 'A': return true;
	case 'x':
	case 'X': act(menu, CONSOLE_QUIT, "ended"); break;
	case 'p':
	case 'P':
	case 'c':
	case 'C': act(menu, CONSOLE_PAUSE, "paused"); break;
	case 'b':
	case 'B': act(menu, CONSOLE_BREAK, "sent a break"); break;
	case 's':
	case 'S': act(menu, CONSOLE_STATISTICS, "counted"); break;
	case 'd':
	case 'D': act(menu, CONSOLE_POWER_BUTTON, "told: it has no power button"); break;
	case 'h':
	case 'H':
	case '?':
		/* Nobody is left to be told that it cannot be written. */
		if (write(STDERR_FILENO, help_text, sizeof(help_text) - 1) < 0)
			break;
		break;
	default: break;
	}
	return false;
}

size_t menu_filter(void *opaque, uint8_t *bytes, size_t len)
{
	struct menu *menu = opaque;
	size_t left = 0;

	for (size_t i = 0; i < len; i++) {
		uint8_t key = bytes[i];

		if (!menu->escaped && key == ESCAPE) {
			menu->escaped = true;
		} else if (!menu->escaped) {
			bytes[left++] = key;
		} else {
			menu->escaped = false;
			if (take_key(menu, key))
				bytes[left++] = ESCAPE;
		}
	}
	return left;
}
