/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One run of a guest, from the options to the exit status.
 */
#ifndef AXVMM_CLI_SESSION_H
#define AXVMM_CLI_SESSION_H

#include <stdint.h>

#include <signal.h>

#include <axvmm/machine.h>

#include "cli/options.h"

/* Who ended the run, as the code of ax_machine_stop(). */
enum session_stop {
	STOP_QUIT = 1,	    /* Ctrl-A x */
	STOP_OUTPUT = 2,    /* standard output cannot be written */
	STOP_TRACE = 3,	    /* nor can the trace */
	STOP_LOOP = 4,	    /* the event loop failed: it has said so */
	STOP_CONTROL = 5,   /* axvmm stop */
	STOP_GDB = 6,	    /* gdb's kill */
	STOP_TIMEOUT = 7,   /* --timeout */
	STOP_SIGNAL = 0x100 /* + its number */
};

/* Run what @options say, of a command that began at @begin_ns (timing.h). Returns the command's exit status, after saying on standard error what
 * there is to say. */
int session_run(const struct run_options *options, uint64_t begin_ns);

/*
 * Say on standard error how a guest ended, unless it ended well, with the reasons if it died.
 * Returns the exit status.
 */
int outcome_tell(AxMachine *machine, const AxMachineResult *result,
		 const struct run_options *options);

/* The same of a kernel that has panicked, by what it printed, and then asked for a reset. */
int outcome_tell_panic(void);

#endif
