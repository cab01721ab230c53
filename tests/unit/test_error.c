/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Error messages and locks.
 */
#include <pthread.h>

#include "core/error.h"
#include "tests/unit/core_fixture.h"
#include "tests/unit/fake_libc.h"

START_TEST(every_code_has_a_name_of_its_own)
{
	for (int code = AX_ERROR_NONE; code <= AX_ERROR_FILE; code++) {
		const char *name = ax_error_name((AxErrorCode)code);

		ck_assert_str_ne(name, "unknown");
		for (int other = AX_ERROR_NONE; other < code; other++)
			ck_assert_str_ne(name, ax_error_name((AxErrorCode)other));
	}
	ck_assert_str_eq(ax_error_name(AX_ERROR_KVM_PERMISSION), "kvm-permission");
	ck_assert_str_eq(ax_error_name((AxErrorCode)(AX_ERROR_FILE + 1)), "unknown");
	ck_assert_str_eq(ax_error_name((AxErrorCode)-1), "unknown");
}
END_TEST

START_TEST(an_error_is_filled_and_its_errno_returned)
{
	AxError err;

	memset(&err, 0xff, sizeof(err));
	ck_assert_int_eq(ax_error_set(&err, -EEXIST, AX_ERROR_ARGUMENT, 7, "%s %d", "page", 12),
			 -EEXIST);
	ck_assert_int_eq(err.code, AX_ERROR_ARGUMENT);
	ck_assert_int_eq(err.os_errno, 7);
	ck_assert_str_eq(err.message, "page 12");
}
END_TEST

START_TEST(nobody_need_listen)
{
	ck_assert_int_eq(ax_error_set(NULL, -EIO, AX_ERROR_KVM_CALL, 0, "unheard"), -EIO);
	ck_assert_int_eq(ax_error_nomem(NULL, "anything"), -ENOMEM);
	ck_assert_int_eq(ax_error_sys(NULL, -EBADF, "ioctl"), -EIO);
}
END_TEST

START_TEST(a_long_message_is_cut_and_still_ends)
{
	char text[2 * AX_ERROR_MESSAGE_SIZE];
	AxError err;

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	memset(&err, 0xff, sizeof(err));
	ax_error_set(&err, -EIO, AX_ERROR_FILE, 0, "%s", text);
	ck_assert_uint_eq(strlen(err.message), AX_ERROR_MESSAGE_SIZE - 1);
}
END_TEST

START_TEST(a_name_with_newlines_makes_no_second_line)
{
	AxError err = AX_ERROR_INIT;

	ax_error_set(&err, -ENOENT, AX_ERROR_FILE, 0, "%s: no \x7f", "a\nb\r\x1b[1mc \xc3\xa4");
	ck_assert_str_eq(err.message, "a?b??[1mc \xc3\xa4: no ?");
}
END_TEST

START_TEST(a_system_calls_errno_becomes_one_of_the_public_set)
{
	AxError err = AX_ERROR_INIT;

	ck_assert_int_eq(ax_error_sys(&err, -EBADF, "KVM_RUN"), -EIO);
	ck_assert_int_eq(err.code, AX_ERROR_KVM_CALL);
	ck_assert_int_eq(err.os_errno, EBADF);
	ck_assert_str_eq(err.message, "KVM_RUN failed: Bad file descriptor");

	ck_assert_int_eq(ax_error_sys(&err, -ENOMEM, "mmap"), -ENOMEM);
	ck_assert_int_eq(err.code, AX_ERROR_RESOURCE);
	ck_assert_int_eq(ax_error_sys(&err, -EMFILE, "open"), -EIO);
	ck_assert_int_eq(err.code, AX_ERROR_RESOURCE);
	ck_assert_int_eq(ax_error_sys(&err, -ENFILE, "open"), -EIO);
	ck_assert_int_eq(err.code, AX_ERROR_RESOURCE);
}
END_TEST

START_TEST(the_helpers_say_what_kind_of_failure_it_was)
{
	AxError err = AX_ERROR_INIT;

	ck_assert_int_eq(ax_error_nomem(&err, "a range"), -ENOMEM);
	ck_assert_int_eq(err.code, AX_ERROR_RESOURCE);
	ck_assert_str_eq(err.message, "no memory for a range");
	ck_assert_int_eq(ax_error_argument(&err, -EINVAL, "bad %d", 3), -EINVAL);
	ck_assert_int_eq(err.code, AX_ERROR_ARGUMENT);
	ck_assert_int_eq(ax_error_state(&err, "not now"), -EPERM);
	ck_assert_int_eq(err.code, AX_ERROR_STATE);
}
END_TEST

struct counter {
	AxLock *lock;
	unsigned value;
};

static void *count(void *arg)
{
	struct counter *counter = arg;

	for (int i = 0; i < 10000; i++) {
		ax_lock(counter->lock);
		counter->value++;
		ax_unlock(counter->lock);
	}
	return NULL;
}

START_TEST(a_lock_excludes_other_threads)
{
	struct counter counter = { .lock = ax_lock_new() };
	pthread_t threads[3];

	ck_assert_ptr_nonnull(counter.lock);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, count, &counter), 0);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	ck_assert_uint_eq(counter.value, 30000);
	ax_lock_free(counter.lock);
	ax_lock_free(NULL);
}
END_TEST

START_TEST(a_lock_needs_memory)
{
	AxLock *lock;

	fake_libc_fail(LIBC_MALLOC, 1, ENOMEM);
	lock = ax_lock_new();
	ck_assert(fake_libc_failed(LIBC_MALLOC));
	ck_assert_ptr_null(lock);
}
END_TEST

RUN_CORE_TESTS("error", every_code_has_a_name_of_its_own, an_error_is_filled_and_its_errno_returned,
	       nobody_need_listen, a_long_message_is_cut_and_still_ends,
	       a_name_with_newlines_makes_no_second_line,
	       a_system_calls_errno_becomes_one_of_the_public_set,
	       the_helpers_say_what_kind_of_failure_it_was, a_lock_excludes_other_threads,
	       a_lock_needs_memory)
