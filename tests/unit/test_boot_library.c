/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Libraries that are opened on first use: what is said of those that are not there, or too old.
 */
#include "boot/library.h"
#include "tests/unit/boot_builder.h"

static AxError err;

static int nonsense(void)
{
	return 7;
}

START_TEST(a_library_that_is_not_there_is_named)
{
	const struct ax_library_function wanted[] = { { .name = "nonsense" } };
	void *handle = NULL;
	int (*function)(void);

	err = (AxError)AX_ERROR_INIT;
	ck_assert_int_eq(ax_library_open("libnonsense.so.9", "libnonsense9", wanted, &function, 1,
					 &handle, &err),
			 -ENOTSUP);
	ck_assert_int_eq(err.code, AX_ERROR_UNSUPPORTED);
	ck_assert_ptr_nonnull(strstr(err.message, "libnonsense.so.9"));
	ck_assert_ptr_nonnull(strstr(err.message, "package \"libnonsense9\""));
	ck_assert_ptr_null(handle);
	ax_library_close(NULL);
}
END_TEST

START_TEST(a_function_that_is_not_there_is_named)
{
	struct ax_library_function wanted[] = {
		{ .name = "nonsense", .linked = (void *)nonsense },
		{ .name = "axvmm_no_such_function" },
	};
	int (*functions[2])(void) = { NULL, NULL };
	void *handle = NULL;

	err = (AxError)AX_ERROR_INIT;
	ck_assert_int_eq(
		ax_library_open("libz.so.1", "zlib1g", wanted, functions, 2, &handle, &err),
		-ENOTSUP);
	ck_assert_str_eq(err.message,
			 "libz.so.1 has no function axvmm_no_such_function: a newer one is needed");
	ck_assert_ptr_null(handle);
	/* The same in a library that is opened for it; where all are linked in, none is. */
	ck_assert_int_eq(
		ax_library_open("libz.so.1", "zlib1g", wanted + 1, functions, 1, &handle, &err),
		-ENOTSUP);
	ck_assert_ptr_null(handle);
	/* What is linked in is taken as it is. */
	wanted[1].linked = (void *)nonsense;
	ck_assert_int_eq(
		ax_library_open("libz.so.1", "zlib1g", wanted, functions, 2, &handle, &err), 0);
	ck_assert_ptr_null(handle);
	ck_assert_int_eq(functions[1](), 7);
}
END_TEST

RUN_TESTS("boot_library", a_library_that_is_not_there_is_named,
	  a_function_that_is_not_there_is_named)
