/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pausing, resuming and stopping a VM whose vCPUs run: a pause holds every one of them, a stop ends
 * them all. Also run under ThreadSanitizer.
 */
#include "running.h"

#include <errno.h>
#include <sched.h>

#define VCPUS 4
#define SLOTS RUNNING_SWEEP_PAGES
#define PAGE  0x1000

/*
 * 1. Pause and resume.
 */

static void check_standstill(struct running *running)
{
	uint64_t words[VCPUS];

	for (unsigned id = 0; id < running->vcpus; id++)
		words[id] = code_word(&running->vm, id, 0);
	doze(300000);
	for (unsigned id = 0; id < running->vcpus; id++)
		ck_assert_msg(code_word(&running->vm, id, 0) == words[id],
			      "vCPU %u goes on while it is paused", id);
}

static void *pause_and_resume(void *opaque)
{
	struct running *running = opaque;
	AxError err = AX_ERROR_INIT;

	for (unsigned round = 0; round < 60; round++) {
		ck_ok(ax_vm_pause(running->vm.vm, &err), err);
		check_standstill(running);
		ck_ok(ax_vm_resume(running->vm.vm, &err), err);
		if (round % 4 == 0)
			sched_yield();
	}
	return NULL;
}

static void pause_under_load(struct running *running)
{
	AxError err = AX_ERROR_INIT;
	pthread_t threads[2];

	running_start(running);
	running_wait_progress(running);
	for (unsigned i = 0; i < 2; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, pause_and_resume, running), 0);
	for (unsigned i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	running_wait_progress(running);
	ck_assert_int_eq(ax_vm_resume(running->vm.vm, &err), -EPERM);
	running_stop(running);
	running_close(running);
}

START_TEST(a_pause_holds_vcpus_that_make_exits)
{
	struct running running;

	running_open_sweep(&running, VCPUS);
	pause_under_load(&running);
}
END_TEST

START_TEST(a_pause_holds_vcpus_that_make_none)
{
	struct running running;

	running_open(&running, NULL, CODE(spin), VCPUS);
	pause_under_load(&running);
}
END_TEST

/*
 * MMIO reads of vCPU 0 in each hundred of its rounds, counted between two pauses. Paused at the
 * begin and end.
 */
static unsigned reads_per_hundred_rounds(struct running *running)
{
	const unsigned rounds_at_least = 40;
	uint64_t before[AX_EXIT_KINDS], after[AX_EXIT_KINDS], rounds;
	AxError err = AX_ERROR_INIT;

	ax_vcpu_exit_counts(running->vm.vcpu, before);
	rounds = code_word(&running->vm, 0, 0);
	ck_ok(ax_vm_resume(running->vm.vm, &err), err);
	code_wait_word(&running->vm, 0, 0, rounds + rounds_at_least);
	ck_ok(ax_vm_pause(running->vm.vm, &err), err);
	ax_vcpu_exit_counts(running->vm.vcpu, after);
	rounds = code_word(&running->vm, 0, 0) - rounds;
	return (unsigned)((after[AX_EXIT_MMIO_READ] - before[AX_EXIT_MMIO_READ]) * 100 / rounds);
}

START_TEST(memory_changes_only_while_paused)
{
	const AxGuestPhysAddr base = CODE_MMIO_ABOVE + 2 * PAGE; /* the sweep's third page */
	AxError err = AX_ERROR_INIT;
	struct running running;

	running_open_sweep(&running, VCPUS);
	running_start(&running);
	running_wait_progress(&running);
	ck_assert_int_eq(ax_ram_add(running.vm.vm, base, PAGE, 0, &err), -EBUSY);
	ck_ok(ax_vm_pause(running.vm.vm, &err), err);
	for (unsigned round = 0; round < 5; round++) {
		/* With and without RAM there; a count is off by one round at most. */
		ck_assert_uint_gt(reads_per_hundred_rounds(&running), 100 * SLOTS - 50);
		ck_ok(ax_ram_add(running.vm.vm, base, PAGE, 0, &err), err);
		ck_assert_uint_lt(reads_per_hundred_rounds(&running), 100 * SLOTS - 50);
		ck_ok(ax_ram_remove(running.vm.vm, base, &err), err);
	}
	ck_ok(ax_ram_add(running.vm.vm, base, PAGE, 0, &err), err);
	ck_ok(ax_vm_resume(running.vm.vm, &err), err);
	running_wait_progress(&running);
	ck_assert_int_eq(ax_ram_remove(running.vm.vm, base, &err), -EBUSY);
	running_stop(&running);
	running_close(&running);
}
END_TEST

/*
 * 2. Stop.
 */

struct stopper {
	AxVm *vm;
	int code;
	pthread_barrier_t *barrier;
};

static void *stop_vm(void *opaque)
{
	struct stopper *stopper = opaque;

	pthread_barrier_wait(stopper->barrier);
	ax_vm_stop(stopper->vm, stopper->code);
	return NULL;
}

START_TEST(of_several_stops_one_counts_and_all_vcpus_leave)
{
	AxError err = AX_ERROR_INIT;

	for (unsigned round = 0; round < 30; round++) {
		struct running running;
		struct stopper stoppers[3];
		pthread_t threads[3];
		pthread_barrier_t barrier;
		uint64_t pc;

		if (round % 2)
			running_open_sweep(&running, VCPUS);
		else
			running_open(&running, NULL, CODE(spin), VCPUS);
		pthread_barrier_init(&barrier, NULL, 3);
		running_start(&running);
		if (round % 3)
			running_wait_progress(&running);
		for (int i = 0; i < 3; i++) {
			stoppers[i] = (struct stopper){ running.vm.vm, 100 + i, &barrier };
			ck_assert_int_eq(pthread_create(&threads[i], NULL, stop_vm, &stoppers[i]),
					 0);
		}
		for (unsigned i = 0; i < 3; i++)
			pthread_join(threads[i], NULL);
		running_join(&running);
		ck_assert_uint_eq(running.result.end, AX_VM_END_CODE);
		ck_assert_int_ge(running.result.code, 100);
		ck_assert_int_le(running.result.code, 102);
		for (unsigned id = 0; id < VCPUS; id++) {
			AxVCpu *vcpu = ax_vm_vcpu(running.vm.vm, id);

			ck_assert_int_eq(ax_vcpu_state(vcpu), AX_VCPU_FREE);
			ck_ok(ax_vcpu_get_reg(vcpu, code_pc, &pc, &err), err);
		}
		pthread_barrier_destroy(&barrier);
		running_close(&running);
	}
}
END_TEST

START_TEST(a_stop_of_a_paused_vm_waits_for_the_resume)
{
	AxError err = AX_ERROR_INIT;
	struct running running;

	running_open_sweep(&running, VCPUS);
	running_start(&running);
	running_wait_progress(&running);
	ck_ok(ax_vm_pause(running.vm.vm, &err), err);
	ax_vm_stop(running.vm.vm, 3);
	check_standstill(&running);
	ck_ok(ax_vm_resume(running.vm.vm, &err), err);
	running_join(&running);
	ck_assert_uint_eq(running.result.end, AX_VM_END_CODE);
	ck_assert_int_eq(running.result.code, 3);
	running_close(&running);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pause");
	TCase *tcase = kvm_case(suite, "pause and stop");

	tcase_add_test(tcase, a_pause_holds_vcpus_that_make_exits);
	tcase_add_test(tcase, a_pause_holds_vcpus_that_make_none);
	tcase_add_test(tcase, memory_changes_only_while_paused);
	tcase_add_test(tcase, of_several_stops_one_counts_and_all_vcpus_leave);
	tcase_add_test(tcase, a_stop_of_a_paused_vm_waits_for_the_resume);
	return kvm_main(suite);
}
