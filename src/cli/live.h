/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What "axvmm top" asks a run for: exits and states of vCPUs, KVM's own statistics, and which
 * devices the exits are for. The latter is sampled, for as long as somebody asks; vCPUs notice
 * nothing of it. Everything runs on the loop's thread, or while the loop is held.
 */
#ifndef AXVMM_CLI_LIVE_H
#define AXVMM_CLI_LIVE_H

#include <axvmm/host.h>
#include <axvmm/machine.h>

#include "cli/json.h"

struct live;

/* NULL when there is no memory. */
struct live *live_new(AxHost *host);

/* The machine that runs from now on: its vCPUs do not run yet. NULL as @live is allowed. */
void live_attach(struct live *live, AxMachine *machine);

/* It is about to go. NULL as @live is allowed. */
void live_detach(struct live *live);

/* Members of an answer, which is open: see CONTROL PROTOCOL in the manual. @paused: no vCPU runs. */
void live_put(struct live *live, struct json *json, bool paused);

/* NULL is allowed. */
void live_free(struct live *live);

#endif
