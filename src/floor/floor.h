/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the architecture's part of the floor gives to the rest.
 */
#ifndef AXVMM_FLOOR_FLOOR_H
#define AXVMM_FLOOR_FLOOR_H

#include <stdint.h>

/* Where RAM begins, and the test device (guests/abi.h). */
extern const uint64_t floor_ram;
extern const uint64_t floor_test_device;

/* Give a new vCPU its state: @mode is "real" or "protected" on x86-64, "native" elsewhere. Ends the
 * process when that fails. */
void floor_start(int vm, int vcpu, const char *mode, uint64_t entry);

/* End the process with a message when @ret is negative; else returns it. */
int floor_check(int ret, const char *what);

#endif
