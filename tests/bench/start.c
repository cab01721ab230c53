/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long commands take from their start to their end, run in turn, so that what else the machine
 * does strikes all of them alike. Output is discarded; all of them have to succeed.
 *
 * usage: start [-n ROUNDS] [-a] COMMAND...
 *   COMMAND    one argument, with blanks between its words: "bare hello-real.img"
 *   -n ROUNDS  default 40
 *   -a         any exit status is a success
 * Ratios are to the first command, of the medians. Exit status: 0, or 1 when something failed.
 */
#include <err.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/command.h"

#define CONTENDERS_MOST 16
#define ROUNDS_MOST	10000
#define WARM_UP		3
#define LIMIT_SECONDS	600

/* What one run took, in seconds. */
struct run {
	double wall;
	double cpu; /* user and system */
};

struct contender {
	struct command command;
	struct run *runs;
};

static double seconds_of(struct timeval time)
{
	return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static struct run run(const struct command *command, bool any_status)
{
	struct rusage usage;
	struct run result;
	double begin = now();
	pid_t pid = command_start(command);
	int status;

	while (wait4(pid, &status, 0, &usage) < 0) {
		if (errno != EINTR)
			err(1, "wait4");
	}
	result.wall = now() - begin;
	result.cpu = seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
	if (!WIFEXITED(status) || (WEXITSTATUS(status) && !any_status))
		errx(1, "%s: ended with status 0x%x", command->text, (unsigned)status);
	return result;
}

static int by_wall(const void *a, const void *b)
{
	const struct run *first = a, *second = b;

	return (first->wall > second->wall) - (first->wall < second->wall);
}

static int by_cpu(const void *a, const void *b)
{
	const struct run *first = a, *second = b;

	return (first->cpu > second->cpu) - (first->cpu < second->cpu);
}

static void report(struct contender *contenders, size_t count, unsigned rounds)
{
	double reference = 0, median, cpu;

	printf("%8s %8s %8s %8s %7s   milliseconds, %u rounds in turn\n", "min", "median", "max",
	       "cpu", "ratio", rounds);
	for (size_t i = 0; i < count; i++) {
		struct run *runs = contenders[i].runs;

		qsort(runs, rounds, sizeof(*runs), by_cpu);
		cpu = runs[rounds / 2].cpu;
		qsort(runs, rounds, sizeof(*runs), by_wall);
		median = runs[rounds / 2].wall;
		if (!i)
			reference = median;
		printf("%8.2f %8.2f %8.2f %8.2f %7.2f   %s\n", runs[0].wall * 1e3, median * 1e3,
		       runs[rounds - 1].wall * 1e3, cpu * 1e3, median / reference,
		       contenders[i].command.text);
	}
}

int main(int argc, char **argv)
{
	struct contender contenders[CONTENDERS_MOST];
	unsigned rounds = 40;
	bool any_status = false;
	size_t count = 0;
	int option;

	while ((option = getopt(argc, argv, "an:")) != -1) {
		switch (option) {
		case 'a': any_status = true; break;
		case 'n': rounds = (unsigned)strtoul(optarg, NULL, 0); break;
		default: errx(1, "usage: start [-n ROUNDS] [-a] COMMAND...");
		}
	}
	if (!rounds || rounds > ROUNDS_MOST)
		errx(1, "-n takes 1 to %d", ROUNDS_MOST);
	if (optind == argc || argc - optind > CONTENDERS_MOST)
		errx(1, "1 to %d commands", CONTENDERS_MOST);
	for (; optind < argc; optind++, count++) {
		command_split(&contenders[count].command, argv[optind]);
		contenders[count].runs = calloc(rounds, sizeof(struct run));
		if (!contenders[count].runs)
			err(1, "runs");
	}
	alarm(LIMIT_SECONDS);
	for (unsigned i = 0; i < WARM_UP; i++) {
		for (size_t j = 0; j < count; j++)
			(void)run(&contenders[j].command, any_status);
	}
	for (unsigned i = 0; i < rounds; i++) {
		for (size_t j = 0; j < count; j++)
			contenders[j].runs[i] = run(&contenders[j].command, any_status);
	}
	report(contenders, count, rounds);
	for (size_t i = 0; i < count; i++) {
		command_free(&contenders[i].command);
		free(contenders[i].runs);
	}
	return 0;
}
