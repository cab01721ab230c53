/* SPDX-License-Identifier: Apache-2.0 */
/*
 * axvmm extract-kernel: the kernel inside of a compressed one, once and for all.
 */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <axvmm/boot.h>

#include "cli/cli.h"
#include "cli/number.h"
#include "cli/writer.h"

const char extract_kernel_help[] =
	"Usage: axvmm extract-kernel [--force] KERNEL OUTPUT\n"
	"Write what a compressed kernel unpacks when it boots: the ELF file (vmlinux) in a "
	"bzImage, "
	"the\n"
	"Image in an EFI boot image (zboot) or a gzip file. \"axvmm run --kernel OUTPUT\" boots it "
	"without\n"
	"that work. OUTPUT - is standard output.\n"
	"\n"
	"  --force  replace OUTPUT if it is there\n"
	"  --help   this text\n";

/* More than any kernel. */
#define KERNEL_MAX (2ull << 30)

/* A failure of @path. */
static int failed(const char *path, int error)
{
	if (error == EEXIST)
		cli_message("%s: it is there already; --force replaces it", path);
	else
		cli_message("%s: %s", path, strerror(error));
	return STATUS_HOST;
}

static int put(const AxImageSource *kernel, int fd, const char *path)
{
	atomic_bool hurry = false;
	struct writer writer;

	writer_init(&writer, fd, &hurry);
	if (!writer_put(&writer, kernel->bytes, kernel->len))
		return STATUS_OK;
	return failed(path, writer.error);
}

/* Under another name beside it first: what is there under its own is always whole. */
static int put_file(const AxImageSource *kernel, const char *path, bool force)
{
	char temporary[4096];
	mode_t mask = umask(0);
	int status, fd;

	umask(mask);
	if (snprintf(temporary, sizeof(temporary), "%s.XXXXXX", path) >= (int)sizeof(temporary))
		return failed(path, ENAMETOOLONG);
	if (!force && !access(path, F_OK))
		return failed(path, EEXIST);
	fd = mkstemp(temporary);
	if (fd < 0)
		return failed(path, errno);
	status = put(kernel, fd, path);
	if (!status && fchmod(fd, 0666 & ~mask))
		status = failed(path, errno);
	if (close(fd) && !status)
		status = failed(path, errno);
	/* A link is refused where somebody has made the file meanwhile. */
	if (!status && (force ? rename(temporary, path) : link(temporary, path)))
		status = failed(path, errno);
	if (status || !force)
		unlink(temporary);
	return status;
}

static int extract(const char *from, const char *to, bool force)
{
	AxImageSource source = AX_IMAGE_SOURCE_INIT, kernel = AX_IMAGE_SOURCE_INIT;
	char size[NUMBER_TEXT_SIZE];
	AxError err = AX_ERROR_INIT;
	bool is_stdout = !strcmp(to, "-");
	int status;

	if (ax_image_file_open(from, &source, &err))
		return cli_failure(NULL, &err);
	if (ax_image_extract(&source, KERNEL_MAX, &kernel, &err)) {
		ax_image_file_close(&source);
		return cli_failure(NULL, &err);
	}
	status = is_stdout ? put(&kernel, STDOUT_FILENO, "standard output")
			   : put_file(&kernel, to, force);
	if (!status && !is_stdout)
		printf("%s: %s, %s\n", to,
		       memcmp(kernel.bytes,
			      "\x7f"
			      "ELF",
			      4)
			       ? "Image"
			       : "ELF",
		       format_size(kernel.len, size));
	ax_image_file_close(&kernel);
	ax_image_file_close(&source);
	return is_stdout ? status : cli_finish_stdout(status);
}

int cmd_extract_kernel(int argc, char **argv)
{
	static const struct option long_options[] = {
		{ "force", no_argument, NULL, 'f' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	bool force = false;
	int option;

	optind = 1;
	opterr = 0;
	while ((option = getopt_long(argc, argv, ":h", long_options, NULL)) != -1) {
		if (option == 'h') {
			fputs(extract_kernel_help, stdout);
			return cli_finish_stdout(STATUS_OK);
		}
		if (option != 'f')
			return cli_bad_option(argv[0], option, argv, long_options);
		force = true;
	}
	if (argc - optind != 2)
		return cli_usage("extract-kernel: two files are expected: a compressed kernel, and "
				 "where to write what is in it");
	return extract(argv[optind], argv[optind + 1], force);
}
