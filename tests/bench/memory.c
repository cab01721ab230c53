/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much memory commands have for themselves alone while they go on running: a parked guest's
 * cost. Each is started with no input and its output discarded, watched until its memory stays as it is, and
 * killed.
 *
 * usage: memory COMMAND...
 *   COMMAND  one argument, with blanks between its words: "bare --park halt-forever.img"
 *
 * Private dirty is what no other process shares and no file backs. Source: proc(5), smaps_rollup.
 * Exit status: 0, or 1 when something failed, such as a command that ended.
 */
#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/command.h"

#define POLL_MS	     50
#define STEADY_POLLS 10	 /* half a second without a change */
#define LIMIT_POLLS  200 /* ten seconds */

/* KiB. */
struct usage {
	unsigned long private_dirty;
	unsigned long private_clean;
	unsigned long pss;
	unsigned long rss;
};

static void sleep_ms(long ms)
{
	struct timespec time = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	while (nanosleep(&time, &time) && errno == EINTR)
		continue;
}

static bool read_usage(pid_t pid, struct usage *usage)
{
	char path[64], line[256];
	FILE *file;

	(void)snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pid);
	file = fopen(path, "re");
	if (!file)
		err(1, "%s", path);
	*usage = (struct usage){ 0 };
	while (fgets(line, sizeof(line), file)) {
		char *value = strchr(line, ':');

		if (!value)
			continue;
		*value++ = '\0';
		if (!strcmp(line, "Private_Dirty"))
			usage->private_dirty = strtoul(value, NULL, 10);
		else if (!strcmp(line, "Private_Clean"))
			usage->private_clean = strtoul(value, NULL, 10);
		else if (!strcmp(line, "Pss"))
			usage->pss = strtoul(value, NULL, 10);
		else if (!strcmp(line, "Rss"))
			usage->rss = strtoul(value, NULL, 10);
	}
	(void)fclose(file);
	return usage->rss != 0;
}

/* The usage that does not change any more. */
static struct usage settle(pid_t pid, const char *text)
{
	struct usage last = { 0 }, usage;
	unsigned steady = 0;

	for (unsigned i = 0; i < LIMIT_POLLS && steady < STEADY_POLLS; i++) {
		sleep_ms(POLL_MS);
		if (waitpid(pid, NULL, WNOHANG) || !read_usage(pid, &usage))
			errx(1, "it ended instead of running on: %s", text);
		steady = usage.private_dirty == last.private_dirty ? steady + 1 : 0;
		last = usage;
	}
	if (steady < STEADY_POLLS)
		errx(1, "its memory goes on changing: %s", text);
	return last;
}

int main(int argc, char **argv)
{
	unsigned long reference = 0;

	if (argc < 2)
		errx(1, "usage: memory COMMAND...");
	/* Pages of a program that was built just now would count: they are dirty in the page cache. */
	sync();
	printf("%13s %13s %8s %8s %7s   KiB\n", "private dirty", "private clean", "pss", "rss",
	       "ratio");
	for (int i = 1; i < argc; i++) {
		struct command command;
		struct usage usage;
		pid_t pid;

		command_split(&command, argv[i]);
		pid = command_start(&command);
		usage = settle(pid, argv[i]);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		command_free(&command);
		if (!reference)
			reference = usage.private_dirty;
		printf("%13lu %13lu %8lu %8lu %7.2f   %s\n", usage.private_dirty,
		       usage.private_clean, usage.pss, usage.rss,
		       (double)usage.private_dirty / (double)reference, argv[i]);
		(void)fflush(stdout);
	}
	return 0;
}
