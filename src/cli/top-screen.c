/* SPDX-License-Identifier: Apache-2.0 */
/*
 * axvmm top: the terminal. It is raw and shows its other screen while we have it, and is as it was
 * afterwards, whatever ends us.
 *
 * There is one terminal, and signal handlers have to find it: this file's state is the process's.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "cli/top.h"

#define WIDTH_MAX 400
#define KEY_QUIT  3 /* Ctrl-C, raw */

/* Those that end a program by default, those that stop it, and what terminals say. */
static const int watched[] = { SIGINT,	SIGTERM, SIGHUP,  SIGQUIT, SIGPIPE,   SIGALRM,
			       SIGUSR1, SIGUSR2, SIGPWR,  SIGXCPU, SIGVTALRM, SIGPROF,
			       SIGIO,	SIGTSTP, SIGCONT, SIGWINCH };
#define WATCHED (sizeof(watched) / sizeof(watched[0]))

static struct {
	bool entered;
	struct termios before;
	struct sigaction old[WATCHED];
	sigset_t old_mask, wait_mask;
	volatile sig_atomic_t ending; /* the signal */
	volatile sig_atomic_t resized;
	volatile sig_atomic_t stopping;
} screen;

/* What cannot be written to a terminal is not missed. */
static void say(const char *text)
{
	ssize_t done = write(STDOUT_FILENO, text, strlen(text));

	(void)done;
}

static void on_signal(int number)
{
	if (number == SIGWINCH || number == SIGCONT)
		screen.resized = number;
	else if (number == SIGTSTP)
		screen.stopping = number;
	else
		screen.ending = number;
}

static void make_raw(void)
{
	struct termios raw = screen.before;

	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG | IEXTEN);
	raw.c_iflag &= ~(tcflag_t)(ICRNL | IXON);
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	/* The other screen; no cursor. */
	say("\033[?1049h\033[?25l\033[H\033[2J");
}

static void restore(void)
{
	say("\033[?25h\033[?1049l");
	tcsetattr(STDIN_FILENO, TCSANOW, &screen.before);
}

bool top_screen_enter(void)
{
	struct sigaction action = { .sa_handler = on_signal };
	sigset_t mask;

	if (!isatty(STDOUT_FILENO) || tcgetattr(STDIN_FILENO, &screen.before))
		return false;
	/* They come while we wait, and at no other time. */
	sigemptyset(&mask);
	for (size_t i = 0; i < WATCHED; i++)
		sigaddset(&mask, watched[i]);
	sigprocmask(SIG_BLOCK, &mask, &screen.old_mask);
	screen.wait_mask = screen.old_mask;
	for (size_t i = 0; i < WATCHED; i++) {
		sigdelset(&screen.wait_mask, watched[i]);
		sigaction(watched[i], &action, &screen.old[i]);
	}
	screen.entered = true;
	make_raw();
	return true;
}

void top_screen_leave(void)
{
	if (!screen.entered)
		return;
	screen.entered = false;
	restore();
	for (size_t i = 0; i < WATCHED; i++)
		sigaction(watched[i], &screen.old[i], NULL);
	sigprocmask(SIG_SETMASK, &screen.old_mask, NULL);
}

/* As SIGTSTP does by default, with the terminal as it was. SIGCONT has us make it raw again. */
static void stop(void)
{
	screen.stopping = 0;
	restore();
	kill(getpid(), SIGSTOP);
}

/* A key, or the terminal's end. */
static bool key_quits(void)
{
	char keys[32];
	ssize_t len = read(STDIN_FILENO, keys, sizeof(keys));

	if (len <= 0)
		return len == 0 || (errno != EAGAIN && errno != EINTR);
	for (ssize_t i = 0; i < len; i++) {
		if (keys[i] == 'q' || keys[i] == 'Q' || keys[i] == KEY_QUIT)
			return true;
	}
	return false;
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static enum top_event take_resize(void)
{
	/* Whoever stopped us has made the terminal his own. */
	if (screen.resized == SIGCONT)
		make_raw();
	screen.resized = 0;
	return TOP_RESIZED;
}

enum top_event top_screen_wait(uint64_t ns, int *signal)
{
	uint64_t end = now_ns() + ns;

	*signal = 0;
	for (;;) {
		struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
		uint64_t now = now_ns(), left = now < end ? end - now : 0;
		struct timespec timeout = { (time_t)(left / 1000000000u),
					    (long)(left % 1000000000u) };
		int ret = ppoll(&input, 1, &timeout, &screen.wait_mask);

		*signal = screen.ending;
		if (screen.ending || (ret > 0 && key_quits()))
			return TOP_QUIT;
		if (screen.stopping) {
			stop();
			continue;
		}
		if (screen.resized)
			return take_resize();
		if (!ret || now >= end)
			return TOP_TIME;
	}
}

void top_screen_draw(const struct top *top, const char *headline)
{
	struct winsize size = { 0 };
	char *text = NULL;
	size_t len = 0, done = 0;
	FILE *file = open_memstream(&text, &len);

	if (!file)
		return;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || !size.ws_col || !size.ws_row) {
		size.ws_col = 80;
		size.ws_row = 24;
	}
	fputs("\033[H", file);
	/* What stood in a line behind ours goes; the lines below, too. */
	top_draw(top, file, size.ws_col < WIDTH_MAX ? size.ws_col : WIDTH_MAX, size.ws_row,
		 "\033[K\r\n", headline);
	fputs("\033[K\033[J", file);
	fclose(file);
	while (text && done < len) {
		ssize_t ret = write(STDOUT_FILENO, text + done, len - done);

		if (ret < 0 && errno != EINTR)
			break;
		done += ret > 0 ? (size_t)ret : 0;
	}
	free(text);
}
