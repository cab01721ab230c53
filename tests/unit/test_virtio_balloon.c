/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The balloon device: pages that go back to the host, statistics, reports, page numbers that make no
 * sense.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include <axvmm/balloon.h>

#include "tests/unit/core_fixture.h"
#include "tests/unit/virtio_driver.h"

#define PAGE	    4096u
#define F_STATS	    (1ull << 1)
#define F_OOM	    (1ull << 2)
#define F_POISON    (1ull << 4)
#define F_REPORTING (1ull << 5)
#define INFLATE	    0
#define DEFLATE	    1
#define STATS	    2
#define MS	    UINT64_C(1000000)

static struct drv *drv;
static uint64_t memory; /* 64 pages of the guest's */
static uint64_t numbers;

static uint64_t features(int packed)
{
	return packed ? DRV_ALL : DRV_SPLIT;
}

static AxVirtioBalloonConfig default_config(void)
{
	AxVirtioBalloonConfig config = AX_VIRTIO_BALLOON_CONFIG_INIT;

	config.host = drv->host;
	return config;
}

static void new_balloon(const AxVirtioBalloonConfig *config)
{
	AxError err = AX_ERROR_INIT;
	AxVirtio *virtio = NULL;

	ck_assert_msg(!ax_virtio_balloon_new(config, &virtio, &err), "%s", err.message);
	drv_attach(drv, virtio);
}

static void fill_memory(void)
{
	memset(drv_ptr(drv, memory), 0x5a, 64 * PAGE);
}

static void set_up(void)
{
	AxVirtioBalloonConfig config;

	drv = drv_new();
	config = default_config();
	config.target = 10 * PAGE + 1;
	config.stats_ns = 10 * MS;
	new_balloon(&config);
	memory = drv_alloc(drv, 64 * PAGE);
	numbers = drv_alloc(drv, 1 << 20);
	fill_memory();
}

static void tear_down(void)
{
	drv_free(drv);
}

static AxVirtioBalloonStats stats(void)
{
	AxVirtioBalloonStats all = AX_VIRTIO_BALLOON_STATS_INIT;

	ck_assert_int_eq(ax_virtio_balloon_stats(drv->virtio, &all), 0);
	return all;
}

static bool is_zero_page(unsigned page)
{
	static const uint8_t zeros[PAGE];

	return !memcmp(drv_ptr(drv, memory + page * PAGE), zeros, PAGE);
}

/* Pages of `memory` that have memory of the host's. */
static unsigned resident(void)
{
	unsigned char there[64];
	unsigned count = 0;

	ck_assert_int_eq(mincore(drv_ptr(drv, memory), 64 * PAGE, there), 0);
	for (unsigned i = 0; i < 64; i++)
		count += there[i] & 1;
	return count;
}

static void give_numbers(unsigned queue, const uint32_t *list, unsigned count)
{
	uint32_t len;
	int token;

	memcpy(drv_ptr(drv, numbers), list, count * sizeof(*list));
	token = drv_add(drv, queue, DRV_OUT(numbers, count * 4));
	drv_kick(drv, queue);
	ck_assert_int_eq(drv_wait(drv, queue, &len), token);
	ck_assert_uint_eq(len, 0);
}

static uint32_t number_of(unsigned page)
{
	return (uint32_t)(memory / PAGE + page);
}

START_TEST(it_is_the_balloon_device)
{
	ck_assert_uint_eq(ax_virtio_id(drv->virtio), 5);
	ck_assert_str_eq(ax_virtio_name(drv->virtio), "balloon");
	ck_assert_uint_eq(drv_offered(drv) & 0xff, F_STATS | F_OOM | F_POISON | F_REPORTING);
	ck_assert_uint_eq(drv_config(drv, 0, 4), 10);
	ck_assert_uint_eq(stats().target, 10 * PAGE);
	drv_set_config(drv, 0, 4, 77);
	ck_assert_uint_eq(drv_config(drv, 0, 4), 10);
}
END_TEST

START_TEST(pages_go_back_to_the_host_and_come_again)
{
	const uint32_t up[] = { number_of(3), number_of(4), number_of(5) };
	const uint32_t down[] = { number_of(12), number_of(11), number_of(10), number_of(20) };

	drv_start(drv, features(_i));
	ck_assert_uint_eq(resident(), 64);
	give_numbers(INFLATE, up, 3);
	ck_assert_uint_eq(resident(), 61);
	give_numbers(INFLATE, down, 4);
	ck_assert_uint_eq(resident(), 57);
	for (unsigned i = 0; i < 64; i++)
		ck_assert_int_eq(is_zero_page(i),
				 (i >= 3 && i <= 5) || (i >= 10 && i <= 12) || i == 20);
	drv_set_config(drv, 4, 4, 7);
	ck_assert_uint_eq(stats().actual, 7 * PAGE);
	ck_assert_uint_eq(drv_config(drv, 4, 4), 7);
	give_numbers(DEFLATE, up, 3);
	ck_assert_uint_eq(stats().inflated, 7 * PAGE);
	ck_assert_uint_eq(stats().discarded, 7 * PAGE);
	ck_assert_uint_eq(stats().deflated, 3 * PAGE);
	ck_assert_uint_eq(stats().ignored, 0);
	fill_memory();
	ck_assert_uint_eq(resident(), 64);
}
END_TEST

START_TEST(target_is_told)
{
	uint32_t generation;

	drv_start(drv, DRV_ALL);
	generation = drv_in(drv, VIRTIO_MMIO_CONFIG_GENERATION);
	ck_assert_int_eq(ax_virtio_balloon_set_target(drv->virtio, 3 * PAGE + 5), 0);
	ck_assert_uint_eq(drv_ack(drv), VIRTIO_MMIO_CONFIG_CHANGE);
	ck_assert_uint_ne(drv_in(drv, VIRTIO_MMIO_CONFIG_GENERATION), generation);
	ck_assert_uint_eq(drv_config(drv, 0, 4), 3);
	ck_assert_int_eq(ax_virtio_balloon_set_target(drv->virtio, UINT64_C(1) << 44), -EINVAL);
	ck_assert_uint_eq(stats().target, 3 * PAGE);
	/* What the driver said is forgotten with it, what it is to do is not. */
	drv_set_config(drv, 4, 4, 2);
	drv_reset(drv);
	ck_assert_uint_eq(stats().actual, 0);
	ck_assert_uint_eq(drv_config(drv, 0, 4), 3);
}
END_TEST

START_TEST(numbers_that_are_no_ram_are_ignored)
{
	uint32_t ram_end = (DRV_RAM_BASE + DRV_RAM_SIZE) / PAGE;
	const uint32_t bad[] = { 0,
				 UINT32_MAX,
				 UINT32_MAX - 1,
				 number_of(1),
				 number_of(1),
				 ram_end,
				 DRV_RAM_BASE / PAGE - 1,
				 DRV_MMIO / PAGE };

	drv_start(drv, features(_i));
	give_numbers(INFLATE, bad, 8);
	ck_assert(!drv_is_broken(drv));
	ck_assert_uint_eq(stats().ignored, 6 * PAGE);
	ck_assert_uint_eq(stats().discarded, 2 * PAGE);
	ck_assert_uint_eq(resident(), 63);
	give_numbers(DEFLATE, bad, 8);
	ck_assert_uint_eq(stats().deflated, 8 * PAGE);
}
END_TEST

/* A run that begins in RAM and leaves it: what is in it goes. */
START_TEST(run_over_the_end_of_ram_goes_as_far_as_there_is_some)
{
	uint32_t end = (DRV_RAM_BASE + DRV_RAM_SIZE) / PAGE;
	const uint32_t list[] = { end - 2, end - 1, end, end + 1 };

	drv_start(drv, DRV_ALL);
	give_numbers(INFLATE, list, 4);
	ck_assert_uint_eq(stats().discarded, 2 * PAGE);
	ck_assert_uint_eq(stats().ignored, 2 * PAGE);
}
END_TEST

START_TEST(read_only_ram_stays)
{
	const uint32_t rom[] = { DRV_ROM_BASE / PAGE, DRV_ROM_BASE / PAGE + 1 };

	drv_add_rom(drv);
	drv_start(drv, DRV_ALL);
	give_numbers(INFLATE, rom, 2);
	ck_assert_uint_eq(stats().ignored, 2 * PAGE);
	ck_assert_uint_eq(stats().discarded, 0);
}
END_TEST

START_TEST(odd_lengths_and_long_lists_do_no_harm)
{
	uint32_t *list = drv_ptr(drv, numbers);
	uint64_t huge = 70000;
	uint32_t len;

	drv_start(drv, features(_i));
	list[0] = number_of(2);
	list[1] = number_of(9);
	ck_assert_int_ge(drv_add(drv, INFLATE, DRV_OUT(numbers, 7)), 0);
	drv_kick(drv, INFLATE);
	drv_wait(drv, INFLATE, &len);
	ck_assert_uint_eq(stats().inflated, PAGE);
	ck_assert_uint_eq(resident(), 63);
	for (uint64_t i = 0; i < huge; i++)
		list[i] = number_of(i % 2 ? 9 : 40);
	ck_assert_int_ge(drv_add(drv, INFLATE, DRV_OUT(numbers, (uint32_t)huge * 4)), 0);
	drv_kick(drv, INFLATE);
	drv_wait(drv, INFLATE, &len);
	ck_assert_uint_eq(stats().inflated, (1 + huge) * PAGE);
	ck_assert_uint_eq(stats().ignored, (huge - 65536) * PAGE);
	ck_assert_uint_eq(resident(), 61);
}
END_TEST

static void put_stat(uint8_t *to, uint16_t tag, uint64_t value)
{
	memcpy(to, &tag, 2);
	memcpy(to + 2, &value, 8);
}

START_TEST(statistics_are_asked_for_again_and_again)
{
	uint64_t gpa = drv_alloc(drv, PAGE);
	uint8_t *bytes = drv_ptr(drv, gpa);
	uint32_t len;
	int token;

	drv_start(drv, features(_i));
	put_stat(bytes, AX_BALLOON_FREE_MEMORY, 1000);
	put_stat(bytes + 10, 0xffff, 1);
	put_stat(bytes + 20, AX_BALLOON_TOTAL_MEMORY, 2000);
	token = drv_add(drv, STATS, DRV_OUT(gpa, 35));
	drv_kick(drv, STATS);
	drv_run(drv);
	ck_assert_uint_eq(stats().updates, 1);
	ck_assert_uint_eq(stats().valid,
			  1u << AX_BALLOON_FREE_MEMORY | 1u << AX_BALLOON_TOTAL_MEMORY);
	ck_assert_uint_eq(stats().stat[AX_BALLOON_FREE_MEMORY], 1000);
	ck_assert_uint_eq(stats().stat[AX_BALLOON_TOTAL_MEMORY], 2000);
	/* It comes back when new ones are wanted. */
	ck_assert_int_eq(drv_wait(drv, STATS, &len), token);
	ck_assert_uint_eq(len, 0);
	put_stat(bytes, AX_BALLOON_FREE_MEMORY, 3000);
	token = drv_add(drv, STATS, DRV_OUT(gpa, 10));
	drv_kick(drv, STATS);
	ck_assert_int_eq(drv_wait(drv, STATS, &len), token);
	ck_assert_uint_eq(stats().updates, 2);
	ck_assert_uint_eq(stats().stat[AX_BALLOON_FREE_MEMORY], 3000);
	/* A second buffer waits until the first went back. */
	drv_add(drv, STATS, DRV_OUT(gpa, 10));
	drv_add(drv, STATS, DRV_OUT(gpa, 10));
	drv_kick(drv, STATS);
	drv_run(drv);
	ck_assert_uint_eq(stats().updates, 3);
	drv_reset(drv);
	ck_assert_uint_eq(stats().valid, 0);
}
END_TEST

START_TEST(saving_keeps_what_the_driver_said)
{
	AxState *state = ax_state_new(), *again;
	uint64_t gpa = drv_alloc(drv, PAGE);
	const void *bytes;
	uint32_t len;
	size_t size;

	drv_start(drv, features(_i));
	drv_set_config(drv, 4, 4, 5);
	put_stat(drv_ptr(drv, gpa), AX_BALLOON_FREE_MEMORY, 1);
	drv_add(drv, STATS, DRV_OUT(gpa, 10));
	drv_kick(drv, STATS);
	drv_run(drv);
	ck_assert_int_eq(ax_devices_save(drv->vm, state, NULL), 0);
	drv_set_config(drv, 4, 4, 6);
	bytes = ax_state_bytes(state, &size);
	for (size_t i = 0; i < size; i++) {
		uint8_t *changed = malloc(size);

		memcpy(changed, bytes, size);
		changed[i] ^= 0xff;
		again = ax_state_from_bytes(changed, size);
		(void)ax_devices_restore(drv->vm, again, NULL);
		ax_state_free(again);
		free(changed);
	}
	again = ax_state_from_bytes(bytes, size);
	ck_assert_int_eq(ax_devices_restore(drv->vm, again, NULL), 0);
	ck_assert_uint_eq(stats().actual, 5 * PAGE);
	ck_assert_uint_eq(drv_config(drv, 4, 4), 5);
	ck_assert_int_ge(drv_wait(drv, STATS, &len), 0);
	ax_state_free(again);
	ax_state_free(state);
}
END_TEST

static void report(unsigned queue, unsigned first, unsigned count)
{
	const struct drv_segment segments[] = {
		{ memory + first * PAGE, count * PAGE, true },
		{ memory + 40 * PAGE + 1, 3 * PAGE, true },
	};
	int token = drv_add_chain(drv, queue, segments, 2, false);
	uint32_t len;

	drv_kick(drv, queue);
	ck_assert_int_eq(drv_wait(drv, queue, &len), token);
	ck_assert_uint_eq(len, 0);
}

START_TEST(free_pages_go_back_whatever_number_the_queue_has)
{
	/* By the section's numbers, or without gaps, with and without statistics. */
	static const struct {
		unsigned queue;
		uint64_t without;
	} cases[] = { { 4, 0 }, { 3, 0 }, { 2, F_STATS }, { 4, F_STATS } };

	drv_start(drv, DRV_ALL & ~cases[_i].without);
	report(cases[_i].queue, 8, 16);
	/* Half pages stay. */
	ck_assert_uint_eq(resident(), 64 - 16 - 2);
	ck_assert(is_zero_page(8) && is_zero_page(23) && !is_zero_page(24) && !is_zero_page(7));
	ck_assert(!is_zero_page(40) && is_zero_page(41) && is_zero_page(42) && !is_zero_page(43));
	ck_assert_uint_eq(stats().reported, 19 * PAGE);
	ck_assert_uint_eq(stats().discarded, 18 * PAGE);
	ck_assert_uint_eq(stats().ignored, PAGE);
}
END_TEST

START_TEST(poisoned_pages_keep_their_poison)
{
	drv_start(drv, DRV_ALL);
	drv_set_config(drv, 12, 4, 0xaaaaaaaa);
	ck_assert_uint_eq(drv_config(drv, 12, 4), 0xaaaaaaaa);
	report(4, 8, 16);
	ck_assert_uint_eq(resident(), 64);
	ck_assert_uint_eq(stats().discarded, 0);
	drv_set_config(drv, 12, 4, 0);
	report(4, 8, 16);
	ck_assert_uint_eq(resident(), 64 - 18);
}
END_TEST

START_TEST(buffers_for_the_wrong_side_break_the_device)
{
	static const struct {
		unsigned queue;
		bool writable;
	} wrong[] = { { INFLATE, true }, { DEFLATE, true }, { STATS, true }, { 4, false } };
	struct drv_segment segment = { numbers, 10, wrong[_i].writable };

	drv_start(drv, DRV_ALL);
	ck_assert_int_ge(drv_add_chain(drv, wrong[_i].queue, &segment, 1, false), 0);
	drv_kick(drv, wrong[_i].queue);
	drv_run(drv);
	ck_assert(drv_is_broken(drv));
	ck_assert_uint_eq(resident(), 64);
}
END_TEST

START_TEST(reports_need_their_feature)
{
	drv_start(drv, DRV_ALL & ~F_REPORTING);
	drv_add(drv, 4, DRV_IN(memory, PAGE));
	drv_notify(drv, 4);
	drv_run(drv);
	ck_assert_int_eq(drv_take(drv, 4, NULL), -1);
	ck_assert_uint_eq(resident(), 64);
}
END_TEST

START_TEST(configurations_that_make_no_sense_are_refused)
{
	AxVirtioBalloonConfig config = default_config();
	AxVirtioBalloonStats all = AX_VIRTIO_BALLOON_STATS_INIT;
	AxVirtioRngConfig rng = AX_VIRTIO_RNG_CONFIG_INIT;
	AxVirtio *virtio = NULL;
	AxError err;

	config.target = UINT64_C(1) << 44;
	ck_assert_fails(ax_virtio_balloon_new(&config, &virtio, &err), -EINVAL, AX_ERROR_ARGUMENT,
			"17592186044416");
	config.target = 0;
	config.flags = 4;
	ck_assert_fails(ax_virtio_balloon_new(&config, &virtio, &err), -EINVAL, AX_ERROR_ARGUMENT,
			"flags 0x4");
	config.flags = 0;
	config.size = 1;
	ck_assert_fails(ax_virtio_balloon_new(&config, &virtio, &err), -EINVAL, AX_ERROR_ARGUMENT,
			"AxVirtioBalloonConfig");
	config = default_config();
	config.flags = 0;
	ck_assert_int_eq(ax_virtio_balloon_new(&config, &virtio, &err), 0);
	ax_virtio_free(virtio);
	rng.host = drv->host;
	ck_assert_int_eq(ax_virtio_rng_new(&rng, &virtio, NULL), 0);
	ck_assert_int_eq(ax_virtio_balloon_set_target(virtio, 0), -EINVAL);
	ck_assert_int_eq(ax_virtio_balloon_stats(virtio, &all), -EINVAL);
	ax_virtio_free(virtio);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("balloon");
	Suite *suite = suite_create("virtio-balloon");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, it_is_the_balloon_device);
	tcase_add_loop_test(tcase, pages_go_back_to_the_host_and_come_again, 0, 2);
	tcase_add_test(tcase, target_is_told);
	tcase_add_loop_test(tcase, numbers_that_are_no_ram_are_ignored, 0, 2);
	tcase_add_test(tcase, run_over_the_end_of_ram_goes_as_far_as_there_is_some);
	tcase_add_test(tcase, read_only_ram_stays);
	tcase_add_loop_test(tcase, odd_lengths_and_long_lists_do_no_harm, 0, 2);
	tcase_add_loop_test(tcase, statistics_are_asked_for_again_and_again, 0, 2);
	tcase_add_loop_test(tcase, saving_keeps_what_the_driver_said, 0, 2);
	tcase_add_loop_test(tcase, free_pages_go_back_whatever_number_the_queue_has, 0, 4);
	tcase_add_test(tcase, poisoned_pages_keep_their_poison);
	tcase_add_loop_test(tcase, buffers_for_the_wrong_side_break_the_device, 0, 4);
	tcase_add_test(tcase, reports_need_their_feature);
	tcase_add_test(tcase, configurations_that_make_no_sense_are_refused);
	suite_add_tcase(suite, tcase);
	return drv_suite(suite);
}
