/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs that are asked whether they are virtiofsd, and which: scripts with both helps, with another,
 * and one that has not answered when its time is over.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dev/backend/virtiofsd.h"
#include "tests/temporary.h"

#define LONG_ENOUGH_MS 20000

static char folder[TEMPORARY_SIZE];
static char path[sizeof(folder) + 16];

static void make_program(const char *text)
{
	FILE *file;

	ck_assert(temporary_folder(folder, "virtiofsd"));
	snprintf(path, sizeof(path), "%s/program", folder);
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	fprintf(file, "#!/bin/sh\n%s\n", text);
	ck_assert_int_eq(fclose(file), 0);
	ck_assert_int_eq(chmod(path, 0700), 0);
}

static void remove_program(void)
{
	unlink(path);
	rmdir(folder);
}

START_TEST(help_tells_which_one_it_is)
{
	static const struct {
		const char *program;
		enum ax_virtiofsd_flavour flavour;
	} rows[] = {
		{ "echo usage: --socket-path=PATH -o source=PATH", AX_VIRTIOFSD_IN_C },
		{ "echo --socket-path; echo --shared-dir", AX_VIRTIOFSD_IN_RUST },
		/* In two pieces, with its errors' descriptor. */
		{ "echo --socket-path; sleep 0.1; echo --shared-dir >&2", AX_VIRTIOFSD_IN_RUST },
		{ "echo --socket-path; echo --shared-dir; echo --readonly",
		  AX_VIRTIOFSD_IN_RUST_NEWER },
		{ "echo something else", AX_VIRTIOFSD_OTHER },
		{ "exit 1", AX_VIRTIOFSD_OTHER },
	};

	make_program(rows[_i].program);
	ck_assert_int_eq(ax_virtiofsd_ask(path, false, LONG_ENOUGH_MS), rows[_i].flavour);
	remove_program();
}
END_TEST

START_TEST(who_does_not_answer_in_time_is_not_called_another_program)
{
	make_program("exec sleep 60");
	ck_assert_int_eq(ax_virtiofsd_ask(path, false, 50), AX_VIRTIOFSD_SILENT);
	remove_program();
}
END_TEST

/* Rather no share than one that the guest can write to. */
START_TEST(one_that_cannot_share_read_only_is_refused)
{
	static const char *const programs[] = { "echo --socket-path", "echo --shared-dir" };
	struct ax_virtiofsd daemon;
	AxError err = AX_ERROR_INIT;
	int fd = -1;

	make_program(programs[_i]);
	ck_assert_int_eq(
		ax_virtiofsd_start(&daemon, path, "/", AX_VIRTIO_FS_SANDBOX_AUTO, true, &fd, &err),
		-ENOTSUP);
	ck_assert_msg(strstr(err.message, "--readonly") != NULL, "%s", err.message);
	ck_assert_int_eq(fd, -1);
	remove_program();
}
END_TEST

/* The event loop listens, with the device's lock: whoever writes and writes does not hold it up. */
START_TEST(one_that_writes_without_end_is_listened_to_in_pieces)
{
	struct ax_virtiofsd daemon = { .log_fd = -1 };
	char text[1024];
	int pipes[2], left = 0;

	memset(text, 'x', sizeof(text));
	ck_assert_int_eq(pipe2(pipes, O_CLOEXEC | O_NONBLOCK), 0);
	while (write(pipes[1], text, sizeof(text)) > 0)
		;
	daemon.log_fd = pipes[0];
	ck_assert(ax_virtiofsd_listen(&daemon, 0));
	ck_assert_uint_gt(daemon.log_len, 0);
	ck_assert_int_eq(ioctl(pipes[0], FIONREAD, &left), 0);
	ck_assert_int_gt(left, 0);
	/* With time it comes to the end. */
	close(pipes[1]);
	ck_assert(!ax_virtiofsd_listen(&daemon, LONG_ENOUGH_MS));
	ck_assert_uint_lt(daemon.log_len, AX_VIRTIOFSD_LOG);
	close(pipes[0]);
}
END_TEST

START_TEST(what_is_no_program_is_another)
{
	ck_assert_int_eq(ax_virtiofsd_ask("/nonexistent/virtiofsd", false, LONG_ENOUGH_MS),
			 AX_VIRTIOFSD_OTHER);
}
END_TEST

int main(void)
{
	Suite *suite;
	TCase *cases;
	SRunner *runner;
	int failed;

	if (getenv("AXVMM_UNDER_VALGRIND")) {
		printf("SKIP: valgrind has no pidfd_open(2), by which virtiofsd is waited for\n");
		return 77;
	}
	suite = suite_create("virtiofsd");
	cases = tcase_create("virtiofsd");
	runner = srunner_create(suite);
	tcase_set_timeout(cases, 60);
	tcase_add_loop_test(cases, help_tells_which_one_it_is, 0, 6);
	tcase_add_loop_test(cases, one_that_cannot_share_read_only_is_refused, 0, 2);
	tcase_add_test(cases, who_does_not_answer_in_time_is_not_called_another_program);
	tcase_add_test(cases, one_that_writes_without_end_is_listened_to_in_pieces);
	tcase_add_test(cases, what_is_no_program_is_another);
	suite_add_tcase(suite, cases);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
