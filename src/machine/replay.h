/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a recording says of the machine that it was made of.
 */
#ifndef AXVMM_MACHINE_REPLAY_H
#define AXVMM_MACHINE_REPLAY_H

#include <axvmm/machine.h>

/* Write down what ax_machine_replay() needs, with @irqchip and @power as the machine has them. */
void describe_machine(const AxMachineOptions *options, uint32_t irqchip, uint32_t power);

#endif
