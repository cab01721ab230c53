/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Virtqueues with a driver that keeps the rules: split and packed, with event indices and without, with
 * tables of indirect descriptors and without. Notifications and interrupts are in test_virtio_events.c,
 * hostile drivers in test_virtio_hostile.c.
 */
#include "tests/unit/echo_fixture.h"
#include "tests/unit/fake_libc.h"

START_TEST(a_chain_comes_back_with_what_was_written)
{
	uint64_t gpa;
	uint32_t len;
	int token;

	start(_i);
	gpa = drv_alloc(drv, 4096);
	fill_five(gpa, "0123456789");
	token = add_five(gpa, 1, _i & INDIRECT);
	ck_assert_int_ge(token, 0);
	ck_assert(drv_kick(drv, 1));
	ck_assert_int_eq(drv_wait(drv, 1, &len), token);
	ck_assert_uint_eq(len, 10);
	check_five(gpa, "0123456789");
	ck_assert_int_eq(drv_take(drv, 1, &len), -1);
	ck_assert_uint_eq(atomic_load(&drv->pulses), 1);
	ck_assert_uint_eq(echo->notifies, 1);
	ck_assert_uint_eq(drv->virtio->queues[1].in_flight, 0);
}
END_TEST

/* Rings wrap, and so do the 16 bits of a split ring's index. */
START_TEST(a_small_ring_takes_many_chains)
{
	uint32_t rounds = _i & PACKED ? 3000 : 45000;
	uint64_t gpa;
	uint32_t len;

	drv->queue_size = _i & PACKED ? 3 : 4;
	start(_i);
	gpa = drv_alloc(drv, 4096);
	for (uint32_t i = 0; i < rounds; i++) {
		unsigned chains = 1 + i % 3;

		memcpy(drv_ptr(drv, gpa), &i, 4);
		for (unsigned n = 0; n < chains; n++) {
			const struct drv_segment segments[] = { { gpa, 4, false },
								{ gpa + 16 + 8 * n, 4, true } };

			/* Without tables a chain of two has room once, or twice. */
			if (drv_add_chain(drv, 2, segments, 2, _i & INDIRECT) < 0)
				chains = n;
		}
		if (!drv_kick(drv, 2))
			ck_abort_msg("round %u: the device does not want to know", i);
		(void)ax_loop_dispatch(drv->host, 0, NULL);
		for (unsigned n = 0; n < chains; n++) {
			if (drv_take(drv, 2, &len) < 0 || len != 4 ||
			    memcmp(drv_ptr(drv, gpa + 16 + 8 * n), &i, 4) != 0)
				ck_abort_msg("round %u: chain %u is not right", i, n);
		}
	}
	ck_assert_int_eq(drv_take(drv, 2, &len), -1);
	ck_assert_uint_eq(drv->queues[2].in_flight, 0);
}
END_TEST

START_TEST(a_full_ring_is_served)
{
	uint64_t gpa;
	unsigned count = 0;

	start(_i);
	gpa = drv_alloc(drv, 4096);
	while (drv_add_chain(drv, 0, &(struct drv_segment){ gpa, 1, true }, 1, _i & INDIRECT) >= 0)
		count++;
	ck_assert_uint_eq(count, ECHO_SIZE);
	ck_assert(drv_kick(drv, 0));
	drv_run(drv);
	ck_assert_uint_eq(echo->notifies, 1);
	while (drv_take(drv, 0, NULL) >= 0)
		count--;
	ck_assert_uint_eq(count, 0);
	ck_assert_uint_eq(atomic_load(&drv->pulses), 1);
}
END_TEST

START_TEST(chains_come_back_in_any_order)
{
	uint64_t gpa;
	uint32_t len;
	unsigned seen = 0;

	echo->hold = true;
	start(_i);
	gpa = drv_alloc(drv, 4096 * 8);
	for (unsigned i = 0; i < 8; i++) {
		char ten[11];

		snprintf(ten, sizeof(ten), "chain%05u", i);
		fill_five(gpa + 4096 * i, ten);
		ck_assert_int_ge(add_five(gpa + 4096 * i, 0, _i & INDIRECT), 0);
	}
	drv_kick(drv, 0);
	drv_run(drv);
	ck_assert_uint_eq(echo->held, 8);
	ck_assert_int_eq(drv_take(drv, 0, &len), -1);
	virtio_lock(drv->virtio);
	echo_finish(echo, 5);
	echo_finish(echo, 2);
	echo_finish(echo, 5);
	while (echo->held)
		echo_finish(echo, 0);
	virtio_unlock(drv->virtio);
	while (drv_take(drv, 0, &len) >= 0) {
		ck_assert_uint_eq(len, 10);
		seen++;
	}
	ck_assert_uint_eq(seen, 8);
	for (unsigned i = 0; i < 8; i++) {
		char ten[11];

		snprintf(ten, sizeof(ten), "chain%05u", i);
		check_five(gpa + 4096 * i, ten);
	}
	ck_assert_uint_eq(drv->virtio->queues[0].in_flight, 0);
}
END_TEST

START_TEST(a_reset_finishes_what_is_in_flight)
{
	uint64_t gpa;
	uint32_t len;

	echo->hold = true;
	echo->unlocks = true;
	start(_i);
	gpa = drv_alloc(drv, 4096);
	fill_five(gpa, "0123456789");
	add_five(gpa, 0, _i & INDIRECT);
	drv_kick(drv, 0);
	drv_run(drv);
	ck_assert_uint_eq(echo->held, 1);
	drv_reset(drv);
	ck_assert_uint_eq(echo->held, 0);
	check_five(gpa, "0123456789");
	ck_assert_uint_eq(drv_in(drv, VIRTIO_MMIO_INTERRUPT_STATUS), 0);
	echo->hold = false;
	start(_i);
	add_five(gpa, 0, _i & INDIRECT);
	drv_kick(drv, 0);
	drv_wait(drv, 0, &len);
}
END_TEST

START_TEST(a_queue_is_switched_off_alone)
{
	uint64_t gpa;
	uint32_t len;

	echo->hold = true;
	start(_i);
	gpa = drv_alloc(drv, 4096);
	add_five(gpa, 0, _i & INDIRECT);
	drv_notify(drv, 0);
	drv_run(drv);
	ck_assert_uint_eq(echo->held, 1);
	drv_out(drv, VIRTIO_MMIO_QUEUE_SEL, 0);
	drv_out(drv, VIRTIO_MMIO_QUEUE_READY, 0);
	ck_assert_uint_eq(drv_in(drv, VIRTIO_MMIO_QUEUE_READY), 0);
	ck_assert_uint_eq(echo->held, 0);
	ck_assert_int_ge(drv_take(drv, 0, &len), 0);
	echo->hold = false;
	/* The others go on, and it may be set up anew. */
	add_five(gpa, 1, _i & INDIRECT);
	drv_kick(drv, 1);
	drv_wait(drv, 1, &len);
	drv_setup_queue(drv, 0);
	add_five(gpa, 0, _i & INDIRECT);
	drv_kick(drv, 0);
	drv_wait(drv, 0, &len);
}
END_TEST

/* Of a queue that was switched off under it, a chain no more than lets go of its memory. */
START_TEST(late_chains_do_no_harm)
{
	struct virtq_chain *late = virtq_chain_new(8);
	uint64_t gpa;

	start(_i);
	gpa = drv_alloc(drv, 4096);
	add_five(gpa, 0, _i & INDIRECT);
	virtio_lock(drv->virtio);
	ck_assert_int_eq(virtq_pop(drv->virtio, 0, late), 1);
	virtio_unlock(drv->virtio);
	start(_i);
	virtio_lock(drv->virtio);
	virtq_push(drv->virtio, 0, late, 10);
	virtio_interrupt(drv->virtio, 0);
	virtio_unlock(drv->virtio);
	ck_assert_int_eq(drv_take(drv, 0, NULL), -1);
	ck_assert_uint_eq(drv->virtio->queues[0].in_flight, 0);
	ck_assert_uint_eq(atomic_load(&drv->pulses), 0);
	/* The same with returning. */
	add_five(gpa, 0, _i & INDIRECT);
	virtio_lock(drv->virtio);
	ck_assert_int_eq(virtq_pop(drv->virtio, 0, late), 1);
	virtio_unlock(drv->virtio);
	drv_reset(drv);
	virtio_lock(drv->virtio);
	virtq_return(drv->virtio, 0, late);
	virtio_unlock(drv->virtio);
	ck_assert_uint_eq(drv->virtio->queues[0].avail, 0);
	virtq_chain_free(late);
	ck_assert_int_eq(ax_virtio_detach(drv->virtio, NULL), 0);
	/* No view is held. */
	ck_assert_int_eq(ax_ram_remove(drv->vm, DRV_RAM_BASE, NULL), 0);
	drv_add_rom(drv);
}
END_TEST

START_TEST(several_chains_are_given_back_at_once)
{
	struct virtq_chain *chains[3];
	const uint32_t written[3] = { 1, 16, 2 };
	uint64_t gpa;
	uint32_t len;

	start(_i);
	gpa = drv_alloc(drv, 4096);
	virtio_lock(drv->virtio);
	for (unsigned round = 0; round < 50; round++) {
		for (unsigned i = 0; i < 3; i++) {
			add_five(gpa, 0, _i & INDIRECT);
			chains[i] = echo->chains[i];
			ck_assert_int_eq(virtq_pop(drv->virtio, 0, chains[i]), 1);
		}
		virtq_push_many(drv->virtio, 0, chains, written, 3);
		for (unsigned i = 0; i < 3; i++) {
			ck_assert_int_ge(drv_take(drv, 0, &len), 0);
			ck_assert_uint_eq(len, written[i]);
		}
	}
	virtio_unlock(drv->virtio);
}
END_TEST

START_TEST(bytes_are_copied_and_sliced_at_any_offset)
{
	char bytes[32] = "";
	struct virtq_chain *chain = echo->chains[0];
	struct iovec out[8];
	uint64_t gpa, got;

	start(0);
	gpa = drv_alloc(drv, 4096);
	fill_five(gpa, "0123456789");
	add_five(gpa, 0, false);
	virtio_lock(drv->virtio);
	ck_assert_int_eq(virtq_pop(drv->virtio, 0, chain), 1);
	ck_assert_uint_eq(chain->out_count, 2);
	ck_assert_uint_eq(chain->in_count, 3);
	ck_assert_uint_eq(chain->out_len, 10);
	ck_assert_uint_eq(chain->in_len, 16);
	ck_assert_uint_eq(virtq_read(chain, 0, bytes, sizeof(bytes)), 10);
	ck_assert_str_eq(bytes, "0123456789");
	ck_assert_uint_eq(virtq_read(chain, 2, bytes, 3), 3);
	ck_assert_mem_eq(bytes, "234", 3);
	ck_assert_uint_eq(virtq_read(chain, 9, bytes, 3), 1);
	ck_assert_uint_eq(virtq_read(chain, 10, bytes, 3), 0);
	ck_assert_uint_eq(virtq_read(chain, UINT64_MAX, bytes, 3), 0);
	ck_assert_uint_eq(virtq_read(chain, 0, bytes, 0), 0);
	ck_assert_uint_eq(virtq_write(chain, 8, "ABCDEFGHIJ", 10), 8);
	ck_assert_mem_eq(drv_ptr(drv, gpa + 300), "\0\0\0\0\0\0\0A", 8);
	ck_assert_mem_eq(drv_ptr(drv, gpa + 400), "BCDEFGH", 8);
	ck_assert_uint_eq(virtq_slice(chain->iov, 5, 2, 10, out, 8, &got), 4);
	ck_assert_uint_eq(got, 10);
	ck_assert_ptr_eq(out[0].iov_base, (uint8_t *)drv_ptr(drv, gpa) + 2);
	ck_assert_uint_eq(out[0].iov_len, 1);
	ck_assert_uint_eq(out[1].iov_len, 7);
	ck_assert_uint_eq(out[3].iov_len, 1);
	ck_assert_uint_eq(virtq_slice(chain->iov, 5, 0, 100, out, 2, &got), 2);
	ck_assert_uint_eq(got, 10);
	ck_assert_uint_eq(virtq_slice(chain->iov, 5, 20, 100, out, 8, &got), 1);
	ck_assert_uint_eq(got, 6);
	ck_assert_uint_eq(virtq_slice(chain->iov, 5, 26, 1, out, 8, &got), 0);
	ck_assert_uint_eq(got, 0);
	/* More than there is room for is not written. */
	virtq_push(drv->virtio, 0, chain, 1000);
	virtio_unlock(drv->virtio);
	ck_assert_int_ge(drv_take(drv, 0, (uint32_t *)bytes), 0);
	ck_assert_mem_eq(bytes, "\x10\0\0\0", 4);
}
END_TEST

START_TEST(no_memory_is_no_chain)
{
	for (unsigned nth = 1; nth <= 3; nth++) {
		fake_libc_fail(LIBC_MALLOC, nth, ENOMEM);
		ck_assert_ptr_null(virtq_chain_new(4));
	}
	virtq_chain_free(NULL);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		a_chain_comes_back_with_what_was_written,
		a_small_ring_takes_many_chains,
		a_full_ring_is_served,
		chains_come_back_in_any_order,
		a_reset_finishes_what_is_in_flight,
		a_queue_is_switched_off_alone,
		late_chains_do_no_harm,
		several_chains_are_given_back_at_once,
	};
	const TTest *const others[] = { bytes_are_copied_and_sliced_at_any_offset,
					no_memory_is_no_chain };

	return run_variants("virtio-queue", tests, sizeof(tests) / sizeof(tests[0]), others, 2);
}
