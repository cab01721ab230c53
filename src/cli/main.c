/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The axvmm command: finds the subcommand.
 */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <axvmm/axvmm.h>

#include "cli/cli.h"
#include "cli/manage.h"

static const char help[] =
	"Usage: axvmm COMMAND [ARGUMENT]...\n"
	"Run guests on Linux KVM.\n"
	"\n"
	"  run      boot a kernel or another image, or without one a demonstration\n"
	"  list     which VMs run\n"
	"  status   how one of them does\n"
	"  top      what they are busy with, now\n"
	"  stop     shut it down, or end it\n"
	"  pause, resume\n"
	"           hold its CPUs, and let them go on\n"
	"  balloon  ask its guest to leave memory to the host\n"
	"  replay   feed a recording of a run to the device models, and compare\n"
	"  trace    show, sum up and convert the exits of a run\n"
	"  bench    measure what exits, starts and guests cost on this host\n"
	"  doctor   say what this host's KVM can do, and what to do about what is missing\n"
	"  guests   list the embedded guests, or extract them\n"
	"  extract-kernel\n"
	"           write the kernel that a compressed one unpacks when it boots\n"
	"  help     this text; with a command its options\n"
	"\n"
	"  --help, --version\n";

static const struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;
} commands[] = {
	{ "run", cmd_run, run_help },
	{ "list", cmd_list, list_help },
	{ "status", cmd_status, status_help },
	{ "top", cmd_top, top_help },
	{ "stop", cmd_stop, stop_help },
	{ "pause", cmd_pause, pause_help },
	{ "resume", cmd_resume, resume_help },
	{ "balloon", cmd_balloon, balloon_help },
	{ "replay", cmd_replay, replay_help },
	{ "trace", cmd_trace, trace_help },
	{ "bench", cmd_bench, bench_help },
	{ "doctor", cmd_doctor, doctor_help },
	{ "guests", cmd_guests, guests_help },
	{ "extract-kernel", cmd_extract_kernel, extract_kernel_help },
};

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	}
	return NULL;
}

static int cmd_help(int argc, char **argv)
{
	const struct command *command;

	if (argc < 2 || !strcmp(argv[1], "help")) {
		fputs(help, stdout);
		return cli_finish_stdout(STATUS_OK);
	}
	command = find_command(argv[1]);
	if (!command)
		return cli_usage("help: there is no command %s; \"axvmm help\" lists them",
				 argv[1]);
	fputs(command->help, stdout);
	return cli_finish_stdout(STATUS_OK);
}

/*
 * A standard descriptor that is closed would become the next file that is opened, and get what is
 * meant for it. What takes its place fails as a closed one does.
 */
static void keep_standard_descriptors(void)
{
	for (int fd = 0; fd <= 2; fd++) {
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF &&
		    open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
			_exit(STATUS_HOST);
	}
}

int main(int argc, char **argv)
{
	const struct command *command;

	keep_standard_descriptors();
	/* An arena for each thread would cost more than it gives: threads here hardly allocate. */
	mallopt(M_ARENA_MAX, 1);
	/* A file that is as large as it may be is told by write(), as a full disk is. */
	signal(SIGXFSZ, SIG_IGN);

	if (argc < 2)
		return cli_usage("a command is missing; \"axvmm help\" lists them");
	if (!strcmp(argv[1], "help") || !strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
		return cmd_help(argc - 1, argv + 1);
	if (!strcmp(argv[1], "--version")) {
		printf("axvmm %s\n", ax_version());
		return cli_finish_stdout(STATUS_OK);
	}
	command = find_command(argv[1]);
	if (!command)
		return cli_usage("there is no command %s; \"axvmm help\" lists them", argv[1]);
	return command->run(argc - 1, argv + 1);
}
