/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SBI: every function of HSM and BASE that is answered here, with each of its errors.
 */
#include "core/sbi.h"
#include "tests/unit/power_fixture.h"

#define SELF	  UINT64_C(7) /* hart IDs are no indexes */
#define STOPPED	  UINT64_C(1)
#define PENDING	  UINT64_C(2)
#define STOPPING  UINT64_C(0x100000003)
#define SUSPENDED UINT64_C(4)

#define ENTRY	  (MODEL_HIGH + 0x1000)
#define BAD_ENTRY UINT64_C(0x10000000)
#define OPAQUE	  UINT64_C(0xfedcba9876543210)
#define JUNK	  UINT64_C(0xa5a5a5a500000000) /* above parameters of 32 bits */

static struct model model;
static struct power_view view;
static struct sbi_answer answer;

static void setup(void)
{
	model = (struct model){ .count = 5,
				.cpus = { { SELF, POWER_ON },
					  { STOPPED, POWER_OFF },
					  { PENDING, POWER_ON_PENDING },
					  { STOPPING, POWER_OFF_PENDING },
					  { SUSPENDED, POWER_SUSPENDED } } };
	view = model_view(&model, SELF);
	view.system_suspend = false;
	view.others_are_off = NULL;
	memset(&answer, 0x5a, sizeof(answer));
}

static void hsm(uint64_t function, uint64_t a0, uint64_t a1, uint64_t a2)
{
	const uint64_t args[3] = { a0, a1, a2 };

	sbi_hsm_call(function, args, &view, &answer);
}

/* What the action does not name has to be zero. */
static void assert_answer(struct sbi_answer expected)
{
	ck_assert_int_eq(answer.action, expected.action);
	ck_assert_int_eq(answer.error, expected.error);
	ck_assert_uint_eq(answer.value, expected.value);
	ck_assert_uint_eq(answer.hart, expected.hart);
	ck_assert_uint_eq(answer.address, expected.address);
	ck_assert_uint_eq(answer.opaque, expected.opaque);
	ck_assert_int_eq(answer.retentive, expected.retentive);
}

static void assert_returns(int64_t error, uint64_t value)
{
	assert_answer((struct sbi_answer){ SBI_ACT_NONE, .error = error, .value = value });
}

START_TEST(hart_start_starts_a_stopped_hart)
{
	hsm(SBI_HSM_HART_START, STOPPED, ENTRY, OPAQUE);
	assert_answer((struct sbi_answer){ .action = SBI_ACT_HART_START,
					   .hart = STOPPED,
					   .address = ENTRY,
					   .opaque = OPAQUE });
}
END_TEST

START_TEST(hart_start_says_why_not)
{
	hsm(SBI_HSM_HART_START, 0, ENTRY, 0);
	assert_returns(SBI_ERR_INVALID_PARAM, 0);
	/* Hart IDs have 64 bits. */
	hsm(SBI_HSM_HART_START, STOPPED | JUNK, ENTRY, 0);
	assert_returns(SBI_ERR_INVALID_PARAM, 0);
	hsm(SBI_HSM_HART_START, STOPPED, BAD_ENTRY, 0);
	assert_returns(SBI_ERR_INVALID_ADDRESS, 0);
	hsm(SBI_HSM_HART_START, STOPPED, ENTRY + 1, 0);
	assert_returns(SBI_ERR_INVALID_ADDRESS, 0);
	hsm(SBI_HSM_HART_START, SELF, ENTRY, 0);
	assert_returns(SBI_ERR_ALREADY_AVAILABLE, 0);
	hsm(SBI_HSM_HART_START, PENDING, ENTRY, 0);
	assert_returns(SBI_ERR_ALREADY_AVAILABLE, 0);
	hsm(SBI_HSM_HART_START, SUSPENDED, ENTRY, 0);
	assert_returns(SBI_ERR_ALREADY_AVAILABLE, 0);
	hsm(SBI_HSM_HART_START, STOPPING, ENTRY, 0);
	assert_returns(SBI_ERR_FAILED, 0);
}
END_TEST

START_TEST(hart_stop_is_the_callers)
{
	/* The error counts only if the caller is not stopped. */
	hsm(SBI_HSM_HART_STOP, STOPPED, BAD_ENTRY, OPAQUE);
	assert_answer((struct sbi_answer){ .action = SBI_ACT_HART_STOP, .error = SBI_ERR_FAILED });
}
END_TEST

START_TEST(hart_get_status_tells_the_state_of_a_hart)
{
	static const struct {
		uint64_t hart;
		uint64_t status;
	} harts[] = {
		{ SELF, 0 }, { STOPPED, 1 }, { PENDING, 2 }, { STOPPING, 3 }, { SUSPENDED, 4 }
	};

	for (unsigned i = 0; i < COUNT(harts); i++) {
		hsm(SBI_HSM_HART_GET_STATUS, harts[i].hart, JUNK, JUNK);
		assert_returns(SBI_SUCCESS, harts[i].status);
	}
	hsm(SBI_HSM_HART_GET_STATUS, 0, 0, 0);
	assert_returns(SBI_ERR_INVALID_PARAM, 0);
	hsm(SBI_HSM_HART_GET_STATUS, UINT64_MAX, 0, 0);
	assert_returns(SBI_ERR_INVALID_PARAM, 0);
}
END_TEST

START_TEST(hart_suspend_keeps_or_loses_state)
{
	hsm(SBI_HSM_HART_SUSPEND, SBI_HSM_SUSPEND_RETENTIVE | JUNK, BAD_ENTRY, OPAQUE);
	assert_answer((struct sbi_answer){ .action = SBI_ACT_HART_SUSPEND, .retentive = true });
	hsm(SBI_HSM_HART_SUSPEND, SBI_HSM_SUSPEND_NON_RETENTIVE | JUNK, ENTRY, OPAQUE);
	assert_answer((struct sbi_answer){
		.action = SBI_ACT_HART_SUSPEND, .address = ENTRY, .opaque = OPAQUE });
	hsm(SBI_HSM_HART_SUSPEND, SBI_HSM_SUSPEND_NON_RETENTIVE, BAD_ENTRY, OPAQUE);
	assert_returns(SBI_ERR_INVALID_ADDRESS, 0);
}
END_TEST

START_TEST(hart_suspend_refuses_other_types)
{
	static const uint32_t types[] = { 1,	      0x0fffffff, 0x10000000, 0x7fffffff,
					  0x80000001, 0x8fffffff, 0x90000000, 0xffffffff };

	for (unsigned i = 0; i < COUNT(types); i++) {
		hsm(SBI_HSM_HART_SUSPEND, types[i], ENTRY, OPAQUE);
		assert_returns(SBI_ERR_INVALID_PARAM, 0);
	}
}
END_TEST

START_TEST(a_probe_finds_what_is_answered_here)
{
	static const uint32_t ids[] = { SBI_EXT_AXH, SBI_EXT_BASE, 0x08000001 };
	static const uint64_t absent[] = { 0, SBI_EXT_HSM, SBI_EXT_BASE | JUNK, UINT64_MAX,
					   0x08000002 };

	for (unsigned i = 0; i < COUNT(ids); i++) {
		const uint64_t args[3] = { ids[i], JUNK, JUNK };

		sbi_base_call(SBI_BASE_PROBE_EXT, args, ids, COUNT(ids), &answer);
		assert_returns(SBI_SUCCESS, 1);
		sbi_base_call(SBI_BASE_PROBE_EXT, args, ids, i, &answer);
		assert_returns(SBI_SUCCESS, 0);
		sbi_base_call(SBI_BASE_PROBE_EXT, args, NULL, 0, &answer);
		assert_returns(SBI_SUCCESS, 0);
	}
	for (unsigned i = 0; i < COUNT(absent); i++) {
		const uint64_t args[3] = { absent[i], 0, 0 };

		sbi_base_call(SBI_BASE_PROBE_EXT, args, ids, COUNT(ids), &answer);
		assert_returns(SBI_SUCCESS, 0);
	}
}
END_TEST

START_TEST(unknown_functions_are_not_supported)
{
	static const uint32_t ids[] = { SBI_EXT_AXH };
	const uint64_t args[3] = { SBI_EXT_AXH, ENTRY, 0 };

	for (uint64_t function = 0; function < 16; function++) {
		/* Function IDs are registers as they are, not their lower halves. */
		for (unsigned wide = 0; wide < 2; wide++) {
			uint64_t id = wide ? function | JUNK : function;

			if (wide || function > SBI_HSM_HART_SUSPEND) {
				hsm(id, STOPPED, ENTRY, 0);
				assert_returns(SBI_ERR_NOT_SUPPORTED, 0);
			}
			if (wide || function != SBI_BASE_PROBE_EXT) {
				sbi_base_call(id, args, ids, 1, &answer);
				assert_returns(SBI_ERR_NOT_SUPPORTED, 0);
			}
		}
	}
}
END_TEST

/* The numbers that guests know. */
START_TEST(extensions_have_the_standards_numbers)
{
	ck_assert_uint_eq(SBI_EXT_HSM, 'H' << 16 | 'S' << 8 | 'M');
	ck_assert_uint_eq(SBI_EXT_AXH, 0x08000000 | 'A' << 16 | 'X' << 8 | 'H');
}
END_TEST

static void add_tests(TCase *cases)
{
	tcase_add_checked_fixture(cases, setup, NULL);
	tcase_add_test(cases, hart_start_starts_a_stopped_hart);
	tcase_add_test(cases, hart_start_says_why_not);
	tcase_add_test(cases, hart_stop_is_the_callers);
	tcase_add_test(cases, hart_get_status_tells_the_state_of_a_hart);
	tcase_add_test(cases, hart_suspend_keeps_or_loses_state);
	tcase_add_test(cases, hart_suspend_refuses_other_types);
	tcase_add_test(cases, a_probe_finds_what_is_answered_here);
	tcase_add_test(cases, unknown_functions_are_not_supported);
	tcase_add_test(cases, extensions_have_the_standards_numbers);
}

RUN_SUITE("sbi", add_tests)
