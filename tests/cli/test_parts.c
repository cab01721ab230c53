/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command's own parts that are no guest's: numbers, JSON, histograms, statuses.
 */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/histogram.h"
#include "cli/json.h"
#include "cli/number.h"
#include "cli/session.h"

START_TEST(sizes_are_read_with_their_suffix)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} good[] = { { "0", 0 },
		     { "4096", 4096 },
		     { "010", 10 },
		     { "1K", 1024 },
		     { "2k", 2048 },
		     { "64M", 64 << 20 },
		     { "64MiB", 64 << 20 },
		     { "1gb", 1 << 30 },
		     { "0x10", 16 },
		     { "0X1fM", 31 << 20 },
		     { "1T", 1ULL << 40 },
		     { "18446744073709551615", UINT64_MAX },
		     { "16777215T", 16777215ULL << 40 } };
	static const char *const bad[] = { "",
					   "K",
					   "0x",
					   "-1",
					   " 1",
					   "1 ",
					   "1KK",
					   "1Ki",
					   "1P",
					   "1.5M",
					   "18446744073709551616",
					   "16777216T",
					   "0xfffffffffffffffff",
					   "ten" };
	uint64_t bytes;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		ck_assert_msg(parse_size(good[i].text, &bytes), "%s", good[i].text);
		ck_assert_msg(bytes == good[i].bytes, "%s", good[i].text);
	}
	bytes = 7;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(!parse_size(bad[i], &bytes), "%s", bad[i]);
	ck_assert_uint_eq(bytes, 7);
}
END_TEST

START_TEST(numbers_have_a_limit)
{
	uint64_t number = 7;

	ck_assert(parse_number("255", 255, &number));
	ck_assert_uint_eq(number, 255);
	ck_assert(!parse_number("256", 255, &number));
	ck_assert(!parse_number("1K", 2000, &number));
	ck_assert_uint_eq(number, 255);
}
END_TEST

START_TEST(seconds_may_have_a_fraction)
{
	uint64_t ns = 0;

	ck_assert(parse_seconds("1", &ns));
	ck_assert_uint_eq(ns, 1000000000);
	ck_assert(parse_seconds("0.5", &ns));
	ck_assert_uint_eq(ns, 500000000);
	ck_assert(parse_seconds("2.", &ns));
	ck_assert_uint_eq(ns, 2000000000);
	ck_assert(parse_seconds("0.0000000019", &ns));
	ck_assert_uint_eq(ns, 1);
	ck_assert(parse_seconds("3153600000", &ns));
	ck_assert(!parse_seconds("3153600001", &ns));
	ck_assert(!parse_seconds("99999999999999999999999", &ns));
	ck_assert(!parse_seconds("0", &ns));
	ck_assert(!parse_seconds("0.0000000001", &ns));
	ck_assert(!parse_seconds(".5", &ns));
	ck_assert(!parse_seconds("1.5.", &ns));
	ck_assert(!parse_seconds("-1", &ns));
}
END_TEST

START_TEST(durations_and_sizes_have_their_unit)
{
	char text[NUMBER_TEXT_SIZE];

	ck_assert_str_eq(format_duration(0, text), "0 ns");
	ck_assert_str_eq(format_duration(99, text), "99 ns");
	ck_assert_str_eq(format_duration(100, text), "0.1 us");
	ck_assert_str_eq(format_duration(9800, text), "9.8 us");
	ck_assert_str_eq(format_duration(99900, text), "99.9 us");
	ck_assert_str_eq(format_duration(123400, text), "123 us");
	ck_assert_str_eq(format_duration(999949, text), "1000 us");
	ck_assert_str_eq(format_duration(999950, text), "1.0 ms");
	ck_assert_str_eq(format_duration(4200000, text), "4.2 ms");
	ck_assert_str_eq(format_duration(3100000000, text), "3.1 s");
	ck_assert_str_eq(format_size(512, text), "512 bytes");
	ck_assert_str_eq(format_size(128 << 20, text), "128 MiB");
	ck_assert_str_eq(format_size((1ULL << 30) + (1ULL << 29), text), "1.5 GiB");
	ck_assert_uint_lt(strlen(format_size(UINT64_MAX, text)), NUMBER_TEXT_SIZE);
	ck_assert_uint_lt(strlen(format_duration(UINT64_MAX, text)), NUMBER_TEXT_SIZE);
}
END_TEST

static char written[4096];

static void collect(void *opaque, const char *bytes, size_t len)
{
	(void)opaque;
	strncat(written, bytes, len);
}

START_TEST(json_separates_and_nests)
{
	struct json json;
	char buffer[5];

	written[0] = 0;
	json_init(&json, buffer, sizeof(buffer), collect, NULL);
	json_open(&json, '{');
	json_key(&json, "a");
	json_number(&json, UINT64_MAX);
	json_key(&json, "b");
	json_open(&json, '[');
	json_bool(&json, true);
	json_bool(&json, false);
	json_string(&json, NULL);
	json_signed(&json, INT64_MIN);
	json_hex(&json, 0xfe000000);
	json_bytes(&json, "\x01\xff", 2);
	json_open(&json, '{');
	json_close(&json, '}');
	json_close(&json, ']');
	json_close(&json, '}');
	json_newline(&json);
	json_open(&json, '[');
	json_close(&json, ']');
	json_flush(&json);
	ck_assert_str_eq(written, "{\"a\":18446744073709551615,\"b\":[true,false,null,"
				  "-9223372036854775808,\"0xfe000000\",\"01ff\",{}]}\n[]");
}
END_TEST

START_TEST(json_strings_are_escaped_and_valid_utf8)
{
	static const struct {
		const char *text;
		const char *json;
	} cases[] = {
		{ "", "\"\"" },
		{ "a\"b\\c", "\"a\\\"b\\\\c\"" },
		{ "\n\t\x01\x1f\x7f", "\"\\u000a\\u0009\\u0001\\u001f\x7f\"" },
		{ "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80",
		  "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"" },
		{ "\xff", "\"\\ufffd\"" },
		{ "\xc3", "\"\\ufffd\"" },
		{ "\xc0\x80", "\"\\ufffd\\ufffd\"" },
		{ "\xe0\x80\x80", "\"\\ufffd\\ufffd\\ufffd\"" },
		{ "\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\"" },
		{ "\xf4\x90\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\"" },
		{ "\xe2\x82x", "\"\\ufffd\\ufffdx\"" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct json json;
		char buffer[64];

		written[0] = 0;
		json_init(&json, buffer, sizeof(buffer), collect, NULL);
		json_string(&json, cases[i].text);
		json_flush(&json);
		ck_assert_str_eq(written, cases[i].json);
	}
}
END_TEST

START_TEST(histograms_keep_values_within_a_32nd)
{
	struct histogram *histogram = calloc(1, sizeof(*histogram));

	ck_assert_uint_eq(histogram_percentile(histogram, 50), 0);
	for (uint64_t value = 0; value < 1ULL << 39; value = value * 5 / 4 + 1) {
		uint64_t found;

		memset(histogram, 0, sizeof(*histogram));
		histogram_add(histogram, value);
		found = histogram_percentile(histogram, 50);
		ck_assert_uint_eq(found, value);
		/* With neighbours far away it is the bucket that counts. */
		histogram_add(histogram, 0);
		histogram_add(histogram, UINT64_MAX);
		found = histogram_percentile(histogram, 50);
		ck_assert_uint_le(found, value + value / 32 + 1);
		ck_assert_uint_ge(found + value / 32 + 1, value);
	}
	free(histogram);
}
END_TEST

START_TEST(percentiles_are_ranks)
{
	struct histogram *histogram = calloc(2, sizeof(*histogram));

	for (uint64_t value = 1; value <= 15; value++)
		histogram_add(histogram, value);
	ck_assert_uint_eq(histogram->min, 1);
	ck_assert_uint_eq(histogram_percentile(histogram, 50), 8);
	ck_assert_uint_eq(histogram_percentile(histogram, 99), 15);
	histogram_add(&histogram[1], 0);
	histogram_merge(histogram, &histogram[1]);
	ck_assert_uint_eq(histogram->min, 0);
	ck_assert_uint_eq(histogram->count, 16);
	free(histogram);
}
END_TEST

/* In the place of the library's: there is no machine here. */
bool ax_machine_report(AxMachine *machine, uint32_t vcpu, const AxVCpuExitReason *exit,
		       unsigned line, char *buffer, size_t size)
{
	(void)machine;
	(void)vcpu;
	(void)exit;
	(void)line;
	(void)buffer;
	(void)size;
	return false;
}

static int status_of(uint32_t end, int64_t code)
{
	struct run_options options = { .timeout_ns = 0 };
	AxMachineResult result = { .size = sizeof(result), .end = end, .code = code };

	return outcome_tell(NULL, &result, &options);
}

START_TEST(every_end_has_its_status)
{
	struct run_options limited = { .timeout_ns = 1 };
	AxMachineResult alarm = { .size = sizeof(alarm),
				  .end = AX_MACHINE_STOPPED,
				  .code = STOP_TIMEOUT };

	for (int code = 0; code <= 127; code++)
		ck_assert_int_eq(status_of(AX_MACHINE_CODE, code), code == 3 ? 210 : code);
	ck_assert_int_eq(status_of(AX_MACHINE_CODE, 128), 210);
	ck_assert_int_eq(status_of(AX_MACHINE_CODE, UINT32_MAX), 210);
	ck_assert_int_eq(status_of(AX_MACHINE_POWER_OFF, 0), 0);
	ck_assert_int_eq(status_of(AX_MACHINE_HALTED, 0), 0);
	ck_assert_int_eq(status_of(AX_MACHINE_RESET, 0), 202);
	ck_assert_int_eq(status_of(AX_MACHINE_TRIPLE_FAULT, 0), 203);
	ck_assert_int_eq(status_of(AX_MACHINE_INTERNAL_ERROR, 0), 204);
	ck_assert_int_eq(status_of(AX_MACHINE_FAIL_ENTRY, 0), 205);
	ck_assert_int_eq(status_of(AX_MACHINE_ASSERTION, 0), 206);
	ck_assert_int_eq(status_of(AX_MACHINE_UNHANDLED, 0), 207);
	ck_assert_int_eq(status_of(AX_MACHINE_CRASH, 0), 208);
	ck_assert_int_eq(status_of(AX_MACHINE_SUSPEND, 0), 209);
	ck_assert_int_eq(outcome_tell(NULL, &alarm, &limited), 211);
	ck_assert_int_eq(status_of(AX_MACHINE_STOPPED, STOP_SIGNAL + SIGALRM), 128 + SIGALRM);
	ck_assert_int_eq(status_of(AX_MACHINE_STOPPED, STOP_QUIT), 212);
	ck_assert_int_eq(status_of(AX_MACHINE_STOPPED, STOP_OUTPUT), 201);
	ck_assert_int_eq(status_of(AX_MACHINE_STOPPED, STOP_SIGNAL + SIGTERM), 143);
}
END_TEST

START_TEST(library_failures_have_their_status)
{
	AxError err = { .message = "test" };
	static const struct {
		AxErrorCode code;
		int status;
	} cases[] = { { AX_ERROR_KVM_MISSING, 3 }, { AX_ERROR_KVM_PERMISSION, 3 },
		      { AX_ERROR_KVM_API, 3 },	   { AX_ERROR_ARGUMENT, 200 },
		      { AX_ERROR_IMAGE, 201 },	   { AX_ERROR_FILE, 201 },
		      { AX_ERROR_RESOURCE, 201 },  { AX_ERROR_UNSUPPORTED, 201 },
		      { AX_ERROR_KVM_CALL, 201 },  { AX_ERROR_STATE, 201 } };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		err.code = cases[i].code;
		ck_assert_int_eq(cli_failure(NULL, &err), cases[i].status);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cli");
	TCase *cases = tcase_create("parts");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(cases, sizes_are_read_with_their_suffix);
	tcase_add_test(cases, numbers_have_a_limit);
	tcase_add_test(cases, seconds_may_have_a_fraction);
	tcase_add_test(cases, durations_and_sizes_have_their_unit);
	tcase_add_test(cases, json_separates_and_nests);
	tcase_add_test(cases, json_strings_are_escaped_and_valid_utf8);
	tcase_add_test(cases, histograms_keep_values_within_a_32nd);
	tcase_add_test(cases, percentiles_are_ranks);
	tcase_add_test(cases, every_end_has_its_status);
	tcase_add_test(cases, library_failures_have_their_status);
	suite_add_tcase(suite, cases);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
