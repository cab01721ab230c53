/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running an embedded guest as its row of guests.list says: the machine, the thread of its host
 * services, its console, and judging how it ended.
 */
#ifndef AXVMM_TESTS_KVM_GUEST_RUN_H
#define AXVMM_TESTS_KVM_GUEST_RUN_H

#include <pthread.h>
#include <stdatomic.h>

#include <axvmm/machine.h>
#include <axvmm/trace.h>

#include "guests/embedded.h"
#include "kvm_test.h"

/* What is done differently from the row; all zero: nothing. */
struct guest_variant {
	uint32_t cpus;		    /* 0: the row's */
	const char *irqchip;	    /* NULL: the row's */
	uint32_t unclaimed;	    /* 1 + an AxUnclaimed; 0: the row's */
	uint32_t features;	    /* AX_MACHINE_* beside the row's */
	const AxObserver *observer; /* NULL: nobody watches */
	void *observer_opaque;
	uint64_t stop_after_ns; /* then GUEST_RUN_STOPPED; 0: only one that never ends */
};

/* Code of ax_machine_stop() when the time of a guest that does not end by itself is over. */
#define GUEST_RUN_STOPPED 1234

#define GUEST_OUTPUT_SIZE 8192

struct guest_run {
	const struct embedded_guest *guest;
	AxMachine *machine;
	AxVirtio *rng; /* NULL: the guest needs none */
	AxMachineResult result;
	char output[GUEST_OUTPUT_SIZE]; /* the first bytes that it printed, a string */
	size_t output_len;		/* all bytes */
	/* The thread of the host's loop, which also types and stops. */
	AxHost *host;
	AxTimer *stop_timer;
	AxTimer *type_timer;
	unsigned typed;
	uint64_t stop_after_ns;
	pthread_t thread;
	atomic_bool thread_ends;
};

/* The row of this name; fails the test when there is none. */
const struct embedded_guest *guest_named(const char *name);

/*
 * Make the machine. The run is to be closed on success only.
 *
 * @param variant  NULL: exactly the row
 * @return 0, or as ax_machine_new(); -ENOTSUP: this host's KVM lacks something, which @err names
 */
int guest_open(struct guest_run *run, const struct embedded_guest *guest,
	       const struct guest_variant *variant, AxError *err);

/* Run it to its end; fills run->result. As ax_machine_run(). */
int guest_go(struct guest_run *run, AxError *err);

void guest_close(struct guest_run *run);

/*
 * Whether it ended as its row says.
 *
 * @param why  filled with how it ended and what was expected
 */
bool guest_ended_well(const struct guest_run *run, char *why, size_t size);

/*
 * Why this host cannot run the guest as its row says although KVM does not refuse it: known ways in
 * which a software KVM promises more than it does. NULL: it has to end well.
 */
const char *guest_excuse(const struct embedded_guest *guest);

/* Open, run, close, and fail the test unless it ended well; what the host cannot is a skip. */
void guest_check(const struct embedded_guest *guest, const struct guest_variant *variant);

#endif
