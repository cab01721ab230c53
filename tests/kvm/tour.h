/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The piece of code "tour" and all that answers it, by hand and by handlers, with the same values.
 */
#ifndef AXVMM_TESTS_KVM_TOUR_H
#define AXVMM_TESTS_KVM_TOUR_H

#include <axvmm/trace.h>

#include "code.h"

/* A VM that makes the tour, and everything that was seen of it. */
struct tour {
	struct code_vm vm;
	char text[16384]; /* a line for each exit, with its answer */
	size_t len;
	uint64_t result;		/* the sum that the guest wrote to CODE_RESULT */
	uint64_t counts[AX_EXIT_KINDS]; /* filled by tour_close() */
};

/* The vCPU is in state Free, at the beginning. */
void tour_open(struct tour *tour);
void tour_close(struct tour *tour);

/* The exit is the tour's last one. */
bool tour_is_end(const AxVCpuExitReason *exit);

/* Answer an exit by hand and note it. */
void tour_answer(struct tour *tour, const AxVCpuExitReason *exit);

/* Register handlers that answer the same; the one of CODE_END says AX_STOP. */
void tour_add_handlers(struct tour *tour);

/* Notes what the loop does; its opaque pointer is the tour. */
extern const AxObserver tour_observer;

/* The whole tour by hand, from tour_open() to tour_close(). */
void tour_by_hand(struct tour *tour);

#endif
