/* SPDX-License-Identifier: Apache-2.0 */
/*
 * axvmm top: what running VMs are busy with.
 */
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli/cli.h"
#include "cli/manage.h"
#include "cli/number.h"
#include "cli/top.h"

const char top_help[] =
	"Usage: axvmm top [--once] [--json] [--interval SECONDS] [NAME]...\n"
	"Show what running VMs are busy with: all of this user's that have a name, or these. On a\n"
	"terminal q or Ctrl-C ends it.\n"
	"\n"
	"  --once              one reading, of one interval\n"
	"  --json              a JSON object for each reading, on a line of its own\n"
	"  --interval SECONDS  between two readings (1)\n"
	"  --help              this text\n";

#define INTERVAL_NS 1000000000u
#define TEXT_WIDTH  80 /* where nobody says how wide */

struct options {
	bool once, json;
	uint64_t interval_ns;
};

static void sleep_ns(uint64_t ns)
{
	struct timespec left = { (time_t)(ns / 1000000000u), (long)(ns % 1000000000u) };

	while (nanosleep(&left, &left))
		;
}

/* Without a screen: readings one after the other. */
static int print(struct top *top, const struct options *options)
{
	int status = top_ask(top);

	while (!status) {
		sleep_ns(options->interval_ns);
		status = top_ask(top);
		if (status)
			break;
		if (options->json)
			top_print_json(top, (double)options->interval_ns / 1e9);
		else
			top_draw(top, stdout, TEXT_WIDTH, 0, "\n", NULL);
		status = cli_finish_stdout(STATUS_OK);
		if (options->once || (*top->wanted && !top->count))
			break;
		if (!options->json)
			putchar('\n');
	}
	return status;
}

static const char *make_headline(const struct top *top, const struct options *options, char *text,
				 size_t size)
{
	char interval[NUMBER_TEXT_SIZE];

	snprintf(text, size, "axvmm top: %zu VM%s, every %s; q quits", top->count,
		 top->count == 1 ? "" : "s", format_duration(options->interval_ns, interval));
	return text;
}

/* On the terminal, which is ours. */
static int show(struct top *top, const struct options *options)
{
	enum top_event event = TOP_TIME;
	int status = STATUS_OK, signal = 0;
	bool first = true;
	char headline[100];

	for (;;) {
		if (event == TOP_TIME)
			status = top_ask(top);
		if (status || (*top->wanted && !top->count))
			return status;
		top_screen_draw(top, make_headline(top, options, headline, sizeof(headline)));
		/* The first one has nothing to compare with. */
		event = top_screen_wait(first && options->interval_ns > INTERVAL_NS / 4
						? INTERVAL_NS / 4
						: options->interval_ns,
					&signal);
		first = false;
		if (event == TOP_QUIT)
			return signal ? STATUS_SIGNAL + signal : STATUS_OK;
	}
}

static int watch(struct top *top, const struct options *options)
{
	int status;

	/* What is wrong with the names is said where it stays to be read. */
	if (*top->wanted) {
		status = top_ask(top);
		if (status)
			return status;
	}
	if (options->once || options->json || !top_screen_enter())
		return print(top, options);
	status = show(top, options);
	top_screen_leave();
	return status;
}

int cmd_top(int argc, char **argv)
{
	static const struct option long_options[] = {
		{ "once", no_argument, NULL, 'o' },
		{ "json", no_argument, NULL, 'j' },
		{ "interval", required_argument, NULL, 'i' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct options options = { .interval_ns = INTERVAL_NS };
	struct top top = { 0 };
	int option, status;

	optind = 1;
	opterr = 0;
	while ((option = getopt_long(argc, argv, ":h", long_options, NULL)) != -1) {
		switch (option) {
		case 'o': options.once = true; break;
		case 'j': options.json = true; break;
		case 'i':
			if (!parse_seconds(optarg, &options.interval_ns) ||
			    options.interval_ns < INTERVAL_NS / 10)
				return cli_usage("--interval %s: no number of seconds from 0.1 on; "
						 "1 and 0.5 are some",
						 optarg);
			break;
		case 'h': fputs(top_help, stdout); return cli_finish_stdout(STATUS_OK);
		default: return cli_bad_option("top", option, argv, long_options);
		}
	}
	top.wanted = argv + optind;
	status = watch(&top, &options);
	top_free(&top);
	return status;
}
