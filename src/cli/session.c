/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One run of a guest: everything is made, run and taken apart here.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/demo.h"
#include "cli/input.h"
#include "cli/iothread.h"
#include "cli/session.h"
#include "cli/signals.h"
#include "cli/source.h"
#include "cli/stats.h"
#include "cli/terminal.h"
#include "cli/trace.h"
#include "cli/writer.h"

struct session {
	const struct run_options *options;
	struct source source;
	AxMachine *machine;
	struct iothread *io;
	struct input *input;
	struct stats *stats;
	struct trace *trace;
	struct demo demo;
	struct writer output; /* standard output */
	bool open_line;	      /* what was written last does not end a line */
	atomic_bool hurry;    /* the run is to end: see struct writer */
};

/* Async-signal-safe; any thread. */
static void stop(struct session *session, int why)
{
	atomic_store(&session->hurry, true);
	ax_machine_stop(session->machine, why);
}

static void on_signal(void *opaque, int number)
{
	stop(opaque, STOP_SIGNAL + number);
}

static void on_quit(void *opaque)
{
	stop(opaque, STOP_QUIT);
}

static void on_loop_failure(void *opaque, const char *why)
{
	struct session *session = opaque;

	cli_message("the event loop: %s", why);
	if (session->machine)
		stop(session, STOP_LOOP);
}

static void on_log(void *opaque, AxLogLevel level, const char *message)
{
	(void)opaque;
	(void)level;
	cli_message("%s", message);
}

static void on_output(void *opaque, const uint8_t *bytes, size_t len)
{
	struct session *session = opaque;

	if (!len || session->output.error)
		return;
	input_guest_printed(session->input);
	if (session->options->demonstration)
		demo_output(&session->demo, &session->output, bytes, len);
	else
		writer_put(&session->output, bytes, len);
	session->open_line = bytes[len - 1] != '\n';
	if (session->output.error && session->output.error != ECANCELED)
		stop(session, STOP_OUTPUT);
}

static void on_exit(void *opaque, AxVCpu *vcpu, const AxExitRecord *record)
{
	struct session *session = opaque;

	(void)vcpu;
	if (session->stats)
		stats_count(session->stats, record);
	if (session->trace && !trace_exit(session->trace, record))
		stop(session, STOP_TRACE);
}

static const AxObserver observer = { sizeof(observer), on_exit };

static int make_machine(struct session *session)
{
	const struct run_options *options = session->options;
	AxMachineOptions machine = AX_MACHINE_OPTIONS_INIT;
	AxError err = AX_ERROR_INIT;

	source_describe(&session->source, options, &machine);
	machine.kvm_path = options->kvm;
	machine.host = iothread_host(session->io);
	/* Lines are collected; what does not end one goes out after a few ms. */
	machine.console_host = machine.host;
	machine.console.write = on_output;
	machine.console.opaque = session;
	machine.input_room = input_room;
	machine.input_opaque = session->input;
	machine.log = on_log;
	if (ax_machine_new(&machine, &session->machine, &err))
		return cli_failure(NULL, &err);
	if (source_prepare(options, session->machine, &err))
		return cli_failure(NULL, &err);
	return STATUS_OK;
}

/* What is needed beside the machine. */
static int make_rest(struct session *session)
{
	const struct run_options *options = session->options;
	uint32_t cpus = source_cpus(options);

	session->io = iothread_new(on_loop_failure, session);
	if (session->io)
		session->input = input_new(iothread_host(session->io), on_quit, session);
	if (options->stats || options->demonstration)
		session->stats = stats_new(cpus);
	if (!session->input || ((options->stats || options->demonstration) && !session->stats)) {
		cli_message("there is no memory left");
		return STATUS_HOST;
	}
	writer_init(&session->output, STDOUT_FILENO, &session->hurry);
	return STATUS_OK;
}

/* Last, so that nothing is overwritten for a machine that cannot be made. */
static int watch_exits(struct session *session)
{
	const struct run_options *options = session->options;
	AxError err = AX_ERROR_INIT;

	if (options->trace) {
		session->trace = trace_open(options->trace, source_cpus(options), &session->hurry);
		if (!session->trace)
			return STATUS_HOST;
		trace_set_machine(session->trace, session->machine);
	}
	if (!session->trace && !session->stats)
		return STATUS_OK;
	if (ax_observer_set(ax_machine_vm(session->machine), &observer, session, &err))
		return cli_failure(NULL, &err);
	return STATUS_OK;
}

/* Run the machine with terminal, input and signals connected. 0, or a negative errno. */
static int run_machine(struct session *session, AxMachineResult *result, AxError *err)
{
	int ret;

	signals_begin(on_signal, session, session->options->timeout_ns);
	input_begin(session->input, session->machine, terminal_enter());
	ret = ax_machine_run(session->machine, result, err);
	terminal_leave();
	iothread_stop(session->io);
	return ret;
}

/* What could not be written: the status it makes of @status. */
static int check_written(struct session *session, int status)
{
	int error;

	if (session->options->demonstration)
		demo_end_line(&session->demo, &session->output);
	error = session->output.error;
	if (!trace_close(session->trace))
		status = STATUS_HOST;
	session->trace = NULL;
	if (error && error != ECANCELED) {
		cli_message("standard output: %s", strerror(error));
		status = STATUS_HOST;
	}
	return status;
}

static int run(struct session *session)
{
	AxMachineResult result = AX_MACHINE_RESULT_INIT;
	AxError err = AX_ERROR_INIT;
	int status, ret;

	if (session->options->demonstration)
		demo_begin();

	ret = run_machine(session, &result, &err);
	/* Ours begins on a line of its own. */
	if (session->open_line && isatty(STDOUT_FILENO) && isatty(STDERR_FILENO))
		fputc('\n', stderr);
	status = ret ? cli_failure(NULL, &err)
		     : outcome_tell(session->machine, &result, session->options);
	status = check_written(session, status);
	signals_end();
	if (session->options->demonstration && !ret && !session->output.error)
		status = demo_end(&session->demo, session->stats, &result, status);
	else if (session->options->stats)
		stats_print_full(session->stats, session->machine, stderr);
	return status;
}

static void take_apart(struct session *session)
{
	ax_machine_free(session->machine);
	input_free(session->input);
	iothread_free(session->io);
	trace_close(session->trace);
	stats_free(session->stats);
	source_close(&session->source, session->options);
}

int session_run(const struct run_options *options)
{
	struct session session = { .options = options };
	int status;

	demo_start_clock(&session.demo);
	status = trace_check(options);
	if (!status)
		status = source_open(&session.source, options);
	if (!status)
		status = make_rest(&session);
	if (!status)
		status = make_machine(&session);
	if (!status)
		status = watch_exits(&session);
	if (!status)
		status = run(&session);
	take_apart(&session);
	return status;
}
