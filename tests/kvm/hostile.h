/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trials of the guest "hostile": what their parts share.
 */
#ifndef AXVMM_TESTS_KVM_HOSTILE_H
#define AXVMM_TESTS_KVM_HOSTILE_H

#include "guest_run.h"

/* Addresses that nobody claims, learnt from exits. */
#define HOSTILE_PLACES 64

/* One guest's life with one seed. */
struct trial {
	uint64_t seed;
	uint64_t random; /* the host's own; other threads have theirs */
	uint32_t flags;	 /* AX_HOSTILE_* */
	bool disturbed;	 /* by another thread */
	struct guest_run run;
	AxVm *vm;
	atomic_bool ends;
	pthread_t disturber;
	uint64_t disturber_random;
	atomic_uint place_count;
	_Atomic uint64_t places[HOSTILE_PLACES];
	atomic_uint_fast64_t exits;
};

/* 64 random bits of a state that is not 0. */
uint64_t hostile_random(uint64_t *state);
unsigned hostile_pick(uint64_t *state, unsigned below);

/* An exit is one that can be, and can be told about. */
void hostile_check_exit(struct trial *trial, const AxVCpuExitReason *exit);

/* Handlers that answer, refuse or stop at random, where the guest has been before. */
void hostile_add_handlers(struct trial *trial);

/* A thread that kicks, pauses, injects, watches, adds and removes ranges until trial->ends. */
void *hostile_disturb(void *opaque);

/* Run vCPU 0 by hand, for a while, with random answers of the host's. */
void hostile_by_hand(struct trial *trial, uint64_t until_ns);

/* An API call gave one of these; the list ends with 1, which stands for itself and all above it. */
#define hostile_returns(call, ...) \
	hostile_check_return((call), #call, (const int[]){ __VA_ARGS__, 1 })
void hostile_check_return(int ret, const char *call, const int *allowed);

#endif
