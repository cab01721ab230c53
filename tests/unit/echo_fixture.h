/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frame of the tests of virtqueues: a driver and a device that echoes (virtio_echo.h), and a chain of
 * five segments.
 */
#ifndef AXVMM_TESTS_UNIT_ECHO_FIXTURE_H
#define AXVMM_TESTS_UNIT_ECHO_FIXTURE_H

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/core_fixture.h"
#include "tests/unit/virtio_driver.h"
#include "tests/unit/virtio_echo.h"

/* The loop tests' variants. */
#define PACKED	 1
#define EVENTS	 2
#define INDIRECT 4
#define VARIANTS 8

static struct drv *drv;
static struct echo *echo;

static inline void set_up(void)
{
	drv = drv_new();
	echo = echo_new(drv->host);
	drv_attach(drv, &echo->virtio);
}

static inline void tear_down(void)
{
	drv_free(drv);
}

static inline void start(int variant)
{
	uint64_t without = ECHO_F_BAD;

	if (!(variant & PACKED))
		without |= VIRTIO_F_RING_PACKED;
	if (!(variant & EVENTS))
		without |= VIRTIO_F_EVENT_IDX;
	drv_start(drv, ~without);
	drv_run(drv);
	echo->notifies = 0;
	(void)drv_ack(drv);
	atomic_store(&drv->pulses, 0);
	drv->virtio->counters.interrupts = drv->virtio->counters.suppressed = 0;
}

/* Ten bytes to read in two pieces, then room for sixteen in three, over @gpa's page. */
static inline int add_five(uint64_t gpa, unsigned queue, bool indirect)
{
	const struct drv_segment segments[] = {
		{ gpa, 3, false },	{ gpa + 100, 7, false }, { gpa + 200, 1, true },
		{ gpa + 300, 8, true }, { gpa + 400, 7, true },
	};

	return drv_add_chain(drv, queue, segments, 5, indirect);
}

static inline void fill_five(uint64_t gpa, const char *ten)
{
	memcpy(drv_ptr(drv, gpa), ten, 3);
	memcpy(drv_ptr(drv, gpa + 100), ten + 3, 7);
}

static inline void check_five(uint64_t gpa, const char *ten)
{
	ck_assert_mem_eq(drv_ptr(drv, gpa + 200), ten, 1);
	ck_assert_mem_eq(drv_ptr(drv, gpa + 300), ten + 1, 8);
	ck_assert_mem_eq(drv_ptr(drv, gpa + 400), ten + 9, 1);
	ck_assert_mem_eq(drv_ptr(drv, gpa + 401), "\0\0", 2);
	ck_assert_mem_eq(drv_ptr(drv, gpa + 308), "\0", 1);
}

/* Each test with each variant, then those that have none: what main() returns. */
static inline int run_variants(const char *name, const TTest *const *tests, size_t count,
			       const TTest *const *others, size_t other_count)
{
	Suite *suite = suite_create(name);
	TCase *tcase = tcase_create(name);

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	for (size_t i = 0; i < count; i++)
		tcase_add_loop_test(tcase, tests[i], 0, VARIANTS);
	for (size_t i = 0; i < other_count; i++)
		tcase_add_test(tcase, others[i]);
	suite_add_tcase(suite, tcase);
	return drv_suite(suite);
}

#endif
