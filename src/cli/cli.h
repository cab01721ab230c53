/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the axvmm command share: exit statuses, subcommands, messages.
 */
#ifndef AXVMM_CLI_CLI_H
#define AXVMM_CLI_CLI_H

#include <axvmm/error.h>

/*
 * Exit statuses, as the man page promises them. A guest's own code from 0 to 127 is passed through,
 * but for 3; the statuses from 128 on are nobody else's, so that each end can be told from the
 * others.
 */
enum cli_status {
	STATUS_OK = 0,
	STATUS_DAMAGED =
		2,	   /* of "axvmm trace" and "replay": what could be read was, the rest not */
	STATUS_NO_KVM = 3, /* /dev/kvm is missing, may not be opened, or is no KVM of API 12 */
	STATUS_SIGNAL = 128, /* + n: ended by signal n */
	STATUS_USAGE = 200,  /* the command line */
	STATUS_HOST = 201,   /* a file or the host's kernel */
	STATUS_RESET = 202,  /* the guest asked for a reset */
	STATUS_TRIPLE_FAULT = 203,
	STATUS_INTERNAL_ERROR = 204, /* KVM gave up on the guest */
	STATUS_FAIL_ENTRY = 205,     /* the processor refused the guest's state */
	STATUS_ASSERTION = 206,	     /* the guest found itself wrong */
	STATUS_UNHANDLED = 207,	     /* an exit that nobody handles */
	STATUS_CRASH = 208,	     /* the guest said that it crashed */
	STATUS_SUSPEND = 209,	     /* the guest suspended itself */
	STATUS_GUEST_CODE = 210, /* the guest's own code is 3 or above 127: the message says it */
	STATUS_TIMEOUT = 211,
	STATUS_QUIT = 212,   /* Ctrl-A x */
	STATUS_STOPPED = 213 /* axvmm stop, by force */
};

/* The largest code of a guest that is passed through. */
#define GUEST_CODE_MAX 127

/* Subcommands: argv[0] is the subcommand's name. They return an exit status. */
int cmd_run(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_replay(int argc, char **argv);
int cmd_guests(int argc, char **argv);
int cmd_extract_kernel(int argc, char **argv);
int cmd_trace(int argc, char **argv);
int cmd_bench(int argc, char **argv);

/* Those of running VMs are in manage.h. */

/* What "axvmm help NAME" prints. */
extern const char run_help[];
extern const char doctor_help[];
extern const char replay_help[];
extern const char guests_help[];
extern const char extract_kernel_help[];
extern const char trace_help[];
extern const char bench_help[];

/* One line "axvmm: ..." to standard error, whole, so that lines of several threads do not mix. Adds
 * the newline. */
void cli_message(const char *format, ...) AX_PRINTF(1, 2);

/* cli_message(), then STATUS_USAGE. */
int cli_usage(const char *format, ...) AX_PRINTF(1, 2);

/*
 * Say that a call of the library failed. @what stands before the message, as "FILE: " would; NULL:
 * nothing does. Returns the status that fits: STATUS_NO_KVM, STATUS_USAGE (the arguments) or
 * STATUS_HOST.
 */
int cli_failure(const char *what, const AxError *err);

/*
 * Say what getopt_long() stumbled over, after it returned @result, '?' or ':', with opterr = 0.
 * Returns STATUS_USAGE.
 */
struct option;
int cli_bad_option(const char *command, int result, char **argv, const struct option *options);

/* Flush stdio's standard output. Returns @status, or STATUS_HOST after a message when what was
 * printed is lost. */
int cli_finish_stdout(int status);

#endif
