/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals while a guest runs.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/time.h>

#include "cli/signals.h"
#include "cli/terminal.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct {
	void (*end)(void *opaque, int number);
	void *opaque;
} run;

static void on_ending(int number)
{
	int saved = errno;

	run.end(run.opaque, number);
	errno = saved;
}

/* With SA_RESETHAND: what is raised here comes when we return, and does what it does by default. */
static void on_fatal(int number)
{
	terminal_leave();
	raise(number);
}

static void on_continue(int number)
{
	(void)number;
	terminal_resume();
}

static void on_resize(int number)
{
	(void)number;
	terminal_resized();
}

static void on_stop(int number);

static const struct {
	int number;
	void (*handler)(int number);
	int flags;
	bool may_be_ignored; /* leave it ignored when it is */
} handlers[] = {
	{ SIGHUP, on_ending, 0, true },
	{ SIGINT, on_ending, 0, true },
	{ SIGQUIT, on_ending, 0, true },
	{ SIGTERM, on_ending, 0, false },
	{ SIGALRM, on_ending, 0, false },
	{ SIGPIPE, SIG_IGN, 0, false },
	{ SIGTSTP, on_stop, SA_RESTART, true },
	{ SIGCONT, on_continue, SA_RESTART, false },
	{ SIGWINCH, on_resize, SA_RESTART, true },
	{ SIGSEGV, on_fatal, (int)SA_RESETHAND, false },
	{ SIGBUS, on_fatal, (int)SA_RESETHAND, false },
	{ SIGFPE, on_fatal, (int)SA_RESETHAND, false },
	{ SIGILL, on_fatal, (int)SA_RESETHAND, false },
	{ SIGABRT, on_fatal, (int)SA_RESETHAND, false },
	{ SIGTRAP, on_fatal, (int)SA_RESETHAND, false },
	{ SIGSYS, on_fatal, (int)SA_RESETHAND, false },
};

static struct sigaction before[COUNT(handlers)];

static void handle(int number, void (*handler)(int number), int flags, struct sigaction *old)
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = flags };

	sigemptyset(&action.sa_mask);
	sigaction(number, &action, old);
}

/* Stop as by default, with the terminal as it was. SIGCONT, which comes first afterwards, makes it
 * raw again. */
static void on_stop(int number)
{
	int saved = errno;
	sigset_t stop, mask;

	terminal_suspend();
	handle(number, SIG_DFL, 0, NULL);
	raise(number);
	sigemptyset(&stop);
	sigaddset(&stop, number);
	sigprocmask(SIG_UNBLOCK, &stop, &mask); /* here we stand still */
	sigprocmask(SIG_SETMASK, &mask, NULL);
	handle(number, on_stop, SA_RESTART, NULL);
	errno = saved;
}

static void set_timer(uint64_t ns)
{
	struct itimerval timer = {
		.it_value = { .tv_sec = (time_t)(ns / 1000000000u),
			      .tv_usec = (suseconds_t)(ns % 1000000000u / 1000u) },
	};

	/* Zero would be never. */
	if (ns && ns < 1000)
		timer.it_value.tv_usec = 1;
	setitimer(ITIMER_REAL, &timer, NULL);
}

void signals_begin(void (*end)(void *opaque, int number), void *opaque, uint64_t timeout_ns)
{
	run.end = end;
	run.opaque = opaque;
	for (size_t i = 0; i < COUNT(handlers); i++) {
		handle(handlers[i].number, handlers[i].handler, handlers[i].flags, &before[i]);
		if (handlers[i].may_be_ignored && before[i].sa_handler == SIG_IGN)
			sigaction(handlers[i].number, &before[i], NULL);
	}
	if (timeout_ns)
		set_timer(timeout_ns);
}

void signals_end(void)
{
	set_timer(0);
	for (size_t i = 0; i < COUNT(handlers); i++)
		sigaction(handlers[i].number, &before[i], NULL);
}
