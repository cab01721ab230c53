/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is asked of a run over its control socket. On the loop's thread, where the machine stays the
 * same: a guest that reboots gets the next one while the loop is held.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <axvmm/axvmm.h>
#include <axvmm/balloon.h>

#include "cli/cli.h"
#include "cli/number.h"
#include "cli/session-private.h"

static void put_text(struct json *json, const char *key, const char *text)
{
	json_key(json, key);
	json_string(json, text);
}

static void put_number(struct json *json, const char *key, uint64_t number)
{
	json_key(json, key);
	json_number(json, number);
}

static void put_devices(struct json *json, const struct devices *devices)
{
	json_key(json, "devices");
	json_open(json, '[');
	for (uint32_t i = 0; i < devices->count; i++) {
		AxVirtioCounters counters = AX_VIRTIO_COUNTERS_INIT;
		AxVirtio *virtio = devices->list[i];

		ax_virtio_counters(virtio, &counters);
		json_open(json, '{');
		put_text(json, "name", ax_virtio_name(virtio));
		put_number(json, "id", ax_virtio_id(virtio));
		put_number(json, "notifications", counters.notifications);
		put_number(json, "chains", counters.chains);
		put_number(json, "interrupts", counters.interrupts);
		put_number(json, "suppressed", counters.suppressed);
		put_number(json, "bad_chains", counters.bad_chains);
		put_number(json, "resets", counters.resets);
		if (devices->faults[i] && *devices->faults[i]->why)
			put_text(json, "failed", devices->faults[i]->why);
		json_close(json, '}');
	}
	json_close(json, ']');
}

static void put_balloon(struct json *json, AxVirtio *balloon)
{
	AxVirtioBalloonStats stats = AX_VIRTIO_BALLOON_STATS_INIT;

	if (!balloon || ax_virtio_balloon_stats(balloon, &stats))
		return;
	json_key(json, "balloon");
	json_open(json, '{');
	put_number(json, "target", stats.target);
	put_number(json, "actual", stats.actual);
	put_number(json, "reported", stats.reported);
	put_number(json, "discarded", stats.discarded);
	json_close(json, '}');
}

/* Not while a thread begins or ends it. */
static void put_trace(struct json *json, const struct session *session)
{
	if (!session->trace || session->tracer)
		return;
	json_key(json, "trace");
	json_open(json, '{');
	trace_put_status(session->trace, json);
	json_close(json, '}');
}

/* Of the machine that runs now; they may lag behind. */
static void count_exits(AxMachine *machine, uint64_t total[AX_EXIT_KINDS])
{
	uint64_t counts[AX_EXIT_KINDS];
	AxVCpu *vcpu;

	memset(total, 0, AX_EXIT_KINDS * sizeof(*total));
	for (unsigned i = 0; (vcpu = ax_vm_vcpu_at(ax_machine_vm(machine), i)); i++) {
		ax_vcpu_exit_counts(vcpu, counts);
		for (unsigned kind = 0; kind < AX_EXIT_KINDS; kind++)
			total[kind] += counts[kind];
	}
}

static void put_exits(struct json *json, AxMachine *machine)
{
	uint64_t total[AX_EXIT_KINDS];

	count_exits(machine, total);
	json_key(json, "exits");
	json_open(json, '{');
	for (unsigned kind = 0; kind < AX_EXIT_KINDS; kind++) {
		if (total[kind])
			put_number(json, ax_exit_name((AxVCpuExitKind)kind), total[kind]);
	}
	json_close(json, '}');
}

static void put_status(struct session *session, struct json *json)
{
	const struct run_options *options = session->options;
	AxMachineOptions machine = AX_MACHINE_OPTIONS_INIT;

	source_describe(&session->source, options, &machine);
	put_text(json, "name", session->name);
	put_number(json, "pid", (uint64_t)getpid());
	put_text(json, "state", pauser_is_paused(session->pauser) ? "paused" : "running");
	put_number(json, "uptime_ms",
		   (ax_host_now(iothread_host(session->io)) - session->start_ns) / 1000000);
	put_text(json, "image", source_name(options));
	put_number(json, "cpus", machine.cpus);
	put_number(json, "memory", machine.memory);
	put_number(json, "reboots", session->reboots);
	json_key(json, "consoles");
	consoles_put(atomic_load(&session->consoles), json);
	put_devices(json, &session->devices);
	put_balloon(json, session->devices.balloon);
	put_trace(json, session);
	put_exits(json, atomic_load(&session->machine));
}

/* What changes, for who asks again and again. */
static void put_stats(struct session *session, struct json *json)
{
	put_status(session, json);
	live_put(session->live, json, pauser_is_paused(session->pauser));
}

static const char *press_power_button(struct session *session)
{
	AxError err = AX_ERROR_INIT;

	/* Nobody sees it while the CPUs are held. */
	if (pauser_is_paused(session->pauser))
		pauser_resume(session->pauser, ax_machine_vm(atomic_load(&session->machine)));
	return ax_machine_power_button(atomic_load(&session->machine), &err)
		       ? "this machine has no power button"
		       : NULL;
}

static const char *set_balloon(struct session *session, const struct json_value *request)
{
	const struct json_value *bytes = json_member(request, "bytes");
	uint64_t target;

	if (!session->devices.balloon)
		return "it has no balloon: it was started without --balloon";
	if (!bytes || bytes->type != JSON_NUMBER || !parse_number(bytes->text, UINT64_MAX, &target))
		return "balloon needs \"bytes\", a number";
	if (target >= options_memory(session->options))
		return "the guest has no more than that, and needs some of it itself";
	if (ax_virtio_balloon_set_target(session->devices.balloon, target))
		return "so much does not fit into a balloon";
	return NULL;
}

static void paused(void *opaque, const char *why)
{
	control_answer(opaque, why);
}

static void paused_by_key(void *opaque, const char *why)
{
	(void)opaque;
	cli_message("%s", why ? why : "paused; Ctrl-A p goes on");
}

static bool toggle_pause(struct session *session)
{
	AxVm *vm = ax_machine_vm(atomic_load(&session->machine));

	if (!pauser_is_paused(session->pauser)) {
		pauser_pause(session->pauser, vm, paused_by_key, NULL);
		return true;
	}
	if (!pauser_resume(session->pauser, vm))
		cli_message("going on");
	return true;
}

/* "IoWrite 12, MmioRead 3". */
static bool tell_exits(struct session *session)
{
	uint64_t total[AX_EXIT_KINDS];
	char text[600] = "none";
	size_t used = 0;

	count_exits(atomic_load(&session->machine), total);
	for (unsigned kind = 0; kind < AX_EXIT_KINDS && used < sizeof(text); kind++) {
		if (total[kind])
			used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s %" PRIu64,
						 used ? ", " : "",
						 ax_exit_name((AxVCpuExitKind)kind), total[kind]);
	}
	cli_message("exits: %s", text);
	return true;
}

bool session_menu(void *opaque, enum console_action action)
{
	struct session *session = opaque;

	switch (action) {
	case CONSOLE_QUIT: session_stop(session, STOP_QUIT); return true;
	case CONSOLE_PAUSE: return toggle_pause(session);
	case CONSOLE_STATISTICS: return tell_exits(session);
	case CONSOLE_BREAK: return session->serial && serial_line_break(session->serial);
	case CONSOLE_POWER_BUTTON: return !press_power_button(session);
	default: return false;
	}
}

static const char *on_request(void *opaque, const char *name, const struct json_value *request,
			      struct json *answer, struct control_client *client)
{
	struct session *session = opaque;
	AxVm *vm = ax_machine_vm(atomic_load(&session->machine));

	if (!strcmp(name, "status")) {
		put_status(session, answer);
		return NULL;
	}
	if (!strcmp(name, "stats")) {
		put_stats(session, answer);
		return NULL;
	}
	if (!strcmp(name, "power-button"))
		return press_power_button(session);
	if (!strcmp(name, "balloon"))
		return set_balloon(session, request);
	if (!strcmp(name, "resume"))
		return pauser_resume(session->pauser, vm);
	if (!strcmp(name, "pause")) {
		if (pauser_is_paused(session->pauser))
			return "it is paused already";
		pauser_pause(session->pauser, vm, paused, client);
		return control_later;
	}
	if (!strcmp(name, "trace-start"))
		return session_trace_start(session, request, client);
	if (!strcmp(name, "trace-stop"))
		return session_trace_stop(session, client);
	if (!strcmp(name, "wait"))
		return control_wait(client);
	if (!strcmp(name, "stop")) {
		session_stop(session, STOP_CONTROL);
		return NULL;
	}
	return "unknown request; status, wait, stats, power-button, stop, pause, resume, balloon, "
	       "trace-start and trace-stop are known";
}

static const struct control_ops ops = { .request = on_request };

void session_waits_for_vcpus(void *opaque, bool on)
{
	struct session *session = opaque;

	/* They are closed when no thread is left that calls this. */
	consoles_set_no_wait(atomic_load(&session->consoles), on);
}

int session_control_begin(struct session *session)
{
	const struct run_options *options = session->options;
	AxHost *host = iothread_host(session->io);

	session->start_ns = ax_host_now(host);
	session->pauser = pauser_new(host, &session->stopped, session_waits_for_vcpus, session);
	if (!session->pauser) {
		cli_message("there is no memory left");
		return STATUS_HOST;
	}
	/* An operating system can be asked to shut down: without a name of its own it has one. */
	if (options->name)
		snprintf(session->name, sizeof(session->name), "%s", options->name);
	else if (options->system)
		snprintf(session->name, sizeof(session->name), "vm-%ld", (long)getpid());
	else
		return STATUS_OK;
	session->live = live_new(host);
	if (!session->live) {
		cli_message("there is no memory left");
		return STATUS_HOST;
	}
	session->control = control_new(session->name, !options->name, host, &ops, session);
	if (!session->control)
		return options->name ? STATUS_HOST : STATUS_OK;
	live_attach(session->live, atomic_load(&session->machine));
	return STATUS_OK;
}

void session_control_end(struct session *session, const char *end, int status)
{
	pauser_reset(session->pauser);
	control_free(session->control, status, end);
	session->control = NULL;
	live_free(session->live);
	session->live = NULL;
	pauser_free(session->pauser);
	session->pauser = NULL;
}
