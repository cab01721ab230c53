/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Saving a virtio device in the middle of its work, and restoring it: into itself, into another, and
 * from bytes that somebody has changed.
 */
#include <errno.h>
#include <string.h>

#include "tests/unit/core_fixture.h"
#include "tests/unit/virtio_driver.h"
#include "tests/unit/virtio_echo.h"

static struct drv *drv;
static struct echo *echo;

static void set_up(void)
{
	drv = drv_new();
	echo = echo_new(drv->host);
	drv_attach(drv, &echo->virtio);
}

static void tear_down(void)
{
	drv_free(drv);
}

static void start(int variant)
{
	drv_start(drv, (variant & 1 ? DRV_ALL : DRV_SPLIT) & ~ECHO_F_BAD);
	drv_run(drv);
}

static void echo_once(unsigned queue)
{
	uint64_t gpa = drv_alloc(drv, 4096);
	const struct drv_segment segments[] = { { gpa, 4, false }, { gpa + 8, 4, true } };
	uint32_t len;

	memcpy(drv_ptr(drv, gpa), "echo", 4);
	ck_assert_int_ge(drv_add_chain(drv, queue, segments, 2, false), 0);
	(void)drv_kick(drv, queue);
	(void)drv_wait(drv, queue, &len);
	ck_assert_mem_eq(drv_ptr(drv, gpa + 8), "echo", 4);
}

/* The VM's whole state: the caller frees it. */
static AxState *save(void)
{
	AxState *state = ax_state_new();
	AxError err = AX_ERROR_INIT;

	ck_assert_msg(!ax_devices_save(drv->vm, state, &err), "%s", err.message);
	return state;
}

static int restore(const AxState *from)
{
	size_t len;
	const void *bytes = ax_state_bytes(from, &len);
	AxState *state = ax_state_from_bytes(bytes, len);
	int ret = ax_devices_restore(drv->vm, state, NULL);

	ax_state_free(state);
	return ret;
}

/* The device's own part of it, from bytes: what its op returns. */
static int restore_bytes(const uint8_t *bytes, size_t len, bool *all)
{
	AxState *state = ax_state_from_bytes(bytes, len);
	int ret = virtio_device_ops.restore(drv->virtio, state);

	(void)ax_state_get_u8(state);
	*all = ax_state_error(state);
	ax_state_free(state);
	return ret;
}

START_TEST(a_device_goes_on_where_it_was)
{
	AxState *state;

	start(_i);
	echo->own = 77;
	for (unsigned i = 0; i < 100; i++)
		echo_once(i % ECHO_QUEUES);
	state = save();
	/* The guest's memory stays as it is; the device forgets everything. */
	ax_devices_reset(drv->vm);
	ck_assert_uint_eq(drv_in(drv, VIRTIO_MMIO_STATUS), 0);
	ck_assert_uint_eq(echo->own, 0);
	ck_assert_int_eq(restore(state), 0);
	ck_assert_uint_eq(echo->own, 77);
	ck_assert_uint_eq(echo->starts, 2);
	for (unsigned i = 0; i < 100; i++)
		echo_once(i % ECHO_QUEUES);
	ck_assert_uint_eq(drv->virtio->counters.bad_chains, 0);
	ax_state_free(state);
}
END_TEST

START_TEST(what_is_in_flight_is_finished_first)
{
	uint64_t gpa;
	AxState *state;

	echo->hold = true;
	start(_i);
	gpa = drv_alloc(drv, 4096);
	ck_assert_int_ge(drv_add(drv, 0, DRV_IN(gpa, 8)), 0);
	(void)drv_kick(drv, 0);
	drv_run(drv);
	ck_assert_uint_eq(echo->held, 1);
	(void)drv_ack(drv);
	state = save();
	ck_assert_uint_eq(echo->held, 0);
	ck_assert_int_ge(drv_take(drv, 0, NULL), 0);
	ck_assert_uint_eq(drv_in(drv, VIRTIO_MMIO_INTERRUPT_STATUS), VIRTIO_MMIO_USED_BUFFER);
	ck_assert_int_eq(restore(state), 0);
	/* The interrupt is raised again: it may have been on its way. */
	ck_assert_uint_eq(drv_ack(drv), VIRTIO_MMIO_USED_BUFFER);
	/* What was there when it was saved, and after, is found without a notification. */
	echo->hold = false;
	ck_assert_int_ge(drv_add(drv, 0, DRV_IN(gpa, 8)), 0);
	ck_assert_int_eq(restore(state), 0);
	(void)drv_wait(drv, 0, NULL);
	ax_state_free(state);
}
END_TEST

START_TEST(every_moment_of_negotiation_is_kept)
{
	AxState *state;
	size_t len, again_len;

	if (_i > 0)
		ck_assert(drv_negotiate(drv, DRV_ALL & ~ECHO_F_BAD));
	if (_i > 1)
		drv_setup_queue(drv, 1);
	if (_i > 2) {
		drv_out(drv, VIRTIO_MMIO_STATUS,
			drv_in(drv, VIRTIO_MMIO_STATUS) | VIRTIO_DRIVER_OK);
		virtio_config_changed(drv->virtio);
	}
	if (_i > 3)
		virtio_broken(drv->virtio);
	drv_out(drv, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 1);
	drv_out(drv, VIRTIO_MMIO_QUEUE_SEL, 2);
	state = save();
	(void)ax_state_bytes(state, &len);
	ax_devices_reset(drv->vm);
	ck_assert_int_eq(restore(state), 0);
	{
		AxState *again = save();
		const void *bytes = ax_state_bytes(again, &again_len);

		ck_assert_uint_eq(len, again_len);
		ck_assert_mem_eq(bytes, ax_state_bytes(state, &len), len);
		ax_state_free(again);
	}
	ck_assert_uint_eq(drv_in(drv, VIRTIO_MMIO_QUEUE_SIZE_MAX), 4);
	ck_assert_uint_eq(echo->starts, _i == 3 ? 2 : _i > 3);
	ax_state_free(state);
}
END_TEST

START_TEST(another_config_is_told_of)
{
	AxState *state;
	uint32_t generation;

	start(1);
	(void)drv_ack(drv);
	state = save();
	generation = drv_in(drv, VIRTIO_MMIO_CONFIG_GENERATION);
	drv->virtio->config[3] ^= 1;
	ck_assert_int_eq(restore(state), 0);
	/* Its reset op has put it right: it is the same. */
	ck_assert_uint_eq(drv_in(drv, VIRTIO_MMIO_CONFIG_GENERATION), generation);
	ax_state_free(state);
	drv->virtio->config[3] ^= 1;
	state = save();
	ck_assert_int_eq(restore(state), 0);
	ck_assert_uint_eq(drv_in(drv, VIRTIO_MMIO_CONFIG_GENERATION), generation + 1);
	ck_assert_uint_eq(drv_ack(drv), VIRTIO_MMIO_CONFIG_CHANGE);
	ax_state_free(state);
}
END_TEST

START_TEST(what_can_not_be_saved_is_an_error)
{
	struct virtq_chain *chain = virtq_chain_new(4);
	AxState *state = ax_state_new();

	start(1);
	echo->save_fails = EIO;
	ck_assert_int_eq(ax_devices_save(drv->vm, state, NULL), -EIO);
	echo->save_fails = 0;
	/* A chain that the type keeps to itself: it is its own fault. */
	ck_assert_int_ge(drv_add(drv, 0, DRV_IN(drv_alloc(drv, 8), 8)), 0);
	virtio_lock(drv->virtio);
	ck_assert_int_eq(virtq_pop(drv->virtio, 0, chain), 1);
	virtio_unlock(drv->virtio);
	ck_assert_int_eq(ax_devices_save(drv->vm, state, NULL), -EBUSY);
	virtio_lock(drv->virtio);
	virtq_push(drv->virtio, 0, chain, 0);
	virtio_unlock(drv->virtio);
	ck_assert_int_eq(ax_devices_save(drv->vm, state, NULL), 0);
	ax_state_free(state);
	virtq_chain_free(chain);
}
END_TEST

/* Whatever the bytes say: taken, with queues that are in RAM, or refused, and reset. */
START_TEST(changed_bytes_do_no_harm)
{
	static const uint8_t changes[] = { 0x01, 0x02, 0x10, 0x80, 0xff, 0x7e };
	AxState *state = ax_state_new();
	const uint8_t *saved;
	uint8_t *bytes;
	unsigned taken = 0;
	size_t len;
	bool all;

	start(_i);
	for (unsigned i = 0; i < 10; i++)
		echo_once(0);
	ck_assert_int_eq(virtio_device_ops.save(drv->virtio, state), 0);
	saved = ax_state_bytes(state, &len);
	for (size_t end = 0; end < len; end++) {
		if (restore_bytes(saved, end, &all) != -EINVAL)
			ck_abort_msg("%zu bytes of %zu were enough", end, len);
		if (drv->virtio->status || drv->virtio->queues[0].ready)
			ck_abort_msg("after %zu bytes the device is not reset", end);
	}
	bytes = malloc(len);
	for (size_t at = 0; at < len; at++) {
		for (size_t c = 0; c < sizeof(changes); c++) {
			int ret;

			memcpy(bytes, saved, len);
			bytes[at] ^= changes[c];
			ret = restore_bytes(bytes, len, &all);
			if (ret && ret != -EINVAL)
				ck_abort_msg("byte %zu: %d", at, ret);
			if (ret && (drv->virtio->status || drv->virtio->queues[0].ready))
				ck_abort_msg("byte %zu: the device is not reset", at);
			taken += !ret;
			drv_notify(drv, 0);
			drv_run(drv);
		}
	}
	ck_assert_uint_gt(taken, 0);
	ck_assert_int_eq(restore_bytes(saved, len, &all), 0);
	ck_assert(all);
	echo_once(0);
	free(bytes);
	ax_state_free(state);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("virtio-state");
	TCase *tcase = tcase_create("state");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_loop_test(tcase, a_device_goes_on_where_it_was, 0, 2);
	tcase_add_loop_test(tcase, what_is_in_flight_is_finished_first, 0, 2);
	tcase_add_loop_test(tcase, every_moment_of_negotiation_is_kept, 0, 5);
	tcase_add_test(tcase, another_config_is_told_of);
	tcase_add_test(tcase, what_can_not_be_saved_is_an_error);
	tcase_add_loop_test(tcase, changed_bytes_do_no_harm, 0, 2);
	suite_add_tcase(suite, tcase);
	return drv_suite(suite);
}
