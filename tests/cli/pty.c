/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a command on a terminal of its own, as a job in that terminal's foreground, talks with it
 * step by step, and looks at the terminal's settings.
 *
 * usage: pty STEP... -- COMMAND [ARGUMENT...]
 *   expect:TEXT    wait until TEXT has been printed, behind what was expected before
 *   send:TEXT      type TEXT
 *   raw            wait until the terminal is raw: no echo, no lines, no signals
 *   cooked         it is as it was before the command
 *   signal:NUMBER  send the command a signal
 *   stopped        wait until the command is stopped
 *   pause:MS       wait so many milliseconds
 *   hangup         close the other side of the terminal: a shell passes SIGHUP on
 *   background     (first step) do not make the command the terminal's foreground job
 *   foreground     make it that now, as a shell's "fg" does (SIGCONT follows)
 * In TEXT \r, \n, \\ and \xHH stand for what they do in C.
 *
 * What the command prints goes to standard output, then a line "status N", or "signal N" when a
 * signal ended it. Exit status: 0 all steps came true, and the terminal is as it was; else 1, and
 * standard error says why.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define LIMIT_MS   30000
#define OUTPUT_MAX (1 << 20)
#define TEXT_MAX   8192

struct job {
	int master;
	int slave;   /* keeps the settings readable when the command is gone */
	int reports; /* wait statuses, from the session's leader */
	int orders;  /* to the leader: a byte makes the command the foreground job */
	pid_t leader;
	pid_t command;
	struct termios before;
	bool ended;
	bool stopped;
	int status; /* of waitpid(), when ended */
	size_t used;
	size_t seen; /* expected so far */
	char output[OUTPUT_MAX];
};

static struct job job;

static void fail(const char *step, const char *why)
{
	fprintf(stderr, "pty: %s: %s\n", step, why);
	fwrite(job.output, 1, job.used, stderr);
	if (job.command > 0)
		kill(job.command, SIGKILL);
	exit(1);
}

static long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Undo the escapes: the bytes' number. */
static size_t unescape(const char *text, char out[TEXT_MAX])
{
	size_t used = 0;

	while (*text && used < TEXT_MAX) {
		if (text[0] != '\\') {
			out[used++] = *text++;
		} else if (text[1] == 'x' && digit(text[2]) >= 0 && digit(text[3]) >= 0) {
			out[used++] = (char)(digit(text[2]) << 4 | digit(text[3]));
			text += 4;
		} else {
			out[used++] = text[1] == 'r' ? '\r' : text[1] == 'n' ? '\n' : text[1];
			text += text[1] ? 2 : 1;
		}
	}
	return used;
}

/* Take what comes within @ms: output, reports. False when nothing came. */
static bool listen(int ms)
{
	struct pollfd fds[2] = { { .fd = job.master, .events = POLLIN },
				 { .fd = job.reports, .events = POLLIN } };
	ssize_t len;
	int status;

	if (poll(fds, 2, ms) <= 0)
		return false;
	if (fds[0].revents) {
		len = read(job.master, job.output + job.used, OUTPUT_MAX - job.used);
		if (len > 0)
			job.used += (size_t)len;
	}
	if (fds[1].revents && read(job.reports, &status, sizeof(status)) == sizeof(status)) {
		job.stopped = WIFSTOPPED(status);
		if (WIFEXITED(status) || WIFSIGNALED(status)) {
			job.ended = true;
			job.status = status;
		}
	}
	return true;
}

/* Whether the terminal is as it was: but for what the kernel itself notes in c_lflag (PENDIN). */
static bool is_cooked(void)
{
	struct termios now;

	if (tcgetattr(job.slave, &now))
		return false;
	return now.c_iflag == job.before.c_iflag && now.c_oflag == job.before.c_oflag &&
	       now.c_cflag == job.before.c_cflag &&
	       (now.c_lflag & ~(tcflag_t)PENDIN) == (job.before.c_lflag & ~(tcflag_t)PENDIN) &&
	       !memcmp(now.c_cc, job.before.c_cc, sizeof(now.c_cc));
}

static bool is_raw(void)
{
	struct termios now;

	return !tcgetattr(job.slave, &now) && !(now.c_lflag & (ICANON | ECHO | ISIG | IEXTEN)) &&
	       !(now.c_iflag & (ICRNL | IXON));
}

static bool has_printed(const char *text, size_t len)
{
	const char *found = memmem(job.output + job.seen, job.used - job.seen, text, len);

	if (found)
		job.seen = (size_t)(found - job.output) + len;
	return found;
}

/* One look whether a step that waits has come true. */
static bool holds(const char *step, const char *text, size_t len)
{
	if (!strncmp(step, "expect:", 7))
		return has_printed(text, len);
	if (!strcmp(step, "raw"))
		return is_raw();
	if (!strcmp(step, "cooked"))
		return is_cooked();
	return job.stopped;
}

static void wait_for(const char *step)
{
	long end = now_ms() + LIMIT_MS;
	char text[TEXT_MAX];
	size_t len = strchr(step, ':') ? unescape(strchr(step, ':') + 1, text) : 0;

	while (!holds(step, text, len)) {
		if (job.ended && !listen(0) && !holds(step, text, len))
			fail(step, "the command has ended before");
		if (now_ms() > end)
			fail(step, "did not come true");
		listen(20);
	}
}

static void type(const char *step)
{
	char text[TEXT_MAX];
	size_t len = unescape(strchr(step, ':') + 1, text);
	long end = now_ms() + LIMIT_MS;

	for (size_t at = 0; at < len;) {
		ssize_t done = write(job.master, text + at, len - at);

		if (done > 0)
			at += (size_t)done;
		else if (errno != EAGAIN || now_ms() > end)
			fail(step, "cannot be typed");
		listen(done > 0 ? 0 : 20);
	}
}

static void take_step(const char *step)
{
	long end;

	if (!strncmp(step, "send:", 5)) {
		type(step);
	} else if (!strncmp(step, "signal:", 7)) {
		kill(job.command, (int)strtol(step + 7, NULL, 10));
	} else if (!strncmp(step, "pause:", 6)) {
		for (end = now_ms() + strtol(step + 6, NULL, 10); now_ms() < end;)
			listen(20);
	} else if (!strcmp(step, "hangup")) {
		close(job.master);
		job.master = -1;
	} else if (!strcmp(step, "foreground")) {
		if (write(job.orders, "f", 1) != 1)
			fail(step, "the leader is gone");
	} else if (!strncmp(step, "expect:", 7) || !strcmp(step, "raw") ||
		   !strcmp(step, "cooked") || !strcmp(step, "stopped")) {
		wait_for(step);
	} else if (strcmp(step, "background") != 0) {
		fail(step, "is no step");
	}
}

static pid_t led; /* the leader's job */

static void pass_on(int number)
{
	kill(led, number);
}

/* The session's leader: what a shell is. Reports what becomes of its one job, and makes it the
 * foreground's. */
static void lead(int slave, int reports, int orders, bool background, char **command)
{
	struct pollfd fd = { .fd = orders, .events = POLLIN };
	int status;
	pid_t child;
	char order;

	setsid();
	ioctl(slave, TIOCSCTTY, 0);
	signal(SIGTTOU, SIG_IGN);
	child = fork();
	if (!child) {
		setpgid(0, 0);
		if (!background)
			tcsetpgrp(slave, getpid());
		signal(SIGTTOU, SIG_DFL);
		dup2(slave, 0);
		dup2(slave, 1);
		dup2(slave, 2);
		execvp(command[0], command);
		_exit(126);
	}
	led = child;
	signal(SIGHUP, pass_on);
	if (write(reports, &child, sizeof(child)) < 0)
		_exit(1);
	for (;;) {
		if (poll(&fd, 1, 5) > 0 && read(orders, &order, 1) == 1) {
			tcsetpgrp(slave, child);
			kill(child, SIGCONT);
		}
		if (waitpid(child, &status, WUNTRACED | WCONTINUED | WNOHANG) <= 0)
			continue;
		if (write(reports, &status, sizeof(status)) < 0 || WIFEXITED(status) ||
		    WIFSIGNALED(status))
			_exit(0);
	}
}

static void start(bool background, char **command)
{
	int reports[2], orders[2];

	if (openpty(&job.master, &job.slave, NULL, NULL, NULL) || pipe2(reports, O_CLOEXEC) ||
	    pipe2(orders, O_CLOEXEC) || tcgetattr(job.slave, &job.before))
		fail("start", strerror(errno));
	fcntl(job.master, F_SETFL, O_NONBLOCK);
	fcntl(job.master, F_SETFD, FD_CLOEXEC);
	fcntl(job.slave, F_SETFD, FD_CLOEXEC);
	job.leader = fork();
	if (!job.leader) {
		close(job.master);
		lead(job.slave, reports[1], orders[0], background, command);
	}
	close(reports[1]);
	job.reports = reports[0];
	job.orders = orders[1];
	if (read(job.reports, &job.command, sizeof(job.command)) != sizeof(job.command))
		fail("start", "no command");
}

int main(int argc, char **argv)
{
	int separator = 1;
	long end;

	while (separator < argc && strcmp(argv[separator], "--") != 0)
		separator++;
	if (separator + 1 >= argc)
		fail("usage", "STEP... -- COMMAND [ARGUMENT...]");
	start(separator > 1 && !strcmp(argv[1], "background"), argv + separator + 1);
	for (int i = 1; i < separator; i++)
		take_step(argv[i]);

	for (end = now_ms() + LIMIT_MS; !job.ended; listen(20)) {
		if (now_ms() > end)
			fail("end", "the command does not end");
	}
	while (job.master >= 0 && listen(0) && job.used < OUTPUT_MAX && !is_cooked())
		;
	waitpid(job.leader, NULL, 0);
	fwrite(job.output, 1, job.used, stdout);
	if (WIFSIGNALED(job.status))
		printf("\nsignal %d\n", WTERMSIG(job.status));
	else
		printf("\nstatus %d\n", WEXITSTATUS(job.status));
	if (job.master >= 0 && !is_cooked())
		fail("end", "the terminal is not as it was");
	return 0;
}
