/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pausing a machine from the loop's thread.
 */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/pauser.h"

/* How soon a paused machine ends that is asked to, by a signal too. */
#define LOOK_NS 50000000u

struct pauser {
	AxHost *host;
	const atomic_int *stopped;
	void (*waiting)(void *opaque, bool on);
	void *waiting_opaque;
	AxTimer *timer; /* armed while it is paused */
	AxVm *vm;
	void (*done)(void *opaque, const char *why);
	void *opaque;
	bool busy;  /* finish() will run */
	bool stale; /* it was another machine's: the thread is joined already */
	bool paused;
	pthread_t thread;
	AxError err;
};

static void look_around(void *opaque)
{
	struct pauser *pauser = opaque;

	if (!pauser->paused)
		return;
	if (atomic_load(pauser->stopped))
		pauser_resume(pauser, pauser->vm);
	else
		ax_timer_arm(pauser->timer, ax_host_now(pauser->host) + LOOK_NS);
}

struct pauser *pauser_new(AxHost *host, const atomic_int *stopped,
			  void (*waiting)(void *opaque, bool on), void *opaque)
{
	struct pauser *pauser = calloc(1, sizeof(*pauser));

	if (!pauser)
		return NULL;
	pauser->host = host;
	pauser->stopped = stopped;
	pauser->waiting = waiting;
	pauser->waiting_opaque = opaque;
	pauser->timer = ax_timer_new(host, look_around, pauser);
	if (pauser->timer)
		return pauser;
	free(pauser);
	return NULL;
}

/* On the loop's thread, behind the thread that waited. */
static void finish(void *opaque)
{
	struct pauser *pauser = opaque;

	pauser->busy = false;
	if (pauser->stale) {
		pauser->stale = false;
		pauser->done(pauser->opaque, "the guest was rebooted meanwhile");
		return;
	}
	pthread_join(pauser->thread, NULL);
	pauser->paused = !*pauser->err.message;
	look_around(pauser);
	pauser->done(pauser->opaque, *pauser->err.message ? pauser->err.message : NULL);
}

static void *wait_for_vcpus(void *opaque)
{
	struct pauser *pauser = opaque;

	pauser->waiting(pauser->waiting_opaque, true);
	if (!ax_vm_pause(pauser->vm, &pauser->err))
		pauser->err.message[0] = 0;
	pauser->waiting(pauser->waiting_opaque, false);
	/* Without memory for it nobody would be told: the next second has some. */
	while (ax_host_defer(pauser->host, finish, pauser))
		nanosleep(&(struct timespec){ .tv_nsec = 100000000 }, NULL);
	return NULL;
}

void pauser_pause(struct pauser *pauser, AxVm *vm, void (*done)(void *opaque, const char *why),
		  void *opaque)
{
	sigset_t all, old;
	int ret;

	if (pauser->busy || pauser->paused) {
		done(opaque, pauser->busy ? "it is about to be paused" : "it is paused already");
		return;
	}
	pauser->vm = vm;
	pauser->done = done;
	pauser->opaque = opaque;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	ret = pthread_create(&pauser->thread, NULL, wait_for_vcpus, pauser);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (ret)
		done(opaque, strerror(ret));
	else
		pauser->busy = true;
}

const char *pauser_resume(struct pauser *pauser, AxVm *vm)
{
	if (pauser->busy)
		return "it is about to be paused";
	if (!pauser->paused)
		return "it is not paused";
	if (ax_vm_resume(vm, &pauser->err))
		return pauser->err.message;
	pauser->paused = false;
	return NULL;
}

bool pauser_is_paused(const struct pauser *pauser)
{
	return pauser->paused;
}

void pauser_reset(struct pauser *pauser)
{
	if (!pauser)
		return;
	/* What it has deferred comes with the next machine, or never. */
	if (pauser->busy && !pauser->stale) {
		pthread_join(pauser->thread, NULL);
		pauser->stale = true;
	}
	pauser->paused = false;
	ax_timer_arm(pauser->timer, UINT64_MAX);
}

void pauser_free(struct pauser *pauser)
{
	if (!pauser)
		return;
	ax_timer_free(pauser->timer);
	free(pauser);
}
