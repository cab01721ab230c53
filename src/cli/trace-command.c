/* SPDX-License-Identifier: Apache-2.0 */
/*
 * axvmm trace: show, sum up and convert traces; begin and end that of a VM that runs.
 */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/control-client.h"
#include "cli/json.h"
#include "cli/output.h"
#include "cli/trace-file.h"
#include "cli/trace-summary.h"

const char trace_help[] =
	"Usage: axvmm trace show FILE\n"
	"       axvmm trace summary [--html PAGE] FILE\n"
	"       axvmm trace convert --json|--perfetto [--output OUT] FILE\n"
	"       axvmm trace start NAME FILE\n"
	"       axvmm trace stop NAME\n"
	"Look at what \"axvmm run --trace FILE\" wrote: every exit, its answer and its times.\n"
	"\n"
	"  show      every exit as a line\n"
	"  summary   how many of each kind, what they cost, whose they were, the busiest "
	"addresses\n"
	"  convert   to another format, on standard output\n"
	"  start     begin to trace a VM that runs, into FILE\n"
	"  stop      end that\n"
	"\n"
	"  --html PAGE   write the summary as one HTML page, with charts\n"
	"  --json        convert to JSON lines, an object for each exit\n"
	"  --perfetto    convert to a trace that ui.perfetto.dev opens: a track for each vCPU\n"
	"  --output OUT  convert to this file\n"
	"  --help        this text\n"
	"\n"
	"Exit status: 0; 2 the trace is damaged or has no end, and what could be read was shown; 200 "
	"usage; 201\n"
	"host failure.\n";

struct arguments {
	const char *html;
	const char *output;
	bool json;
	bool perfetto;
};

/* -1: go on; else a status. */
static int parse(int argc, char **argv, struct arguments *arguments)
{
	static const struct option long_options[] = {
		{ "html", required_argument, NULL, 'm' },
		{ "json", no_argument, NULL, 'j' },
		{ "perfetto", no_argument, NULL, 'p' },
		{ "output", required_argument, NULL, 'o' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	*arguments = (struct arguments){ 0 };
	optind = 1;
	opterr = 0;
	while ((option = getopt_long(argc, argv, ":h", long_options, NULL)) != -1) {
		switch (option) {
		case 'm': arguments->html = optarg; break;
		case 'j': arguments->json = true; break;
		case 'p': arguments->perfetto = true; break;
		case 'o': arguments->output = optarg; break;
		case 'h': fputs(trace_help, stdout); return cli_finish_stdout(STATUS_OK);
		default: return cli_bad_option("trace", option, argv, long_options);
		}
	}
	return -1;
}

static int show(const char *const *names, const struct arguments *arguments)
{
	struct trace_file file;
	int status = trace_file_open(&file, names[0]);

	(void)arguments;
	if (!status) {
		int damage;

		status = cli_finish_stdout(trace_show(&file, stdout));
		damage = trace_file_tell_damage(&file);
		status = status ? status : damage;
	}
	trace_file_close(&file);
	return status;
}

static int write_page(const struct trace_summary *summary, const char *path)
{
	struct output output;
	int status = output_open(&output, path);

	if (status)
		return status;
	trace_summary_html(summary, output.stream);
	return output_close(&output, STATUS_OK);
}

/* The trace is not to be replaced by what is made of it. */
static int check_output(const char *command, const char *option, const char *path,
			const char *input)
{
	if (!path || !output_is_same(path, input))
		return STATUS_OK;
	return cli_usage("trace %s: %s %s: that is the trace itself, which would be overwritten",
			 command, option, path);
}

static int summary(const char *const *names, const struct arguments *arguments)
{
	struct trace_summary *summary = NULL;
	struct trace_file file;
	int status = check_output("summary", "--html", arguments->html, names[0]);

	if (status)
		return status;
	status = trace_file_open(&file, names[0]);
	if (!status)
		status = trace_summary_make(&file, &summary);
	if (!status) {
		int damage = trace_file_tell_damage(&file);

		if (arguments->html)
			status = write_page(summary, arguments->html);
		else
			trace_summary_print(summary, stdout);
		status = cli_finish_stdout(status ? status : damage);
	}
	trace_summary_free(summary);
	trace_file_close(&file);
	return status;
}

static int convert_to(struct trace_file *file, const struct arguments *arguments, FILE *out)
{
	return arguments->json ? trace_to_json(file, out) : trace_to_perfetto(file, out);
}

static int convert(const char *const *names, const struct arguments *arguments)
{
	struct trace_file file;
	struct output output;
	int status;

	if (arguments->json == arguments->perfetto)
		return cli_usage("trace convert: one of --json and --perfetto says to what");
	if (arguments->perfetto && !arguments->output && isatty(STDOUT_FILENO))
		return cli_usage("trace convert --perfetto: that is no text for a terminal: "
				 "--output OUT writes it to a file");
	status = check_output("convert", "--output", arguments->output, names[0]);
	if (status)
		return status;
	status = trace_file_open(&file, names[0]);
	if (!status && !arguments->output) {
		status = cli_finish_stdout(convert_to(&file, arguments, stdout));
	} else if (!status) {
		status = output_open(&output, arguments->output);
		if (!status)
			status = output_close(&output, convert_to(&file, arguments, output.stream));
	}
	if (!status)
		status = trace_file_tell_damage(&file);
	trace_file_close(&file);
	return status;
}

/* As a path that means the same to another process. NULL after a message; free() it. */
static char *absolute(const char *path)
{
	char *folder, *whole = NULL;

	if (path[0] == '/')
		return strdup(path);
	folder = getcwd(NULL, 0);
	if (!folder || asprintf(&whole, "%s/%s", folder, path) < 0) {
		cli_message("the working directory: %s", strerror(errno));
		whole = NULL;
	}
	free(folder);
	return whole;
}

static void append(void *opaque, const char *bytes, size_t len)
{
	fwrite(bytes, 1, len, opaque);
}

/* {"request":"trace-start","file":"..."} */
static int request_start(const char *name, const char *path)
{
	char line[CONTROL_REQUEST_MAX + 1], buffer[CONTROL_REQUEST_MAX + 1];
	FILE *stream = fmemopen(line, sizeof(line), "w");
	struct json json;
	bool fits;

	if (!stream) {
		cli_message("there is no memory left");
		return STATUS_HOST;
	}
	json_init(&json, buffer, sizeof(buffer), append, stream);
	json_open(&json, '{');
	json_key(&json, "request");
	json_string(&json, "trace-start");
	json_key(&json, "file");
	json_string(&json, path);
	json_close(&json, '}');
	json_newline(&json);
	json_flush(&json);
	fits = !ferror(stream);
	fits = !fclose(stream) && fits && memchr(line, '\n', sizeof(line) - 1);
	return fits ? control_request(name, line, NULL)
		    : cli_usage("trace start: %s: this path is too long", path);
}

static int start(const char *const *names, const struct arguments *arguments)
{
	char *path = absolute(names[1]);
	int status = path ? request_start(names[0], path) : STATUS_HOST;

	(void)arguments;
	free(path);
	return status;
}

static int stop(const char *const *names, const struct arguments *arguments)
{
	(void)arguments;
	return control_request(names[0], "{\"request\":\"trace-stop\"}\n", NULL);
}

static const struct action {
	const char *name;
	int (*run)(const char *const *names, const struct arguments *arguments);
	int count;
	const char *wanted;
} actions[] = {
	{ "show", show, 1, "the trace's file" },
	{ "summary", summary, 1, "the trace's file" },
	{ "convert", convert, 1, "the trace's file" },
	{ "start", start, 2, "the VM's name and the file to write" },
	{ "stop", stop, 1, "the VM's name" },
};

static int run_action(const struct action *action, int argc, char **argv)
{
	struct arguments arguments;
	int status = parse(argc, argv, &arguments);

	if (status >= 0)
		return status;
	if (argc - optind != action->count)
		return cli_usage("trace %s: %s %s expected; \"axvmm help trace\" says more",
				 action->name, action->wanted, action->count == 1 ? "is" : "are");
	if (arguments.html && action->run != summary)
		return cli_usage("trace %s: --html is for summary", action->name);
	if ((arguments.json || arguments.perfetto || arguments.output) && action->run != convert)
		return cli_usage("trace %s: --json, --perfetto and --output are for convert",
				 action->name);
	return action->run((const char *const *)argv + optind, &arguments);
}

int cmd_trace(int argc, char **argv)
{
	struct arguments arguments;
	int status;

	for (size_t i = 0; argc > 1 && i < sizeof(actions) / sizeof(actions[0]); i++) {
		if (!strcmp(argv[1], actions[i].name))
			return run_action(&actions[i], argc - 1, argv + 1);
	}
	status = argc > 1 && argv[1][0] == '-' ? parse(argc, argv, &arguments) : -1;
	if (status >= 0)
		return status;
	if (argc < 2)
		return cli_usage("trace: show, summary, convert, start or stop is expected; "
				 "\"axvmm help trace\" says more");
	return cli_usage("trace: %s: show, summary, convert, start and stop are known", argv[1]);
}
