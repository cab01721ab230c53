/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One run of a guest: everything is made, run and taken apart here.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/session-private.h"
#include "cli/signals.h"

/*
 * A machine that is not there yet, or is between two, is stopped when it comes: the code is stored
 * before the machine is looked for, and the machine before the code.
 */
void session_stop(struct session *session, int why)
{
	AxMachine *machine;
	int nobody = 0;

	atomic_compare_exchange_strong(&session->stopped, &nobody, why);
	atomic_store(&session->hurry, true);
	consoles_hurry(atomic_load(&session->consoles));
	machine = atomic_load(&session->machine);
	if (machine)
		ax_machine_stop(machine, why);
}

static void on_signal(void *opaque, int number)
{
	session_stop(opaque, number == SIGNALS_TIMEOUT ? STOP_TIMEOUT : STOP_SIGNAL + number);
}

static void on_loop_failure(void *opaque, const char *why)
{
	struct session *session = opaque;

	cli_message("the event loop: %s", why);
	session_stop(session, STOP_LOOP);
}

static void on_log(void *opaque, AxLogLevel level, const char *message)
{
	(void)opaque;
	(void)level;
	cli_message("%s", message);
}

/* The console's end fails for good: the disk is full, the reader has gone. */
static void on_console_failure(void *opaque)
{
	session_stop(opaque, STOP_OUTPUT);
}

/* The demonstration's guest prints. */
static void on_output(void *opaque, const uint8_t *bytes, size_t len)
{
	struct session *session = opaque;

	if (!len || session->output.error)
		return;
	demo_output(&session->demo, &session->output, bytes, len);
	if (session->output.error && session->output.error != ECANCELED)
		session_stop(session, STOP_OUTPUT);
}

static void *forget_observer(void *vm)
{
	/* Without memory it stays, and costs a little. */
	ax_observer_set(vm, NULL, NULL, NULL);
	return NULL;
}

/*
 * On the loop's thread, where the machine stays: exits need not be looked at any more. It waits for the
 * vCPUs, and their handlers may wait for this thread: another one does.
 */
static void stop_timing_exits(void *opaque)
{
	struct session *session = opaque;
	AxMachine *machine = atomic_load(&session->machine);
	sigset_t all, old;

	if (!machine || session->stats || session->crash || session->has_watcher)
		return;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	session->has_watcher =
		!pthread_create(&session->watcher, NULL, forget_observer, ax_machine_vm(machine));
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

static void on_exit(void *opaque, AxVCpu *vcpu, const AxExitRecord *record)
{
	struct session *session = opaque;

	(void)vcpu;
	if (session->timing && timing_exit(session->timing, record))
		ax_host_defer(iothread_host(session->io), stop_timing_exits, session);
	if (session->stats)
		stats_count(session->stats, record);
	if (session->crash)
		ax_crash_ring_note(session->crash, vcpu, record);
}

static const AxObserver observer = { sizeof(observer), on_exit };

/* What devices have of the host. */
static AxHost *devices_host(struct session *session)
{
	AxHost *host = iothread_host(session->io);

	return session->recording ? ax_record_host(session->recording, host) : host;
}

/* The next machine, the first or that of a guest that reboots, with the same devices. */
static int make_machine(struct session *session)
{
	const struct run_options *options = session->options;
	AxMachineOptions config = AX_MACHINE_OPTIONS_INIT;
	AxError err = AX_ERROR_INIT;
	AxMachine *machine;
	int why;

	source_describe(&session->source, options, &config);
	config.kvm_path = options->kvm;
	config.host = iothread_host(session->io);
	if (session->serial) {
		serial_line_describe(session->serial, &config);
	} else {
		/* Lines are collected; what does not end one goes out after a few ms. */
		config.console_host = config.host;
		config.console.write = on_output;
		config.console.opaque = session;
	}
	config.record = session->record;
	if (session->record)
		config.host = devices_host(session);
	config.log = on_log;
	config.devices = session->devices.list;
	config.device_count = session->devices.count;
	if (session->devices.shared)
		config.features |= AX_MACHINE_SHARED_MEMORY;
	if (session->timing) {
		timing_watch_output(session->timing, &config.console);
		config.phase = timing_phase;
		config.phase_opaque = session->timing;
	}
	if (ax_machine_new(&config, &machine, &err))
		return cli_failure(NULL, &err);
	atomic_store(&session->machine, machine);
	if (session->serial)
		serial_line_set_machine(session->serial, machine);
	why = atomic_load(&session->stopped);
	if (why)
		ax_machine_stop(machine, why);
	if (source_prepare(options, machine, &err))
		return cli_failure(NULL, &err);
	live_attach(session->live, machine);
	return session_debug_attach(session, machine);
}

static void free_machine(struct session *session)
{
	AxMachine *machine = atomic_exchange(&session->machine, NULL);

	if (session->has_watcher)
		pthread_join(session->watcher, NULL);
	session->has_watcher = false;
	session_debug_detach(session);
	session_trace_detach(session);
	if (session->serial)
		serial_line_set_machine(session->serial, NULL);
	pauser_reset(session->pauser);
	live_detach(session->live);
	ax_machine_free(machine);
}

static int no_memory(void)
{
	cli_message("there is no memory left");
	return STATUS_HOST;
}

static int make_consoles(struct session *session)
{
	AxHost *host = iothread_host(session->io);
	struct consoles *consoles;
	int status;

	if (session->options->demonstration)
		return STATUS_OK;
	status = consoles_open(session->options, host, devices_host(session), &session->devices,
			       session_menu, session, &consoles);
	atomic_store(&session->consoles, consoles);
	if (status)
		return status;
	session->serial =
		serial_line_new(host, consoles_serial(consoles), on_console_failure, session);
	return session->serial ? STATUS_OK : no_memory();
}

/* What is needed beside the machine. */
static int make_rest(struct session *session)
{
	const struct run_options *options = session->options;
	uint32_t cpus = source_cpus(options);
	int status;

	session->io = iothread_new(on_loop_failure, session);
	if (!session->io)
		return no_memory();
	if (options->stats || options->demonstration) {
		session->stats = stats_new(cpus);
		if (!session->stats)
			return no_memory();
	}
	writer_init(&session->output, STDOUT_FILENO, &session->hurry);
	if (options->record) {
		session->recording = recording_open(options);
		if (!session->recording)
			return STATUS_HOST;
		session->record = session->recording;
		if (!devices_host(session))
			return no_memory();
	}
	status = devices_open(&session->devices, options, cpus, devices_host(session));
	return status ? status : make_consoles(session);
}

static int observe(struct session *session)
{
	AxMachine *machine = atomic_load(&session->machine);
	AxError err = AX_ERROR_INIT;

	if (!session->stats && !session->crash && (!session->timing || session->reboots))
		return STATUS_OK;
	if (ax_observer_set(ax_machine_vm(machine), &observer, session, &err))
		return cli_failure(NULL, &err);
	return STATUS_OK;
}

/* Last, so that nothing is overwritten for a machine that cannot be made. */
static int watch_exits(struct session *session)
{
	int status = session_trace_open(session);

	return status ? status : observe(session);
}

/* One machine to its end, with the loop dispatching meanwhile. 0, or a negative errno. */
static int run_once(struct session *session, AxMachineResult *result, AxError *err)
{
	int ret;

	iothread_release(session->io);
	timing_mark(session->timing, "control socket, trace, event loop");
	ret = ax_machine_run(atomic_load(&session->machine), result, err);
	iothread_hold(session->io);
	return ret;
}

/* Another machine in the place of the one that has ended. */
static int reboot(struct session *session)
{
	int status;

	timing_finish(session->timing);
	/* A recording is of one machine. What went wrong with it is told when it is closed. */
	if (session->record)
		(void)ax_record_finish(session->record, NULL);
	session->record = NULL;
	free_machine(session);
	consoles_forget_panic(atomic_load(&session->consoles));
	session->reboots++;
	status = make_machine(session);
	if (!status)
		status = observe(session);
	if (!status)
		status = session_trace_attach(session);
	return status;
}

/* What is left of --timeout, which counts from the command's beginning: images may take long to load. 0:
 * there is none. */
static uint64_t remaining_time(const struct session *session)
{
	uint64_t all = session->options->timeout_ns;
	uint64_t passed = all ? timing_now() - session->begin_ns : 0;

	return passed < all ? all - passed : all != 0;
}

/* Run the machine, and those that follow it, with terminal, input and signals connected. Returns
 * STATUS_OK with *result, or another status after a message. */
static int run_machines(struct session *session, AxMachineResult *result)
{
	AxError err = AX_ERROR_INIT;
	int status = STATUS_OK;

	session->ran = true;
	signals_begin(on_signal, session, remaining_time(session));
	consoles_begin(atomic_load(&session->consoles));
	for (;;) {
		if (run_once(session, result, &err)) {
			status = cli_failure(NULL, &err);
			break;
		}
		if (result->end != AX_MACHINE_RESET || !options_reboot(session->options))
			break;
		status = reboot(session);
		if (status)
			break;
	}
	consoles_leave(atomic_load(&session->consoles));
	return status;
}

/* What could not be written: the status it makes of @status. */
static int check_written(struct session *session, int status)
{
	int error;

	if (session->options->demonstration)
		demo_end_line(&session->demo, &session->output);
	error = session->output.error;
	status = session_trace_close(session, status);
	if (error && error != ECANCELED) {
		cli_message("standard output: %s", strerror(error));
		status = STATUS_HOST;
	}
	return status;
}

/* Machine and devices go first, because they use the consoles. What could not be written is a failure:
 * the status it makes of @status. */
static int close_consoles(struct session *session, int status)
{
	struct consoles *consoles = atomic_exchange(&session->consoles, NULL);
	int closed;

	free_machine(session);
	devices_free(&session->devices);
	serial_line_free(session->serial);
	session->serial = NULL;
	closed = consoles_close(consoles);
	return closed ? closed : status;
}

static int run(struct session *session)
{
	AxMachineResult result = AX_MACHINE_RESULT_INIT;
	AxMachine *machine;
	int status, failed;
	bool panicked;

	if (session->options->demonstration)
		demo_begin();

	failed = run_machines(session, &result);
	machine = atomic_load(&session->machine);
	/* Who ends us while a reader of what was printed sleeps ends the run. */
	if (!consoles_flush(atomic_load(&session->consoles)) && atomic_load(&session->stopped)) {
		result.end = AX_MACHINE_STOPPED;
		result.code = atomic_load(&session->stopped);
	}
	/* Ours begins on a line of its own. */
	if (session->serial && serial_line_is_open(session->serial) && isatty(STDOUT_FILENO) &&
	    isatty(STDERR_FILENO))
		fputc('\n', stderr);
	panicked = result.end == AX_MACHINE_RESET &&
		   consoles_told_panic(atomic_load(&session->consoles));
	if (panicked)
		result.end = AX_MACHINE_CRASH;
	if (failed)
		status = failed;
	else if (panicked)
		status = outcome_tell_panic();
	else
		status = outcome_tell(machine, &result, session->options);
	if (!failed)
		session_crash_report(session, &result);
	status = check_written(session, status);
	if (session->options->demonstration && !failed && !session->output.error)
		status = demo_end(&session->demo, session->stats, &result, status);
	else if (session->options->stats && machine)
		stats_print_full(session->stats, machine, stderr);
	status = close_consoles(session, status);
	session_debug_end(session, status);
	session_control_end(session, failed ? "host-failure" : ax_machine_end_name(result.end),
			    status);
	signals_end();
	return status;
}

static int take_apart(struct session *session, int status)
{
	close_consoles(session, STATUS_HOST);
	session_debug_end(session, STATUS_HOST);
	session_control_end(session, NULL, STATUS_HOST);
	if (!recording_close(session->recording, session->options, session->ran))
		status = STATUS_HOST;
	iothread_free(session->io);
	session_trace_close(session, STATUS_HOST);
	stats_free(session->stats);
	ax_crash_ring_free(session->crash);
	source_close(&session->source, session->options);
	timing_end(session->timing);
	return status;
}

/* What --dump-fdt and --dump-acpi ask for is told without a run. */
static int dump_or_run(struct session *session)
{
	const struct run_options *options = session->options;
	int status;

	if (options->dump_fdt || options->dump_acpi)
		return session_dump(options, atomic_load(&session->machine));
	status = session_control_begin(session);
	if (!status)
		status = watch_exits(session);
	return status ? status : run(session);
}

int session_run(const struct run_options *options, uint64_t begin_ns)
{
	struct session session = { .options = options, .begin_ns = begin_ns };
	int status;

	demo_start_clock(&session.demo);
	if (options->timing) {
		session.timing = timing_new(begin_ns);
		if (!session.timing)
			return STATUS_HOST;
	}
	timing_mark(session.timing, "command line");
	status = trace_check(options);
	if (!status)
		status = recording_check(options);
	if (!status)
		status = consoles_check(options);
	if (!status)
		status = session_crash_check(options);
	if (!status)
		status = source_open(&session.source, options);
	timing_mark(session.timing, "opening images");
	if (!status)
		status = make_rest(&session);
	timing_mark(session.timing, "consoles, disks, networks");
	if (!status)
		status = session_crash_open(&session);
	if (!status)
		status = session_debug_open(&session);
	if (!status)
		status = make_machine(&session);
	if (!status)
		status = dump_or_run(&session);
	return take_apart(&session, status);
}
