/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of a run share.
 */
#ifndef AXVMM_CLI_SESSION_PRIVATE_H
#define AXVMM_CLI_SESSION_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include <axvmm/crash.h>
#include <axvmm/gdb.h>

#include "cli/consoles.h"
#include "cli/control.h"
#include "cli/demo.h"
#include "cli/devices.h"
#include "cli/iothread.h"
#include "cli/live.h"
#include "cli/pauser.h"
#include "cli/record.h"
#include "cli/serial.h"
#include "cli/session.h"
#include "cli/source.h"
#include "cli/stats.h"
#include "cli/timing.h"
#include "cli/trace.h"
#include "cli/writer.h"

struct session {
	const struct run_options *options;
	struct source source;
	_Atomic(AxMachine *) machine; /* NULL between two of a guest that reboots, too */
	atomic_int stopped;	      /* an enum session_stop: the first; 0: nobody has */
	struct iothread *io;
	struct devices devices;
	/* NULL: the demonstration, which has none, or they are being closed: a signal's handler looks. */
	_Atomic(struct consoles *) consoles;
	struct serial_line *serial; /* NULL: the demonstration */
	struct stats *stats;
	AxRecord *recording; /* --record; NULL */
	AxRecord *record;    /* the same for the first machine; NULL for those of a guest that rebooted */
	bool ran;
	struct trace *trace;	  /* NULL: none is written */
	struct trace_job *tracer; /* of "axvmm trace start" and "stop"; NULL: nothing is to be done */
	struct timing *timing;	  /* NULL: off */
	pthread_t watcher;	  /* has the first machine's exits looked at no more */
	bool has_watcher;
	struct demo demo;
	struct writer output; /* the demonstration's standard output */
	atomic_bool hurry;    /* the run is to end: see struct writer */

	/* The loop's thread, or while that is held. */
	struct control *control;
	struct pauser *pauser;
	struct live *live; /* NULL: without a control socket */
	char name[CONTROL_NAME_MAX + 1];
	uint64_t start_ns; /* of the host's clock */
	uint64_t begin_ns; /* when the command began; timing_now()'s clock */
	unsigned reboots;
	char why[160];	    /* of a request that could not be done, until it is answered */
	AxGdb *gdb;	    /* NULL: none */
	AxCrashRing *crash; /* --crash-dir; NULL: none */
};

/* End the run. Async-signal-safe; any thread. */
void session_stop(struct session *session, int why);

/* session-control.c */

/* A key of the console's menu. Thread: the loop's. */
bool session_menu(void *opaque, enum console_action action);

/* Serve requests about the run, if it has a name. Returns STATUS_OK, or STATUS_HOST after a message. */
int session_control_begin(struct session *session);

/* The vCPUs of the session (@opaque) are to be held, or to let go of something: until that is so (@on false)
 * none waits for a console's slow reader. Any thread. */
void session_waits_for_vcpus(void *opaque, bool on);

/* Tell who waits how it ended. The loop is held. */
void session_control_end(struct session *session, const char *end, int status);

/* session-trace.c */

/* Begin what --trace asks for, with the first machine. Returns a status, after a message. */
int session_trace_open(struct session *session);

/* A machine has been made, another than the first; or is about to be freed. */
int session_trace_attach(struct session *session);
void session_trace_detach(struct session *session);

/* Close the file and say what is missing in it. Returns the status it makes of @status. */
int session_trace_close(struct session *session, int status);

/* What is asked for while the guest runs. As control_ops.request. */
const char *session_trace_start(struct session *session, const struct json_value *request,
				struct control_client *client);
const char *session_trace_stop(struct session *session, struct control_client *client);

/*
 * session-debug.c: listen for gdb; have it look at a machine, and no longer; tell it the end. The loop
 * is held. Returns STATUS_OK, or STATUS_HOST after a message.
 */
int session_debug_open(struct session *session);
int session_debug_attach(struct session *session, AxMachine *machine);
void session_debug_detach(struct session *session);
void session_debug_end(struct session *session, int status);

/* session-debug.c: see whether a report could be written; keep exits for one; write one on a guest that has died, after the run. */
int session_crash_check(const struct run_options *options);
int session_crash_open(struct session *session);
void session_crash_report(struct session *session, const AxMachineResult *result);

/* session-dump.c: --dump-fdt, --dump-acpi. Returns STATUS_OK, or STATUS_HOST after a message. */
int session_dump(const struct run_options *options, const AxMachine *machine);

#endif
