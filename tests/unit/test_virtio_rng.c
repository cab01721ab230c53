/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The entropy device: buffers are filled with what the host gives, within bounds.
 */
#include <errno.h>
#include <string.h>

#include "tests/unit/core_fixture.h"
#include "tests/unit/fake_libc.h"
#include "tests/unit/virtio_driver.h"

static struct drv *drv;

static AxVirtio *new_rng(const char *name)
{
	AxVirtioRngConfig config = AX_VIRTIO_RNG_CONFIG_INIT;
	AxVirtio *virtio;

	config.name = name;
	config.host = drv->host;
	ck_assert_int_eq(ax_virtio_rng_new(&config, &virtio, NULL), 0);
	return virtio;
}

static void set_up(void)
{
	drv = drv_new();
	drv_attach(drv, new_rng(NULL));
}

static void tear_down(void)
{
	drv_free(drv);
}

static bool is_zero(uint64_t gpa, size_t len)
{
	const uint8_t *bytes = drv_ptr(drv, gpa);

	for (size_t i = 0; i < len; i++) {
		if (bytes[i])
			return false;
	}
	return true;
}

START_TEST(it_is_the_entropy_device)
{
	ck_assert_uint_eq(ax_virtio_id(drv->virtio), 4);
	ck_assert_uint_eq(drv_in(drv, VIRTIO_MMIO_DEVICE_ID), 4);
	ck_assert_str_eq(ax_virtio_name(drv->virtio), "rng");
	ck_assert_uint_eq(drv_config(drv, 0, 8), 0);
}
END_TEST

START_TEST(a_buffer_comes_back_full_and_no_byte_more)
{
	uint64_t gpa = drv_alloc(drv, 4096);
	uint32_t len;
	int token;

	drv_start(drv, _i ? DRV_ALL : DRV_SPLIT);
	token = drv_add(drv, 0, DRV_IN(gpa + 64, 64));
	ck_assert(drv_kick(drv, 0));
	ck_assert_int_eq(drv_wait(drv, 0, &len), token);
	ck_assert_uint_eq(len, 64);
	ck_assert(is_zero(gpa, 64));
	ck_assert(is_zero(gpa + 128, 4096 - 128));
	/* 2^-256: never. */
	ck_assert(!is_zero(gpa + 64, 32) && !is_zero(gpa + 96, 32));
	ck_assert_uint_eq(drv_ack(drv), VIRTIO_MMIO_USED_BUFFER);
}
END_TEST

START_TEST(several_segments_are_filled_up_to_a_bound)
{
	uint64_t gpa = drv_alloc(drv, 3 * 4096);
	const struct drv_segment segments[] = { { gpa, 100, true },
						{ gpa + 4096, 3000, true },
						{ gpa + 2 * 4096, 4096, true } };
	uint32_t len;

	drv_start(drv, _i ? DRV_ALL : DRV_SPLIT);
	drv_add_chain(drv, 0, segments, 3, true);
	drv_kick(drv, 0);
	drv_wait(drv, 0, &len);
	ck_assert_uint_eq(len, 4096);
	ck_assert(!is_zero(gpa, 100) && !is_zero(gpa + 4096, 3000) && !is_zero(gpa + 8192, 990));
	ck_assert(is_zero(gpa + 100, 3996) && is_zero(gpa + 8192 + 996, 3100));
}
END_TEST

/* One notification is not the whole of the host's time: the device goes on when others had theirs. */
START_TEST(much_that_is_asked_for_is_given_in_parts)
{
	uint64_t gpa = drv_alloc(drv, 4096);
	AxVirtioCounters counters = AX_VIRTIO_COUNTERS_INIT;
	unsigned count = 0;

	drv_start(drv, _i ? DRV_ALL : DRV_SPLIT);
	drv_run(drv);
	while (drv_add(drv, 0, DRV_IN(gpa, 4096)) >= 0)
		;
	drv_kick(drv, 0);
	ck_assert_int_eq(ax_loop_dispatch(drv->host, 0, NULL), 1);
	while (drv_take(drv, 0, NULL) >= 0)
		count++;
	ck_assert_uint_eq(count, 16);
	drv_run(drv);
	while (drv_take(drv, 0, NULL) >= 0)
		count++;
	ck_assert_uint_eq(count, 64);
	ck_assert_int_eq(ax_virtio_counters(drv->virtio, &counters), 0);
	ck_assert_uint_eq(counters.chains, 64);
	/* At the start; the driver's; the device's own, of which the last finds nothing. */
	ck_assert_uint_eq(counters.notifications, 1 + 1 + 4);
}
END_TEST

START_TEST(a_buffer_to_be_read_is_none)
{
	uint64_t gpa = drv_alloc(drv, 4096);
	const struct drv_segment segments[] = { { gpa, 8, false }, { gpa + 8, 8, true } };

	drv_start(drv, _i ? DRV_ALL : DRV_SPLIT);
	drv_add_chain(drv, 0, segments, 2, false);
	drv_kick(drv, 0);
	drv_run(drv);
	ck_assert(drv_is_broken(drv));
	ck_assert_int_eq(drv_take(drv, 0, NULL), -1);
	ck_assert(is_zero(gpa, 16));
	drv_start(drv, DRV_ALL);
}
END_TEST

START_TEST(what_can_not_be_made_is_refused)
{
	AxVirtioRngConfig config = AX_VIRTIO_RNG_CONFIG_INIT;
	AxError err = AX_ERROR_INIT;
	AxVirtio *virtio = NULL;

	ck_assert_fails(ax_virtio_rng_new(NULL, &virtio, &err), -EINVAL, AX_ERROR_ARGUMENT,
			"AxHost");
	ck_assert_fails(ax_virtio_rng_new(&config, &virtio, &err), -EINVAL, AX_ERROR_ARGUMENT,
			"AxHost");
	config.host = drv->host;
	config.size--;
	ck_assert_fails(ax_virtio_rng_new(&config, &virtio, &err), -EINVAL, AX_ERROR_ARGUMENT,
			"INIT");
	config.size++;
	config.name = "a name that is much longer than 31 bytes";
	ck_assert_fails(ax_virtio_rng_new(&config, &virtio, &err), -EINVAL, AX_ERROR_ARGUMENT,
			"31 bytes");
	config.name = "seed";
	for (unsigned nth = 1; nth <= 7; nth++) {
		fake_libc_fail(LIBC_MALLOC, nth, ENOMEM);
		ck_assert_fails(ax_virtio_rng_new(&config, &virtio, &err), -ENOMEM,
				AX_ERROR_RESOURCE, "no memory");
		ck_assert(fake_libc_failed(LIBC_MALLOC));
	}
	ck_assert_ptr_null(virtio);
	ck_assert_int_eq(ax_virtio_rng_new(&config, &virtio, &err), 0);
	ck_assert_str_eq(ax_virtio_name(virtio), "seed");
	ax_virtio_free(virtio);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("rng");
	Suite *suite = suite_create("virtio-rng");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, it_is_the_entropy_device);
	tcase_add_loop_test(tcase, a_buffer_comes_back_full_and_no_byte_more, 0, 2);
	tcase_add_loop_test(tcase, several_segments_are_filled_up_to_a_bound, 0, 2);
	tcase_add_loop_test(tcase, much_that_is_asked_for_is_given_in_parts, 0, 2);
	tcase_add_loop_test(tcase, a_buffer_to_be_read_is_none, 0, 2);
	tcase_add_test(tcase, what_can_not_be_made_is_refused);
	suite_add_tcase(suite, tcase);
	return drv_suite(suite);
}
