/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Console: when collected bytes go out, and that all of them do, once and in order.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/dev_fake.h"

static AxHost *host;
static AxConsole *console;
static struct fake_output output;

static void make(AxHost *with, uint64_t delay_ns)
{
	AxConsoleConfig config = AX_CONSOLE_CONFIG_INIT;

	config.output = fake_sink(&output);
	config.host = with;
	config.delay_ns = delay_ns;
	ck_assert_int_eq(ax_console_new(&config, &console, NULL), 0);
}

static void set_up(void)
{
	output = (struct fake_output){ 0 };
	host = fake_host_new();
}

static void tear_down(void)
{
	ax_console_free(console);
	fake_host_free(host);
}

/* As a UART does: a call for each byte. */
static void type(const char *text)
{
	AxCharSink sink = ax_console_sink(console);

	for (; *text; text++)
		sink.write(sink.opaque, (const uint8_t *)text, 1);
}

START_TEST(a_line_goes_out_at_its_end)
{
	make(host, 0);
	type("hello");
	fake_output_is(&output, 0, "");
	type("\n");
	fake_output_is(&output, 1, "hello\n");
	type("a\nb\n");
	fake_output_is(&output, 2, "a\nb\n");
}
END_TEST

START_TEST(a_prompt_goes_out_after_the_delay)
{
	make(host, 0);
	type("login: ");
	fake_host_advance(host, AX_CONSOLE_DELAY_NS - 1);
	fake_output_is(&output, 0, "");
	fake_host_advance(host, 1);
	fake_output_is(&output, 1, "login: ");
	/* And the next one likewise. */
	type("# ");
	fake_host_advance(host, AX_CONSOLE_DELAY_NS);
	fake_output_is(&output, 1, "# ");
}
END_TEST

START_TEST(the_delay_counts_from_the_first_byte)
{
	make(host, 100);
	type("a");
	fake_host_advance(host, 60);
	type("b");
	fake_host_advance(host, 40);
	fake_output_is(&output, 1, "ab");
}
END_TEST

START_TEST(many_lines_cost_one_timer_a_delay)
{
	make(host, 100);
	for (unsigned i = 0; i < 50; i++)
		type("line\n");
	ck_assert_uint_eq(host->arms, 1);
	/* The timer that is left finds nothing, or a younger byte, which it takes along. */
	fake_host_advance(host, 50);
	type("x");
	ck_assert_uint_eq(host->arms, 1);
	fake_host_advance(host, 50);
	ck_assert_uint_eq(output.len, 251);
	fake_host_advance(host, 1000);
	ck_assert_uint_eq(output.calls, 51);
	type("y");
	ck_assert_uint_eq(host->arms, 2);
}
END_TEST

START_TEST(a_whole_line_in_one_write_needs_no_timer)
{
	make(host, 0);
	ax_console_write(console, "one\ntwo\n", 8);
	fake_output_is(&output, 1, "one\ntwo\n");
	ck_assert_uint_eq(host->arms, 0);
}
END_TEST

START_TEST(a_full_buffer_goes_out)
{
	char text[AX_CONSOLE_BUFFER * 2 + 2];

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = 0;
	make(host, AX_CONSOLE_NO_DELAY_LIMIT);
	text[AX_CONSOLE_BUFFER - 1] = 0;
	type(text);
	fake_output_is(&output, 0, "");
	type("x");
	ck_assert_uint_eq(output.len, AX_CONSOLE_BUFFER);
	ck_assert_uint_eq(output.calls, 1);
	output = (struct fake_output){ 0 };
	text[AX_CONSOLE_BUFFER - 1] = 'x';
	ax_console_write(console, text, sizeof(text) - 1);
	ck_assert_uint_eq(output.len, 2 * AX_CONSOLE_BUFFER);
	ck_assert_uint_eq(output.calls, 2);
	ax_console_flush(console);
	fake_output_is(&output, 3, text);
	ck_assert_uint_eq(host->arms, 0);
}
END_TEST

START_TEST(flush_sends_what_is_there_and_nothing_else)
{
	make(host, 0);
	type("prompt");
	ax_console_flush(console);
	fake_output_is(&output, 1, "prompt");
	ax_console_flush(console);
	fake_output_is(&output, 0, "");
}
END_TEST

START_TEST(without_a_host_each_write_goes_out)
{
	make(NULL, 0);
	type("ab");
	ax_console_write(console, "cd", 2);
	ax_console_write(console, "", 0);
	fake_output_is(&output, 3, "abcd");
}
END_TEST

START_TEST(without_a_limit_time_is_not_looked_at)
{
	make(NULL, AX_CONSOLE_NO_DELAY_LIMIT);
	type("ab");
	fake_output_is(&output, 0, "");
	type("\n");
	fake_output_is(&output, 1, "ab\n");
}
END_TEST

START_TEST(freeing_sends_the_rest)
{
	make(host, 0);
	type("the end");
	ax_console_free(console);
	console = NULL;
	fake_output_is(&output, 1, "the end");
}
END_TEST

START_TEST(no_output_is_nowhere)
{
	ck_assert_int_eq(ax_console_new(NULL, &console, NULL), 0);
	type("into the void\n");
	ax_console_flush(console);
}
END_TEST

START_TEST(it_cannot_be_made_without_memory)
{
	AxConsoleConfig config = AX_CONSOLE_CONFIG_INIT;
	AxError err = AX_ERROR_INIT;

	console = NULL;
	config.host = host;
	fake_fail_calloc(1);
	ck_assert_int_eq(ax_console_new(&config, &console, &err), -ENOMEM);
	ck_assert_int_eq(err.code, AX_ERROR_RESOURCE);
	fake_fail_lock(1);
	ck_assert_int_eq(ax_console_new(&config, &console, NULL), -ENOMEM);
	fake_fail_timer(1);
	ck_assert_int_eq(ax_console_new(&config, &console, NULL), -ENOMEM);
	config.size = 3;
	ck_assert_int_eq(ax_console_new(&config, &console, &err), -EINVAL);
	ck_assert_ptr_null(console);
}
END_TEST

/* Any writes, flushes and waits: the output is what was written. */
START_TEST(nothing_is_lost_doubled_or_late)
{
	static uint8_t sent[sizeof(output.bytes)];
	uint64_t oldest = 0; /* when the first byte that waits was written */
	size_t len = 0;

	make(host, 100);
	fake_seed(11);
	while (len < sizeof(sent) - 64) {
		size_t part = fake_random() % 64;

		if (output.len == len)
			oldest = host->now;
		for (size_t i = 0; i < part; i++)
			sent[len + i] = fake_random() % 40 ? 'a' + fake_random() % 26 : '\n';
		ax_console_write(console, sent + len, part);
		len += part;
		fake_host_advance(host, fake_random() % 30);
		ck_assert(output.len == len || host->now - oldest < 100);
		if (fake_random() % 50 == 0) {
			ax_console_flush(console);
			ck_assert_uint_eq(output.len, len);
		}
	}
	ax_console_flush(console);
	ck_assert_uint_eq(output.len, len);
	ck_assert_mem_eq(output.bytes, sent, len);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("console");
	TCase *tcase = tcase_create("console");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, a_line_goes_out_at_its_end);
	tcase_add_test(tcase, a_prompt_goes_out_after_the_delay);
	tcase_add_test(tcase, the_delay_counts_from_the_first_byte);
	tcase_add_test(tcase, many_lines_cost_one_timer_a_delay);
	tcase_add_test(tcase, a_whole_line_in_one_write_needs_no_timer);
	tcase_add_test(tcase, a_full_buffer_goes_out);
	tcase_add_test(tcase, flush_sends_what_is_there_and_nothing_else);
	tcase_add_test(tcase, without_a_host_each_write_goes_out);
	tcase_add_test(tcase, without_a_limit_time_is_not_looked_at);
	tcase_add_test(tcase, freeing_sends_the_rest);
	tcase_add_test(tcase, no_output_is_nowhere);
	tcase_add_test(tcase, it_cannot_be_made_without_memory);
	tcase_add_test(tcase, nothing_is_lost_doubled_or_late);
	suite_add_tcase(suite, tcase);
	return fake_run(suite);
}
