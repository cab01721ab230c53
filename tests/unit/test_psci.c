/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PSCI: every function in both widths, with each of its errors. Arm DEN0022, section 5.
 */
#include "core/psci.h"
#include "tests/unit/power_fixture.h"

/* Affinities that are no indexes: CPU 1 is 0.0.1.0 (256), CPU 4 has Aff3. */
#define SELF	  UINT64_C(0x000)
#define OFF	  UINT64_C(0x100)
#define PENDING	  UINT64_C(0x101)
#define STOPPING  UINT64_C(0x10203)
#define FAR	  UINT64_C(0x1200030201)
#define SUSPENDED UINT64_C(0x200)

#define ENTRY	   (MODEL_RAM + 0x1000)
#define HIGH_ENTRY (MODEL_HIGH + 0x2000)
#define BAD_ENTRY  UINT64_C(0x09000000)
#define CONTEXT	   UINT64_C(0xfedcba9876543210)
#define JUNK	   UINT64_C(0xa5a5a5a500000000) /* above the arguments of 32-bit calls */

static struct model model;
static struct power_view view;
static struct psci_answer answer;

static void setup(void)
{
	model = (struct model){ .count = 6,
				.cpus = { { SELF, POWER_ON },
					  { OFF, POWER_OFF },
					  { PENDING, POWER_ON_PENDING },
					  { STOPPING, POWER_OFF_PENDING },
					  { FAR, POWER_OFF },
					  { SUSPENDED, POWER_SUSPENDED } } };
	view = model_view(&model, SELF);
}

/* Make a call; returns x0. What the answer's action does not name has to be zero. */
static int64_t call(uint32_t function, uint64_t x1, uint64_t x2, uint64_t x3)
{
	const uint64_t args[3] = { x1, x2, x3 };

	memset(&answer, 0x5a, sizeof(answer));
	psci_call(function, args, &view, &answer);
	return (int64_t)answer.result;
}

static void assert_action(struct psci_answer expected)
{
	ck_assert_int_eq(answer.action, expected.action);
	ck_assert_uint_eq(answer.target, expected.target);
	ck_assert_uint_eq(answer.entry, expected.entry);
	ck_assert_uint_eq(answer.context, expected.context);
	ck_assert_uint_eq(answer.state, expected.state);
	ck_assert_int_eq(answer.powerdown, expected.powerdown);
	ck_assert_uint_eq(answer.reset_type, expected.reset_type);
	ck_assert_uint_eq(answer.cookie, expected.cookie);
}

static void assert_returns(uint32_t function, uint64_t x1, uint64_t x2, uint64_t x3,
			   int64_t expected)
{
	ck_assert_int_eq(call(function, x1, x2, x3), expected);
	assert_action((struct psci_answer){ .action = PSCI_ACT_NONE });
}

/* For a function whose 32-bit form differs only in the width of its arguments. */
static void assert_both_return(uint32_t function, uint64_t x1, uint64_t x2, uint64_t x3,
			       int64_t expected)
{
	assert_returns(PSCI_64(function), x1, x2, x3, expected);
	assert_returns(function, x1 | JUNK, x2 | JUNK, x3 | JUNK, expected);
}

START_TEST(versions_are_1_1)
{
	assert_returns(PSCI_GET_VERSION, JUNK, JUNK, JUNK, 0x00010001);
	assert_returns(SMCCC_VERSION, JUNK, JUNK, JUNK, 0x00010001);
}
END_TEST

START_TEST(cpu_on_starts_a_cpu_that_is_off)
{
	ck_assert_int_eq(call(PSCI_64(PSCI_CPU_ON), FAR, HIGH_ENTRY, CONTEXT), PSCI_SUCCESS);
	assert_action((struct psci_answer){ .action = PSCI_ACT_CPU_ON,
					    .target = FAR,
					    .entry = HIGH_ENTRY,
					    .context = CONTEXT });
	/* Nothing changes by the answer alone. */
	ck_assert_int_eq(call(PSCI_64(PSCI_CPU_ON), OFF, ENTRY, 0), PSCI_SUCCESS);
	ck_assert_int_eq(call(PSCI_64(PSCI_CPU_ON), OFF, ENTRY, 0), PSCI_SUCCESS);
}
END_TEST

START_TEST(cpu_on_in_32_bits_takes_32_bits)
{
	ck_assert_int_eq(call(PSCI_CPU_ON, OFF | JUNK, ENTRY | JUNK, CONTEXT), PSCI_SUCCESS);
	assert_action((struct psci_answer){ .action = PSCI_ACT_CPU_ON,
					    .target = OFF,
					    .entry = ENTRY,
					    .context = (uint32_t)CONTEXT });
	/* Aff3 cannot be said in this form: this is 0.3.2.1, which does not exist. */
	assert_returns(PSCI_CPU_ON, FAR, ENTRY, 0, PSCI_INVALID_PARAMETERS);
	/* 0x2000 is no entry, 0x1_0000_2000 is. */
	assert_returns(PSCI_CPU_ON, OFF, HIGH_ENTRY, 0, PSCI_INVALID_ADDRESS);
}
END_TEST

START_TEST(cpu_on_of_a_cpu_that_is_not_off_says_so)
{
	assert_both_return(PSCI_CPU_ON, SELF, ENTRY, 0, PSCI_ALREADY_ON);
	assert_both_return(PSCI_CPU_ON, SUSPENDED, ENTRY, 0, PSCI_ALREADY_ON);
	assert_both_return(PSCI_CPU_ON, STOPPING, ENTRY, 0, PSCI_ALREADY_ON);
	assert_both_return(PSCI_CPU_ON, PENDING, ENTRY, 0, PSCI_ON_PENDING);
}
END_TEST

START_TEST(cpu_on_checks_where_the_cpu_begins)
{
	assert_both_return(PSCI_CPU_ON, OFF, BAD_ENTRY, 0, PSCI_INVALID_ADDRESS);
	assert_both_return(PSCI_CPU_ON, OFF, ENTRY + 2, 0, PSCI_INVALID_ADDRESS);
	assert_returns(PSCI_64(PSCI_CPU_ON), OFF, UINT64_MAX, 0, PSCI_INVALID_ADDRESS);
	/* Before the target's state, but behind its existence. */
	assert_both_return(PSCI_CPU_ON, SELF, BAD_ENTRY, 0, PSCI_INVALID_ADDRESS);
	assert_both_return(PSCI_CPU_ON, 0x777, BAD_ENTRY, 0, PSCI_INVALID_PARAMETERS);
}
END_TEST

/* An affinity is neither an index nor all of MPIDR_EL1, whose bits 31 (RES1), 30 (U) and 24 (MT)
 * the caller has to clear. */
START_TEST(an_affinity_has_no_other_bits)
{
	assert_both_return(PSCI_CPU_ON, 1, ENTRY, 0, PSCI_INVALID_PARAMETERS);
	assert_both_return(PSCI_AFFINITY_INFO, 1, 0, 0, PSCI_INVALID_PARAMETERS);
	for (unsigned bit = 0; bit < 64; bit++) {
		uint64_t affinity = OFF ^ UINT64_C(1) << bit;
		enum power_state state = model_state_of(&model, affinity);

		model.questions = 0;
		if (state == POWER_ABSENT) {
			assert_returns(PSCI_64(PSCI_CPU_ON), affinity, ENTRY, 0,
				       PSCI_INVALID_PARAMETERS);
			assert_returns(PSCI_64(PSCI_AFFINITY_INFO), affinity, 0, 0,
				       PSCI_INVALID_PARAMETERS);
		}
		/* Reserved bits never get as far as the view. */
		if (bit >= 40 || (bit >= 24 && bit < 32))
			ck_assert_uint_eq(model.questions, 0);
		else if (state == POWER_ABSENT)
			ck_assert_uint_eq(model.questions, 2);
	}
	assert_both_return(PSCI_CPU_ON, OFF | 1u << 31, ENTRY, 0, PSCI_INVALID_PARAMETERS);
}
END_TEST

START_TEST(cpu_off_is_the_callers)
{
	/* The result counts only if the caller is not switched off. */
	ck_assert_int_eq(call(PSCI_CPU_OFF, JUNK, JUNK, JUNK), PSCI_DENIED);
	assert_action((struct psci_answer){ .action = PSCI_ACT_CPU_OFF });
	assert_returns(PSCI_64(PSCI_CPU_OFF), 0, 0, 0, PSCI_NOT_SUPPORTED);
}
END_TEST

START_TEST(cpu_suspend_in_standby_needs_no_entry)
{
	for (unsigned wide = 0; wide < 2; wide++) {
		uint32_t function = wide ? PSCI_64(PSCI_CPU_SUSPEND) : PSCI_CPU_SUSPEND;

		ck_assert_int_eq(call(function, 0x0100beef, BAD_ENTRY, CONTEXT), PSCI_SUCCESS);
		assert_action((struct psci_answer){ .action = PSCI_ACT_CPU_SUSPEND,
						    .state = 0x0100beef });
		/* power_state has 32 bits in the 64-bit form, too. */
		ck_assert_int_eq(call(function, JUNK, 0, 0), PSCI_SUCCESS);
		assert_action((struct psci_answer){ .action = PSCI_ACT_CPU_SUSPEND });
	}
	ck_assert_uint_eq(PSCI_STATE_ID(0x0200beef), 0xbeef);
	ck_assert_uint_eq(PSCI_STATE_LEVEL(0x0200beef), 2);
}
END_TEST

START_TEST(cpu_suspend_to_powerdown_begins_anew_at_an_entry)
{
	ck_assert_int_eq(call(PSCI_64(PSCI_CPU_SUSPEND), 0x00010001, HIGH_ENTRY, CONTEXT),
			 PSCI_SUCCESS);
	assert_action((struct psci_answer){ .action = PSCI_ACT_CPU_SUSPEND,
					    .state = 0x00010001,
					    .powerdown = true,
					    .entry = HIGH_ENTRY,
					    .context = CONTEXT });
	ck_assert_int_eq(call(PSCI_CPU_SUSPEND, 0x00010001, ENTRY | JUNK, CONTEXT), PSCI_SUCCESS);
	assert_action((struct psci_answer){ .action = PSCI_ACT_CPU_SUSPEND,
					    .state = 0x00010001,
					    .powerdown = true,
					    .entry = ENTRY,
					    .context = (uint32_t)CONTEXT });
	assert_both_return(PSCI_CPU_SUSPEND, 0x00010001, BAD_ENTRY, 0, PSCI_INVALID_ADDRESS);
}
END_TEST

START_TEST(cpu_suspend_refuses_reserved_bits)
{
	for (unsigned bit = 0; bit < 32; bit++) {
		bool reserved = bit >= 26 || (bit >= 17 && bit < 24);

		if (reserved) {
			assert_both_return(PSCI_CPU_SUSPEND, 1u << bit, ENTRY, 0,
					   PSCI_INVALID_PARAMETERS);
			/* Before the address. */
			assert_both_return(PSCI_CPU_SUSPEND, 1u << bit | PSCI_STATE_POWERDOWN,
					   BAD_ENTRY, 0, PSCI_INVALID_PARAMETERS);
		} else {
			ck_assert_int_eq(call(PSCI_CPU_SUSPEND, 1u << bit, ENTRY, 0), PSCI_SUCCESS);
			ck_assert_int_eq(answer.action, PSCI_ACT_CPU_SUSPEND);
			ck_assert_int_eq(answer.powerdown, bit == 16);
		}
	}
}
END_TEST

START_TEST(affinity_info_tells_the_state_of_a_cpu)
{
	assert_both_return(PSCI_AFFINITY_INFO, SELF, 0, 0, PSCI_AFFINITY_ON);
	assert_both_return(PSCI_AFFINITY_INFO, OFF, 0, 0, PSCI_AFFINITY_OFF);
	assert_both_return(PSCI_AFFINITY_INFO, PENDING, 0, 0, PSCI_AFFINITY_ON_PENDING);
	assert_both_return(PSCI_AFFINITY_INFO, STOPPING, 0, 0, PSCI_AFFINITY_ON);
	assert_both_return(PSCI_AFFINITY_INFO, SUSPENDED, 0, 0, PSCI_AFFINITY_ON);
	assert_returns(PSCI_64(PSCI_AFFINITY_INFO), FAR, 0, 0, PSCI_AFFINITY_OFF);
	assert_returns(PSCI_AFFINITY_INFO, FAR, 0, 0, PSCI_INVALID_PARAMETERS);
	/* The level has 32 bits in the 64-bit form, too. */
	assert_returns(PSCI_64(PSCI_AFFINITY_INFO), OFF, JUNK, 0, PSCI_AFFINITY_OFF);
}
END_TEST

START_TEST(affinity_info_knows_level_0_alone)
{
	for (uint64_t level = 1; level < 5; level++)
		assert_both_return(PSCI_AFFINITY_INFO, OFF, level, 0, PSCI_INVALID_PARAMETERS);
	assert_both_return(PSCI_AFFINITY_INFO, OFF, UINT32_MAX, 0, PSCI_INVALID_PARAMETERS);
}
END_TEST

START_TEST(there_is_no_trusted_os_to_migrate)
{
	assert_returns(PSCI_MIGRATE_INFO_TYPE, JUNK, JUNK, JUNK, 2);
	assert_both_return(PSCI_MIGRATE, OFF, 0, 0, PSCI_NOT_SUPPORTED);
	assert_both_return(PSCI_MIGRATE_INFO_UP_CPU, 0, 0, 0, PSCI_NOT_SUPPORTED);
}
END_TEST

START_TEST(the_system_goes_off_and_is_reset)
{
	ck_assert_int_eq(call(PSCI_SYSTEM_OFF, JUNK, JUNK, JUNK), PSCI_INTERNAL_FAILURE);
	assert_action((struct psci_answer){ .action = PSCI_ACT_SYSTEM_OFF });
	ck_assert_int_eq(call(PSCI_SYSTEM_RESET, JUNK, JUNK, JUNK), PSCI_INTERNAL_FAILURE);
	assert_action((struct psci_answer){ .action = PSCI_ACT_SYSTEM_RESET });
	assert_returns(PSCI_64(PSCI_SYSTEM_OFF), 0, 0, 0, PSCI_NOT_SUPPORTED);
	assert_returns(PSCI_64(PSCI_SYSTEM_RESET), 0, 0, 0, PSCI_NOT_SUPPORTED);
}
END_TEST

START_TEST(reset2_is_warm_or_a_vendors)
{
	static const uint32_t types[] = { 0, 0x80000000, 0x80000001, 0xffffffff };

	for (unsigned i = 0; i < COUNT(types); i++) {
		/* The type has 32 bits in both forms, the cookie as many as the form. */
		ck_assert_int_eq(call(PSCI_64(PSCI_SYSTEM_RESET2), types[i] | JUNK, CONTEXT, JUNK),
				 PSCI_INTERNAL_FAILURE);
		assert_action((struct psci_answer){ .action = PSCI_ACT_SYSTEM_RESET2,
						    .reset_type = types[i],
						    .cookie = CONTEXT });
		ck_assert_int_eq(call(PSCI_SYSTEM_RESET2, types[i] | JUNK, CONTEXT, JUNK),
				 PSCI_INTERNAL_FAILURE);
		assert_action((struct psci_answer){ .action = PSCI_ACT_SYSTEM_RESET2,
						    .reset_type = types[i],
						    .cookie = (uint32_t)CONTEXT });
	}
	assert_both_return(PSCI_SYSTEM_RESET2, 1, CONTEXT, 0, PSCI_INVALID_PARAMETERS);
	assert_both_return(PSCI_SYSTEM_RESET2, 0x7fffffff, 0, 0, PSCI_INVALID_PARAMETERS);
}
END_TEST

static void switch_others(enum power_state state)
{
	for (unsigned i = 1; i < model.count; i++)
		model.cpus[i].state = state;
}

START_TEST(system_suspend_is_for_the_last_cpu)
{
	assert_both_return(PSCI_SYSTEM_SUSPEND, ENTRY, 0, 0, PSCI_DENIED);
	switch_others(POWER_OFF);
	ck_assert_int_eq(call(PSCI_64(PSCI_SYSTEM_SUSPEND), HIGH_ENTRY, CONTEXT, 0), PSCI_SUCCESS);
	assert_action((struct psci_answer){
		.action = PSCI_ACT_SYSTEM_SUSPEND, .entry = HIGH_ENTRY, .context = CONTEXT });
	ck_assert_int_eq(call(PSCI_SYSTEM_SUSPEND, ENTRY | JUNK, CONTEXT, 0), PSCI_SUCCESS);
	assert_action((struct psci_answer){
		.action = PSCI_ACT_SYSTEM_SUSPEND, .entry = ENTRY, .context = (uint32_t)CONTEXT });
	assert_both_return(PSCI_SYSTEM_SUSPEND, BAD_ENTRY, 0, 0, PSCI_INVALID_ADDRESS);
	for (enum power_state state = POWER_ON; state <= POWER_SUSPENDED; state++) {
		model.cpus[4].state = state;
		if (state != POWER_OFF)
			assert_both_return(PSCI_SYSTEM_SUSPEND, ENTRY, 0, 0, PSCI_DENIED);
	}
}
END_TEST

START_TEST(system_suspend_is_an_option)
{
	switch_others(POWER_OFF);
	view.system_suspend = false;
	view.others_are_off = NULL;
	assert_both_return(PSCI_SYSTEM_SUSPEND, ENTRY, 0, 0, PSCI_NOT_SUPPORTED);
	assert_returns(PSCI_FEATURES, PSCI_SYSTEM_SUSPEND, 0, 0, PSCI_NOT_SUPPORTED);
	assert_returns(PSCI_FEATURES, PSCI_64(PSCI_SYSTEM_SUSPEND), 0, 0, PSCI_NOT_SUPPORTED);
}
END_TEST

/* "Supported" is what a call shows: anything but NOT_SUPPORTED, asked about what is supported. */
static void assert_features_agree(uint32_t function)
{
	uint64_t x1 = function == PSCI_FEATURES ? PSCI_GET_VERSION : OFF;
	bool supported = call(function, x1, ENTRY, 0) != PSCI_NOT_SUPPORTED;

	assert_returns(PSCI_FEATURES, function, JUNK, JUNK,
		       supported ? PSCI_SUCCESS : PSCI_NOT_SUPPORTED);
	assert_returns(PSCI_FEATURES, function | JUNK, 0, 0,
		       supported ? PSCI_SUCCESS : PSCI_NOT_SUPPORTED);
}

START_TEST(features_agrees_with_what_calls_do)
{
	view.system_suspend = _i != 0;
	switch_others(POWER_OFF);
	for (uint32_t function = 0; function < PSCI_FUNCTIONS; function++) {
		assert_features_agree(PSCI_GET_VERSION + function);
		assert_features_agree(PSCI_64(PSCI_GET_VERSION) + function);
	}
	assert_features_agree(SMCCC_VERSION);
	/* It has its own function for these. */
	assert_returns(PSCI_FEATURES, SMCCC_ARCH_FEATURES, 0, 0, PSCI_NOT_SUPPORTED);
	assert_returns(PSCI_FEATURES, 0x84000020, 0, 0, PSCI_NOT_SUPPORTED);
	assert_returns(PSCI_FEATURES, 0, 0, 0, PSCI_NOT_SUPPORTED);
}
END_TEST

/* Written out, so that a function that is lost in both places is missed. */
START_TEST(what_1_1_makes_mandatory_is_there)
{
	static const uint32_t functions[] = { 0x84000000, 0x84000001, 0xc4000001, 0x84000002,
					      0x84000003, 0xc4000003, 0x84000004, 0xc4000004,
					      0x84000006, 0x84000008, 0x84000009, 0x8400000a,
					      0x8400000e, 0xc400000e, 0x84000012, 0xc4000012,
					      0x80000000 };
	static const uint32_t absent[] = {
		0x84000005, 0xc4000005, 0x84000007, 0xc4000007, 0x8400000b, 0x8400000c, 0xc400000c,
		0x8400000d, 0xc400000d, 0x8400000f, 0x84000010, 0xc4000010, 0x84000011, 0xc4000011,
		0x84000013, 0x84000014, 0xc4000014, 0x84000015, 0xc4000015, 0xc4000000, 0xc4000002,
		0xc4000006, 0xc4000008, 0xc4000009, 0xc400000a
	};

	for (unsigned i = 0; i < COUNT(functions); i++)
		assert_returns(0x8400000a, functions[i], 0, 0, PSCI_SUCCESS);
	for (unsigned i = 0; i < COUNT(absent); i++) {
		assert_returns(0x8400000a, absent[i], 0, 0, PSCI_NOT_SUPPORTED);
		assert_returns(absent[i], OFF, ENTRY, 0, PSCI_NOT_SUPPORTED);
	}
}
END_TEST

START_TEST(arch_features_knows_the_smcccs_own)
{
	assert_returns(SMCCC_ARCH_FEATURES, SMCCC_VERSION | JUNK, 0, 0, PSCI_SUCCESS);
	assert_returns(SMCCC_ARCH_FEATURES, SMCCC_ARCH_FEATURES, 0, 0, PSCI_SUCCESS);
	assert_returns(SMCCC_ARCH_FEATURES, 0x80008000, 0, 0, PSCI_NOT_SUPPORTED);
	assert_returns(SMCCC_ARCH_FEATURES, PSCI_GET_VERSION, 0, 0, PSCI_NOT_SUPPORTED);
}
END_TEST

START_TEST(unknown_functions_are_not_supported)
{
	static const uint32_t functions[] = { 0,	  1,	      0x1234,	  0x80000002,
					      0x83ffffff, 0x84000020, 0xc4000020, 0xc0000000,
					      0x86000001, 0xc3000000, 0x04000000, 0x04000003,
					      0xffffffff };

	for (unsigned i = 0; i < COUNT(functions); i++) {
		assert_returns(functions[i], OFF, ENTRY, 0, PSCI_NOT_SUPPORTED);
		ck_assert(!psci_owns(functions[i]));
	}
	for (uint32_t function = 0; function < PSCI_FUNCTIONS; function++) {
		ck_assert(psci_owns(0x84000000 + function));
		ck_assert(psci_owns(0xc4000000 + function));
	}
	ck_assert(psci_owns(0x80000000));
	ck_assert(psci_owns(0x80000001));
}
END_TEST

/* w0 of a 32-bit call and x0 of a 64-bit call are both the error. */
START_TEST(errors_are_negative_in_both_widths)
{
	call(PSCI_CPU_ON, 0x777, ENTRY, 0);
	ck_assert_uint_eq(answer.result, UINT64_C(0xfffffffffffffffe));
	call(PSCI_64(PSCI_CPU_ON), 0x777, ENTRY, 0);
	ck_assert_uint_eq(answer.result, UINT64_C(0xfffffffffffffffe));
	call(0x84000020, 0, 0, 0);
	ck_assert_uint_eq(answer.result, UINT64_MAX);
	ck_assert_uint_eq((uint32_t)answer.result, UINT32_MAX);
}
END_TEST

static void add_tests(TCase *cases)
{
	tcase_add_checked_fixture(cases, setup, NULL);
	tcase_add_test(cases, versions_are_1_1);
	tcase_add_test(cases, cpu_on_starts_a_cpu_that_is_off);
	tcase_add_test(cases, cpu_on_in_32_bits_takes_32_bits);
	tcase_add_test(cases, cpu_on_of_a_cpu_that_is_not_off_says_so);
	tcase_add_test(cases, cpu_on_checks_where_the_cpu_begins);
	tcase_add_test(cases, an_affinity_has_no_other_bits);
	tcase_add_test(cases, cpu_off_is_the_callers);
	tcase_add_test(cases, cpu_suspend_in_standby_needs_no_entry);
	tcase_add_test(cases, cpu_suspend_to_powerdown_begins_anew_at_an_entry);
	tcase_add_test(cases, cpu_suspend_refuses_reserved_bits);
	tcase_add_test(cases, affinity_info_tells_the_state_of_a_cpu);
	tcase_add_test(cases, affinity_info_knows_level_0_alone);
	tcase_add_test(cases, there_is_no_trusted_os_to_migrate);
	tcase_add_test(cases, the_system_goes_off_and_is_reset);
	tcase_add_test(cases, reset2_is_warm_or_a_vendors);
	tcase_add_test(cases, system_suspend_is_for_the_last_cpu);
	tcase_add_test(cases, system_suspend_is_an_option);
	tcase_add_loop_test(cases, features_agrees_with_what_calls_do, 0, 2);
	tcase_add_test(cases, what_1_1_makes_mandatory_is_there);
	tcase_add_test(cases, arch_features_knows_the_smcccs_own);
	tcase_add_test(cases, unknown_functions_are_not_supported);
	tcase_add_test(cases, errors_are_negative_in_both_widths);
}

RUN_SUITE("psci", add_tests)
