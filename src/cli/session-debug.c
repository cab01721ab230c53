/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --gdb: the stub beside a run. --crash-dir: a report when its guest has died.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <axvmm/crash.h>

#include "cli/cli.h"
#include "cli/json.h"
#include "cli/session-private.h"

static void on_kill(void *opaque)
{
	session_stop(opaque, STOP_GDB);
}

static void on_line(void *opaque, const char *line)
{
	(void)opaque;
	cli_message("%s", line);
}

int session_debug_open(struct session *session)
{
	const struct run_options *options = session->options;
	AxGdbConfig config = AX_GDB_CONFIG_INIT;
	AxError err = AX_ERROR_INIT;

	if (!options->gdb)
		return STATUS_OK;
	config.address = options->gdb;
	config.wait = options->wait;
	config.kill = on_kill;
	config.log = on_line;
	config.opaque = session;
	config.waiting = session_waits_for_vcpus;
	if (ax_gdb_new(iothread_host(session->io), &config, &session->gdb, &err))
		return cli_failure("--gdb: ", &err);
	cli_message("gdb: \"target remote %s\"%s", ax_gdb_address(session->gdb),
		    options->wait ? "; the guest waits for it" : "");
	return STATUS_OK;
}

int session_debug_attach(struct session *session, AxMachine *machine)
{
	AxError err = AX_ERROR_INIT;

	if (session->gdb && ax_gdb_attach(session->gdb, ax_machine_vm(machine), &err))
		return cli_failure("--gdb: ", &err);
	return STATUS_OK;
}

void session_debug_detach(struct session *session)
{
	if (session->gdb)
		ax_gdb_detach(session->gdb);
}

void session_debug_end(struct session *session, int status)
{
	if (!session->gdb)
		return;
	ax_gdb_exited(session->gdb, status);
	ax_gdb_free(session->gdb);
	session->gdb = NULL;
}

/* What is above the last name of @path, to be freed. NULL: there is no memory left. */
static char *parent_of(const char *path)
{
	size_t len = strlen(path);

	while (len && path[len - 1] == '/')
		len--;
	while (len && path[len - 1] != '/')
		len--;
	return len ? strndup(path, len) : strdup(".");
}

/* A guest may run for days before it dies: what keeps its report from being written is told before. */
int session_crash_check(const struct run_options *options)
{
	const char *path = options->crash_dir;
	char *parent = NULL;
	struct stat status;
	int error = 0;

	if (!path)
		return STATUS_OK;
	if (!*path)
		return cli_usage("--crash-dir: a directory's name is expected");
	if (stat(path, &status)) {
		parent = errno == ENOENT ? parent_of(path) : NULL;
		if (!parent || access(parent, W_OK | X_OK))
			error = errno;
	} else if (!S_ISDIR(status.st_mode)) {
		error = ENOTDIR;
	} else if (access(path, W_OK | X_OK)) {
		error = errno;
	}
	if (error)
		cli_message("--crash-dir %s: no report could be written there: %s%s%s", path,
			    parent ? parent : "", parent ? ": " : "", strerror(error));
	free(parent);
	return error ? STATUS_HOST : STATUS_OK;
}

/* The exits of a guest that is rebooted are all its own: the ring stays. */
int session_crash_open(struct session *session)
{
	if (!session->options->crash_dir)
		return STATUS_OK;
	session->crash = ax_crash_ring_new(source_cpus(session->options), AX_CRASH_EXITS);
	if (session->crash)
		return STATUS_OK;
	cli_message("there is no memory left");
	return STATUS_HOST;
}

static void write_json(void *opaque, const char *bytes, size_t len)
{
	fwrite(bytes, 1, len, opaque);
}

static void put_text(struct json *json, const char *key, const char *text)
{
	json_key(json, key);
	if (text)
		json_string(json, text);
	else
		json_raw(json, "null");
}

static void put_configuration(const struct session *session, struct json *json)
{
	const struct run_options *options = session->options;
	AxMachineOptions machine = AX_MACHINE_OPTIONS_INIT;

	source_describe(&session->source, options, &machine);
	json_open(json, '{');
	put_text(json, "image", source_name(options));
	put_text(json, "firmware", options->firmware);
	put_text(json, "cmdline", options->command_line);
	json_key(json, "initrd");
	json_open(json, '[');
	for (unsigned i = 0; i < options->initrd_count; i++)
		json_string(json, options->initrd[i]);
	json_close(json, ']');
	json_key(json, "memory");
	json_number(json, machine.memory);
	json_key(json, "cpus");
	json_number(json, machine.cpus);
	json_key(json, "reboots");
	json_number(json, session->reboots);
	json_key(json, "devices");
	json_open(json, '[');
	for (uint32_t i = 0; i < session->devices.count; i++)
		json_string(json, ax_virtio_name(session->devices.list[i]));
	json_close(json, ']');
	json_close(json, '}');
}

/* The configuration as JSON, to be freed; NULL: there is no memory for it, and the report lacks it. */
static char *configuration(const struct session *session)
{
	char buffer[1024], *text = NULL;
	struct json json;
	size_t size = 0;
	FILE *file = open_memstream(&text, &size);

	if (!file)
		return NULL;
	json_init(&json, buffer, sizeof(buffer), write_json, file);
	put_configuration(session, &json);
	json_flush(&json);
	if (!fclose(file))
		return text;
	free(text);
	return NULL;
}

/* A guest that ended by itself, or was ended, has not died. */
static bool has_died(const AxMachineResult *result)
{
	switch (result->end) {
	case AX_MACHINE_TRIPLE_FAULT:
	case AX_MACHINE_CRASH:
	case AX_MACHINE_ASSERTION:
	case AX_MACHINE_INTERNAL_ERROR:
	case AX_MACHINE_FAIL_ENTRY:
	case AX_MACHINE_UNHANDLED: return true;
	default: return false;
	}
}

void session_crash_report(struct session *session, const AxMachineResult *result)
{
	AxMachine *machine = atomic_load(&session->machine);
	AxCrashReport report = AX_CRASH_REPORT_INIT;
	AxError err = AX_ERROR_INIT;
	char path[4096], why[160];
	char *text;

	if (!session->crash || !machine || !has_died(result))
		return;
	if (result->end == AX_MACHINE_ASSERTION && result->compared)
		snprintf(why, sizeof(why),
			 "the guest's assertion in line %" PRIu64 " failed: expected 0x%" PRIx64
			 ", actual 0x%" PRIx64,
			 result->line, result->expected, result->actual);
	else
		snprintf(why, sizeof(why), "the guest ended: %s", ax_machine_end_name(result->end));
	text = configuration(session);
	report.dir = session->options->crash_dir;
	report.name = session->name;
	report.why = why;
	report.vcpu = result->vcpu;
	report.exit = result->exit.kind == AX_EXIT_NOTHING ? NULL : &result->exit;
	report.ring = session->crash;
	report.configuration = text;
	if (ax_crash_report_write(ax_machine_vm(machine), &report, path, sizeof(path), &err))
		cli_failure("--crash-dir: ", &err);
	else
		cli_message("a report is in %s", path);
	free(text);
}
