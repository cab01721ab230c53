/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a recording says of the machine that it was made of.
 */
#ifndef AXVMM_MACHINE_REPLAY_H
#define AXVMM_MACHINE_REPLAY_H

#include <axvmm/machine.h>

#define REPLAY_DEVICES_MAX 32 /* as many slots as any board has */

/* The virtio devices of a replay, which its machine owns. */
struct replay_devices {
	AxVirtio *devices[REPLAY_DEVICES_MAX];
	uint32_t count;
};

/* Free them and it, once they are in no machine. NULL is allowed. */
void replay_devices_free(struct replay_devices *made);

/* Write down what ax_machine_replay() needs, with @irqchip and @power as the machine has them. */
void describe_machine(const AxMachineOptions *options, uint32_t irqchip, uint32_t power);

#endif
