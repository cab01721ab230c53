/* SPDX-License-Identifier: Apache-2.0 */
/*
 * axvmm replay: feed a recording to the device models, and compare.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <axvmm/machine.h>
#include <axvmm/record.h>

#include "cli/cli.h"

/* Of this subcommand alone. */
enum { STATUS_DIFFERENT = 1 };

#define CONTEXT 8 /* units before the one that differs */

const char replay_help[] =
	"Usage: axvmm replay [OPTION]... FILE\n"
	"Feed the recording FILE, which \"axvmm run --record\" wrote, to the device models, "
	"without KVM,\n"
	"and compare what they answer.\n"
	"\n"
	"  --device NAME  this device alone\n"
	"  --verbose      print what is replayed\n"
	"  --help         this text\n"
	"\n"
	"Exit status: 0 all answers are the same; 1 one is not: it is shown, with what came "
	"before; 2 the\n"
	"recording is damaged, or ends too early, and all before is the same; 200 usage; 201 host "
	"failure.\n";

struct replay_options {
	const char *path;
	const char *device;
	bool verbose, help;
};

static int parse(int argc, char **argv, struct replay_options *options)
{
	static const struct option long_options[] = {
		{ "device", required_argument, NULL, 'd' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	opterr = 0;
	optind = 1;
	while ((option = getopt_long(argc, argv, ":", long_options, NULL)) != -1) {
		switch (option) {
		case 'd': options->device = optarg; break;
		case 'v': options->verbose = true; break;
		case 'h': options->help = true; return STATUS_OK;
		default: return cli_bad_option("replay", option, argv, long_options);
		}
	}
	if (argc - optind != 1)
		return cli_usage(
			"replay: one recording is needed; \"axvmm help replay\" says more");
	options->path = argv[optind];
	return STATUS_OK;
}

/* Names are the recording's: a terminal would obey control characters. */
static void print_text(const char *text)
{
	for (; *text; text++)
		putchar((unsigned char)*text < ' ' || *text == 0x7f ? '?' : *text);
}

static void print_line(void *opaque, const char *line)
{
	(void)opaque;
	print_text(line);
	putchar('\n');
}

static void tell_difference(AxRecord *record, AxVm *vm, const AxReplayResult *result)
{
	printf("unit %" PRIu64 "%s", result->unit, *result->device ? ", of " : "");
	print_text(result->device);
	printf(" differs.\nwhat came before%s", *result->device ? " to " : "");
	print_text(result->device);
	printf(", and the unit as it was recorded:\n");
	ax_replay_context(record, vm, result->device, result->unit, CONTEXT + 1, print_line, NULL);
	printf("recorded: %s\n", result->recorded);
	printf("     now: %s\n", result->came);
}

static void tell_counts(const AxReplayResult *result)
{
	printf("%" PRIu64 " exits and %" PRIu64 " host events replayed, %" PRIu64
	       " inputs and %" PRIu64 " outputs",
	       result->exits, result->calls, result->inputs, result->outputs);
	if (result->passed)
		printf(", %" PRIu64 " passed over", result->passed);
}

static int tell(const struct replay_options *options, AxRecord *record, AxVm *vm,
		const AxReplayResult *result)
{
	switch (result->end) {
	case AX_REPLAY_SAME:
		tell_counts(result);
		printf(": all are the same\n");
		return STATUS_OK;
	case AX_REPLAY_DIFFERENT: tell_difference(record, vm, result); return STATUS_DIFFERENT;
	default:
		tell_counts(result);
		printf(": all are the same\n");
		fflush(stdout);
		cli_message("%s: the recording is not whole: %s", options->path, result->recorded);
		return STATUS_DAMAGED;
	}
}

static int replay(const struct replay_options *options, AxRecord *record)
{
	AxReplayOptions how = AX_REPLAY_OPTIONS_INIT;
	AxReplayResult result = AX_REPLAY_RESULT_INIT;
	AxError err = AX_ERROR_INIT;
	AxMachine *machine;
	char what[300];
	int status;

	snprintf(what, sizeof(what), "%s: ", options->path);
	if (ax_machine_replay(record, &machine, &err))
		return cli_failure(what, &err);
	how.device = options->device;
	if (options->verbose)
		how.line = print_line;
	if (ax_replay_run(record, ax_machine_vm(machine), &how, &result, &err))
		status = cli_failure(NULL, &err);
	else
		status = tell(options, record, ax_machine_vm(machine), &result);
	ax_machine_free(machine);
	return status;
}

int cmd_replay(int argc, char **argv)
{
	struct replay_options options = { .path = NULL };
	AxImageSource file = AX_IMAGE_SOURCE_INIT;
	AxError err = AX_ERROR_INIT;
	AxRecord *record;
	int status = parse(argc, argv, &options);

	if (status)
		return status;
	if (options.help) {
		fputs(replay_help, stdout);
		return cli_finish_stdout(STATUS_OK);
	}
	if (ax_image_file_open(options.path, &file, &err))
		return cli_failure(NULL, &err);
	if (ax_replay_open(options.path, file.bytes, file.len, &record, &err)) {
		status = cli_failure(NULL, &err);
	} else {
		status = replay(&options, record);
		ax_record_free(record);
	}
	ax_image_file_close(&file);
	return cli_finish_stdout(status);
}
