/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A VM that runs while the test does things to it; see running.h.
 */
#include "running.h"

#include <string.h>
#include <sys/mman.h>
#include <time.h>

#define PAGE	  4096
#define STOP_CODE 7

void running_open(struct running *running, const AxVmOptions *options, struct code code,
		  unsigned vcpus)
{
	memset(running, 0, sizeof(*running));
	running->vcpus = vcpus;
	code_open(&running->vm, options, code);
	for (unsigned id = 1; id < vcpus; id++)
		code_add_vcpu(&running->vm, id);
}

void running_open_sweep(struct running *running, unsigned vcpus)
{
	running_open(running, NULL, CODE(sweep), vcpus);
	for (unsigned id = 0; id < vcpus; id++) {
		code_set_word(&running->vm, id, 1, CODE_MMIO_ABOVE);
		code_set_word(&running->vm, id, 2, CODE_MMIO_ABOVE + RUNNING_SWEEP_PAGES * PAGE);
	}
}

static void fail_by(const AxVmResult *result)
{
	char text[256];

	ax_exit_format(&result->exit, text, sizeof(text));
	ck_abort_msg("the VM ended by itself (end %u), vCPU %u: %s", result->end, result->vcpu,
		     text);
}

static void *run(void *opaque)
{
	struct running *running = opaque;
	AxError err = AX_ERROR_INIT;

	running->result = (AxVmResult)AX_VM_RESULT_INIT;
	ck_ok(ax_vm_run(running->vm.vm, &running->result, &err), err);
	/* The test may be waiting for the guest to do something. */
	if (running->result.end != AX_VM_END_CODE)
		fail_by(&running->result);
	return NULL;
}

void running_start(struct running *running)
{
	ck_assert_int_eq(pthread_create(&running->thread, NULL, run, running), 0);
}

void running_join(struct running *running)
{
	pthread_join(running->thread, NULL);
}

void running_stop(struct running *running)
{
	ax_vm_stop(running->vm.vm, STOP_CODE);
	running_join(running);
	ck_assert_uint_eq(running->result.end, AX_VM_END_CODE);
	ck_assert_int_eq(running->result.code, STOP_CODE);
}

void running_close(struct running *running)
{
	code_close(&running->vm);
}

void running_wait_progress(struct running *running)
{
	uint64_t words[16];

	ck_assert_uint_le(running->vcpus, 16);
	for (unsigned id = 0; id < running->vcpus; id++)
		words[id] = code_word(&running->vm, id, 0);
	for (unsigned id = 0; id < running->vcpus; id++)
		code_wait_word(&running->vm, id, 0, words[id] + 1);
}

void *page_new(void)
{
	void *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ck_assert_ptr_ne(page, MAP_FAILED);
	return page;
}

void page_free(void *page)
{
	/* The address stays taken, so that nobody else's memory comes to lie there. */
	ck_assert_ptr_ne(mmap(page, PAGE, PROT_NONE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0),
			 MAP_FAILED);
}

void doze(long ns)
{
	struct timespec time = { .tv_nsec = ns };

	nanosleep(&time, NULL);
}
