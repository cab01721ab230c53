/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Facts of recordings: there is a limit to them, so that no recording is looked through for hours.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <axvmm/axvmm.h>

/* Facts of @count keys, and the end. Owned by the caller. */
static uint8_t *make_facts(unsigned count, size_t *len)
{
	static const uint8_t end[] = { 11, 1, 0 };
	uint8_t *to = malloc(16 + 12 * (size_t)count);
	const void *empty;
	AxRecord *record;

	ck_assert_ptr_nonnull(to);
	ck_assert_int_eq(ax_record_create(NULL, &record, NULL), 0);
	empty = ax_record_bytes(record, len);
	ck_assert_uint_eq(*len, 16);
	memcpy(to, empty, 16);
	ax_record_free(record);
	for (unsigned i = 0; i < count; i++) {
		uint8_t *fact = to + *len;

		/* The record's type and length, the key's length, the key, one byte of text. */
		fact[0] = 1;
		fact[1] = 7;
		fact[2] = 5;
		for (unsigned k = 0; k < 5; k++)
			fact[3 + k] = (uint8_t)('0' + (i >> (4 * k) & 15));
		fact[8] = 'v';
		*len += 9;
	}
	memcpy(to + *len, end, sizeof(end));
	*len += sizeof(end);
	return to;
}

/* A recording that is made of keys alone is not looked through for hours. */
START_TEST(facts_have_a_limit)
{
	static const unsigned counts[] = { 1024, 1025, 1u << 20 };
	AxReplayResult result = AX_REPLAY_RESULT_INIT;
	AxVmOptions options = AX_VM_OPTIONS_INIT;
	AxRecord *record;
	uint8_t *bytes;
	size_t len;
	AxVm *vm;

	bytes = make_facts(counts[_i], &len);
	ck_assert_int_eq(ax_replay_open("it", bytes, len, &record, NULL), 0);
	options.record = record;
	ck_assert_int_eq(ax_vm_create(&options, &vm, NULL), 0);
	ck_assert_str_eq(ax_record_fact(record, "?3000"), "v"); /* 0x3f */
	ck_assert_int_eq(ax_replay_run(record, vm, NULL, &result, NULL), 0);
	ck_assert_uint_eq(result.end, _i ? AX_REPLAY_DAMAGED : AX_REPLAY_SAME);
	if (_i)
		ck_assert_msg(strstr(result.recorded, "a fact too many"), "%s", result.recorded);
	ax_vm_destroy(vm);
	ax_record_free(record);
	free(bytes);
}
END_TEST

START_TEST(no_more_are_written_than_are_read)
{
	AxRecord *record;
	char key[16];

	ck_assert_int_eq(ax_record_create(NULL, &record, NULL), 0);
	for (unsigned i = 0; i < 1100; i++) {
		snprintf(key, sizeof(key), "key%u", i);
		ax_record_set_fact(record, key, "value");
	}
	ax_record_set_fact(record, "key1", "another");
	ck_assert_str_eq(ax_record_fact(record, "key1"), "another");
	ck_assert_str_eq(ax_record_fact(record, "key1023"), "value");
	ck_assert_ptr_null(ax_record_fact(record, "key1024"));
	ax_record_free(record);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("record_facts");
	TCase *tcase = tcase_create("record_facts");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, facts_have_a_limit, 0, 3);
	tcase_add_test(tcase, no_more_are_written_than_are_read);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
