/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening image files: what is mapped, and what a path that is no image file is called.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/temporary.h"
#include "tests/unit/boot_builder.h"
#include "tests/unit/fake_libc.h"

static char folder[TEMPORARY_SIZE];

static void set_up(void)
{
	ck_assert(temporary_folder(folder, "boot"));
	ck_assert_int_eq(chdir(folder), 0);
}

static void tear_down(void)
{
	unlink("file");
	ck_assert_int_eq(chdir("/"), 0);
	ck_assert_int_eq(rmdir(folder), 0);
}

static void write_file(const void *bytes, size_t len)
{
	int fd = open("file", O_WRONLY | O_CREAT | O_TRUNC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq((int)write(fd, bytes, len), (int)len);
	close(fd);
}

static unsigned open_descriptors(void)
{
	unsigned count = 0;

	for (int fd = 0; fd < 1024; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static void refuse(const char *path, int ret, const char *message)
{
	AxImageSource file = AX_IMAGE_SOURCE_INIT;
	AxError err = AX_ERROR_INIT;
	unsigned before = open_descriptors();

	ck_assert_int_eq(ax_image_file_open(path, &file, &err), ret);
	ck_assert_str_eq(err.message, message);
	ck_assert_int_eq(err.code, AX_ERROR_FILE);
	ck_assert_ptr_null(file.bytes);
	ck_assert_uint_eq(open_descriptors(), before);
	ck_assert_int_eq(ax_image_file_open(path, &file, NULL), ret);
}

START_TEST(a_regular_file_is_mapped_whole)
{
	const char *path = "file";
	AxImageSource file = AX_IMAGE_SOURCE_INIT;
	unsigned before = open_descriptors();

	write_file("hello", 5);
	ck_assert_int_eq(ax_image_file_open(path, &file, NULL), 0);
	ck_assert_uint_eq(file.len, 5);
	ck_assert_int_eq(memcmp(file.bytes, "hello", 5), 0);
	ck_assert_ptr_eq(file.name, path);
	ck_assert_uint_eq(file.flags, AX_SOURCE_FILE);
	ck_assert_uint_eq(open_descriptors(), before + 1);
	ax_image_file_close(&file);
	ck_assert_uint_eq(open_descriptors(), before);
	ck_assert_uint_eq(file.flags, 0);
	ck_assert_ptr_null(file.bytes);
	ck_assert_uint_eq(file.len, 0);
	ax_image_file_close(&file);
	ax_image_file_close(NULL);
}
END_TEST

START_TEST(what_is_no_regular_file_is_named)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "file" };
	int fd;

	refuse(".", -ENOEXEC, ".: is a directory; a regular file with something in it is needed");
	refuse("/dev/null", -ENOEXEC,
	       "/dev/null: is a device; a regular file with something in it is needed");
	ck_assert_int_eq(mkfifo("file", 0600), 0);
	refuse("file", -ENOEXEC, "file: is a pipe; a regular file with something in it is needed");
	unlink("file");
	write_file("", 0);
	refuse("file", -ENOEXEC, "file: is empty; a regular file with something in it is needed");
	unlink("file");
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	refuse("file", -EIO, "file: cannot open it: No such device or address");
	close(fd);
}
END_TEST

START_TEST(a_path_that_leads_nowhere_is_told)
{
	AxImageSource file = AX_IMAGE_SOURCE_INIT;
	AxError err = AX_ERROR_INIT;

	refuse("missing", -ENOENT, "missing: no such file: check the path");
	ck_assert_int_eq(ax_image_file_open("missing", &file, &err), -ENOENT);
	ck_assert_int_eq(err.os_errno, ENOENT);
	write_file("x", 1);
	refuse("file/x", -ENOENT, "file/x: no such file: check the path");
	unlink("file");
	ck_assert_int_eq(symlink("file", "file"), 0);
	refuse("file", -EIO, "file: cannot open it: Too many levels of symbolic links");
}
END_TEST

START_TEST(an_unreadable_file_is_told)
{
	write_file("x", 1);
	ck_assert_int_eq(chmod("file", 0), 0);
	if (geteuid() == 0) {
		/* root reads everything: be somebody else */
		ck_assert_int_eq(chmod(".", 0755), 0);
		ck_assert_int_eq(seteuid(65534), 0);
	}
	refuse("file", -EACCES,
	       "file: no permission to read it: check the file's mode and its "
	       "directories'");
	if (getuid() == 0)
		ck_assert_int_eq(seteuid(0), 0);
}
END_TEST

START_TEST(a_file_that_cannot_be_mapped_is_told)
{
	AxImageSource file = AX_IMAGE_SOURCE_INIT;
	AxError err = AX_ERROR_INIT;
	unsigned before = open_descriptors();

	write_file("x", 1);
	fake_libc_fail(LIBC_MMAP, 1, ENOMEM);
	ck_assert_int_eq(ax_image_file_open("file", &file, &err), -ENOMEM);
	ck_assert_int_eq(fake_libc_failed(LIBC_MMAP), 1);
	ck_assert_str_eq(err.message, "file: no memory to map it");
	fake_libc_fail(LIBC_MMAP, 1, ENODEV);
	ck_assert_int_eq(ax_image_file_open("file", &file, &err), -EIO);
	ck_assert_str_eq(err.message, "file: cannot map it: No such device");
	ck_assert_int_eq(err.os_errno, ENODEV);
	ck_assert_ptr_null(file.bytes);
	ck_assert_uint_eq(open_descriptors(), before);
}
END_TEST

START_TEST(arguments_are_checked)
{
	AxImageSource file = AX_IMAGE_SOURCE_INIT;
	AxError err = AX_ERROR_INIT;

	ck_assert_int_eq(ax_image_file_open(NULL, &file, &err), -EINVAL);
	ck_assert_int_eq(ax_image_file_open("file", NULL, &err), -EINVAL);
	file.size = 3;
	ck_assert_int_eq(ax_image_file_open("file", &file, &err), -EINVAL);
	ck_assert_str_eq(err.message,
			 "ax_image_file_open: an argument is missing, or its size is not set");
}
END_TEST

RUN_TESTS_WITH("boot-file", set_up, tear_down, a_regular_file_is_mapped_whole,
	       what_is_no_regular_file_is_named, a_path_that_leads_nowhere_is_told,
	       an_unreadable_file_is_told, a_file_that_cannot_be_mapped_is_told,
	       arguments_are_checked)
