/* SPDX-License-Identifier: Apache-2.0 */
/*
 * axvmm guests: list the embedded guests, or write their images to files.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/number.h"
#include "cli/writer.h"
#include "guests/embedded.h"

const char guests_help[] =
	"Usage: axvmm guests [--extract NAME|all [FILE]]\n"
	"List the guests that are embedded in this command; \"axvmm run --guest NAME\" runs one.\n"
	"\n"
	"  --extract NAME [FILE]  write the guest's image to FILE (NAME.img; - for standard "
	"output)\n"
	"  --extract all          write every guest's image to NAME.img in the current directory\n"
	"  --help                 this text\n";

static int list(void)
{
	char memory[NUMBER_TEXT_SIZE], load[NUMBER_TEXT_SIZE];

	printf("%-18s%-11s%-10s%-9s%-6s%-9s%s\n", "name", "mode", "load", "memory", "cpus",
	       "irqchip", "what it does");
	for (const struct embedded_guest *guest = embedded_guests; guest->name; guest++) {
		snprintf(load, sizeof(load), guest->flat ? "0x%" PRIx64 : "-", guest->load);
		printf("%-18s%-11s%-10s%-9s%-6u%-9s%s\n", guest->name, guest->mode, load,
		       format_size(guest->memory, memory), guest->cpus, guest->irqchip,
		       guest->description);
	}
	return cli_finish_stdout(STATUS_OK);
}

static int write_image(const struct embedded_guest *guest, int fd, const char *name)
{
	atomic_bool hurry = false;
	struct writer writer;

	writer_init(&writer, fd, &hurry);
	if (!writer_put(&writer, guest->image, guest->size))
		return STATUS_OK;
	cli_message("%s: %s", name, strerror(writer.error));
	return STATUS_HOST;
}

static int extract(const struct embedded_guest *guest, const char *path)
{
	char own_path[256];
	int status, fd;

	if (path && !strcmp(path, "-"))
		return write_image(guest, STDOUT_FILENO, "standard output");
	if (!path) {
		snprintf(own_path, sizeof(own_path), "%s.img", guest->name);
		path = own_path;
	}
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd < 0) {
		cli_message("%s: %s", path, strerror(errno));
		return STATUS_HOST;
	}
	status = write_image(guest, fd, path);
	if (close(fd) && !status) {
		cli_message("%s: %s", path, strerror(errno));
		status = STATUS_HOST;
	}
	return status;
}

static int extract_all(void)
{
	int status = STATUS_OK;

	for (const struct embedded_guest *guest = embedded_guests; guest->name && !status; guest++)
		status = extract(guest, NULL);
	return status;
}

int cmd_guests(int argc, char **argv)
{
	static const struct option long_options[] = {
		{ "extract", required_argument, NULL, 'e' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	const struct embedded_guest *guest;
	const char *name = NULL;
	int option;

	optind = 1;
	opterr = 0;
	while ((option = getopt_long(argc, argv, ":h", long_options, NULL)) != -1) {
		if (option == 'h') {
			fputs(guests_help, stdout);
			return cli_finish_stdout(STATUS_OK);
		}
		if (option != 'e')
			return cli_bad_option("guests", option, argv, long_options);
		name = optarg;
	}
	if (argc - optind > (name && strcmp(name, "all") != 0 ? 1 : 0))
		return cli_usage("guests: %s: one argument too many", argv[argc - 1]);
	if (!name)
		return list();
	if (!strcmp(name, "all"))
		return extract_all();
	guest = embedded_guest_find(name);
	if (!guest)
		return cli_usage(
			"--extract %s: there is no guest of that name; \"axvmm guests\" lists them",
			name);
	return extract(guest, argv[optind]);
}
