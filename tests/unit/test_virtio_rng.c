/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The entropy device: buffers are filled with what the host gives, within bounds.
 */
#include <errno.h>
#include <string.h>

#include "tests/unit/core_fixture.h"
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

int main(void)
{
	TCase *tcase = tcase_create("rng");
	Suite *suite = suite_create("virtio-rng");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, it_is_the_entropy_device);
	tcase_add_loop_test(tcase, a_buffer_comes_back_full_and_no_byte_more, 0, 2);
	suite_add_tcase(suite, tcase);
	return drv_suite(suite);
}
