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

/* The timer's comes from the kernel; somebody else's is a signal like others. */
static void on_alarm(int number, siginfo_t *info, void *context)
{
	(void)context;
	on_ending(info->si_code > 0 ? SIGNALS_TIMEOUT : number);
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
	{ SIGUSR1, on_ending, 0, true },
	{ SIGUSR2, on_ending, 0, true },
	{ SIGSTKFLT, on_ending, 0, true },
	{ SIGXCPU, on_ending, 0, true },
	{ SIGVTALRM, on_ending, 0, true },
	{ SIGPROF, on_ending, 0, true },
	{ SIGIO, on_ending, 0, true },
	{ SIGPWR, on_ending, 0, true },
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

/* The real-time signals that end the run: bit number - 1. */
static uint64_t realtime;

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

/* The library's kick has a handler, and what else has a use or is ignored stays so, too. */
static void begin_realtime(void)
{
	struct sigaction old;

	for (int number = SIGRTMIN; number <= SIGRTMAX && number <= 64; number++) {
		if (sigaction(number, NULL, &old) || (old.sa_flags & SA_SIGINFO) ||
		    old.sa_handler != SIG_DFL)
			continue;
		handle(number, on_ending, 0, NULL);
		realtime |= UINT64_C(1) << (number - 1);
	}
}

static void end_realtime(void)
{
	for (int number = 1; realtime; number++, realtime >>= 1) {
		if (realtime & 1)
			handle(number, SIG_DFL, 0, NULL);
	}
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
	struct sigaction alarm = { .sa_sigaction = on_alarm, .sa_flags = SA_SIGINFO };

	run.end = end;
	run.opaque = opaque;
	for (size_t i = 0; i < COUNT(handlers); i++) {
		handle(handlers[i].number, handlers[i].handler, handlers[i].flags, &before[i]);
		if (handlers[i].may_be_ignored && before[i].sa_handler == SIG_IGN)
			sigaction(handlers[i].number, &before[i], NULL);
	}
	begin_realtime();
	if (timeout_ns) {
		sigemptyset(&alarm.sa_mask);
		sigaction(SIGALRM, &alarm, NULL);
		set_timer(timeout_ns);
	}
}

void signals_end(void)
{
	set_timer(0);
	end_realtime();
	for (size_t i = 0; i < COUNT(handlers); i++)
		sigaction(handlers[i].number, &before[i], NULL);
}
