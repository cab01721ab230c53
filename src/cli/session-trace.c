/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The trace of a run: the one that --trace asks for, and those that begin and end while the guest
 * runs. A thread of its own waits for the vCPUs meanwhile: a handler may wait for the loop's.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/cli.h"
#include "cli/session-private.h"

struct trace_job {
	struct session *session;
	AxMachine *machine;
	struct control_client *client;
	pthread_t thread;
	bool stops;
	bool joined; /* by a reboot or the end of the run, before finish() */
	int ret;
	AxError err;
	char why[TRACE_VERDICT_SIZE];
};

static void on_failure(void *opaque)
{
	session_stop(opaque, STOP_TRACE);
}

int session_trace_open(struct session *session)
{
	const char *path = session->options->trace;

	if (!path)
		return STATUS_OK;
	session->trace = trace_open(path, true, &session->hurry, on_failure, session);
	if (session->trace)
		return session_trace_attach(session);
	cli_message("%s: the trace cannot be written: %s", path, strerror(errno));
	return STATUS_HOST;
}

int session_trace_attach(struct session *session)
{
	AxError err = AX_ERROR_INIT;

	if (!session->trace || (session->tracer && session->tracer->stops))
		return STATUS_OK;
	/* What cannot be written is told when it is closed. */
	if (trace_attach(session->trace, atomic_load(&session->machine), &err) &&
	    !trace_error(session->trace))
		return cli_failure(NULL, &err);
	return STATUS_OK;
}

void session_trace_detach(struct session *session)
{
	struct trace_job *job = session->tracer;

	if (job && !job->joined) {
		pthread_join(job->thread, NULL);
		job->joined = true;
	}
	trace_detach(session->trace);
}

int session_trace_close(struct session *session, int status)
{
	char verdict[TRACE_VERDICT_SIZE];
	bool good;

	session_trace_detach(session);
	/* The loop does not run any more: what was deferred never comes. */
	free(session->tracer);
	session->tracer = NULL;
	good = trace_close(session->trace, verdict);
	session->trace = NULL;
	if (*verdict)
		cli_message("%s", verdict);
	return good ? status : STATUS_HOST;
}

/* On the loop's thread, behind the thread that waited. */
static void finish(void *opaque)
{
	struct trace_job *job = opaque;
	struct session *session = job->session;
	bool failed = job->ret && !trace_is_running(session->trace);

	if (!job->joined)
		pthread_join(job->thread, NULL);
	session->tracer = NULL;
	if (job->stops || failed) {
		trace_close(session->trace, job->why);
		session->trace = NULL;
	}
	if (failed && !*job->why)
		memcpy(job->why, job->err.message, sizeof(job->err.message));
	control_answer(job->client, *job->why ? job->why : NULL);
	free(job);
}

static void *wait_for_vcpus(void *opaque)
{
	struct trace_job *job = opaque;
	struct session *session = job->session;

	session_waits_for_vcpus(session, true);
	if (job->stops)
		trace_detach(session->trace);
	else
		job->ret = trace_attach(session->trace, job->machine, &job->err);
	session_waits_for_vcpus(session, false);
	/* Without memory for it nobody would be told: the next second has some. */
	while (ax_host_defer(iothread_host(session->io), finish, job))
		nanosleep(&(struct timespec){ .tv_nsec = 100000000 }, NULL);
	return NULL;
}

static const char *begin_job(struct session *session, struct control_client *client, bool stops)
{
	struct trace_job *job = calloc(1, sizeof(*job));
	sigset_t all, old;
	int ret;

	if (!job)
		return "there is no memory left";
	job->session = session;
	job->machine = atomic_load(&session->machine);
	job->client = client;
	job->stops = stops;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	ret = pthread_create(&job->thread, NULL, wait_for_vcpus, job);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (ret) {
		free(job);
		return "its thread cannot be created";
	}
	session->tracer = job;
	return control_later;
}

/* Create the file. NULL, or why not. */
static const char *open_file(struct session *session, const struct json_value *request)
{
	const struct json_value *file = json_member(request, "file");

	if (!file || file->type != JSON_STRING || file->text[0] != '/')
		return "trace-start needs \"file\", an absolute path";
	if (trace_would_overwrite(file->text))
		return "this file exists and is no trace: remove it first";
	/* This is the loop's thread, which waits for nobody. */
	session->trace = trace_open(file->text, false, &session->hurry, NULL, NULL);
	if (session->trace)
		return NULL;
	snprintf(session->why, sizeof(session->why),
		 "the trace cannot be written: its file cannot be created: %s", strerror(errno));
	return session->why;
}

const char *session_trace_start(struct session *session, const struct json_value *request,
				struct control_client *client)
{
	char verdict[TRACE_VERDICT_SIZE];
	const char *why;

	if (session->trace)
		return "it is being traced already";
	why = open_file(session, request);
	if (why)
		return why;
	why = begin_job(session, client, false);
	if (why != control_later) {
		trace_close(session->trace, verdict);
		session->trace = NULL;
	}
	return why;
}

const char *session_trace_stop(struct session *session, struct control_client *client)
{
	if (session->tracer)
		return "its trace is about to begin or to end";
	if (!session->trace)
		return "it is not being traced";
	return begin_job(session, client, true);
}
