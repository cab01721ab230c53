/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counting the user-space instructions from one KVM_RUN to the next, by ptrace single-step of the
 * thread that makes it. x86-64 Linux.
 *
 * What counts: every instruction that the thread executes in user space after KVM_RUN has returned,
 * up to and with the `syscall` that enters the next one. The libc, the vdso and the dynamic linker
 * count; the kernel does not. A repeated string instruction is one, however often it repeats.
 */
#ifndef BENCH_STEP_H
#define BENCH_STEP_H

#include <stdbool.h>
#include <stddef.h>

/* What one exit cost. */
struct step_sample {
	unsigned instructions;
	unsigned calls; /* system calls, with the KVM_RUN that ends it */
};

struct step_options {
	unsigned warm_up; /* KVM_RUNs before the first sample, which run at full speed; not 0 */
	unsigned samples; /* exits to sample */
	unsigned limit;	  /* instructions after which an exit is given up */
	unsigned seconds; /* after which everything is ended by SIGALRM */
	bool list;	  /* print the instructions of the last exit */
};

/* Whether a process may trace and single-step its child here: some sandboxes refuse. */
bool step_is_possible(void);

/*
 * Start a command with its output discarded, sample its exits, and kill it. Ends the process with
 * a message when that fails; the command may have other threads, which run at full speed.
 *
 * @param argv     NULL-terminated; argv[0] is looked for in PATH
 * @param samples  options->samples elements, filled
 * @return samples filled: fewer when the command ended by itself
 */
size_t step_run(char *const argv[], const struct step_options *options,
		struct step_sample *samples);

#endif
