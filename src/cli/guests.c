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
#include <sys/stat.h>
#include <unistd.h>

#include <axvmm/probe.h>

#include "cli/cli.h"
#include "cli/number.h"
#include "cli/writer.h"
#include "guests/embedded.h"

const char guests_help[] =
	"Usage: axvmm guests [--extract NAME|all [FILE]] [--force]\n"
	"List the guests that are embedded in this command; \"axvmm run --guest NAME\" runs one.\n"
	"\n"
	"  --extract NAME [FILE]  write the guest's image to FILE (NAME.img; - for standard "
	"output)\n"
	"  --extract all          write every guest's image to NAME.img in the current directory\n"
	"  --force                replace files that are there already\n"
	"  --help                 this text\n";

static bool has_capability(const AxProbe *probe, const char *name)
{
	AxProbeCapability capability = { .size = sizeof(capability) };

	for (unsigned i = 0; ax_probe_capability(probe, i, &capability); i++) {
		if (!strcmp(capability.name, name))
			return capability.works;
	}
	return false;
}

/* Whether this host lacks what the guest needs: words of guests.list. */
static bool lacks(const AxProbe *probe, const struct embedded_guest *guest)
{
	static const struct {
		const char *need;
		const char *capability; /* NULL: a processor's extension is enough */
		bool hardware;		/* not on a KVM that interprets guest kernels */
	} table[] = {
		{ "user-msr", "X86_USER_SPACE_MSR", false },
		{ "readonly-slot", "READONLY_MEM", false },
		{ "xen-hypercall", "XEN_HVM", false },
		{ "exit-hypercall", "EXIT_HYPERCALL", true },
		{ "bad-entry", NULL, true },
		{ "guest-debug", "SET_GUEST_DEBUG", false },
		{ "guest-ebreak", "SET_GUEST_DEBUG", false },
		{ "smccc-trap", "VM_ATTRIBUTES", false },
		{ "nisv", "ARM_NISV_TO_USER", false },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (!embedded_guest_needs(guest, table[i].need))
			continue;
		if (table[i].hardware && ax_kvm_kind() == AX_KVM_SOFTWARE)
			return true;
		if (table[i].capability && !has_capability(probe, table[i].capability))
			return true;
	}
	return false;
}

/* As in guests.list: "code:0", "reset". */
static const char *end_of(const struct embedded_guest *guest, char text[NUMBER_TEXT_SIZE])
{
	bool numbered = !strcmp(guest->end, "code") || !strcmp(guest->end, "debug-exit") ||
			!strcmp(guest->end, "assertion");

	if (!numbered)
		return guest->end;
	snprintf(text, NUMBER_TEXT_SIZE, "%s:%" PRIu32, guest->end, guest->end_value);
	return text;
}

static int list(void)
{
	char memory[NUMBER_TEXT_SIZE], load[NUMBER_TEXT_SIZE], end[NUMBER_TEXT_SIZE];
	AxProbe *probe = NULL;
	/* Without KVM the list is the same, but for what cannot be said of it. */
	bool probed = !ax_probe_new(NULL, &probe, NULL);

	printf("%-17s %-10s %-10s %-8s %-5s %-8s %-15s %-22s %s\n", "name", "mode", "load",
	       "memory", "cpus", "irqchip", "ends", "needs", "what it does");
	for (const struct embedded_guest *guest = embedded_guests; guest->name; guest++) {
		snprintf(load, sizeof(load), guest->flat ? "0x%" PRIx64 : "-", guest->load);
		printf("%-17s %-10s %-10s %-8s %-5u %-8s %-15s %-22s %s%s\n", guest->name,
		       guest->mode, load, format_size(guest->memory, memory), guest->cpus,
		       guest->irqchip, end_of(guest, end), guest->needs[0] ? guest->needs : "-",
		       guest->description,
		       probed && lacks(probe, guest) ? " (not on this host)" : "");
	}
	ax_probe_free(probe);
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

static int cannot_write(const char *path, int error)
{
	if (error == EEXIST)
		cli_message("%s: it is there already; --force replaces it", path);
	else
		cli_message("%s: %s", path, strerror(error));
	return STATUS_HOST;
}

/* What is no regular file, such as /dev/stdout, is written to: there is nothing to be lost. */
static bool is_special(const char *path)
{
	struct stat status;

	return !stat(path, &status) && !S_ISREG(status.st_mode);
}

static int extract(const struct embedded_guest *guest, const char *path, bool force)
{
	char own_path[256];
	int status, fd, flags = O_WRONLY | O_CREAT | O_CLOEXEC;

	if (path && !strcmp(path, "-"))
		return write_image(guest, STDOUT_FILENO, "standard output");
	if (!path) {
		snprintf(own_path, sizeof(own_path), "%s.img", guest->name);
		path = own_path;
	}
	flags |= force || is_special(path) ? O_TRUNC : O_EXCL;
	fd = open(path, flags, 0666);
	if (fd < 0)
		return cannot_write(path, errno);
	status = write_image(guest, fd, path);
	if (close(fd) && !status)
		status = cannot_write(path, errno);
	/* Nothing half-written stays, where there was nothing. */
	if (status && (flags & O_EXCL))
		unlink(path);
	return status;
}

static int extract_all(bool force)
{
	int status = STATUS_OK;

	for (const struct embedded_guest *guest = embedded_guests; guest->name && !status; guest++)
		status = extract(guest, NULL, force);
	return status;
}

int cmd_guests(int argc, char **argv)
{
	static const struct option long_options[] = {
		{ "extract", required_argument, NULL, 'e' },
		{ "force", no_argument, NULL, 'f' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	const struct embedded_guest *guest;
	const char *name = NULL;
	bool force = false;
	int option;

	optind = 1;
	opterr = 0;
	while ((option = getopt_long(argc, argv, ":h", long_options, NULL)) != -1) {
		if (option == 'h') {
			fputs(guests_help, stdout);
			return cli_finish_stdout(STATUS_OK);
		}
		switch (option) {
		case 'e': name = optarg; break;
		case 'f': force = true; break;
		default: return cli_bad_option("guests", option, argv, long_options);
		}
	}
	if (argc - optind > (name && strcmp(name, "all") != 0 ? 1 : 0))
		return cli_usage("guests: %s: one argument too many", argv[argc - 1]);
	if (!name)
		return list();
	if (!strcmp(name, "all"))
		return extract_all(force);
	guest = embedded_guest_find(name);
	if (!guest)
		return cli_usage(
			"--extract %s: there is no guest of that name; \"axvmm guests\" lists them",
			name);
	return extract(guest, argv[optind], force);
}
