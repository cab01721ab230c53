/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AxState: a growing buffer and a checked cursor, little endian.
 */
#include <config.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/state.h"

AxState *ax_state_new(void)
{
	AxState *state = calloc(1, sizeof(*state));

	if (state)
		state->limit = SIZE_MAX;
	return state;
}

AxState *ax_state_from_bytes(const void *bytes, size_t len)
{
	AxState *state = ax_state_new();

	if (!state)
		return NULL;
	ax_state_put_bytes(state, bytes, len);
	if (state->error) {
		ax_state_free(state);
		return NULL;
	}
	return state;
}

void ax_state_free(AxState *state)
{
	if (!state)
		return;
	free(state->bytes);
	free(state);
}

const void *ax_state_bytes(const AxState *state, size_t *len)
{
	*len = state->len;
	return state->bytes;
}

int ax_state_error(const AxState *state)
{
	return state->error;
}

static void remember(AxState *state, int error)
{
	if (!state->error)
		state->error = error;
}

/* Room for @len more bytes. */
static bool reserve(AxState *state, size_t len)
{
	size_t capacity = state->capacity ? state->capacity : 64;
	uint8_t *bytes;

	if (len <= state->capacity - state->len)
		return true;
	while (capacity - state->len < len) {
		if (capacity > SIZE_MAX / 2)
			return false;
		capacity *= 2;
	}
	bytes = realloc(state->bytes, capacity);
	if (!bytes)
		return false;
	state->bytes = bytes;
	state->capacity = capacity;
	return true;
}

void ax_state_put_bytes(AxState *state, const void *bytes, size_t len)
{
	/* What follows a gap would be read as something else. */
	if (!len || state->error)
		return;
	if (!reserve(state, len)) {
		remember(state, -ENOMEM);
		return;
	}
	memcpy(state->bytes + state->len, bytes, len);
	state->len += len;
}

static void put(AxState *state, uint64_t value, unsigned len)
{
	uint8_t bytes[8];

	for (unsigned i = 0; i < len; i++)
		bytes[i] = (uint8_t)(value >> (8 * i));
	ax_state_put_bytes(state, bytes, len);
}

void ax_state_put_u8(AxState *state, uint8_t value)
{
	put(state, value, 1);
}

void ax_state_put_u32(AxState *state, uint32_t value)
{
	put(state, value, 4);
}

void ax_state_put_u64(AxState *state, uint64_t value)
{
	put(state, value, 8);
}

static size_t end_of(const AxState *state)
{
	return state->limit < state->len ? state->limit : state->len;
}

size_t state_left(const AxState *state)
{
	return end_of(state) - state->cursor;
}

const uint8_t *state_take(AxState *state, size_t len)
{
	const uint8_t *bytes;

	if (len > state_left(state)) {
		/* Nothing after this would be at its right place. */
		state->cursor = end_of(state);
		remember(state, -EINVAL);
		return NULL;
	}
	bytes = state->bytes + state->cursor;
	state->cursor += len;
	return bytes;
}

void ax_state_get_bytes(AxState *state, void *bytes, size_t len)
{
	const uint8_t *from;

	if (!len)
		return;
	from = state_take(state, len);
	if (from)
		memcpy(bytes, from, len);
	else
		memset(bytes, 0, len);
}

static uint64_t get(AxState *state, unsigned len)
{
	uint8_t bytes[8] = { 0 };
	uint64_t value = 0;

	ax_state_get_bytes(state, bytes, len);
	for (unsigned i = 0; i < len; i++)
		value |= (uint64_t)bytes[i] << (8 * i);
	return value;
}

uint8_t ax_state_get_u8(AxState *state)
{
	return (uint8_t)get(state, 1);
}

uint32_t ax_state_get_u32(AxState *state)
{
	return (uint32_t)get(state, 4);
}

uint64_t ax_state_get_u64(AxState *state)
{
	return get(state, 8);
}
