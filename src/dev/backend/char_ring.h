/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A queue of bytes that grows as it must. Its owner has the lock.
 */
#ifndef AXVMM_DEV_BACKEND_CHAR_RING_H
#define AXVMM_DEV_BACKEND_CHAR_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct char_ring {
	uint8_t *bytes;
	size_t size; /* a power of two */
	size_t head; /* of the oldest byte */
	size_t len;
};

/* Memory for the first few KiB, which it always has: false when there is none. */
bool char_ring_init(struct char_ring *ring);
void char_ring_fini(struct char_ring *ring);

/* Append: bytes taken, less than @len where there is no memory for more. */
size_t char_ring_put(struct char_ring *ring, const uint8_t *bytes, size_t len);

/* The oldest bytes: how many of them lie at *bytes. */
size_t char_ring_front(const struct char_ring *ring, const uint8_t **bytes);

/* Forget the oldest @len bytes; memory that was grown is returned when it is empty. */
void char_ring_drop(struct char_ring *ring, size_t len);

#endif
