/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many user-space instructions, and how many system calls, an exit costs: from one KVM_RUN to
 * the next, counted by ptrace single-step (step.h). The counts are exact and do not depend on how
 * busy the machine is.
 *
 * usage: insns [-n SAMPLES] [-f TEXT] [-l] [-c]     a table of the scenarios (scenario.c)
 *        insns [-n SAMPLES] [-w EXITS] [-l] COMMAND...  of any programs that make KVM_RUN
 *        insns -r SCENARIO                          run one, for ever: what gets single-stepped
 *   -n SAMPLES  exits to look at, default 200
 *   -f TEXT     only scenarios with this in their name
 *   -c          check: only scenarios with a limit, of which no exit may cost more, nor more than one
 *               system call
 *   -w EXITS    of a command that come first and don't count, default 100: firmware, start-up
 *   -l          list the instructions of each last exit: object and offset, for addr2line
 *   COMMAND     one argument, with blanks between its words
 * Ratios are to the first command, or to the scenario that is the bare loop of the same access.
 * Exit status: 0, or 1 when something failed, or cost more than it may.
 */
#include <err.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/bench/command.h"
#include "tests/bench/scenario.h"
#include "tests/bench/step.h"

#define SAMPLES_MOST 100000

static int by_instructions(const void *a, const void *b)
{
	const struct step_sample *first = a, *second = b;

	return (first->instructions > second->instructions) -
	       (first->instructions < second->instructions);
}

static void print_head(void)
{
	printf("%8s %8s %8s %7s %12s   instructions for each exit\n", "min", "median", "max",
	       "ratio", "system calls");
}

/* What was measured of one program. */
struct figures {
	unsigned median, most; /* instructions */
	unsigned calls;	       /* at most */
};

/* @reference: the median that the ratio is to; 0: this one. */
static struct figures print_row(const char *name, struct step_sample *samples, size_t count,
				unsigned reference)
{
	unsigned least = samples[0].calls, most = samples[0].calls, median;
	char calls[32];

	for (size_t i = 1; i < count; i++) {
		least = samples[i].calls < least ? samples[i].calls : least;
		most = samples[i].calls > most ? samples[i].calls : most;
	}
	qsort(samples, count, sizeof(*samples), by_instructions);
	median = samples[count / 2].instructions;
	if (least == most)
		(void)snprintf(calls, sizeof(calls), "%u", most);
	else
		(void)snprintf(calls, sizeof(calls), "%u to %u", least, most);
	printf("%8u %8u %8u %7.2f %12s   %s\n", samples[0].instructions, median,
	       samples[count - 1].instructions, (double)median / (reference ? reference : median),
	       calls, name);
	(void)fflush(stdout);
	return (struct figures){ median, samples[count - 1].instructions, most };
}

static struct figures measure(const char *name, char *const argv[],
			      const struct step_options *options, unsigned reference)
{
	struct figures figures;
	struct step_sample *samples = calloc(options->samples, sizeof(*samples));
	size_t count;

	if (!samples)
		err(1, "samples");
	count = step_run(argv, options, samples);
	if (!count)
		errx(1, "%s ended before its exits could be counted", name);
	figures = print_row(name, samples, count, reference);
	free(samples);
	return figures;
}

static int run_scenario(const char *name)
{
	for (size_t i = 0; i < scenario_count; i++) {
		if (strcmp(scenarios[i].name, name) != 0)
			continue;
		if (scenarios[i].program == PROGRAM_BARE)
			scenario_run_bare(&scenarios[i]);
		else
			scenario_run_library(&scenarios[i]);
	}
	errx(1, "there is no scenario \"%s\"", name);
}

/* Limits are for gcc's code; clang 14 makes up to a sixteenth more of the UART's and the trace's. */
static unsigned allowed(const struct scenario *scenario)
{
#ifdef __clang__
	return scenario->most + scenario->most / 16;
#else
	return scenario->most;
#endif
}

/* Whether a scenario keeps its limit; says so when not. */
static bool keeps_limit(const struct scenario *scenario, const struct figures *figures)
{
	if (figures->most <= allowed(scenario) && figures->calls == 1)
		return true;
	printf("%s: %u instructions and %u system calls: more than %u and 1\n", scenario->name,
	       figures->most, figures->calls, allowed(scenario));
	return false;
}

/* Whether all went well. */
static bool measure_scenarios(const char *filter, bool check, const struct step_options *given)
{
	char self[] = "/proc/self/exe", option[] = "-r", name[64];
	char *argv[] = { self, option, name, NULL };
	unsigned bare[2][2] = { 0 }; /* medians, by space and direction */
	bool good = true;

	for (size_t i = 0; i < scenario_count; i++) {
		const struct scenario *scenario = &scenarios[i];
		unsigned *reference = &bare[scenario->space][!!scenario->is_write];
		struct step_options options = *given;
		struct figures figures;

		if (!strstr(scenario->name, filter) || (check && !scenario->most))
			continue;
		/* After two rounds of the guest all that is cached is; then a round at least. */
		options.warm_up = 2 * scenario->accessed + 1;
		if (options.samples < scenario->accessed)
			options.samples = scenario->accessed;
		(void)snprintf(name, sizeof(name), "%s", scenario->name);
		figures = measure(name, argv, &options, *reference);
		if (!*reference)
			*reference = figures.median;
		if (check && !keeps_limit(scenario, &figures))
			good = false;
	}
	return good;
}

static void measure_commands(char *const texts[], const struct step_options *options)
{
	unsigned reference = 0;

	for (; *texts; texts++) {
		struct command command;
		struct figures figures;

		command_split(&command, *texts);
		figures = measure(*texts, command.words, options, reference);
		command_free(&command);
		if (!reference)
			reference = figures.median;
	}
}

/* Why there is nothing to check; NULL: there is. */
static const char *cannot_check(void)
{
#if !defined(__OPTIMIZE__)
	return "this build is not optimised";
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	return "this build is instrumented";
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
	return "this build is instrumented";
#endif
#endif
	if (access("/dev/kvm", R_OK | W_OK))
		return "/dev/kvm is not there, or may not be opened";
	return step_is_possible() ? NULL : "ptrace may not single-step here";
}

int main(int argc, char **argv)
{
	/* The first KVM_RUNs of a program are about its start. */
	struct step_options options = {
		.warm_up = 100, .samples = 200, .limit = 1000000, .seconds = 60
	};
	const char *filter = "", *reason;
	bool check = false;
	int option;

	while ((option = getopt(argc, argv, "n:f:clr:w:")) != -1) {
		switch (option) {
		case 'n': options.samples = (unsigned)strtoul(optarg, NULL, 0); break;
		case 'f': filter = optarg; break;
		case 'c': check = true; break;
		case 'l': options.list = true; break;
		case 'r': return run_scenario(optarg);
		case 'w': options.warm_up = (unsigned)strtoul(optarg, NULL, 0); break;
		default:
			errx(1, "usage: insns [-n SAMPLES] [-f TEXT] [-w EXITS] [-l] [-c] "
				"[COMMAND...]");
		}
	}
	if (!options.samples || options.samples > SAMPLES_MOST || !options.warm_up)
		errx(1, "-n takes 1 to %d, -w 1 and more", SAMPLES_MOST);
	reason = check ? cannot_check() : NULL;
	if (reason) {
		printf("SKIP: %s\n", reason);
		return 77;
	}
	print_head();
	if (optind == argc)
		return measure_scenarios(filter, check, &options) ? 0 : 1;
	measure_commands(&argv[optind], &options);
	return 0;
}
