/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The virtio devices of a run: what was asked for becomes devices, which stay the same when the guest
 * is rebooted in a new machine.
 */
#ifndef AXVMM_CLI_DEVICES_H
#define AXVMM_CLI_DEVICES_H

#include <axvmm/disk.h>
#include <axvmm/virtio.h>

#include "cli/options.h"

#define DEVICES_MAX 32 /* slots of the machine that has most */

/* Of a device that something outside of this process serves. */
struct device_fault {
	const char *option;		 /* "--net" */
	const char *name;		 /* the device's */
	const char *effect;		 /* what it means for the guest that this has ended */
	char why[AX_ERROR_MESSAGE_SIZE]; /* it has; empty: it has not. On the host's thread */
};

struct devices {
	AxVirtio *list[DEVICES_MAX];		  /* in the order of the slots */
	AxDisk *disks[DEVICES_MAX];		  /* NULL where the device is no disk */
	char names[DEVICES_MAX][16];		  /* "blk0", ... */
	struct device_fault *faults[DEVICES_MAX]; /* NULL where nothing outside serves it */
	uint32_t count;
	AxVirtio *balloon; /* one of the list; NULL: there is none */
	bool shared;	   /* guest RAM has to be shareable */
};

/*
 * Make all that @options ask for but consoles. @cpus: disks have so many queues unless told otherwise.
 * Returns STATUS_OK, or another status after a message; devices_free() is needed in any case. The host
 * does not dispatch.
 */
int devices_open(struct devices *devices, const struct run_options *options, uint32_t cpus,
		 AxHost *host);

/* Add one that was made elsewhere, which belongs to the devices then. False: there is no room. */
bool devices_add(struct devices *devices, AxVirtio *virtio);

/* In no machine any more. The host does not dispatch. */
void devices_free(struct devices *devices);

#endif
