/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A VM of several vCPUs that runs a piece of code on a thread of its own while the test does things
 * to it; and memory that cannot be touched unnoticed once it was given back.
 */
#ifndef AXVMM_TESTS_KVM_RUNNING_H
#define AXVMM_TESTS_KVM_RUNNING_H

#include <pthread.h>

#include "code.h"

struct running {
	struct code_vm vm;
	unsigned vcpus;
	pthread_t thread;
	AxVmResult result;
};

/* Make the VM: vCPUs 0 to vcpus - 1, all at the code's beginning, none of them started yet. */
void running_open(struct running *running, const AxVmOptions *options, struct code code,
		  unsigned vcpus);

/*
 * The same with "sweep": each vCPU reads and writes RUNNING_SWEEP_PAGES pages from CODE_MMIO_ABOVE
 * on, where nothing is but what the test puts there.
 */
#define RUNNING_SWEEP_PAGES 8
void running_open_sweep(struct running *running, unsigned vcpus);

/* ax_vm_run() on a thread; fails the test at once if it ends by anything but ax_vm_stop(). */
void running_start(struct running *running);

/* Wait for its end: filled in running->result. */
void running_join(struct running *running);

/* ax_vm_stop() and join; fails the test unless that is what ended it. */
void running_stop(struct running *running);

void running_close(struct running *running);

/* Wait until word 0 of every vCPU has grown: all of them run. */
void running_wait_progress(struct running *running);

/*
 * A zeroed page; page_free() makes every later access end the process (SIGSEGV) while addresses
 * last.
 */
void *page_new(void);
void page_free(void *page);

/* Sleep; nanoseconds below a second. */
void doze(long ns);

#endif
