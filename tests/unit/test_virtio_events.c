/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Virtqueues: notifications and interrupts, which come when they are wanted, and chains that a device
 * returns because it waits for more.
 */
#include "tests/unit/echo_fixture.h"

/* What was taken and returned is taken again, and asking for notifications does not count it as new. */
START_TEST(returned_chains_are_taken_again)
{
	struct virtq_chain *a = virtq_chain_new(8), *b = virtq_chain_new(8);
	uint64_t gpa;
	uint16_t ids[2];

	start(_i);
	gpa = drv_alloc(drv, 4096);
	virtio_lock(drv->virtio);
	for (unsigned round = 0; round < 100; round++) {
		add_five(gpa, 0, _i & INDIRECT);
		add_five(gpa, 0, _i & INDIRECT);
		ck_assert_int_eq(virtq_pop(drv->virtio, 0, a), 1);
		ck_assert_int_eq(virtq_pop(drv->virtio, 0, b), 1);
		ids[0] = a->id;
		ids[1] = b->id;
		virtq_return(drv->virtio, 0, b);
		virtq_return(drv->virtio, 0, a);
		ck_assert_uint_eq(drv->virtio->queues[0].in_flight, 0);
		ck_assert(!virtq_want_notify(drv->virtio, 0, true));
		/* Enough by now: the driver tells, or it is seen. */
		add_five(gpa, 0, _i & INDIRECT);
		ck_assert(virtq_want_notify(drv->virtio, 0, true));
		ck_assert_int_eq(virtq_pop(drv->virtio, 0, a), 1);
		ck_assert_uint_eq(a->id, ids[0]);
		virtq_push(drv->virtio, 0, a, 0);
		ck_assert_int_eq(virtq_pop(drv->virtio, 0, a), 1);
		ck_assert_uint_eq(a->id, ids[1]);
		ck_assert_int_eq(virtq_pop(drv->virtio, 0, b), 1);
		virtq_push(drv->virtio, 0, a, 0);
		virtq_push(drv->virtio, 0, b, 0);
		ck_assert_int_eq(virtq_pop(drv->virtio, 0, a), 0);
		for (unsigned i = 0; i < 3; i++)
			ck_assert_int_ge(drv_take(drv, 0, NULL), 0);
	}
	virtio_unlock(drv->virtio);
	ck_assert_uint_eq(drv->virtio->counters.chains, 300);
	virtq_chain_free(a);
	virtq_chain_free(b);
}
END_TEST

START_TEST(notifications_come_when_they_are_wanted)
{
	uint64_t gpa;

	start(_i);
	gpa = drv_alloc(drv, 4096);
	virtio_lock(drv->virtio);
	ck_assert(!virtq_want_notify(drv->virtio, 0, true));
	(void)virtq_want_notify(drv->virtio, 0, false);
	if (_i & EVENTS && !(_i & PACKED)) {
		/* Off means that the index asked for has passed: so let it pass. */
		add_five(gpa, 0, false);
		ck_assert(drv_kick(drv, 0));
	}
	add_five(gpa, 0, _i & INDIRECT);
	ck_assert(!drv_kick(drv, 0));
	ck_assert(virtq_want_notify(drv->virtio, 0, true));
	virtio_unlock(drv->virtio);
	drv_notify(drv, 0);
	drv_run(drv);
	ck_assert_uint_eq(drv->virtio->queues[0].in_flight, 0);
	add_five(gpa, 0, _i & INDIRECT);
	ck_assert(drv_kick(drv, 0));
	/* Of a queue that is off, there is nothing to want. */
	drv_reset(drv);
	virtio_lock(drv->virtio);
	ck_assert(!virtq_want_notify(drv->virtio, 0, true));
	virtio_unlock(drv->virtio);
}
END_TEST

START_TEST(interrupts_come_when_they_are_wanted)
{
	uint64_t gpa;

	start(_i);
	gpa = drv_alloc(drv, 4096);
	ck_assert(!drv_want_interrupts(drv, 0, false));
	/* Split with event indices: off means that the index asked for has passed. */
	for (unsigned i = 0; i < 3; i++) {
		add_five(gpa, 0, _i & INDIRECT);
		drv_notify(drv, 0);
		drv_run(drv);
	}
	ck_assert_uint_eq(atomic_load(&drv->pulses), 0);
	ck_assert_uint_eq(drv->virtio->counters.suppressed, 3);
	ck_assert(drv_want_interrupts(drv, 0, true));
	for (unsigned i = 0; i < 3; i++)
		ck_assert_int_ge(drv_take(drv, 0, NULL), 0);
	ck_assert(!drv_want_interrupts(drv, 0, true));
	add_five(gpa, 0, _i & INDIRECT);
	drv_kick(drv, 0);
	drv_run(drv);
	ck_assert_uint_eq(atomic_load(&drv->pulses), 1);
	/* Told once: not again until something comes back. */
	virtio_lock(drv->virtio);
	virtio_interrupt(drv->virtio, 0);
	virtio_unlock(drv->virtio);
	ck_assert_uint_eq(atomic_load(&drv->pulses), 1);
	ck_assert_uint_eq(drv->virtio->counters.interrupts, 1);
	ck_assert_uint_eq(drv->virtio->counters.suppressed, 3);
}
END_TEST

/* Many rounds, in which the driver takes nothing that it does not know of by an interrupt. */
START_TEST(an_index_asked_for_is_never_missed)
{
	uint64_t gpa;
	unsigned in_flight = 0;

	start(_i);
	gpa = drv_alloc(drv, 4096);
	for (unsigned round = 0; round < 5000; round++) {
		unsigned count = 1 + round * 7 % 11;

		while (count-- && add_five(gpa, 0, _i & INDIRECT) >= 0)
			in_flight++;
		drv_notify(drv, 0);
		drv_run(drv);
		if (!drv_wait_irq(drv, 0))
			ck_abort_msg("round %u: no interrupt", round);
		for (unsigned take = 1 + round % 13; take && drv_take(drv, 0, NULL) >= 0; take--)
			in_flight--;
		/* As a driver does that ends its round: what came meanwhile is looked at. */
		while (drv_want_interrupts(drv, 0, true)) {
			ck_assert_int_ge(drv_take(drv, 0, NULL), 0);
			in_flight--;
		}
		ck_assert_uint_eq(in_flight, 0);
	}
}
END_TEST

START_TEST(a_device_that_has_enough_goes_on_later)
{
	uint64_t gpa;
	unsigned count = 0;

	echo->budget = 3;
	echo->switches = _i & INDIRECT;
	start(_i);
	gpa = drv_alloc(drv, 4096);
	for (unsigned i = 0; i < 10; i++)
		add_five(gpa, 0, _i & INDIRECT);
	drv_kick(drv, 0);
	drv_run(drv);
	while (drv_take(drv, 0, NULL) >= 0)
		count++;
	ck_assert_uint_eq(count, 10);
	ck_assert_uint_eq(echo->notifies, 4);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		returned_chains_are_taken_again,	notifications_come_when_they_are_wanted,
		interrupts_come_when_they_are_wanted,	an_index_asked_for_is_never_missed,
		a_device_that_has_enough_goes_on_later,
	};

	return run_variants("virtio-events", tests, sizeof(tests) / sizeof(tests[0]), NULL, 0);
}
