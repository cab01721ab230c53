/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A virtio device for tests; see virtio_echo.h.
 */
#include <check.h>
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/virtio_echo.h"

uint32_t echo_copy(struct virtq_chain *chain)
{
	uint8_t bytes[512];
	uint64_t at = 0;

	for (;;) {
		size_t got = virtq_read(chain, at, bytes, sizeof(bytes));

		got = virtq_write(chain, at, bytes, got);
		at += got;
		if (got < sizeof(bytes))
			return (uint32_t)at;
	}
}

void echo_finish(struct echo *echo, unsigned index)
{
	struct virtq_chain *chain = echo->chains[index];
	unsigned queue = echo->held_queue[index];

	virtq_push(&echo->virtio, queue, chain, echo_copy(chain));
	echo->held--;
	echo->chains[index] = echo->chains[echo->held];
	echo->held_queue[index] = echo->held_queue[echo->held];
	echo->chains[echo->held] = chain;
	virtio_interrupt(&echo->virtio, queue);
}

static uint32_t next_random(struct echo *echo)
{
	/* Xorshift, Marsaglia 2003. */
	echo->seed ^= echo->seed << 13;
	echo->seed ^= echo->seed >> 17;
	echo->seed ^= echo->seed << 5;
	return echo->seed;
}

/* One chain: held, or answered. False: there is none, or no room. */
static bool take_one(struct echo *echo, unsigned queue)
{
	struct virtq_chain *chain = echo->chains[echo->held];

	if (echo->held == ECHO_HELD)
		return false;
	echo->last_pop = virtq_pop(&echo->virtio, queue, chain);
	if (echo->last_pop <= 0)
		return false;
	if (echo->hold || echo->shuffles) {
		echo->held_queue[echo->held++] = queue;
		return true;
	}
	virtq_push(&echo->virtio, queue, chain, echo_copy(chain));
	return true;
}

static bool work(struct echo *echo, unsigned queue)
{
	for (unsigned i = 0; !echo->budget || i < echo->budget; i++) {
		if (!take_one(echo, queue))
			return false;
	}
	return true;
}

static void echo_notify(AxVirtio *virtio, unsigned queue)
{
	struct echo *echo = echo_of(virtio);
	bool more;

	echo->notifies++;
	if (echo->switches) {
		do {
			(void)virtq_want_notify(virtio, queue, false);
			more = work(echo, queue);
		} while (!more && virtq_want_notify(virtio, queue, true));
	} else {
		more = work(echo, queue);
	}
	while (echo->shuffles && echo->held)
		echo_finish(echo, next_random(echo) % echo->held);
	virtio_interrupt(virtio, queue);
	if (more)
		virtio_kick(virtio, queue);
}

static void echo_start(AxVirtio *virtio)
{
	echo_of(virtio)->starts++;
}

static void echo_drain(AxVirtio *virtio)
{
	struct echo *echo = echo_of(virtio);

	echo->drains++;
	if (echo->unlocks) {
		virtio_unlock(virtio);
		sched_yield();
		virtio_lock(virtio);
	}
	while (echo->held)
		echo_finish(echo, 0);
}

static void echo_reset(AxVirtio *virtio)
{
	struct echo *echo = echo_of(virtio);

	echo->resets++;
	echo->own = 0;
	memset(virtio->config, 0, sizeof(virtio->config));
	virtio->config[0] = 0x11;
}

static void echo_config_written(AxVirtio *virtio, uint32_t offset, uint32_t len)
{
	struct echo *echo = echo_of(virtio);

	echo->config_writes++;
	echo->config_offset = offset;
	echo->config_len = len;
}

static bool echo_features_ok(AxVirtio *virtio, uint64_t features)
{
	(void)virtio;
	return !(features & ECHO_F_BAD);
}

static int echo_save(AxVirtio *virtio, AxState *state)
{
	ax_state_put_u32(state, echo_of(virtio)->own);
	return -(int)echo_of(virtio)->save_fails;
}

static int echo_restore(AxVirtio *virtio, AxState *state)
{
	echo_of(virtio)->own = ax_state_get_u32(state);
	echo_of(virtio)->restores++;
	return echo_of(virtio)->own > 1000 ? -EINVAL : 0;
}

static void echo_free(AxVirtio *virtio)
{
	struct echo *echo = echo_of(virtio);

	for (unsigned i = 0; i <= ECHO_HELD; i++)
		virtq_chain_free(echo->chains[i]);
	virtio_fini(virtio);
	free(echo);
}

static const struct virtio_type echo_type = {
	.id = ECHO_ID,
	.name = "echo",
	.start = echo_start,
	.notify = echo_notify,
	.drain = echo_drain,
	.reset = echo_reset,
	.config_written = echo_config_written,
	.features_ok = echo_features_ok,
	.save = echo_save,
	.restore = echo_restore,
	.free = echo_free,
};

struct echo *echo_new(AxHost *host)
{
	static const uint32_t sizes[ECHO_QUEUES] = { ECHO_SIZE, ECHO_SIZE, 4 };
	const struct virtio_init init = { .type = &echo_type,
					  .host = host,
					  .features = ECHO_F_OWN | ECHO_F_BAD,
					  .queue_count = ECHO_QUEUES,
					  .queue_size = sizes,
					  .config_len = ECHO_CONFIG };
	struct echo *echo = calloc(1, sizeof(*echo));
	AxError err = AX_ERROR_INIT;

	ck_assert_ptr_nonnull(echo);
	ck_assert_msg(!virtio_init(&echo->virtio, &init, &err), "%s", err.message);
	for (unsigned i = 0; i <= ECHO_HELD; i++) {
		echo->chains[i] = virtq_chain_new(ECHO_SEGMENTS);
		ck_assert_ptr_nonnull(echo->chains[i]);
	}
	echo->seed = 1;
	echo->virtio.config[0] = 0x11;
	return echo;
}
