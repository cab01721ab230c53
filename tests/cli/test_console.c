/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What --console understands, and the menu at Ctrl-A.
 */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/console.h"
#include "cli/menu.h"

/* What goes to standard error meanwhile. */
static char said[4096];
static int kept_stderr, pipe_fds[2];

static void listen_to_stderr(void)
{
	ck_assert_int_eq(pipe2(pipe_fds, O_CLOEXEC | O_NONBLOCK), 0);
	fflush(stderr);
	kept_stderr = dup(STDERR_FILENO);
	ck_assert_int_ge(dup2(pipe_fds[1], STDERR_FILENO), 0);
}

static void stop_listening(void)
{
	ssize_t len;

	fflush(stderr);
	len = read(pipe_fds[0], said, sizeof(said) - 1);
	said[len > 0 ? len : 0] = 0;
	ck_assert_int_ge(dup2(kept_stderr, STDERR_FILENO), 0);
	close(kept_stderr);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
}

static int check(const char *spec)
{
	int status;

	listen_to_stderr();
	status = console_check("--console ", spec);
	stop_listening();
	return status;
}

START_TEST(what_makes_sense_is_taken)
{
	static const char *const specs[] = { "stdio",		"pty",
					     "pty,link=/tmp/x", "file:log",
					     "file:log,append", "unix:/run/x",
					     "unix:x,connect",	"null",
					     "file:a:b" };

	for (size_t i = 0; i < sizeof(specs) / sizeof(specs[0]); i++) {
		ck_assert_msg(check(specs[i]) == STATUS_OK, "%s", specs[i]);
		ck_assert_str_eq(said, "");
	}
	ck_assert(console_is_stdio("stdio"));
	ck_assert(!console_is_stdio("pty"));
}
END_TEST

START_TEST(what_makes_none_is_said)
{
	static const char *const specs[][2] = {
		{ "", "unknown; stdio, pty, file:PATH" },
		{ "tty", "unknown" },
		{ "stdi", "unknown" },
		{ "stdio:", "takes no path" },
		{ "null:x", "takes no path" },
		{ "pty:x", "takes no path" },
		{ "file", "needs a path" },
		{ "file:", "needs a path" },
		{ "unix:,connect", "needs a path" },
		{ "stdio,x", "takes no parameter" },
		{ "null,", "takes no parameter" },
		{ "pty,link=", "needs a path there" },
		{ "pty,link", "pty takes link=PATH, and nothing else" },
		{ "pty,link=a,b", "pty takes link=PATH" },
		{ "file:x,appen", "file takes append, and nothing else" },
		{ "file:x,append,append", "file takes append" },
		{ "unix:x,append", "unix takes connect" },
		{ "unix:x,", "unix takes connect" },
	};

	for (size_t i = 0; i < sizeof(specs) / sizeof(specs[0]); i++) {
		ck_assert_msg(check(specs[i][0]) == STATUS_USAGE, "%s", specs[i][0]);
		ck_assert_msg(strstr(said, specs[i][1]), "\"%s\": \"%s\"", specs[i][0], said);
	}
}
END_TEST

START_TEST(paths_that_are_too_long_are_refused)
{
	char *spec = malloc(5005);

	ck_assert_ptr_nonnull(spec);
	memset(spec, 'p', 5004);
	spec[5004] = 0;
	memcpy(spec, "file:", 5);
	ck_assert_int_eq(check(spec), STATUS_USAGE);
	memcpy(spec, "pty,link=", 9);
	ck_assert_int_eq(check(spec), STATUS_USAGE);
	free(spec);
}
END_TEST

/* What the menu asked for: a letter each. */
static char asked[16];
static bool may;

static bool action(void *opaque, enum console_action what)
{
	size_t len = strlen(asked);

	(void)opaque;
	ck_assert_uint_lt(len, sizeof(asked) - 1);
	asked[len] = "QPBSD"[what];
	return may;
}

static const char *filtered(struct menu *menu, const char *keys)
{
	static char left[64];
	size_t len = strlen(keys);

	memcpy(left, keys, len);
	listen_to_stderr();
	left[menu_filter(menu, (uint8_t *)left, len)] = 0;
	stop_listening();
	return left;
}

START_TEST(keys_of_the_menu_are_taken_out)
{
	struct menu menu = { .action = action };

	memset(asked, 0, sizeof(asked));
	may = true;
	ck_assert_str_eq(filtered(&menu, "plain\003\032"), "plain\003\032");
	ck_assert_str_eq(filtered(&menu, "a\001xb\001pc\001cd\001be\001sf\001dg"), "abcdefg");
	ck_assert_str_eq(asked, "QPPBSD");
	ck_assert_str_eq(filtered(&menu, "\001\001\001a\001A"), "\001\001\001");
	/* From one piece to the next. */
	ck_assert_str_eq(filtered(&menu, "1\001"), "1");
	ck_assert_str_eq(filtered(&menu, "x2"), "2");
	ck_assert_str_eq(asked, "QPPBSDQ");
	/* What it does not know is dropped. */
	ck_assert_str_eq(filtered(&menu, "3\001z4"), "34");
	ck_assert_str_eq(asked, "QPPBSDQ");
	ck_assert_str_eq(said, "");
	ck_assert_str_eq(filtered(&menu, "\001h\001H\001?"), "");
	ck_assert_ptr_nonnull(strstr(said, "Ctrl-A x  quit"));
	ck_assert_ptr_nonnull(strstr(said, "Ctrl-A b"));
}
END_TEST

START_TEST(what_cannot_be_done_is_said)
{
	struct menu menu = { .action = action };

	memset(asked, 0, sizeof(asked));
	may = false;
	ck_assert_str_eq(filtered(&menu, "\001d"), "");
	ck_assert_ptr_nonnull(strstr(said, "no power button"));
	ck_assert_str_eq(filtered(&menu, "\001b"), "");
	ck_assert_ptr_nonnull(strstr(said, "break"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("console");
	TCase *cases = tcase_create("console");
	SRunner *runner;
	int failed;

	tcase_add_test(cases, what_makes_sense_is_taken);
	tcase_add_test(cases, what_makes_none_is_said);
	tcase_add_test(cases, paths_that_are_too_long_are_refused);
	tcase_add_test(cases, keys_of_the_menu_are_taken_out);
	tcase_add_test(cases, what_cannot_be_done_is_said);
	suite_add_tcase(suite, cases);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
