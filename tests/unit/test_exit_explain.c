/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What killed a guest, in one sentence.
 */
#include "tests/unit/run_fixture.h"

static const char *explain(const AxVCpuExitReason *exit)
{
	static char buffer[512];
	size_t len = ax_exit_explain(exit, buffer, sizeof(buffer));

	ck_assert_uint_eq(len, strlen(buffer));
	ck_assert_ptr_null(strchr(buffer, '\n'));
	return buffer;
}

static void assert_explained(const AxVCpuExitReason *exit, const char *piece)
{
	const char *text = explain(exit);

	ck_assert_msg(strstr(text, piece), "\"%s\" lacks \"%s\"", text, piece);
}

/* Hardware's reasons and what must be in the sentence. */
static const struct {
	uint64_t reason;
	const char *piece;
} entries[] = {
	{ 0x80000021, "invalid guest state" },
	{ 0x80000022, "MSR" },
	{ 0x80000029, "machine check" },
	{ 0x80000099, "not documented" },
	{ 1, "VMCALL in VMX root operation" },
	{ 1, "arm64" },
	{ 5, "VMX instruction error 5, VMRESUME with a VMCS that is not launched" },
	{ 7, "VM entry with invalid control fields" },
	{ 8, "VM entry with invalid host-state fields" },
	{ 28, "invalid operand to INVEPT or INVVPID" },
	{ 0xffffffff, "SVM refused the guest's state" },
	{ UINT64_MAX, "SVM refused the guest's state" },
	{ 0x600, "no guest interrupt file is free" },
	/* Numbers that have no words: 14, 21, 27 and what follows. */
	{ 0, "reason 0x0" },
	{ 14, "reason 0xe" },
	{ 21, "reason 0x15" },
	{ 27, "reason 0x1b" },
	{ 29, "reason 0x1d" },
	{ 0x123456789a, "reason 0x123456789a" },
};

START_TEST(a_failed_entry_is_put_into_words)
{
	AxVCpuExitReason exit = { .kind = AX_EXIT_FAIL_ENTRY };

	exit.fail_entry.hardware_entry_failure_reason = entries[_i].reason;
	assert_explained(&exit, entries[_i].piece);
}
END_TEST

START_TEST(every_vm_instruction_error_of_the_manual_has_words)
{
	AxVCpuExitReason exit = { .kind = AX_EXIT_FAIL_ENTRY };

	for (unsigned error = 1; error <= 28; error++) {
		if (error == 14 || error == 21 || error == 27)
			continue;
		exit.fail_entry.hardware_entry_failure_reason = error;
		assert_explained(&exit, "VMX instruction error");
		if (error > 1)
			ck_assert_ptr_null(strstr(explain(&exit), "arm64"));
	}
}
END_TEST

static const struct {
	uint32_t suberror;
	const char *piece;
} internals[] = {
	{ 1, "emulate" },
	{ 2, "another was being delivered" },
	{ 3, "could not be delivered" },
	{ 4, "does not know" },
	{ 0, "not documented" },
	{ 77, "not documented" },
	{ AX_SUBERROR_ERRNO, "can't carry out" },
};

START_TEST(an_internal_error_is_put_into_words)
{
	AxVCpuExitReason exit = { .kind = AX_EXIT_INTERNAL_ERROR };

	exit.internal_error.suberror = internals[_i].suberror;
	assert_explained(&exit, internals[_i].piece);
}
END_TEST

static const struct {
	uint32_t cause;
	const char *piece; /* NULL: nothing to say */
} downs[] = {
	{ AX_DOWN_TRIPLE_FAULT, "triple fault" },
	{ AX_DOWN_CRASH, "its own crash" },
	{ AX_DOWN_CONFIDENTIAL, "confidential" },
	{ AX_DOWN_POWER_OFF, NULL },
	{ AX_DOWN_RESET, NULL },
	{ AX_DOWN_SUSPEND, NULL },
	{ AX_DOWN_WAKEUP, NULL },
	{ AX_DOWN_OTHER, NULL },
};

START_TEST(a_system_that_goes_down_in_order_needs_no_words)
{
	AxVCpuExitReason exit = { .kind = AX_EXIT_SYSTEM_DOWN };

	exit.system_down.cause = downs[_i].cause;
	if (downs[_i].piece)
		assert_explained(&exit, downs[_i].piece);
	else
		ck_assert_str_eq(explain(&exit), "");
}
END_TEST

static const struct {
	uint32_t kind;
	const char *piece;
} others[] = {
	{ AX_EXIT_NESTED_PAGE_FAULT, "does not let it touch" },
	{ AX_EXIT_MMIO_READ, "neither RAM nor a device" },
	{ AX_EXIT_MMIO_WRITE, "neither RAM nor a device" },
	{ AX_EXIT_IO_READ, "port" },
	{ AX_EXIT_IO_WRITE, "port" },
	{ AX_EXIT_UNSUPPORTED, "does not know" },
	{ AX_EXIT_DEBUG, "breakpoint" },
	{ AX_EXIT_NOTHING, NULL },
	{ AX_EXIT_HALT, NULL },
	{ AX_EXIT_HYPERCALL, NULL },
	{ AX_EXIT_CPU_UP, NULL },
	{ AX_EXIT_KINDS, NULL },
};

START_TEST(what_kills_a_guest_has_words_and_the_rest_has_none)
{
	AxVCpuExitReason exit = { .kind = others[_i].kind };

	if (others[_i].piece)
		assert_explained(&exit, others[_i].piece);
	else
		ck_assert_str_eq(explain(&exit), "");
}
END_TEST

START_TEST(a_sentence_is_cut_as_a_line_is)
{
	AxVCpuExitReason exit = { .kind = AX_EXIT_FAIL_ENTRY };
	size_t whole = ax_exit_explain(&exit, NULL, 0);
	char buffer[8] = "#######";

	ck_assert_uint_gt(whole, 20);
	ck_assert_uint_eq(ax_exit_explain(&exit, buffer, 4), whole);
	ck_assert_str_eq(buffer, "the");
	ck_assert_int_eq(buffer[4], '#');
	exit.kind = AX_EXIT_NOTHING;
	ck_assert_uint_eq(ax_exit_explain(&exit, buffer, sizeof(buffer)), 0);
	ck_assert_str_eq(buffer, "");
	exit.kind = AX_EXIT_DEBUG;
	ck_assert_uint_eq(ax_exit_explain(&exit, buffer, 2), strlen(explain(&exit)));
	ck_assert_str_eq(buffer, "a");
}
END_TEST

static void add_tests(TCase *cases)
{
	tcase_add_loop_test(cases, a_failed_entry_is_put_into_words, 0, COUNT(entries));
	tcase_add_test(cases, every_vm_instruction_error_of_the_manual_has_words);
	tcase_add_loop_test(cases, an_internal_error_is_put_into_words, 0, COUNT(internals));
	tcase_add_loop_test(cases, a_system_that_goes_down_in_order_needs_no_words, 0,
			    COUNT(downs));
	tcase_add_loop_test(cases, what_kills_a_guest_has_words_and_the_rest_has_none, 0,
			    COUNT(others));
	tcase_add_test(cases, a_sentence_is_cut_as_a_line_is);
}

RUN_SUITE("exit explain", add_tests)
