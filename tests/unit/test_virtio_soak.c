/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Virtqueues with the driver on one thread and the device on another: each chain comes back once, with
 * what belongs to it, and no notification and no interrupt is lost: who waits for one gets it.
 */
#include <pthread.h>
#include <string.h>

#include "tests/unit/core_fixture.h"
#include "tests/unit/virtio_driver.h"
#include "tests/unit/virtio_echo.h"

#define PACKED	 1
#define EVENTS	 2
#define INDIRECT 4
#define SWITCHES 8
#define LEVEL	 16
#define VARIANTS 32

#define QUEUES	 2
#define CHAINS	 1500  /* of each queue */
#define PATIENCE 20000 /* ms: a notification that has not arrived by then is lost */

static struct drv *drv;
static struct echo *echo;
static pthread_t thread;
static atomic_bool stop;
static uint32_t seed;

static uint32_t random_below(uint32_t end)
{
	/* Xorshift, Marsaglia 2003. */
	seed ^= seed << 13;
	seed ^= seed >> 17;
	seed ^= seed << 5;
	return seed % end;
}

static void *run_loop(void *opaque)
{
	while (!atomic_load(&stop))
		(void)ax_loop_dispatch(drv->host, 20, NULL);
	return opaque;
}

static void begin(int variant)
{
	drv = drv_new();
	drv->trigger = variant & LEVEL ? AX_VIRTIO_LEVEL : AX_VIRTIO_EDGE;
	echo = echo_new(drv->host);
	echo->switches = variant & SWITCHES;
	seed = 12345 + (uint32_t)variant;
	drv_attach(drv, &echo->virtio);
	atomic_store(&stop, false);
	ck_assert_int_eq(pthread_create(&thread, NULL, run_loop, NULL), 0);
}

static void end(void)
{
	atomic_store(&stop, true);
	pthread_join(thread, NULL);
	drv_free(drv);
}

static void start(int variant)
{
	uint64_t without = ECHO_F_BAD;

	if (!(variant & PACKED))
		without |= VIRTIO_F_RING_PACKED;
	if (!(variant & EVENTS))
		without |= VIRTIO_F_EVENT_IDX;
	drv_start(drv, ~without);
}

/* What a queue's chains hold, by token. */
static struct work {
	uint64_t gpa;
	uint64_t sent, back;
	uint64_t number[ECHO_SIZE];
} works[QUEUES];

static uint8_t *buffer_of(struct work *work, int token)
{
	return drv_ptr(drv, work->gpa + 64 * (uint64_t)token);
}

/* The token is known only afterwards, so that the buffer is one of this number, not of the token. */
static bool send_one(unsigned index, bool indirect)
{
	struct work *work = &works[index];
	uint64_t slot = work->sent % ECHO_SIZE, gpa = work->gpa + 64 * slot;
	const struct drv_segment segments[] = { { gpa, 3, false },
						{ gpa + 3, 5, false },
						{ gpa + 16, 2, true },
						{ gpa + 24, 30, true } };
	int token;

	/* Its buffer is free when all before it that are as far behind are back: none is overtaken by so
	 * many. */
	if (work->sent - work->back >= ECHO_SIZE / 4)
		return false;
	memcpy(buffer_of(work, (int)slot), &work->sent, 8);
	token = drv_add_chain(drv, index, segments, 4, indirect);
	if (token < 0)
		return false;
	work->number[token] = work->sent++;
	return true;
}

static bool take_one(unsigned index)
{
	struct work *work = &works[index];
	uint8_t *buffer;
	uint32_t len;
	int token = drv_take(drv, index, &len);

	if (token < 0)
		return false;
	buffer = buffer_of(work, (int)(work->number[token] % ECHO_SIZE));
	if (len != 8 || memcmp(buffer + 16, &work->number[token], 2) != 0 ||
	    memcmp(buffer + 24, (uint8_t *)&work->number[token] + 2, 6) != 0)
		ck_abort_msg("queue %u: what came back is not what was sent", index);
	work->back++;
	return true;
}

/* A lost notification or interrupt ends here. */
static void wait_for_something(void)
{
	bool more = false;

	for (unsigned i = 0; i < QUEUES; i++)
		more |= drv_want_interrupts(drv, i, true);
	if (!more && !drv_wait_irq(drv, PATIENCE))
		ck_abort_msg("nothing came: sent %u and %u, back %u and %u",
			     (unsigned)works[0].sent, (unsigned)works[1].sent,
			     (unsigned)works[0].back, (unsigned)works[1].back);
	(void)drv_ack(drv);
	/* A driver that works looks by itself, or does not, as it likes. */
	for (unsigned i = 0; i < QUEUES && random_below(2); i++)
		(void)drv_want_interrupts(drv, i, false);
}

static bool send_some(unsigned index, int variant)
{
	uint32_t count = 1 + random_below(6);
	bool sent = false;

	while (count-- && works[index].sent < CHAINS)
		sent |= send_one(index, variant & INDIRECT && random_below(3));
	(void)drv_kick(drv, index);
	return sent;
}

static void traffic(int variant)
{
	for (unsigned i = 0; i < QUEUES; i++)
		works[i] = (struct work){ .gpa = drv_alloc(drv, 64 * ECHO_SIZE) };
	while (works[0].back < CHAINS || works[1].back < CHAINS) {
		bool busy = false;

		/* Often all that is in flight comes back, and both sides go to sleep. */
		for (unsigned i = 0; i < QUEUES; i++) {
			if (random_below(4))
				busy |= send_some(i, variant);
			while (take_one(i))
				busy = true;
		}
		if (!busy && (works[0].sent > works[0].back || works[1].sent > works[1].back))
			wait_for_something();
	}
	for (unsigned i = 0; i < QUEUES; i++) {
		ck_assert(!take_one(i));
		ck_assert_uint_eq(drv->queues[i].in_flight, 0);
	}
}

START_TEST(nothing_is_lost)
{
	AxVirtioCounters counters = AX_VIRTIO_COUNTERS_INIT;

	begin(_i);
	start(_i);
	traffic(_i);
	ck_assert_int_eq(ax_virtio_counters(drv->virtio, &counters), 0);
	ck_assert_uint_eq(counters.chains, QUEUES * CHAINS);
	ck_assert_uint_eq(counters.bad_chains, 0);
	end();
}
END_TEST

START_TEST(nothing_is_lost_out_of_order)
{
	begin(_i);
	echo->shuffles = true;
	echo->budget = 5;
	start(_i);
	traffic(_i);
	end();
}
END_TEST

/* The driver resets in the middle of everything, and begins anew. */
START_TEST(resets_at_any_time)
{
	begin(_i);
	echo->unlocks = true;
	for (unsigned round = 0; round < 60; round++) {
		virtio_lock(drv->virtio);
		echo->hold = round & 1;
		echo->shuffles = round & 2;
		virtio_unlock(drv->virtio);
		start(_i);
		for (unsigned i = 0; i < QUEUES; i++)
			works[i] = (struct work){ .gpa = drv_alloc(drv, 64 * ECHO_SIZE) };
		for (uint32_t i = random_below(20); i; i--) {
			(void)send_some(i % QUEUES, _i);
			while (take_one(i % QUEUES))
				;
		}
		if (random_below(2)) {
			drv_out(drv, VIRTIO_MMIO_QUEUE_SEL, 0);
			drv_out(drv, VIRTIO_MMIO_QUEUE_READY, 0);
		}
		drv_reset(drv);
		ck_assert_uint_eq(drv_in(drv, VIRTIO_MMIO_STATUS), 0);
		drv->next = DRV_RAM_BASE + 0x1000;
	}
	virtio_lock(drv->virtio);
	echo->hold = echo->shuffles = false;
	virtio_unlock(drv->virtio);
	start(_i);
	traffic(_i);
	end();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("virtio-soak");
	TCase *tcase = tcase_create("soak");

	tcase_set_timeout(tcase, 100);
	tcase_add_loop_test(tcase, nothing_is_lost, 0, VARIANTS);
	tcase_add_loop_test(tcase, nothing_is_lost_out_of_order, 0, SWITCHES);
	tcase_add_loop_test(tcase, resets_at_any_time, 0, SWITCHES);
	suite_add_tcase(suite, tcase);
	return drv_suite(suite);
}
