/* SPDX-License-Identifier: Apache-2.0 */
/*
 * axvmm stop, pause, resume, balloon: what is asked of a VM that runs.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/control-client.h"
#include "cli/manage.h"
#include "cli/number.h"

const char stop_help[] =
	"Usage: axvmm stop [--force] [--timeout SECONDS] NAME\n"
	"End a running VM: press its power button, wait until its guest has shut down, and after "
	"the\n"
	"timeout end it all the same.\n"
	"\n"
	"  --force            end it at once, as by pulling the plug\n"
	"  --timeout SECONDS  how long the guest may take (60)\n"
	"  --help             this text\n";
const char pause_help[] = "Usage: axvmm pause NAME\n"
			  "Hold the CPUs of a running VM, until \"axvmm resume NAME\".\n"
			  "\n"
			  "  --help  this text\n";
const char resume_help[] = "Usage: axvmm resume NAME\n"
			   "Let a paused VM go on.\n"
			   "\n"
			   "  --help  this text\n";
const char balloon_help[] =
	"Usage: axvmm balloon NAME SIZE\n"
	"Ask a running guest that has --balloon to leave SIZE (64M, 1G, ...) of its memory to the "
	"host.\n"
	"\n"
	"  --help  this text\n";

#define STOP_TIMEOUT_NS 60000000000u

/* getopt_long() for commands without options. *done: the help was printed. */
static int operands(int argc, char **argv, int count, const char *help, bool *done)
{
	static const struct option long_options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	*done = false;
	optind = 1;
	opterr = 0;
	while ((option = getopt_long(argc, argv, ":h", long_options, NULL)) != -1) {
		if (option != 'h')
			return cli_bad_option(argv[0], option, argv, long_options);
		*done = true;
		fputs(help, stdout);
		return cli_finish_stdout(STATUS_OK);
	}
	if (argc - optind == count)
		return STATUS_OK;
	return cli_usage("%s: %d argument%s expected; \"axvmm help %s\" says which", argv[0], count,
			 count == 1 ? " is" : "s are", argv[0]);
}

static int simple(int argc, char **argv, const char *help, const char *line)
{
	bool done;
	int status = operands(argc, argv, 1, help, &done);

	return status || done ? status : control_request(argv[optind], line, NULL);
}

int cmd_pause(int argc, char **argv)
{
	return simple(argc, argv, pause_help, "{\"request\":\"pause\"}\n");
}

int cmd_resume(int argc, char **argv)
{
	return simple(argc, argv, resume_help, "{\"request\":\"resume\"}\n");
}

int cmd_balloon(int argc, char **argv)
{
	char line[80];
	uint64_t bytes;
	bool done;
	int status = operands(argc, argv, 2, balloon_help, &done);

	if (status || done)
		return status;
	if (!parse_size(argv[optind + 1], &bytes))
		return cli_usage("balloon: %s: no size; 0, 64M and 1G are some", argv[optind + 1]);
	snprintf(line, sizeof(line), "{\"request\":\"balloon\",\"bytes\":%" PRIu64 "}\n", bytes);
	return control_request(argv[optind], line, NULL);
}

/* Wait until the VM has ended. 0; -ETIMEDOUT. */
static int wait_for_end(struct control_link *link, uint64_t timeout_ns)
{
	uint64_t ms = timeout_ns / 1000000 + 1;
	struct json_value *answer;
	int ret = control_link_read(link, ms > 0x7fffffff ? -1 : (int)ms, &answer);

	json_free(answer);
	/* When it closes without a word it has ended, too. */
	return ret == -ETIMEDOUT ? ret : 0;
}

static int ask_stop(struct control_link *link)
{
	struct json_value *answer;
	int ret = control_link_ask(link, "{\"request\":\"stop\"}\n", &answer);

	json_free(answer);
	return ret;
}

static int force(struct control_link *link, const char *name)
{
	int ret = ask_stop(link);

	if (!ret || ret == -EPIPE)
		ret = wait_for_end(link, STOP_TIMEOUT_NS);
	if (!ret)
		return STATUS_OK;
	cli_message("%s: the VM does not end", name);
	return STATUS_HOST;
}

/* On the connection that will tell of the end. */
static int stop(struct control_link *link, const char *name, bool at_once, uint64_t timeout_ns)
{
	struct json_value *answer;
	char text[NUMBER_TEXT_SIZE];
	int ret;

	ret = control_link_ask(link, "{\"request\":\"wait\"}\n", &answer);
	/* By force it goes without being told of the end, if it is heard at all. */
	if (ret == -EPROTO && at_once && !ask_stop(link))
		ret = 0;
	if (ret)
		cli_message("%s: %s", name,
			    ret == -EPROTO ? control_text(answer, "error")
					   : "the VM does not answer");
	json_free(answer);
	if (ret)
		return STATUS_HOST;
	if (at_once)
		return force(link, name);
	ret = control_link_ask(link, "{\"request\":\"power-button\"}\n", &answer);
	if (ret == -EPROTO)
		cli_message("%s: %s: it is ended by force", name, control_text(answer, "error"));
	json_free(answer);
	if (ret == -EPIPE)
		return STATUS_OK;
	if (ret)
		return force(link, name);
	if (!wait_for_end(link, timeout_ns))
		return STATUS_OK;
	cli_message("%s: the guest has not shut down within %s: it is ended by force", name,
		    format_duration(timeout_ns, text));
	return force(link, name);
}

int cmd_stop(int argc, char **argv)
{
	static const struct option long_options[] = {
		{ "force", no_argument, NULL, 'f' },
		{ "timeout", required_argument, NULL, 't' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	uint64_t timeout_ns = STOP_TIMEOUT_NS;
	struct control_link link;
	bool at_once = false;
	int option, status;

	optind = 1;
	opterr = 0;
	while ((option = getopt_long(argc, argv, ":h", long_options, NULL)) != -1) {
		switch (option) {
		case 'f': at_once = true; break;
		case 't':
			if (!parse_seconds(optarg, &timeout_ns))
				return cli_usage("--timeout %s: no number of seconds above 0; 10 "
						 "and 0.5 are some",
						 optarg);
			break;
		case 'h': fputs(stop_help, stdout); return cli_finish_stdout(STATUS_OK);
		default: return cli_bad_option("stop", option, argv, long_options);
		}
	}
	if (argc - optind != 1)
		return cli_usage("stop: the name of one VM is expected; \"axvmm list\" lists those "
				 "that run");
	status = control_link_open(&link, argv[optind], false);
	if (status)
		return status == -EINVAL ? STATUS_USAGE : STATUS_HOST;
	status = stop(&link, argv[optind], at_once, timeout_ns);
	control_link_close(&link);
	return status;
}
