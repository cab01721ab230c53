/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Virtqueues with drivers that break the rules: each breach sets DEVICE_NEEDS_RESET, is counted, and
 * costs no more than that; after a reset all is well.
 */
#include <errno.h>
#include <string.h>

#include "tests/unit/core_fixture.h"
#include "tests/unit/virtio_driver.h"
#include "tests/unit/virtio_echo.h"

#define NEXT VIRTQ_DESC_NEXT
#define WR   VIRTQ_DESC_WRITE
#define INDI VIRTQ_DESC_INDIRECT
#define END  (DRV_RAM_BASE + DRV_RAM_SIZE)

static struct drv *drv;
static struct echo *echo;
static uint64_t page, table;

static void set_up(void)
{
	drv = drv_new();
	echo = echo_new(drv->host);
	drv_attach(drv, &echo->virtio);
	drv_add_rom(drv);
}

static void tear_down(void)
{
	drv_free(drv);
}

static void start(uint64_t features)
{
	drv_start(drv, features & ~ECHO_F_BAD);
	drv_run(drv);
	page = drv_alloc(drv, 4096);
	table = drv_alloc(drv, 65536);
	(void)drv_ack(drv);
	atomic_store(&drv->pulses, 0);
	echo->last_pop = 0;
	memset(&drv->virtio->counters, 0, sizeof(drv->virtio->counters));
}

/* Descriptor @at of the table at @gpa. Of a packed ring the last two fields are ID and flags. */
static void put(uint64_t gpa, unsigned at, uint64_t addr, uint32_t len, unsigned flags,
		unsigned next)
{
	const struct virtq_desc desc = { addr, len, (uint16_t)flags, (uint16_t)next };

	memcpy(drv_ptr(drv, gpa + 16 * at), &desc, sizeof(desc));
}

static void put_split(unsigned at, uint64_t addr, uint32_t len, unsigned flags, unsigned next)
{
	put(drv->queues[0].descriptors, at, addr, len, flags, next);
}

static void put_packed(unsigned at, uint64_t addr, uint32_t len, unsigned flags)
{
	put(drv->queues[0].descriptors, at, addr, len, at, flags | VIRTQ_DESC_AVAIL);
}

/* Make @head available in a split ring, and notify. */
static void offer(unsigned head)
{
	struct virtq_avail *avail = drv_ptr(drv, drv->queues[0].driver);

	avail->ring[avail->idx % ECHO_SIZE] = (uint16_t)head;
	avail->idx++;
	drv_notify(drv, 0);
	drv_run(drv);
}

static void notify(void)
{
	drv_notify(drv, 0);
	drv_run(drv);
}

/* It is broken, once, by -EINVAL, and says so; then a reset heals it. */
static void check_broken(void)
{
	uint32_t len;

	ck_assert_int_eq(echo->last_pop, -EINVAL);
	ck_assert(drv_is_broken(drv));
	ck_assert_uint_eq(drv->virtio->counters.bad_chains, 1);
	ck_assert_uint_eq(drv->virtio->counters.chains, 0);
	ck_assert_uint_eq(atomic_load(&drv->pulses), 1);
	ck_assert_uint_eq(drv_ack(drv), VIRTIO_MMIO_CONFIG_CHANGE);
	ck_assert_uint_eq(drv->virtio->queues[0].in_flight, 0);
	ck_assert_int_eq(drv_take(drv, 0, &len), -1);
	/* Nothing more is done. */
	echo->notifies = 0;
	notify();
	ck_assert_uint_eq(echo->notifies, 0);
	ck_assert_uint_eq(drv->virtio->counters.bad_chains, 1);
	start(DRV_ALL);
	ck_assert_int_ge(drv_add(drv, 0, DRV_IN(page, 8)), 0);
	drv_kick(drv, 0);
	drv_wait(drv, 0, &len);
	ck_assert(!drv_is_broken(drv));
	/* And no view is held. */
	ck_assert_int_eq(ax_virtio_detach(drv->virtio, NULL), 0);
	ck_assert_int_eq(ax_ram_remove(drv->vm, DRV_ROM_BASE, NULL), 0);
	ck_assert_int_eq(ax_ram_remove(drv->vm, DRV_RAM_BASE, NULL), 0);
}

/* One descriptor, which is alone bad: of either ring, or in a table. */
static const struct bad {
	uint64_t addr;
	uint32_t len;
	unsigned flags;
} bad_descriptors[] = {
	{ DRV_RAM_BASE, 0, 0 },			    /* no bytes */
	{ DRV_RAM_BASE, 0, WR },		    /* the same */
	{ 0, 16, 0 },				    /* below RAM */
	{ DRV_RAM_BASE - 1, 16, 0 },		    /* into RAM */
	{ END - 8, 16, WR },			    /* out of it */
	{ END, 1, 0 },				    /* behind it */
	{ UINT64_MAX - 7, 16, 0 },		    /* around the end of addresses */
	{ UINT64_MAX, 1, WR },			    /* at it */
	{ DRV_RAM_BASE, UINT32_MAX, WR },	    /* longer than RAM */
	{ DRV_ROM_BASE, 16, WR },		    /* to be written, and read-only */
	{ DRV_ROM_BASE + DRV_ROM_SIZE - 8, 16, 0 }, /* out of that */
	{ 1ull << 63, 4096, 0 },
	{ DRV_RAM_BASE, 0, INDI },  /* a table without entries */
	{ DRV_RAM_BASE, 24, INDI }, /* of one and a half */
	{ END - 16, 32, INDI },	    /* that leaves RAM */
	{ UINT64_MAX - 15, 32, INDI },
	{ DRV_RAM_BASE, 16, INDI | NEXT }, /* that does not end the chain */
};

#define BAD_COUNT ((int)(sizeof(bad_descriptors) / sizeof(bad_descriptors[0])))

START_TEST(a_bad_descriptor_of_a_split_ring)
{
	const struct bad *bad = &bad_descriptors[_i % BAD_COUNT];

	start(DRV_SPLIT);
	/* Alone, or after good ones. */
	if (_i < BAD_COUNT) {
		put_split(5, bad->addr, bad->len, bad->flags, 0);
		offer(5);
	} else {
		put_split(7, page, 16, NEXT, 9);
		put_split(9, page + 16, 16, NEXT | (bad->flags & WR), 5);
		put_split(5, bad->addr, bad->len, bad->flags, 0);
		offer(7);
	}
	check_broken();
}
END_TEST

START_TEST(a_bad_descriptor_of_a_packed_ring)
{
	const struct bad *bad = &bad_descriptors[_i % BAD_COUNT];

	start(DRV_ALL);
	if (_i < BAD_COUNT) {
		put_packed(0, bad->addr, bad->len, bad->flags);
	} else {
		put_packed(0, page, 16, NEXT);
		put_packed(1, page + 16, 16, NEXT | (bad->flags & WR));
		put_packed(2, bad->addr, bad->len, bad->flags);
	}
	notify();
	check_broken();
}
END_TEST

START_TEST(a_bad_descriptor_of_a_table)
{
	const struct bad *bad = &bad_descriptors[_i % BAD_COUNT];
	bool packed = _i >= BAD_COUNT;

	start(packed ? DRV_ALL : DRV_SPLIT);
	put(table, 0, page, 16, packed ? 0 : NEXT, packed ? 0 : 1);
	if (packed) {
		put(table, 1, bad->addr, bad->len, 0, bad->flags);
		put_packed(0, table, 32, INDI);
		notify();
	} else {
		put(table, 1, bad->addr, bad->len, bad->flags, 0);
		put_split(0, table, 32, INDI, 0);
		offer(0);
	}
	check_broken();
}
END_TEST

START_TEST(what_is_read_comes_before_what_is_written)
{
	bool packed = _i & 1;

	start(packed ? DRV_ALL : DRV_SPLIT);
	if (packed) {
		put_packed(0, page, 16, WR | NEXT);
		put_packed(1, page, 16, 0);
		notify();
	} else {
		put_split(0, page, 16, WR | NEXT, 1);
		put_split(1, page, 16, 0, 0);
		offer(0);
	}
	check_broken();
}
END_TEST

START_TEST(loops_have_an_end)
{
	start(DRV_SPLIT);
	switch (_i) {
	case 0: /* itself */ put_split(0, page, 1, NEXT, 0); break;
	case 1: /* two of each other */
		put_split(0, page, 1, NEXT, 1);
		put_split(1, page, 1, NEXT, 0);
		break;
	case 2: /* a ring of all */
		for (unsigned i = 0; i < ECHO_SIZE; i++)
			put_split(i, page, 1, NEXT, (i + 1) % ECHO_SIZE);
		break;
	case 3: /* in a table */
		put(table, 0, page, 1, NEXT, 1);
		put(table, 1, page, 1, NEXT, 0);
		put_split(0, table, 32, INDI, 0);
		break;
	default: /* in a table that is longer than any chain */
		for (unsigned i = 0; i < 4096; i++)
			put(table, i, page, 1, NEXT, i + 1);
		put_split(0, table, 65536, INDI, 0);
		break;
	}
	offer(0);
	check_broken();
}
END_TEST

START_TEST(a_chain_is_no_longer_than_there_is_room)
{
	bool packed = _i & 1, indirect = _i & 2;
	unsigned count = _i & 4 ? ECHO_SEGMENTS : ECHO_SEGMENTS + 1;
	struct drv_segment segments[ECHO_SEGMENTS + 1];

	start(packed ? DRV_ALL : DRV_SPLIT);
	for (unsigned i = 0; i <= ECHO_SEGMENTS; i++)
		segments[i] = (struct drv_segment){ page, 1, false };
	ck_assert_int_ge(drv_add_chain(drv, 0, segments, count, indirect), 0);
	notify();
	if (count > ECHO_SEGMENTS) {
		/* It is given back to nobody. */
		memset(&drv->queues[0].slots, 0, sizeof(drv->queues[0].slots));
		check_broken();
	} else {
		ck_assert(!drv_is_broken(drv));
		ck_assert_int_ge(drv_take(drv, 0, NULL), 0);
	}
}
END_TEST

START_TEST(a_chain_has_less_than_4_gib)
{
	uint32_t half = DRV_RAM_SIZE;
	struct drv_segment segments[ECHO_SEGMENTS];

	/* 64 MiB, sixteen times: no more than a GiB. So with a longer queue of its own. */
	start(DRV_ALL);
	for (unsigned i = 0; i < ECHO_SEGMENTS; i++)
		segments[i] = (struct drv_segment){ DRV_RAM_BASE, half, false };
	echo->hold = true;
	ck_assert_int_ge(drv_add_chain(drv, 0, segments, ECHO_SEGMENTS, true), 0);
	notify();
	ck_assert_uint_eq(echo->held, 1);
	ck_assert_uint_eq(echo->chains[0]->out_len, (uint64_t)ECHO_SEGMENTS * half);
	{
		struct virtq_chain *chain = virtq_chain_new(128);
		unsigned count = 0;

		virtq_chain_begin(chain);
		while (virtq_chain_add(drv->virtio, chain, DRV_RAM_BASE, half, true))
			count++;
		ck_assert_uint_eq(count, 63);
		ck_assert(virtq_chain_add(drv->virtio, chain, DRV_RAM_BASE, half - 1, true));
		ck_assert(!virtq_chain_add(drv->virtio, chain, DRV_RAM_BASE, 1, true));
		ck_assert_uint_eq(chain->in_len, UINT32_MAX);
		virtq_chain_drop(drv->virtio, chain, 0);
		virtq_chain_free(chain);
	}
	virtio_lock(drv->virtio);
	while (echo->held) {
		virtq_push(drv->virtio, 0, echo->chains[0], 0);
		echo->held--;
	}
	virtio_unlock(drv->virtio);
}
END_TEST

START_TEST(heads_and_links_stay_in_the_ring)
{
	start(DRV_SPLIT);
	switch (_i) {
	case 0: offer(ECHO_SIZE); break;
	case 1: offer(UINT16_MAX); break;
	case 2:
		put_split(0, page, 1, NEXT, ECHO_SIZE);
		offer(0);
		break;
	default:
		put(table, 0, page, 1, NEXT, 2);
		put_split(0, table, 32, INDI, 0);
		offer(0);
		break;
	}
	check_broken();
}
END_TEST

START_TEST(an_index_goes_no_further_than_the_ring)
{
	struct virtq_avail *avail;

	start(DRV_SPLIT);
	avail = drv_ptr(drv, drv->queues[0].driver);
	put_split(0, page, 1, 0, 0);
	avail->idx = _i ? ECHO_SIZE + 1 : UINT16_MAX; /* far ahead; back */
	notify();
	check_broken();
}
END_TEST

START_TEST(what_was_not_negotiated_is_not_there)
{
	start((_i ? DRV_ALL : DRV_SPLIT) & ~VIRTIO_F_INDIRECT_DESC);
	put(table, 0, page, 1, 0, 0);
	if (_i) {
		put_packed(0, table, 16, INDI);
		notify();
	} else {
		put_split(0, table, 16, INDI, 0);
		offer(0);
	}
	check_broken();
}
END_TEST

START_TEST(a_chain_is_not_in_flight_twice)
{
	start(DRV_SPLIT);
	echo->hold = true;
	put_split(0, page, 1, 0, 0);
	for (unsigned i = 0; i < ECHO_HELD; i++)
		offer(0);
	ck_assert_uint_eq(echo->held, ECHO_SIZE);
	ck_assert(!drv_is_broken(drv));
	/* One more than there are descriptors. */
	{
		struct virtq_chain *chain = virtq_chain_new(4);

		offer(0);
		virtio_lock(drv->virtio);
		ck_assert_int_eq(virtq_pop(drv->virtio, 0, chain), -EINVAL);
		virtio_unlock(drv->virtio);
		virtq_chain_free(chain);
	}
	ck_assert(drv_is_broken(drv));
	drv_reset(drv);
	ck_assert_uint_eq(echo->held, 0);
}
END_TEST

START_TEST(slots_in_flight_are_not_taken_again)
{
	start(DRV_ALL);
	echo->hold = true;
	/* A chain of half the ring; then its own slots again, as those of the next round. */
	for (unsigned i = 0; i < ECHO_SIZE; i++)
		put_packed(i, page, 1, 0);
	notify();
	ck_assert_uint_eq(echo->held, ECHO_SIZE);
	put(drv->queues[0].descriptors, 0, page, 1, 0, VIRTQ_DESC_USED);
	{
		struct virtq_chain *chain = virtq_chain_new(4);

		virtio_lock(drv->virtio);
		ck_assert_int_eq(virtq_pop(drv->virtio, 0, chain), -EINVAL);
		virtio_unlock(drv->virtio);
		virtq_chain_free(chain);
	}
	ck_assert(drv_is_broken(drv));
	drv_reset(drv);
}
END_TEST

START_TEST(a_packed_chain_is_no_longer_than_the_ring)
{
	drv->queue_size = 4;
	start(DRV_ALL);
	for (unsigned i = 0; i < 4; i++)
		put_packed(i, page, 1, NEXT);
	notify();
	check_broken();
}
END_TEST

/* Only odd: direct ones before a table, tables with odd flags, ROM to be read, IDs of any value. */
START_TEST(odd_but_good_chains_are_taken)
{
	start(_i ? DRV_ALL : DRV_SPLIT);
	echo->hold = true;
	memcpy(drv_ptr(drv, page), "abcd", 4);
	if (_i) {
		put(table, 0, page + 2, 2, 0, NEXT);
		put(table, 1, page + 100, 10, 0, WR | VIRTQ_DESC_USED);
		put(drv->queues[0].descriptors, 0, DRV_ROM_BASE, 1, 0xffff,
		    NEXT | VIRTQ_DESC_AVAIL);
		put(drv->queues[0].descriptors, 1, table, 32, 0xfffe, INDI | VIRTQ_DESC_AVAIL);
		notify();
	} else {
		put(table, 0, page + 2, 2, NEXT, 1);
		put(table, 1, page + 100, 10, WR, 77);
		put_split(0, DRV_ROM_BASE, 1, NEXT, 3);
		put_split(3, table, 32, INDI | WR, 1000);
		offer(0);
	}
	ck_assert(!drv_is_broken(drv));
	ck_assert_uint_eq(echo->held, 1);
	ck_assert_uint_eq(echo->chains[0]->out_count, 2);
	ck_assert_uint_eq(echo->chains[0]->out_len, 3);
	ck_assert_uint_eq(echo->chains[0]->in_len, 10);
	ck_assert_uint_eq(echo->chains[0]->id, _i ? 0xfffe : 0);
	virtio_lock(drv->virtio);
	echo_finish(echo, 0);
	virtio_unlock(drv->virtio);
	ck_assert_mem_eq(drv_ptr(drv, page + 100), "\0cd", 3);
}
END_TEST

START_TEST(event_words_of_any_value_do_no_harm)
{
	start(_i ? DRV_ALL : DRV_SPLIT);
	for (uint32_t value = 0; value < 200; value++) {
		if (_i) {
			uint32_t word = value * 0x9e3779b1;

			memcpy(drv_ptr(drv, drv->queues[0].driver), &word, 4);
		} else {
			uint16_t word = (uint16_t)(value * 0x9e37);
			struct virtq_avail *avail = drv_ptr(drv, drv->queues[0].driver);

			avail->flags = (uint16_t)~word;
			avail->ring[ECHO_SIZE] = word;
		}
		drv->queues[0].interrupts = false;
		ck_assert_int_ge(drv_add(drv, 0, DRV_IN(page, 8)), 0);
		notify();
		ck_assert_int_ge(drv_take(drv, 0, NULL), 0);
	}
	ck_assert(!drv_is_broken(drv));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("virtio-hostile");
	TCase *tcase = tcase_create("hostile");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_loop_test(tcase, a_bad_descriptor_of_a_split_ring, 0, 2 * BAD_COUNT);
	tcase_add_loop_test(tcase, a_bad_descriptor_of_a_packed_ring, 0, 2 * BAD_COUNT);
	tcase_add_loop_test(tcase, a_bad_descriptor_of_a_table, 0, 2 * BAD_COUNT);
	tcase_add_loop_test(tcase, what_is_read_comes_before_what_is_written, 0, 2);
	tcase_add_loop_test(tcase, loops_have_an_end, 0, 5);
	tcase_add_loop_test(tcase, a_chain_is_no_longer_than_there_is_room, 0, 8);
	tcase_add_test(tcase, a_chain_has_less_than_4_gib);
	tcase_add_loop_test(tcase, heads_and_links_stay_in_the_ring, 0, 4);
	tcase_add_loop_test(tcase, an_index_goes_no_further_than_the_ring, 0, 2);
	tcase_add_loop_test(tcase, what_was_not_negotiated_is_not_there, 0, 2);
	tcase_add_test(tcase, a_chain_is_not_in_flight_twice);
	tcase_add_test(tcase, slots_in_flight_are_not_taken_again);
	tcase_add_test(tcase, a_packed_chain_is_no_longer_than_the_ring);
	tcase_add_loop_test(tcase, odd_but_good_chains_are_taken, 0, 2);
	tcase_add_loop_test(tcase, event_words_of_any_value_do_no_harm, 0, 2);
	suite_add_tcase(suite, tcase);
	return drv_suite(suite);
}
