/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the words of guests.list are for a machine (axvmm/machine.h). Nothing of the library is called.
 */
#ifndef AXVMM_GUESTS_WORDS_H
#define AXVMM_GUESTS_WORDS_H

#include <axvmm/machine.h>

#include "guests/embedded.h"

/* An AxMode of the column "mode"; AX_MODE_NATIVE where the image says how it begins. Thread: any. */
uint32_t embedded_guest_mode(const char *word);

/* An AxIrqchip of the column "irqchip". Thread: any. */
uint32_t embedded_guest_irqchip(const char *word);

/* Who starts and stops CPUs, an AxPower. Thread: any. */
uint32_t embedded_guest_power(const struct embedded_guest *guest);

/* AX_MACHINE_* features that it needs. Thread: any. */
uint32_t embedded_guest_features(const struct embedded_guest *guest);

#endif
