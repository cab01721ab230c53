/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The terminal that the guest's console is.
 */
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <termios.h>
#include <unistd.h>

#include "cli/terminal.h"

static struct {
	volatile sig_atomic_t entered; /* between enter and leave */
	volatile sig_atomic_t known;   /* `before` holds */
	struct termios before;
	volatile sig_atomic_t resize; /* an eventfd + 1; 0: none yet */
} terminal;

bool terminal_is_ours(void)
{
	return tcgetpgrp(STDIN_FILENO) == getpgrp();
}

/* Keys arrive one by one, unchanged and unseen. Output keeps its processing: guests end lines by a
 * newline alone. */
static void make_raw(struct termios *termios)
{
	termios->c_iflag &=
		(tcflag_t) ~(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
	termios->c_lflag &= (tcflag_t) ~(ECHO | ECHONL | ICANON | ISIG | IEXTEN);
	termios->c_cc[VMIN] = 1;
	termios->c_cc[VTIME] = 0;
}

bool terminal_enter(void)
{
	if (!isatty(STDIN_FILENO))
		return false;
	terminal.entered = 1;
	terminal_resume();
	return true;
}

void terminal_resume(void)
{
	struct termios raw;
	int saved = errno;

	/* In the background it is somebody else's: a change would stop us, and what it is now is
	 * not ours to keep. */
	if (terminal.entered && terminal_is_ours()) {
		if (!terminal.known && !tcgetattr(STDIN_FILENO, &terminal.before))
			terminal.known = 1;
		raw = terminal.before;
		make_raw(&raw);
		if (terminal.known)
			tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	}
	errno = saved;
}

void terminal_suspend(void)
{
	int saved = errno;

	if (terminal.entered && terminal.known && terminal_is_ours())
		tcsetattr(STDIN_FILENO, TCSANOW, &terminal.before);
	errno = saved;
}

void terminal_leave(void)
{
	terminal_suspend();
	terminal.entered = 0;
}

int terminal_resize_event(void)
{
	if (!terminal.resize)
		terminal.resize = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) + 1;
	return terminal.resize ? terminal.resize - 1 : -errno;
}

void terminal_resized(void)
{
	const uint64_t one = 1;
	int saved = errno;

	/* Full means that it is told already. */
	if (terminal.resize && write(terminal.resize - 1, &one, sizeof(one)) < 0)
		errno = saved;
}
