/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AxState inside: what device.c needs beyond the public functions to frame each device's part.
 */
#ifndef AXVMM_CORE_STATE_H
#define AXVMM_CORE_STATE_H

#include <axvmm/device.h>

struct AxState {
	uint8_t *bytes;
	size_t len;	 /* bytes that hold */
	size_t capacity; /* bytes that are allocated */
	size_t cursor;	 /* next byte to take */
	size_t limit;	 /* end of what may be taken, at most len; SIZE_MAX: len */
	int error;	 /* the first; 0 */
};

/* Bytes that may still be taken. */
size_t state_left(const AxState *state);

/* Skip @len bytes and return where they begin; NULL, with the error remembered, past the end. */
const uint8_t *state_take(AxState *state, size_t len);

#endif
