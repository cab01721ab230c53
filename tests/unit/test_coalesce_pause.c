/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Collected writes and pauses: what was written before a pause is handed out before it is reported, and
 * nothing is while it lasts, but by who asks for it.
 */
#include <string.h>

#include "core/coalesce.h"
#include "tests/unit/coalesce_fixture.h"

static struct log noted;

/* What a vCPU has written when it is asked to pause has been handed out when it stands still. */
static int write_then_spin(struct kvm_run *run, void *arg)
{
	(void)arg;
	collect(COLLECTED, 4, 1);
	return fake_spin(run);
}

static uint32_t ring_last(void)
{
	return __atomic_load_n(&fake_ring(0)->last, __ATOMIC_ACQUIRE);
}

START_TEST(a_pause_finds_nothing_in_the_ring)
{
	AxVm *vm = new_collecting_vm(&noted);
	struct run run;

	free_vcpu(vm, 0, 0);
	fake_push(0, write_then_spin, NULL);
	fake_push(0, write_then_spin, NULL);
	begin_run(&run, vm);
	wait_until(ring_last() == 1);
	ck_assert_int_eq(ax_vm_pause(vm, NULL), 0);
	ck_assert_uint_eq(noted.count, 1);
	ck_assert_uint_eq(fake_ring(0)->first, 1);
	ck_assert_int_eq(ax_vm_resume(vm, NULL), 0);
	wait_until(ring_last() == 2);
	ax_vm_stop(vm, 0);
	pthread_join(run.thread, NULL);
	ck_assert_uint_eq(noted.count, 2);
	ax_vm_destroy(vm);
}
END_TEST

static struct {
	atomic_bool inside, may_go;
} writing;

static void write_for_a_while(AxVCpu *vcpu)
{
	(void)vcpu;
	atomic_store(&writing.inside, true);
	wait_until(atomic_load(&writing.may_go));
	/* Time for a pause that does not wait to be over before this is. */
	sleep_ms(20);
	atomic_store(&writing.inside, false);
}

static void *drain(void *vm)
{
	ck_assert_int_eq(ax_coalesced_drain(vm, NULL), 0);
	return NULL;
}

/* _i: whether the vCPU is inside its loop, which waits, too, or is run by nobody. */
START_TEST(a_pause_waits_for_a_write_on_another_thread)
{
	AxVm *vm = new_collecting_vm(&noted);
	pthread_t drainer;
	struct run run;

	memset(&writing, 0, sizeof(writing));
	noted.mmio.also = write_for_a_while;
	free_vcpu(vm, 0, 0);
	if (_i) {
		begin_run(&run, vm);
		wait_until(fake_entries(0));
	}
	collect(COLLECTED, 4, 1);
	ck_assert_int_eq(pthread_create(&drainer, NULL, drain, vm), 0);
	wait_until(atomic_load(&writing.inside));
	atomic_store(&writing.may_go, true);
	ck_assert_int_eq(ax_vm_pause(vm, NULL), 0);
	ck_assert(!atomic_load(&writing.inside));
	ck_assert_uint_eq(noted.count, 1);
	pthread_join(drainer, NULL);
	ck_assert_int_eq(ax_coalesced_drain(vm, NULL), 0);
	ck_assert_uint_eq(noted.count, 1);
	ck_assert_int_eq(ax_vm_resume(vm, NULL), 0);
	if (_i) {
		ax_vm_stop(vm, 0);
		pthread_join(run.thread, NULL);
	}
	ax_vm_destroy(vm);
}
END_TEST

/* Of a vCPU that is run one entry at a time, which a pause does not hold. */
START_TEST(a_pause_hands_out_what_nobody_else_does)
{
	AxVm *vm = new_collecting_vm(&noted);
	AxVCpu *vcpu = ready_vcpu(vm, 0);
	AxVCpuExitReason exit;

	collect(COLLECTED, 4, 1);
	push_halt(0, true);
	ck_assert_int_eq(ax_vcpu_run(vcpu, &exit, NULL), 0);
	ck_assert_int_eq(ax_vm_pause(vm, NULL), 0);
	ck_assert_uint_eq(noted.count, 1);
	ck_assert_noted(&noted, 0, COLLECTED, 4, 1);
	ck_assert(pthread_equal(noted.noted[0].thread, pthread_self()));
	collect(COLLECTED, 4, 2);
	push_halt(0, true);
	ck_assert_int_eq(ax_vcpu_run(vcpu, &exit, NULL), 0);
	ck_assert_int_eq(ax_vm_pause(vm, NULL), 0);
	ck_assert_uint_eq(noted.count, 2);
	ck_assert_int_eq(ax_vm_resume(vm, NULL), 0);
	collect(COLLECTED_PORT, 1, 3);
	ck_assert_int_eq(ax_coalesced_drain(vm, NULL), 0); /* who asks gets it */
	ck_assert_uint_eq(noted.count, 3);
	collect(COLLECTED, 4, 4);
	ck_assert_int_eq(ax_vm_resume(vm, NULL), 0);
	ck_assert_uint_eq(noted.count, 3);
	push_stop(0);
	ck_assert_int_eq(ax_vcpu_loop(vcpu, &exit, NULL), AX_LOOP_STOPPED);
	ck_assert_uint_eq(noted.count, 4);
	ck_assert_noted(&noted, 3, COLLECTED, 4, 4);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(a_verdict_in_a_pause_is_told_after_it)
{
	AxVm *vm = new_collecting_vm(&noted);
	AxVCpu *vcpu = ready_vcpu(vm, 0);
	AxVCpuExitReason exit;

	noted.mmio.verdict = AX_STOP;
	collect(COLLECTED, 4, 1);
	ck_assert_int_eq(ax_vm_pause(vm, NULL), 0);
	ck_assert_int_eq(ax_vm_resume(vm, NULL), 0);
	push_stop(0);
	ck_assert_int_eq(ax_vcpu_loop(vcpu, &exit, NULL), AX_LOOP_STOPPED);
	ck_assert_uint_eq(exit.kind, AX_EXIT_MMIO_WRITE);
	ck_assert_uint_eq(exit.mmio_write.data, 1);
	ck_assert_uint_eq(fake_steps_left(0), 1);
	ax_vm_destroy(vm);
}
END_TEST

static AxError pause_error;

static void try_to_pause(AxVCpu *vcpu)
{
	ck_assert_int_eq(ax_vm_pause(ax_vcpu_vm(vcpu), &pause_error), -EDEADLK);
}

/* On whatever thread it is. */
START_TEST(a_collected_write_cannot_pause)
{
	AxVm *vm = new_collecting_vm(&noted);

	free_vcpu(vm, 0, 0);
	noted.mmio.also = try_to_pause;
	collect(COLLECTED, 4, 1);
	ck_assert_int_eq(_i ? ax_vm_pause(vm, NULL) : ax_coalesced_drain(vm, NULL), 0);
	ck_assert_uint_eq(noted.count, 1);
	ck_assert_uint_eq(pause_error.code, AX_ERROR_STATE);
	ax_vm_destroy(vm);
}
END_TEST

static void add_tests(TCase *cases)
{
	tcase_add_test(cases, a_pause_finds_nothing_in_the_ring);
	tcase_add_loop_test(cases, a_pause_waits_for_a_write_on_another_thread, 0, 2);
	tcase_add_test(cases, a_pause_hands_out_what_nobody_else_does);
	tcase_add_test(cases, a_verdict_in_a_pause_is_told_after_it);
	tcase_add_loop_test(cases, a_collected_write_cannot_pause, 0, 2);
}

RUN_SUITE("coalesce_pause", add_tests)
