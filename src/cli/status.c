/* SPDX-License-Identifier: Apache-2.0 */
/*
 * axvmm list, axvmm status: which VMs run, and how one does.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/control-client.h"
#include "cli/json.h"
#include "cli/manage.h"
#include "cli/number.h"

const char list_help[] =
	"Usage: axvmm list [--json]\n"
	"List this user's VMs that run and have a name (axvmm run --name NAME).\n"
	"\n"
	"  --json  as a JSON array of what \"axvmm status --json\" prints of each\n"
	"  --help  this text\n";
const char status_help[] = "Usage: axvmm status [--json] NAME\n"
			   "Say how a running VM does: its CPUs, memory, devices and exits.\n"
			   "\n"
			   "  --json  as one JSON object\n"
			   "  --help  this text\n";

static const char request[] = "{\"request\":\"status\"}\n";

static void write_stdout(void *opaque, const char *bytes, size_t len)
{
	(void)opaque;
	fwrite(bytes, 1, len, stdout);
}

/* A JSON value as it came, but for blanks. */
static void put_value(struct json *json, const struct json_value *value)
{
	if (value->key)
		json_key(json, value->key);
	switch (value->type) {
	case JSON_STRING: json_string(json, value->text); break;
	case JSON_NUMBER: json_raw(json, value->text); break;
	case JSON_BOOL: json_bool(json, value->text[0] == 't'); break;
	case JSON_NULL: json_string(json, NULL); break;
	default:
		json_open(json, value->type == JSON_ARRAY ? '[' : '{');
		for (const struct json_value *at = value->first; at; at = at->next)
			put_value(json, at);
		json_close(json, value->type == JSON_ARRAY ? ']' : '}');
		break;
	}
}

static uint64_t number(const struct json_value *object, const char *key)
{
	uint64_t value = 0;

	parse_number(control_text(object, key), UINT64_MAX, &value);
	return value;
}

/* "3 s", "4 min 10 s", "2 h 5 min", "3 d 4 h". */
static const char *format_uptime(uint64_t ms, char text[NUMBER_TEXT_SIZE])
{
	uint64_t s = ms / 1000;

	if (s < 60)
		snprintf(text, NUMBER_TEXT_SIZE, "%" PRIu64 " s", s);
	else if (s < 3600)
		snprintf(text, NUMBER_TEXT_SIZE, "%" PRIu64 " min %" PRIu64 " s", s / 60, s % 60);
	else if (s < 86400)
		snprintf(text, NUMBER_TEXT_SIZE, "%" PRIu64 " h %" PRIu64 " min", s / 3600,
			 s / 60 % 60);
	else
		snprintf(text, NUMBER_TEXT_SIZE, "%" PRIu64 " d %" PRIu64 " h", s / 86400 % 1000000,
			 s / 3600 % 24);
	return text;
}

static void print_devices(const struct json_value *status)
{
	const struct json_value *devices = json_member(status, "devices");

	if (!devices || !devices->first)
		return;
	printf("devices  %-10s %14s %14s %14s %10s %6s\n", "", "notifications", "buffers",
	       "interrupts", "bad", "resets");
	for (const struct json_value *d = devices->first; d; d = d->next) {
		printf("         %-10s %14" PRIu64 " %14" PRIu64 " %14" PRIu64 " %10" PRIu64
		       " %6" PRIu64 "\n",
		       control_text(d, "name"), number(d, "notifications"), number(d, "chains"),
		       number(d, "interrupts"), number(d, "bad_chains"), number(d, "resets"));
		if (json_member(d, "failed"))
			printf("         %-10s failed: %s\n", "", control_text(d, "failed"));
	}
}

static void print_exits(const struct json_value *status)
{
	const struct json_value *exits = json_member(status, "exits");

	puts(exits && exits->first ? "exits" : "exits    none");
	for (const struct json_value *e = exits ? exits->first : NULL; e; e = e->next)
		printf("         %-20s %14s\n", e->key, e->text ? e->text : "?");
}

static void print_status(const struct json_value *status)
{
	char uptime[NUMBER_TEXT_SIZE], memory[NUMBER_TEXT_SIZE], held[NUMBER_TEXT_SIZE];
	const struct json_value *balloon = json_member(status, "balloon");
	const struct json_value *consoles = json_member(status, "consoles");

	printf("name     %s\n", control_text(status, "name"));
	printf("state    %s; up %s; process %s\n", control_text(status, "state"),
	       format_uptime(number(status, "uptime_ms"), uptime), control_text(status, "pid"));
	printf("guest    %s\n", control_text(status, "image"));
	printf("CPUs     %s\n", control_text(status, "cpus"));
	printf("memory   %s", format_size(number(status, "memory"), memory));
	if (balloon && balloon->type == JSON_OBJECT)
		printf(", of which the balloon holds %s",
		       format_size(number(balloon, "actual"), held));
	printf("\nreboots  %s\n", control_text(status, "reboots"));
	for (const struct json_value *c = consoles ? consoles->first : NULL; c; c = c->next)
		printf("console  %s\n", c->text ? c->text : "");
	print_devices(status);
	print_exits(status);
}

static int print_json(const struct json_value *const *values, size_t count, bool list)
{
	struct json json;
	char buffer[512];

	json_init(&json, buffer, sizeof(buffer), write_stdout, NULL);
	if (list)
		json_open(&json, '[');
	for (size_t i = 0; i < count; i++)
		put_value(&json, values[i]);
	if (list)
		json_close(&json, ']');
	json_newline(&json);
	json_flush(&json);
	return cli_finish_stdout(STATUS_OK);
}

/* Options of both. *done: the help was printed, or the command line is wrong. */
static int parse(int argc, char **argv, const char *help, bool *json, bool *done)
{
	static const struct option long_options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	*json = false;
	*done = true;
	optind = 1;
	opterr = 0;
	while ((option = getopt_long(argc, argv, ":h", long_options, NULL)) != -1) {
		if (option == 'h') {
			fputs(help, stdout);
			return cli_finish_stdout(STATUS_OK);
		}
		if (option != 'j')
			return cli_bad_option(argv[0], option, argv, long_options);
		*json = true;
	}
	*done = false;
	return STATUS_OK;
}

int cmd_status(int argc, char **argv)
{
	struct json_value *answer;
	bool json, done;
	int status = parse(argc, argv, status_help, &json, &done);

	if (done)
		return status;
	if (argc - optind != 1)
		return cli_usage(
			"status: the name of one VM is expected; \"axvmm list\" lists those "
			"that run");
	status = control_request(argv[optind], request, &answer);
	if (status)
		return status;
	if (json)
		status = print_json((const struct json_value *const *)&answer, 1, false);
	else
		print_status(answer);
	json_free(answer);
	return cli_finish_stdout(status);
}

/* What a VM says of itself; NULL: it has just ended, or does not answer. */
static struct json_value *ask(const char *name)
{
	struct json_value *answer = NULL;
	struct control_link link;
	int ret;

	if (control_link_open(&link, name, true))
		return NULL;
	ret = control_link_ask(&link, request, &answer);
	if (ret) {
		cli_message("%s: %s", name,
			    ret == -EPROTO ? control_text(answer, "error")
					   : "the VM does not answer");
		json_free(answer);
		answer = NULL;
	}
	control_link_close(&link);
	return answer;
}

static void print_list(struct json_value *const *values, size_t count)
{
	char uptime[NUMBER_TEXT_SIZE], memory[NUMBER_TEXT_SIZE];

	printf("%-20s %8s %-8s %-14s %5s %-10s %s\n", "name", "process", "state", "uptime", "cpus",
	       "memory", "guest");
	for (size_t i = 0; i < count; i++) {
		const struct json_value *vm = values[i];

		printf("%-20s %8s %-8s %-14s %5s %-10s %s\n", control_text(vm, "name"),
		       control_text(vm, "pid"), control_text(vm, "state"),
		       format_uptime(number(vm, "uptime_ms"), uptime), control_text(vm, "cpus"),
		       format_size(number(vm, "memory"), memory), control_text(vm, "image"));
	}
}

static int list(bool json)
{
	struct json_value **values;
	int found, count = 0, status = STATUS_OK;
	char **names;

	found = control_names(&names);
	if (found < 0)
		return STATUS_HOST;
	values = calloc(found > 0 ? (size_t)found : 1, sizeof(*values));
	for (int i = 0; values && i < found; i++) {
		values[count] = ask(names[i]);
		if (values[count])
			count++;
	}
	control_names_free(names, found);
	if (!values) {
		cli_message("there is no memory left");
		return STATUS_HOST;
	}
	if (json)
		status = print_json((const struct json_value *const *)values, (size_t)count, true);
	else
		print_list(values, (size_t)count);
	for (int i = 0; i < count; i++)
		json_free(values[i]);
	free(values);
	return cli_finish_stdout(status);
}

int cmd_list(int argc, char **argv)
{
	bool json, done;
	int status = parse(argc, argv, list_help, &json, &done);

	if (done)
		return status;
	if (optind < argc)
		return cli_usage("list: %s: no argument is expected", argv[optind]);
	return list(json);
}
