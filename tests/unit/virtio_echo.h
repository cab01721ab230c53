/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A virtio device for tests of the transport and the queues: it copies what a chain has to read into
 * what it has to write, at once, later or in any order, as the test says; and notes how it is called.
 */
#ifndef AXVMM_TESTS_UNIT_VIRTIO_ECHO_H
#define AXVMM_TESTS_UNIT_VIRTIO_ECHO_H

#include "dev/virtio/mmio.h"

#define ECHO_ID	      42
#define ECHO_QUEUES   3
#define ECHO_SIZE     64 /* of queues 0 and 1; the last has 4 */
#define ECHO_SEGMENTS 16
#define ECHO_CONFIG   12
#define ECHO_HELD     64
#define ECHO_F_OWN    (1ULL << 5)  /* offered */
#define ECHO_F_BAD    (1ULL << 40) /* offered, and refused */

struct echo {
	AxVirtio virtio;
	/* How it works. */
	bool hold;	     /* chains are held until echo_finish() */
	bool switches;	     /* notifications are off while it works */
	unsigned budget;     /* chains a notification, then it kicks itself; 0: all */
	bool unlocks;	     /* its drain op lets the lock go for a moment */
	bool shuffles;	     /* holds up to ECHO_HELD chains, and gives them back in any order */
	unsigned save_fails; /* what its save op returns, negated */
	/* What happened. */
	unsigned starts, notifies, drains, resets, config_writes, restores;
	uint32_t config_offset, config_len;
	int last_pop;
	unsigned held;
	unsigned held_queue[ECHO_HELD];
	struct virtq_chain *chains[ECHO_HELD + 1];
	uint32_t seed, own;
};

/* Make one, which @host's thread runs. */
struct echo *echo_new(AxHost *host);
static inline struct echo *echo_of(AxVirtio *virtio)
{
	return (struct echo *)virtio;
}

/* Copy a chain's bytes: how many. */
uint32_t echo_copy(struct virtq_chain *chain);
/* Give back the @index-th of the held chains, filled; the lock is held. */
void echo_finish(struct echo *echo, unsigned index);

#endif
