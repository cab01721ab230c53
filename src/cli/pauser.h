/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pausing a machine from the loop's thread. A vCPU that is to be held may wait for a device, and so
 * for the loop: a thread of its own waits for the vCPUs instead.
 */
#ifndef AXVMM_CLI_PAUSER_H
#define AXVMM_CLI_PAUSER_H

#include <stdatomic.h>
#include <stdbool.h>

#include <axvmm/host.h>
#include <axvmm/vm.h>

struct pauser;

/*
 * @stopped  not 0: the run is to end, for which a paused machine has to go on: it is looked at while
 *           one is; borrowed
 * @waiting  called when vCPUs begin to be waited for (@on), and when that ends, so that what keeps them lets
 *           go; on a thread of the pauser's
 * Returns NULL when there is no memory.
 */
struct pauser *pauser_new(AxHost *host, const atomic_int *stopped,
			  void (*waiting)(void *opaque, bool on), void *opaque);

/*
 * Pause @vm. @done is called on the loop's thread, with NULL or why it failed; also before this
 * returns. Thread: the loop's.
 */
void pauser_pause(struct pauser *pauser, AxVm *vm, void (*done)(void *opaque, const char *why),
		  void *opaque);

/* Let it go on. NULL, or why not. Thread: the loop's. */
const char *pauser_resume(struct pauser *pauser, AxVm *vm);

bool pauser_is_paused(const struct pauser *pauser);

/* The machine has ended: forget it. The loop does not run; NULL is allowed. */
void pauser_reset(struct pauser *pauser);

/* After pauser_reset(). NULL is allowed. */
void pauser_free(struct pauser *pauser);

#endif
