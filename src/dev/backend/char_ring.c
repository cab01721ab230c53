/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A queue of bytes that grows as it must.
 */
#include <stdlib.h>
#include <string.h>

#include "dev/backend/char_ring.h"

#define FIRST_SIZE 4096u
#define KEPT_SIZE  65536u /* what an empty one keeps: the next flood finds it */

bool char_ring_init(struct char_ring *ring)
{
	*ring = (struct char_ring){ .bytes = malloc(FIRST_SIZE), .size = FIRST_SIZE };
	return ring->bytes;
}

void char_ring_fini(struct char_ring *ring)
{
	free(ring->bytes);
	*ring = (struct char_ring){ 0 };
}

/* Move all into a buffer of @size bytes, which is large enough. */
static bool resize(struct char_ring *ring, size_t size)
{
	uint8_t *bytes = malloc(size);
	size_t first = ring->size - ring->head;

	if (!bytes)
		return false;
	if (first > ring->len)
		first = ring->len;
	memcpy(bytes, ring->bytes + ring->head, first);
	memcpy(bytes + first, ring->bytes, ring->len - first);
	free(ring->bytes);
	ring->bytes = bytes;
	ring->size = size;
	ring->head = 0;
	return true;
}

size_t char_ring_put(struct char_ring *ring, const uint8_t *bytes, size_t len)
{
	size_t taken = len, size = ring->size, tail, first;

	while (size - ring->len < len && size <= SIZE_MAX / 2)
		size *= 2;
	if (size != ring->size && !resize(ring, size))
		taken = ring->size - ring->len;
	if (taken > len)
		taken = len;
	if (!taken)
		return 0;
	tail = (ring->head + ring->len) & (ring->size - 1);
	first = ring->size - tail;
	if (first > taken)
		first = taken;
	memcpy(ring->bytes + tail, bytes, first);
	memcpy(ring->bytes, bytes + first, taken - first);
	ring->len += taken;
	return taken;
}

size_t char_ring_front(const struct char_ring *ring, const uint8_t **bytes)
{
	size_t first = ring->size - ring->head;

	*bytes = ring->bytes + ring->head;
	return first < ring->len ? first : ring->len;
}

void char_ring_drop(struct char_ring *ring, size_t len)
{
	ring->head = (ring->head + len) & (ring->size - 1);
	ring->len -= len;
	if (ring->len)
		return;
	ring->head = 0;
	/* Without memory for a small one it stays as it is. */
	if (ring->size > KEPT_SIZE)
		(void)resize(ring, FIRST_SIZE);
}
